"""What else answers say, for validation: overviews, attempts, checks of the plan."""

from __future__ import annotations

from itertools import pairwise

from surefoot.pddl.language.model import ROOT_TYPE
from surefoot.pddl.writing.extras import StyleExtra, Told, intro, outro
from surefoot.pddl.writing.model import Split


def object_list(told: Told) -> str:
    """Lists the objects by kind."""
    kinds: dict[str, list[str]] = {}
    for name, types in told.ground.task.objects.items():
        kind = "objects" if types[0] == ROOT_TYPE else types[0]
        kinds.setdefault(kind, []).append(name)
    lines = ["Objects in this problem:"]
    lines += [f"- **{kind}**: {', '.join(names)}" for kind, names in kinds.items()]
    return "\n".join([*lines, "", "With these, the steps are:"])


def signatures(told: Told) -> str:
    """Restates the actions with their parameters."""
    lines = ["Actions that I may use, with their parameters:"]
    for name, schema in told.ground.task.domain.actions.items():
        lines.append(f"- {name}({', '.join(p.name for p in schema.parameters)})")
    return "\n".join([*lines, "", "---", "", "**My plan**"])


def insight(told: Told) -> str:
    """Says what matters, in a paragraph."""
    goals = told.goals()
    aim = f" In the end, this has to hold: {goals[-1]}." if goals else ""
    return (
        f"**Key insight:** no action should undo what an earlier one has achieved.{aim} "
        "Working backwards from there leads to these actions:"
    )


def failed_attempt(told: Told) -> str:
    """Shows an attempt that fails, then a heading for the right one."""
    draft = told.draft()
    body = told.body(draft) if draft else ""
    if not body:
        return ""
    rng = told.speaker.rng
    return "\n\n".join(
        [
            "First attempt:",
            body,
            rng.choice(told.sayings.withdrawals),
            rng.choice(told.sayings.corrections),
        ]
    )


def scratchpad(told: Told) -> str:
    """Thinks in a scratchpad about what holds and what is wanted."""
    facts = told.clauses(sorted(told.states[0]))[:4]
    lines = ["<scratchpad>", "What I know:", *(f"* {c}" for c in facts)]
    lines += ["What I need:", *(f"* {c}" for c in told.goals()[:3]), "</scratchpad>"]
    return "\n".join(lines)


def goal_check(told: Told) -> str:
    """Ticks off the goals."""
    return "\n".join(["**Goal check**", *(f"- {c} ✔️" for c in told.goals())])


def trace(told: Told) -> str:
    """Traces the states after the plan."""
    lines = ["Verification:"]
    for number, (before, after) in enumerate(pairwise(told.states), start=1):
        new = told.clauses(sorted(after - before))
        if new:
            lines.append(f"- After step {number}, {'; '.join(new[:2])}.")
    return "\n".join(lines)


def cost(told: Told) -> str:
    """States the length and cost of the plan."""
    return f"**Plan length:** {len(told.items)} · **Cost:** {len(told.items)} (unit cost)"


def used_objects(told: Told) -> str:
    """Sums up which objects take part."""
    used = dict.fromkeys(a for item in told.items for a in item.step.args)
    return f"In summary, these objects are involved: {', '.join(used)}."


def purpose(told: Told, at: int) -> str:
    """Says why the step is there."""
    if at + 1 == len(told.items):
        return "*Why:* this was the last thing missing."
    return f"*Why:* it prepares step {at + 2}."


def fact_changes(told: Told, at: int) -> str:
    """Gives the facts that become true, as PDDL."""
    new = sorted(told.states[at + 1] - told.states[at])[:3]
    facts = [f"({' '.join(told.ground.atoms[n])})" for n in new]
    return f"State change: adds {', '.join(facts)}" if facts else ""


_VAL = Split.VALIDATION
EXTRAS = (
    StyleExtra("lead-in", _VAL, before=intro),
    StyleExtra("sign-off", _VAL, after=outro),
    StyleExtra("object-list", _VAL, before=object_list),
    StyleExtra("signatures", _VAL, before=signatures),
    StyleExtra("insight", _VAL, before=insight),
    StyleExtra("failed-attempt", _VAL, before=failed_attempt),
    StyleExtra("scratchpad", _VAL, before=scratchpad),
    StyleExtra("goal-check", _VAL, after=goal_check),
    StyleExtra("trace", _VAL, after=trace),
    StyleExtra("cost", _VAL, after=cost),
    StyleExtra("used-objects", _VAL, after=used_objects),
    StyleExtra("purpose", _VAL, remark=purpose),
    StyleExtra("fact-changes", _VAL, remark=fact_changes),
)
"""More extras for validation."""
