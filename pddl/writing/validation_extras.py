"""What else answers say, for validation."""

from __future__ import annotations

from surefoot.pddl.language.model import PlanStep
from surefoot.pddl.successors import StateView
from surefoot.pddl.writing.extras import StyleExtra, Told, intro, outro, withdrawn_draft
from surefoot.pddl.writing.model import Split, WrittenStep
from surefoot.pddl.writing.speaker import first_upper
from surefoot.pddl.writing.structures import lower_start
from surefoot.pddl.writing.wordings import call, third_person


def numbered_facts(told: Told) -> str:
    """Restates the start as a numbered list."""
    start = told.clauses(sorted(told.states[0]))[:6]
    lines = ["Let me restate the situation.", ""]
    lines += [f"{n}. {clause}" for n, clause in enumerate(start, start=1)]
    return "\n".join([*lines, "", "Sequence of actions:"])


def analysis(told: Told) -> str:
    """Reasons about the goal in a paragraph."""
    goals = told.goals()
    said = " and ".join(goals[:2])
    return (
        f"We need to make sure that {said}. The main difficulty is the order of the actions, "
        "since several of them depend on each other. The plan:"
    )


def idle_objects(told: Told) -> str:
    """Says which objects are not needed."""
    used = {a for item in told.items for a in item.step.args}
    idle = [n for n in told.speaker.roster.names if n not in used]
    return "\n".join(f"Note: {name} is not needed here." for name in idle[:2])


def precondition(told: Told, at: int) -> str:
    """Explains why the step is possible."""
    return "*Precondition satisfied; see the state above.*"


def effects(told: Told, at: int) -> str:
    """Lists what the step changes."""
    new = told.clauses(sorted(told.states[at + 1] - told.states[at]))
    return f"- Effect: {'; '.join(new[:3])}" if new else ""


def closing_state(told: Told) -> str:
    """Summarizes the last state."""
    facts = told.clauses(sorted(told.states[-1]))[:8]
    return "\n".join(["**Final state:**", *(f"- {clause}" for clause in facts)])


def alternative(told: Told) -> str:
    """Mentions a first step that would also be possible."""
    used = {item.step for item in told.items}
    view = StateView(told.ground, told.states[0])
    other = next((a.step for a in view.actions() if a.step not in used), None)
    if other is None:
        return ""
    said = call(WrittenStep(other), told.speaker)
    return f"An alternative would be to begin with `{said}`, at no gain."


def thoughts(told: Told) -> str:
    """Thinks in English first, about steps that the plan need not have."""
    draft = told.draft()[:3]
    steps = [lower_start(third_person(i, told.speaker), told.speaker.names(i.step)) for i in draft]
    said = " ".join(f"Perhaps {step}." for step in steps)
    doubt = told.speaker.rng.choice(told.sayings.withdrawals)
    return f"<thinking>\nOkay, the user wants a plan. {said} {doubt}\n</thinking>"


def counted(told: Told) -> str:
    """Counts the actions."""
    return f"Total number of actions: {len(told.items)}"


def ending(told: Told) -> str:
    """Explains the last step once more."""
    last: PlanStep = told.items[-1].step
    return f"{first_upper(last.action)} comes last because the goal depends on it."


_VAL = Split.VALIDATION
EXTRAS = (
    StyleExtra("opening-line", _VAL, before=intro),
    StyleExtra("closing-line", _VAL, after=outro),
    StyleExtra("numbered-facts", _VAL, before=numbered_facts),
    StyleExtra("analysis", _VAL, before=analysis),
    StyleExtra("idle-objects", _VAL, after=idle_objects),
    StyleExtra("precondition", _VAL, remark=precondition),
    StyleExtra("effects", _VAL, remark=effects),
    StyleExtra("closing-state", _VAL, after=closing_state),
    StyleExtra("alternative", _VAL, after=alternative),
    StyleExtra("thoughts", _VAL, before=thoughts),
    StyleExtra("corrected-draft", _VAL, before=withdrawn_draft),
    StyleExtra("counted", _VAL, after=counted),
    StyleExtra("ending", _VAL, after=ending),
)
"""Extras for validation."""
