"""What else answers say: introductions, thinking, withdrawn drafts; for development."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import Atom, Conjunction
from surefoot.pddl.writing.model import Split, WrittenStep
from surefoot.pddl.writing.sayings import Sayings
from surefoot.pddl.writing.speaker import Speaker, first_upper
from surefoot.pddl.writing.wordings import call


@dataclass(frozen=True)
class Told:
    """What an extra may talk about.

    Attributes:
        items: The steps of the answer.
        states: The states before each step and after the last.
        speaker: Says steps.
        sayings: Alternatives for everything else.
        body: Lays out steps as the answer does.
    """

    items: Sequence[WrittenStep]
    states: Sequence[frozenset[int]]
    speaker: Speaker
    sayings: Sayings
    body: Callable[[Sequence[WrittenStep]], str]

    @property
    def ground(self) -> GroundTask:
        """The task."""
        return self.speaker.ground

    def clauses(self, facts: Sequence[int]) -> list[str]:
        """Tells facts, given by number."""
        return self.speaker.words.facts([self.ground.atoms[n] for n in sorted(facts)])

    def goals(self) -> list[str]:
        """Tells the goal, as far as it is a conjunction of facts."""
        goal = self.ground.task.problem.goal
        parts = goal.children if isinstance(goal, Conjunction) else (goal,)
        atoms = [(p.predicate, *p.args) for p in parts if isinstance(p, Atom)]
        return self.speaker.words.facts(atoms)

    def draft(self) -> list[WrittenStep]:
        """Returns other steps than those of the answer: one of them is missing."""
        left = self.speaker.rng.randrange(len(self.items))
        return [replace(i, title=None) for n, i in enumerate(self.items) if n != left]


def _nothing(told: Told) -> str:
    return ""


def _no_remark(told: Told, at: int) -> str:
    return ""


@dataclass(frozen=True)
class StyleExtra:
    """Something that an answer says beside its plan.

    Attributes:
        name: Its name in styles.
        split: What it is for.
        before: What stands before the plan, ``""`` for nothing.
        after: What stands after it.
        remark: What stands below a step, given its place from 0.
    """

    name: str
    split: Split
    before: Callable[[Told], str] = _nothing
    after: Callable[[Told], str] = _nothing
    remark: Callable[[Told, int], str] = _no_remark


def intro(told: Told) -> str:
    """Introduces the plan."""
    return told.speaker.rng.choice(told.sayings.intros)


def outro(told: Told) -> str:
    """Closes the answer."""
    return told.speaker.rng.choice(told.sayings.outros)


def restated(told: Told) -> str:
    """Restates start and goal."""
    start = told.clauses(sorted(told.states[0]))[:8]
    lines = ["**Initial state:**", *(f"- {c}" for c in start)]
    lines += ["", "**Goal:**", *(f"- {c}" for c in told.goals()), "", "**Plan:**"]
    return "\n".join(lines)


def glossary(told: Told) -> str:
    """Explains the actions."""
    lines = ["The available actions are:"]
    for name, phrase in told.speaker.words.phrases.items():
        if name in told.ground.task.domain.actions:
            lines.append(f"- **{name}**: {first_upper(phrase.verb.text)} something")
    return "\n".join([*lines, "", "The plan:"])


def thinking(told: Told) -> str:
    """Thinks first, with another plan in the thoughts."""
    lines = [f"{n}. {call(i, told.speaker)}" for n, i in enumerate(told.draft(), start=1)]
    doubt = told.speaker.rng.choice(told.sayings.withdrawals)
    return "\n".join(["<think>", "Let me think. Maybe:", *lines, doubt, "</think>"])


def withdrawn_draft(told: Told) -> str:
    """Gives another plan first and takes it back."""
    rng = told.speaker.rng
    draft = told.draft()
    body = told.body(draft) if draft else ""
    if not body:
        return ""
    parts = [body, rng.choice(told.sayings.withdrawals)]
    return "\n\n".join([*parts, rng.choice(told.sayings.corrections)])


def reached(told: Told, at: int) -> str:
    """Says what holds now."""
    new = told.clauses(sorted(told.states[at + 1] - told.states[at]))
    return f"(Now: {'; '.join(new[:2])}.)" if new else ""


def check_mark(told: Told, at: int) -> str:
    """Ticks the step off."""
    return "✓ preconditions hold"


_DEV = Split.DEVELOPMENT
EXTRAS = (
    StyleExtra("intro", _DEV, before=intro),
    StyleExtra("outro", _DEV, after=outro),
    StyleExtra("restated", _DEV, before=restated),
    StyleExtra("glossary", _DEV, before=glossary),
    StyleExtra("thinking", _DEV, before=thinking),
    StyleExtra("withdrawn-draft", _DEV, before=withdrawn_draft),
    StyleExtra("reached", _DEV, remark=reached),
    StyleExtra("check-marks", _DEV, remark=check_mark),
)
"""Extras for development."""
