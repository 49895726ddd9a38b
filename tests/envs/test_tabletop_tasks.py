"""Every task: drawn by seed, planned by Fast Downward, carried out fact by fact."""

from __future__ import annotations

from collections import Counter

import pytest

from surefoot.core.errors import InputError
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.execution import Execution, execute
from surefoot.envs.tabletop.skills import Skills
from surefoot.envs.tabletop.state import read_facts
from surefoot.envs.tabletop.tasks import (
    DIFFICULTIES,
    TASKS,
    TabletopTask,
    list_tasks,
    make_tabletop,
)
from surefoot.envs.tabletop.twin import TabletopTwin
from surefoot.envs.tabletop.world import TabletopWorld
from surefoot.pddl import GroundTask, Plan, validate
from surefoot.pddl.conditions import holds
from surefoot.pddl.language import PlanStep
from surefoot.pddl.reference import FD_FF
from surefoot.results.statistics import wilson

CASES = [(kind, difficulty) for kind in TASKS for difficulty in DIFFICULTIES]


def planned(instance: TabletopTask) -> Plan:
    result = FD_FF.solve(instance.task)
    assert result.plan is not None, result
    return result.plan


def carried_out(instance: TabletopTask, plan: Plan, faults: Faults | None = None) -> Execution:
    with Simulation() as simulation:
        world = TabletopWorld(simulation, instance.scene, faults, instance.seed)
        assert read_facts(world) == instance.task.problem.init
        return execute(Skills(world, instance.task, instance.seed), plan)


@pytest.mark.parametrize(("kind", "difficulty"), CASES)
def test_instances_are_drawn_by_seed_and_begin_unsolved(kind: str, difficulty: str) -> None:
    instructions, inits = set(), set()
    for seed in range(12):
        instance = make_tabletop(kind, difficulty, seed)
        assert instance == make_tabletop(kind, difficulty, seed)
        ground = GroundTask(instance.task)
        assert not holds(ground.goal, ground.initial)
        assert instance.instruction.endswith(".")
        instructions.add(instance.instruction)
        inits.add(instance.task.problem.init)
        named = set(instance.scene.things) | {"the-table"}
        assert set(instance.task.objects) == named
    assert len(inits) > 1


@pytest.mark.parametrize("kind", TASKS)
def test_harder_tasks_need_longer_plans(kind: str) -> None:
    lengths = [len(planned(make_tabletop(kind, d, 1))) for d in DIFFICULTIES]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[2]


def twin_agrees(instance: TabletopTask, execution: Execution) -> bool:
    twin = TabletopTwin(instance.kind, instance.difficulty)
    twin.reset(seed=instance.seed)
    done = False
    for report in execution.reports:
        _, _, done, _, info = twin.step(twin.actions.number(report.step))
        if info["status"] != "done" or twin.facts() != report.facts:
            return False
    return done == execution.reached


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("difficulty", ["easy", "hard"])
def test_plans_reach_the_goal_in_physics_and_the_twin_agrees(kind: str, difficulty: str) -> None:
    instance = make_tabletop(kind, difficulty, 2)
    plan = planned(instance)
    assert validate(instance.task, plan).valid
    execution = carried_out(instance, plan)
    assert execution.mismatch is None, str(execution.mismatch)
    assert execution.reached
    assert len(execution.reports) == len(plan)
    assert twin_agrees(instance, execution)


def told(name: str, won: int, n: int) -> None:
    interval = wilson(won, n)
    print(f"{name}: {won} of {n}, Wilson {interval.low:.3f} to {interval.high:.3f}")  # noqa: T201


@pytest.mark.slow
def test_plans_reach_the_goal_on_many_seeds() -> None:
    """20 seeds of every task and difficulty; -s shows the rates by task and by skill."""
    tasks: Counter[tuple[str, bool]] = Counter()
    steps: Counter[tuple[str, bool]] = Counter()
    for kind, difficulty in CASES:
        for seed in range(20):
            instance = make_tabletop(kind, difficulty, seed)
            execution = carried_out(instance, planned(instance))
            won = execution.reached and execution.mismatch is None
            tasks[kind, won] += 1
            steps.update((r.step.action, r.agrees) for r in execution.reports)
            if won:
                assert twin_agrees(instance, execution)
            else:
                print(instance.task.name, execution.mismatch)  # noqa: T201
    for counts in (tasks, steps):
        for name in dict.fromkeys(name for name, _ in counts):
            told(name, counts[name, True], counts[name, False] + counts[name, True])
    assert sum(n for (_, won), n in tasks.items() if won) >= 0.99 * sum(tasks.values())


def test_a_mismatch_is_reported_fact_by_fact() -> None:
    instance = make_tabletop("tower", "easy", 0)
    execution = carried_out(instance, planned(instance), Faults(position_noise=0.06))
    report = execution.mismatch
    assert report is not None
    assert not execution.reached
    assert not report.result.done
    assert report.missing
    assert report.unexpected
    assert str(report.step) in str(report)
    assert "missing (" in str(report)
    assert len(execution.reports) == execution.reports.index(report) + 1


def test_a_step_that_cannot_be_taken_changes_nothing_and_is_a_mismatch() -> None:
    instance = make_tabletop("tower", "easy", 0)
    block = instance.scene.blocks[0].name
    step = PlanStep("place", (block, "white-pad"))
    execution = carried_out(instance, Plan((step,)))
    report = execution.reports[0]
    assert report.result.status == "refused"
    assert {str(f) for f in report.missing} == {f"(on {block} white-pad)"}
    assert {str(f) for f in report.unexpected} == {"(vacant white-pad)"}


def test_names_are_checked() -> None:
    with pytest.raises(InputError, match="tidy, tower, sort, retrieve, table"):
        make_tabletop("juggle")
    with pytest.raises(InputError, match="easy, medium, hard"):
        make_tabletop("tidy", "absurd")
    assert [name for name, _ in list_tasks()] == list(TASKS)
    assert all(line.endswith(".") for _, line in list_tasks())
