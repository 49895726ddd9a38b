"""Reading and judging plans, and the words between contexts and symbolic states."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from surefoot.agents.planning.base import CROSSING, PlanningContext
from surefoot.agents.planning.judge import (
    GOAL,
    check_program,
    feedback,
    judge,
    judge_steps,
    rule_names,
    table_rules,
)
from surefoot.agents.planning.labels import labels
from surefoot.agents.planning.learning import drivers, tidying
from surefoot.agents.planning.place import DRIVES, rules_at, way_of, world_at
from surefoot.agents.planning.planners.guide import needs, reference_program
from surefoot.agents.planning.reading import read_program, read_steps
from surefoot.agents.planning.table import (
    answers_of,
    facts_of,
    ground_of,
    place_words,
    task_of,
    thing_named,
)
from surefoot.core.errors import InputError
from surefoot.envs.crossing.labels import OBSERVATIONS
from surefoot.envs.crossing.skills import CrossingAction
from surefoot.envs.crossing.tasks import LIGHT_RULES, TASKS
from surefoot.envs.crossing.twin import Twin
from surefoot.envs.tabletop.tasks import DIFFICULTIES, make_tabletop
from surefoot.envs.tabletop.tasks import TASKS as KINDS
from surefoot.pddl import validate
from surefoot.pddl.compact import compact_plan
from surefoot.pddl.language import PlanStep
from surefoot.verification.formulas.semantics import evaluate

pytestmark = pytest.mark.quick


def crossing(task: str) -> PlanningContext:
    return PlanningContext(CROSSING, task, "Drive.", {})


@pytest.mark.parametrize("task", TASKS)
def test_the_reference_obeys_all_rules_and_each_of_its_guards_counts(task: str) -> None:
    context = crossing(task)
    found = judge(context, reference_program(task))
    assert found.good
    assert set(found.rules) == {r.name for r in rules_at(task)}
    guards = needs(task)
    lax = [
        g
        for g in guards
        if judge(
            context,
            f"wait_until({' and '.join(h for h in guards if h != g) or 'True'})\n{way_of(task)}()",
        ).good
    ]
    # What the rulebook does not ask for, the guide asks for because it bars the way.
    turn = task.partition("-at-")[0]
    unasked = {
        "straight": {"not car_from_left", "not car_from_right"},
        "right": set(),
        "left": {"not pedestrian", "green_light"},
    }[turn]
    assert set(lax) <= unasked


@pytest.mark.parametrize("task", TASKS)
def test_entering_by_the_reference_never_ends_in_a_collision_in_the_twin(task: str) -> None:
    twin = Twin(task)
    guard = needs(task)
    rng = Random(task)
    entered = 0
    for _ in range(60):
        (state,) = rng.choices([s for _, s in twin.initial()], [p for p, _ in twin.initial()])
        for _ in range(60):
            seen = dict(zip(OBSERVATIONS, twin.observations(state).tolist(), strict=True))
            free = all(not seen[g[4:]] if g.startswith("not ") else seen[g] for g in guard)
            if free:
                entered += 1
                assert twin.expert(state) is not CrossingAction.STOP
                break
            state = twin.sample(state, CrossingAction.STOP, rng)
    assert entered > 20


def test_no_program_passes_that_only_stands_and_none_that_only_drives() -> None:
    for task in TASKS:
        still = judge(crossing(task), "while True:\n    stop()\n")
        assert still.broken
        assert not still.reaches_goal
        assert judge(crossing(task), f"{way_of(task)}()").broken
        for other in set(DRIVES.values()) - {way_of(task)}:
            guard = " and ".join(needs(task))
            assert not judge(crossing(task), f"wait_until({guard})\n{other}()").reaches_goal


def test_verdicts_agree_with_runs_that_are_tried_one_by_one() -> None:
    """Every short run of a program in its world, judged by the naive evaluator."""
    rng = Random(4)
    for _ in range(12):
        context = drivers.draw_context(rng)
        text = drivers.careless_program(context.task, context.world, rng)
        verdict, world = check_program(context.task, read_program(text))
        for rule in verdict.rules:
            if rule.holds:
                continue
            witness = rule.result.witness
            assert witness is not None
            if witness.loop:
                continue
            trace = [frozenset(s.facts) for s in witness.steps]
            assert not evaluate(rule.rule.formula, trace)
        assert set(world.observations) >= {"past"}


def test_where_there_is_no_light_its_rules_do_not_count() -> None:
    assert not LIGHT_RULES & {r.name for r in rules_at("left-at-sign")}
    assert {r.name for r in rules_at("left-at-light")} >= LIGHT_RULES
    assert len(world_at("left-at-light").observations) == 8


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no steps"),
        ("import os", "not understood"),
        ("fly()", "not an action"),
        ("wait_until(sunny)\nstop()", "not an observation"),
        ("stop(", "not valid Python"),
    ],
)
def test_unreadable_programs_are_a_verdict(text: str, why: str) -> None:
    found = judge(crossing("left-at-light"), text)
    assert not found.readable
    assert found.grade() == -1
    assert why in found.reason


def test_code_blocks_are_read_and_prose_around_steps_is_not() -> None:
    program = read_program("Sure!\n```python\nstop()\n```\nGood luck.")
    assert len(program.statements) == 1
    steps = read_steps("Plan:\n1. (pick a the-table)\n(put-in a b) now\nend\n(pick c the-table)")
    assert steps.steps == (PlanStep("pick", ("a", "the-table")), PlanStep("put-in", ("a", "b")))
    assert read_steps("end").steps == ()
    with pytest.raises(InputError, match="no step"):
        read_steps("I cannot do that.")


@pytest.mark.parametrize("kind", list(KINDS))
def test_contexts_hold_the_whole_state(kind: str) -> None:
    for level, seed in itertools.product(DIFFICULTIES, range(4)):
        instance = make_tabletop(kind, level, seed)
        context = tidying.context_of(instance)
        assert facts_of(context) == instance.task.problem.init
        assert task_of(context).problem.goal == instance.task.problem.goal
        for name, thing in instance.scene.things.items():
            assert thing_named(name).kind is thing.kind
            assert (thing_named(name).color, thing_named(name).size) == (thing.color, thing.size)


def test_states_on_the_way_are_told_and_read_too() -> None:
    rng = Random(0)
    for seed in range(40):
        context = tidying.draw_context(rng, seed)
        ground = ground_of(context)
        state = set(ground.initial)
        for step in tidying.steady_plan(context).steps:
            ground.ground(step).apply(state)
            facts = ground.facts(state)
            told = PlanningContext(
                context.env,
                context.task,
                "",
                answers_of(context.objects, facts),
                {},
                context.goal,
                context.objects,
            )
            assert facts_of(told) == facts


def test_twins_are_told_apart_by_ordinals_and_wrong_answers_are_refused() -> None:
    objects = ("the-table", "red-bin", "red-block1", "red-block3", "red-cylinder2")
    words = place_words(objects)
    assert words["red-block3"] == "on the second red block"
    assert words["red-cylinder2"] == "on the red cylinder"
    assert words["red-bin"] == "in the red bin"
    context = PlanningContext(
        "tabletop", "t", "", {"place:red-block1": "in the moon"}, objects=objects
    )
    with pytest.raises(InputError, match="no place of this scene"):
        facts_of(context)
    with pytest.raises(InputError, match="cannot tell what"):
        thing_named("thing7")


def test_steady_plans_are_valid_and_obey_the_rulebook() -> None:
    rng = Random(7)
    for seed in range(120):
        context = tidying.draw_context(rng, seed)
        plan = tidying.steady_plan(context)
        found = judge(context, compact_plan(plan))
        assert found.good, (context, plan, found.reason)
        assert set(found.rules) == set(rule_names("tabletop"))


def test_the_labels_are_what_the_rules_speak_of() -> None:
    context = tidying.context_of(make_tabletop("retrieve", "easy", 3))
    ground = ground_of(context)
    facts = ground.facts(set(ground.initial))
    (hidden,) = (f for f in facts if f.predicate == "in")
    block, box = hidden.args
    take = labels(ground, facts, PlanStep("take-out", (block, box)), unsure={block})
    assert take == {"take_out", "hand_empty", "block_clear", "unsure", "target_stable"}
    opened = labels(ground, facts, PlanStep("open-lid", (box.replace("box", "lid"), box)))
    assert "container_open" not in opened
    lid = labels(ground, facts, PlanStep("place", (block, box.replace("box", "lid"))))
    assert "target_is_lid" in lid
    loose = frozenset(f for f in facts if f.args[:1] != (block,) or f.predicate == "holding")
    assert "target_stable" not in labels(ground, loose, PlanStep("stack", ("red-block", block)))
    end = labels(ground, facts, None, person_near=True)
    assert end == {"hand_empty", "person_near"}


def test_a_rule_is_named_for_each_kind_of_wrong_step() -> None:
    context = tidying.context_of(make_tabletop("retrieve", "easy", 3))
    ground = ground_of(context)
    start = ground.facts(set(ground.initial))
    (block, box), lid = next(f.args for f in start if f.predicate == "in"), "brown-lid"
    other, second = sorted(f.args[0] for f in start if f.predicate == "on")
    cases = {
        f"(take-out {block} {box})": "reach-only-into-open-containers",
        f"(put-down {other} the-table)": "release-only-what-is-held",
        f"(pick {other} the-table)": "empty-hand-at-the-end",
        f"(pick {other} the-table)\n(open-lid {lid} {box})": "lids-with-empty-hand",
        f"(open-lid {lid} {box})": "close-what-was-opened",
        f"(pick {other} the-table)\n(pick {second} the-table)": "grasp-with-empty-hand",
    }
    for text, rule in cases.items():
        found = judge(context, text)
        assert rule in found.broken, (text, found)
        assert rule in feedback(context, text)
        assert not found.reaches_goal
    assert table_rules().rule(GOAL)
    done = judge_steps(ground, read_steps("end"))
    assert done.grade() == 1
    assert validate(ground, read_steps("end")).valid == done.reaches_goal
