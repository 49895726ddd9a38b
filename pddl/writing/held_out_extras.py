"""What else answers say, where readers are only measured."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from surefoot.pddl.writing.extras import StyleExtra, Told, intro, outro, withdrawn_draft
from surefoot.pddl.writing.layout import fenced, table
from surefoot.pddl.writing.model import Split
from surefoot.pddl.writing.wordings import call


def goal_list(told: Told) -> str:
    """Numbers what has to be reached."""
    goals = told.goals()
    if not goals:
        return ""
    lines = ["To reach the goal, the following conditions must hold at the end:"]
    lines += [f"{n}. {goal}" for n, goal in enumerate(goals, start=1)]
    return "\n".join([*lines, "", "**Action sequence:**"])


def given(told: Told) -> str:
    """Restates the start in one paragraph."""
    facts = told.clauses(sorted(told.states[0]))[:4]
    return f"Initial state: {'; '.join(facts)}. From there, the plan proceeds as follows."


def templates(told: Told) -> str:
    """Lists the actions as PDDL heads."""
    actions = told.ground.task.domain.actions.items()
    heads = [f"({' '.join([n, *(p.name for p in a.parameters)])})" for n, a in actions]
    return f"The domain offers these actions:\n\n{fenced(chr(10).join(heads))}\n\n### Plan"


def strategy(told: Told) -> str:
    """Sketches how the plan proceeds, in a list."""
    goals = told.goals()
    lines = ["**Strategy**", "", "- Work on one goal condition at a time."]
    lines += [f"- Target: {goal}." for goal in goals[:2]]
    return "\n".join([*lines, "- Check the preconditions before each action.", "", "**Actions**"])


def musing(told: Told) -> str:
    """Thinks about another plan first, in a paragraph between tags."""
    draft = told.draft()[:4]
    said = ", then ".join(call(i, told.speaker) for i in draft)
    doubt = told.speaker.rng.choice(told.sayings.withdrawals)
    return f"<reasoning>\nSuppose I start with {said}. {doubt}\n</reasoning>"


def conclusion(told: Told) -> str:
    """Sums up the plan's length and its goals."""
    goals = told.goals()
    end = f" Part of the goal that it reaches: {goals[0]}." if goals else ""
    return f"**Summary:** the plan consists of {len(told.items)} actions.{end}"


def goal_facts(told: Told) -> str:
    """Lists some facts of the last state as PDDL, in a code block."""
    new = sorted(told.states[-1] - told.states[0])[:4]
    facts = [f"({' '.join(told.ground.atoms[n])})" for n in new]
    if not facts:
        return ""
    return f"Facts that are newly true in the final state:\n\n{fenced(chr(10).join(facts))}"


def check_table(told: Told) -> str:
    """Checks each step in a table."""
    rows = []
    for number, (before, after) in enumerate(pairwise(told.states), start=1):
        new = told.clauses(sorted(after - before))
        rows.append([str(number), "✔", "; ".join(new[:2]) or "–"])
    return f"Validation of the plan:\n\n{table(('Step', 'Applicable', 'New facts'), rows)}"


def action_counts(told: Told) -> str:
    """Counts how often each action is used."""
    counts = Counter(item.step.action for item in told.items)
    used = ", ".join(f"{name} (×{count})" for name, count in counts.items())
    return f"Actions used: {used}."


def notes(told: Told) -> str:
    """Closes with remarks in a list."""
    last = told.items[-1].step.action
    return "\n".join(
        [
            "Notes:",
            f"- There are {len(told.items)} actions in total.",
            f"- The plan ends with the action {last}.",
            "- The order of the actions matters.",
        ]
    )


def no_longer(told: Told, at: int) -> str:
    """Says what does not hold any more."""
    old = told.clauses(sorted(told.states[at] - told.states[at + 1]))
    return f"(No longer true: {'; '.join(old[:2])})" if old else ""


def outcome(told: Told, at: int) -> str:
    """Says what the step leads to."""
    new = told.clauses(sorted(told.states[at + 1] - told.states[at]))
    return f"Result: {'; '.join(new[:2])}" if new else ""


_OUT = Split.HELD_OUT
EXTRAS = (
    StyleExtra("greeting", _OUT, before=intro),
    StyleExtra("farewell", _OUT, after=outro),
    StyleExtra("goal-list", _OUT, before=goal_list),
    StyleExtra("given", _OUT, before=given),
    StyleExtra("templates", _OUT, before=templates),
    StyleExtra("strategy", _OUT, before=strategy),
    StyleExtra("musing", _OUT, before=musing),
    StyleExtra("retry", _OUT, before=withdrawn_draft),
    StyleExtra("conclusion", _OUT, after=conclusion),
    StyleExtra("goal-facts", _OUT, after=goal_facts),
    StyleExtra("check-table", _OUT, after=check_table),
    StyleExtra("action-counts", _OUT, after=action_counts),
    StyleExtra("notes", _OUT, after=notes),
    StyleExtra("no-longer", _OUT, remark=no_longer),
    StyleExtra("outcome", _OUT, remark=outcome),
)
"""Extras that readers are only measured on."""
