"""Hypothesis-made tasks: writer, validator and successors against two other opinions."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, Task, parse_task, write_domain, write_problem
from surefoot.pddl.successors import StateView
from surefoot.pddl.validator import validate

from . import naive
from .random_tasks import tasks, tasks_with_plans
from .up_oracle import Oracle

SETTINGS = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@settings(SETTINGS, max_examples=1500)
@given(tasks_with_plans())
def test_validator_matches_a_plain_reading_of_the_semantics(pair: tuple[Task, Plan]) -> None:
    task, plan = pair
    verdict = validate(task, plan)
    failing = verdict.first_error.step if verdict.first_error else None
    assert (verdict.valid, failing) == naive.run(task, plan)


@settings(SETTINGS, max_examples=400)
@given(tasks_with_plans())
def test_what_is_written_reads_back_the_same(pair: tuple[Task, Plan]) -> None:
    task, plan = pair
    again = parse_task(write_domain(task.domain), write_problem(task.problem))
    assert again.domain.actions.keys() == task.domain.actions.keys()
    assert again.problem.init == task.problem.init
    assert validate(again, plan).status == validate(task, plan).status
    twice = parse_task(write_domain(again.domain), write_problem(again.problem))
    assert (twice.domain, twice.problem) == (again.domain, again.problem)


@settings(SETTINGS, max_examples=200)
@given(tasks_with_plans())
def test_validator_matches_unified_planning(pair: tuple[Task, Plan]) -> None:
    task, plan = pair
    verdict = validate(task, plan)
    opinion = Oracle.of(task).judge(plan)
    failing = verdict.first_error.step if verdict.first_error else None
    assert (verdict.valid, failing) == (opinion.valid, opinion.failing)


@settings(SETTINGS, max_examples=500)
@given(tasks())
def test_applicable_actions_are_exactly_those_of_brute_force(task: Task) -> None:
    ground = GroundTask(task)
    found = [action.step for action in StateView(ground, ground.initial).actions()]
    expected = [s for s in naive.all_steps(task) if naive.run(task, Plan((s,)))[1] is None]
    assert len(found) == len(set(found))
    assert set(found) == set(expected)
