"""Checks the bench itself before anything is graded.

A broken validator or planner would count as the model's failure; so every bench first
grades known plans, sound and damaged, of every domain that it uses, and has the planners
that can be checked solve a task whose optimal cost is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import HarnessError
from surefoot.pddl.benchmark.prompts import plan_json
from surefoot.pddl.benchmark.quiz import mark_text, written_answer
from surefoot.pddl.domains import get_domain
from surefoot.pddl.extract import extract
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, PlanStep, Task, parse_plan, write_plan
from surefoot.pddl.planner import Planner, PlanRequest
from surefoot.pddl.questions import Question, make_questions
from surefoot.pddl.reference.bounds import lookup
from surefoot.pddl.validator import validate

_SEED = 0
_STATES = 500
"""States up to which the check of questions looks at a task as a whole: it must be quick."""


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
    """Checks that a search or script solves a task whose optimal cost is known.

    Scripts may fail to solve it, but no planner may return an invalid plan or beat the optimum.

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


def check_questions(name: str) -> None:
    """Marks exact and damaged answers to questions about a task of a domain, in both forms.

    Raises:
        HarnessError: There are no questions, an exact answer is marked wrong, or a damaged one
            right.
    """
    spec = get_domain(name)
    instance = spec.generate(spec.min_size, _SEED)
    questions = make_questions(instance.task, instance.witness, n=1, cap=_STATES)
    if not questions:
        raise HarnessError(f"self-test: there are no questions about {name}")
    for q in questions:
        for as_json in (False, True):
            if not mark_text(q, written_answer(q, as_json), as_json).correct:
                raise HarnessError(f"self-test: a right answer is marked wrong ({name}: {q.key})")
            for wrong in damaged_answers(q):
                if mark_text(q, written_answer(wrong, as_json), as_json).correct:
                    raise HarnessError(
                        f"self-test: a wrong answer is marked right ({name}: {q.key})"
                    )


def damaged_answers(question: Question) -> list[Question]:
    """Returns the question with wrong answers in the right ones' place."""
    right = question.answers
    wrong = [o for o in question.pool if o not in right]
    said: list[tuple[str, ...]] = [(o,) for o in wrong[:1]]
    if question.every:
        said = [(*right, o) for o in wrong[:1]] + ([right[1:]] if len(right) > 1 else [])
    return [replace(question, answers=s) for s in said]


def self_test(
    domains: Iterable[str], planners: Mapping[str, Planner], *, questions: bool = False
) -> None:
    """Checks all that a bench uses; see :func:`check_domain` and :func:`check_planner`.

    With ``questions`` also their marking, see :func:`check_questions`. Planners that read
    text are not asked anything: a language model has no known answer.
    """
    for name in dict.fromkeys(("blocksworld", *domains)):
        check_domain(name)
        if questions:
            check_questions(name)
    for planner in planners.values():
        if not planner.reads_text:
            check_planner(planner)
