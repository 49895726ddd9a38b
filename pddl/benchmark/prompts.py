"""Prompts: how a task is described, the answer asked for, and feedback given."""

from __future__ import annotations

from typing import Any

from surefoot.core.chat import Message
from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.config import AnswerForm, BenchJob, Shot, Style
from surefoot.pddl.benchmark.variants import Variant
from surefoot.pddl.compact import compact_prompt
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, Task, write_domain, write_plan, write_problem
from surefoot.pddl.renaming import Renaming, tell
from surefoot.pddl.verdict import Verdict

_QUESTION = (
    "Find an optimal plan: a sequence of actions, as cheap as possible, that solves the task."
)
_LINES = (
    "Write the plan with one action a line, each as (name argument ...) with the names and the "
    "order of arguments given above. Write nothing after the plan."
)
_JSON = (
    'Answer with one JSON object {"plan": [{"action": "name", "args": ["argument", ...]}, ...]} '
    "and nothing else; an empty list if nothing has to be done."
)
_REASON = "First reason step by step. Then write a line 'Plan:' and the plan below it."


def describe(task: Task, style: Style, domain: str, prompt: str = "") -> str:
    """Describes a task.

    Args:
        task: The task, with the names that the model shall see.
        style: How.
        domain: Name of its built-in domain, if it has one.
        prompt: What the style ``published`` says, if that is given.

    Raises:
        InputError: The style needs a built-in domain and this is none.
    """
    if style is Style.PUBLISHED and prompt:
        return prompt.strip()
    if style in (Style.PUBLISHED, Style.COMPLETE):
        if domain not in list_domains() or task.domain != get_domain(domain).domain:
            raise InputError(f"style '{style}' knows no words for '{task.name}'; use 'template'")
        spec = get_domain(domain)
        return f"{spec.describe_domain().strip()}\n\n{spec.describe_problem(task.problem)}"
    if style is Style.PDDL:
        return f"{write_domain(task.domain).strip()}\n\n{write_problem(task.problem).strip()}"
    if style is Style.COMPACT:
        return compact_prompt(task)
    return tell(task).strip()


def first_messages(
    told: str,
    style: Style,
    shot: Shot,
    answer: AnswerForm,
    given: bool = False,
    example: tuple[str, Plan] | None = None,
) -> tuple[Message, ...]:
    """Builds the conversation up to the first answer.

    Args:
        told: The task in words.
        style: Prompt style.
        shot: What stands around it.
        answer: How the answer is asked for.
        given: Whether ``told`` is a published prompt with its own question.
        example: Another task of the domain in words and its plan, for ``Shot.ONE``.
    """
    if style is Style.COMPACT:
        return (Message("user", told),)
    parts: list[str] = []
    if example is not None:
        text, plan = example
        shown = write_plan(plan).strip() if answer is AnswerForm.TEXT else plan_json(plan)
        parts += [
            "Here is a task with its solution.",
            text,
            f"Solution:\n{shown}",
            "Now solve the following task.",
        ]
    parts.append(told)
    if not given:
        parts.append(_QUESTION)
    if shot is Shot.COT:
        parts.append(_REASON)
    if answer is AnswerForm.JSON:
        parts.append(_JSON)
    elif style is not Style.PUBLISHED:
        parts.append(_LINES)
    return (Message("user", "\n\n".join(parts)),)


_BRIDGES = {
    BenchJob.REUSE: "The next task has the same start and another goal.",
    BenchJob.REFORMULATE_SHUFFLED: "The next task tells the same goal in another order.",
    BenchJob.REFORMULATE_PARTIAL: "The next task has the same start and demands less at the end.",
    BenchJob.REFORMULATE_FULL: "The next task has the same start and demands more at the end.",
}


def changed_text(
    job: BenchJob, variant: Variant, before: str, now: str, renaming: Renaming | None
) -> str:
    """Describes a task beside an earlier one and its plan.

    Args:
        job: How the task was changed.
        variant: Both tasks, with their own names.
        before: The earlier task in words, with the names that the model shall see.
        now: The task in words, with these names.
        renaming: The way to these names, ``None`` for the own ones.
    """

    def shown(plan: Plan) -> str:
        return write_plan(renaming.apply_plan(plan) if renaming else plan).strip()

    parts = ["Here is a task with a plan that solves it.", before, f"Plan:\n{shown(variant.plan)}"]
    if job is BenchJob.REPLAN:
        took_place = [
            f"{what}: {' '.join(map(str, map(renaming.apply_atom, atoms) if renaming else atoms))}"
            for what, atoms in (("Now false", variant.lost), ("Now true", variant.gained))
            if atoms
        ]
        first = ("first step", f"first {variant.done} steps")[variant.done > 1]
        when = f"After the {first} of" if variant.done else "Before"
        parts += [
            f"{when} this plan something unexpected changed the state.",
            "\n".join(took_place),
            "The next task starts from the state after that and has the same goal.",
        ]
    else:
        parts.append(_BRIDGES[job])
    return "\n\n".join([*parts, now])


def answer_schema(task: Task) -> dict[str, Any]:
    """Returns a JSON schema of plans that name only the task's actions and objects."""
    step = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": list(task.domain.actions)},
            "args": {"type": "array", "items": {"type": "string", "enum": list(task.objects)}},
        },
        "required": ["action", "args"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"plan": {"type": "array", "items": step}},
        "required": ["plan"],
        "additionalProperties": False,
    }


def plan_json(plan: Plan) -> str:
    """Writes a plan in the JSON form that models are asked for."""
    import json

    steps = [{"action": s.action, "args": list(s.args)} for s in plan.steps]
    return json.dumps({"plan": steps})


MAX_FEEDBACK = 20_000
"""Longest feedback in bytes; what is beyond is left out, so that what a bench asks is bounded."""


def feedback(detail: str, ground: GroundTask, plan: Plan, verdict: Verdict | None) -> str:
    """Writes the feedback on a plan that is not valid.

    Args:
        detail: ``binary``, ``first`` or ``all``.
        ground: The task, with the names that the model sees.
        plan: The plan that was read from its answer.
        verdict: Its check; ``None`` if no plan could be read.
    """
    again = "Give a complete corrected plan in the same format."
    said = _feedback(detail, ground, plan, verdict)
    room = MAX_FEEDBACK - len(again) - 8
    if len(said.encode()) > room:
        said = said.encode()[:room].decode(errors="ignore") + " …"
    between = "\n" if "\n" in said else " "
    return f"{said}{between}{again}"


def _feedback(detail: str, ground: GroundTask, plan: Plan, verdict: Verdict | None) -> str:
    if verdict is None:
        return "No plan could be read from the answer."
    if detail == "binary":
        return "The plan is not valid."
    if verdict.first_error is not None:
        said = f"The plan is not valid: {verdict.first_error.message}."
    else:
        said = f"All steps can be executed, but not reached: {', '.join(verdict.unmet_goals)}."
    if detail == "first":
        return said
    lines = [said]
    if len(verdict.all_errors) > 1:
        lines.append("If execution went on regardless, these would fail too:")
        lines += [f"- {e.message}" for e in verdict.all_errors[1:10]]
    state = set(ground.initial)
    for step in plan.steps[: verdict.executable_prefix]:
        ground.ground(step).apply(state)
    facts = " ".join(sorted(map(str, ground.facts(state))))
    lines.append(f"The state after the first {verdict.executable_prefix} steps: {facts}")
    if verdict.unmet_goals:
        lines.append(f"Goals that do not hold in it: {', '.join(verdict.unmet_goals)}")
    return "\n".join(lines)
