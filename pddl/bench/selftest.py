"""Checks the bench itself before it judges anybody.

A broken validator or planner would count as the model's failure; so every bench first
grades known plans, sound and damaged, of every domain that it uses, and has the planners
that can be checked solve a task whose optimal cost is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from surefoot.pddl.bench.prompts import plan_json
from surefoot.pddl.domains import get_domain
from surefoot.pddl.extract import extract
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, PlanStep, Task, parse_plan, write_plan
from surefoot.pddl.planner import Planner, PlanRequest, ReplyStatus
from surefoot.pddl.reference.bounds import lookup
from surefoot.pddl.validator import validate
from surefoot.results.errors import HarnessError

_SEED = 0


def check_domain(name: str) -> None:
    """Grades a known plan of a domain, and damaged ones.

    Raises:
        HarnessError: A sound plan is refused, or a damaged one accepted.
    """
    spec = get_domain(name)
    instance = spec.generate(spec.min_size, _SEED)
    plan, task = instance.witness, instance.task
    ground = GroundTask(task)
    if not validate(ground, plan).valid:
        raise HarnessError(f"self-test: the validator refuses a valid plan of {name}")
    unknown = PlanStep("no-such-action-of-any-domain")
    for broken in (Plan((unknown, *plan.steps)), Plan((*plan.steps, unknown)), Plan()):
        if validate(ground, broken).valid:
            raise HarnessError(f"self-test: the validator accepts a damaged plan of {name}")
    for text in (write_plan(plan), plan_json(plan)):
        found = extract(text, ground)
        if found.chosen is None or found.chosen.plan != plan:
            raise HarnessError(f"self-test: a plainly written plan of {name} is misread")
    if parse_plan(write_plan(plan)) != plan:
        raise HarnessError(f"self-test: a plan of {name} does not survive writing and reading")


def check_planner(planner: Planner) -> None:
    """Has a search or script solve a task whose optimal cost is known.

    Scripts may fail at it; nobody may return an invalid plan or beat the optimum.

    Raises:
        HarnessError: The planner does not work, or claims what cannot be.
    """
    spec = get_domain("blocksworld")
    task: Task = spec.generate(spec.min_size, _SEED).task
    known = lookup(task)
    for _, reply in planner.solve([PlanRequest(task, key="self-test")]):
        if reply.status is ReplyStatus.SERVER_ERROR:
            raise HarnessError(f"self-test: {planner.name} does not work: {reply.message}")
        if reply.status is ReplyStatus.UNSOLVABLE:
            raise HarnessError(f"self-test: {planner.name} calls a solvable task unsolvable")
        if reply.plan is None:
            return
        verdict = validate(task, reply.plan)
        if reply.status is ReplyStatus.ANSWERED and verdict.valid:
            if known.lower is not None and verdict.cost < known.lower:
                raise HarnessError(f"self-test: {planner.name} beats a proven optimum")
            return
        return
    raise HarnessError(f"self-test: {planner.name} gave no reply")


def self_test(domains: Iterable[str], planners: Mapping[str, Planner]) -> None:
    """Checks all that a bench uses; see :func:`check_domain` and :func:`check_planner`.

    Planners that read text are not asked anything: a language model has no known answer.
    """
    for name in dict.fromkeys(("blocksworld", *domains)):
        check_domain(name)
    for planner in planners.values():
        if not planner.reads_text:
            check_planner(planner)
