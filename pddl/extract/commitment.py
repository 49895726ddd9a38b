"""Whether an answer stands by the plan that it shows: refusals, and nothing to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from surefoot.pddl.extract import cues
from surefoot.pddl.extract.discourse import gives_example, offers_instead
from surefoot.pddl.extract.kinds import Item, LineKind
from surefoot.pddl.extract.vocabulary import TaskVocabulary


class Passage(Protocol):
    """A candidate plan with its place."""

    @property
    def first_line(self) -> int:
        """1-based first line."""
        ...

    @property
    def last_line(self) -> int:
        """1-based last line."""
        ...

    @property
    def role(self) -> str:
        """What it is for."""
        ...


class Refusal(Enum):
    """How far an answer that shows a plan refuses to give one."""

    NONE = auto()
    UNCLEAR = auto()
    WHOLE = auto()


@dataclass(frozen=True, slots=True)
class Idle:
    """A line that says nothing needs to be done.

    Attributes:
        line: 1-based line.
        remark: Whether a plan stands beside it, so that it can only be a remark.
    """

    line: int
    remark: bool


_STATING = (LineKind.STEP, LineKind.ACTION, LineKind.ARGUMENTS, LineKind.BLANK)


def refuses_beside(items: Sequence[Item], plan: Passage) -> Refusal:
    """Tells whether an answer that shows a plan declines all the same.

    Args:
        items: The answer's lines.
        plan: The plan that it would commit to.
    """
    before = [i for i in items if i.line.number < plan.first_line and i.kind not in _STATING]
    after = [i for i in items if i.line.number > plan.last_line and i.kind not in _STATING]
    result = Refusal.NONE
    for at, item in enumerate(before):
        if not _refuses(item):
            continue
        rest = [item.line.text, *(i.line.text for i in before[at + 1 :])]
        if any(gives_example(text) for text in rest):
            result = Refusal.WHOLE
        elif any(offers_instead(text) for text in rest):
            result = Refusal.NONE
        else:
            result = Refusal.UNCLEAR
    for item in after:
        if _refuses(item):
            return Refusal.WHOLE
    return result


def _refuses(item: Item) -> bool:
    text = item.line.text
    return cues.refuses(text) or cues.gives_up(text)


def says_nothing_to_do(
    vocabulary: TaskVocabulary, items: Sequence[Item], candidates: Sequence[Passage]
) -> Idle | None:
    """Finds the line that says no action is needed.

    A remark about some object ('ball4 is already there') says nothing of the whole. Where a
    plan stands in the answer as well, the line counts if it comes first and the plan behind it
    is only supposed.
    """
    first = min((c.first_line for c in candidates if c.role != "outline"), default=None)
    for at, item in enumerate(items):
        if item.kind in _STATING:
            continue
        sentence = cues.no_action_sentence(item.line.text)
        if sentence is None or any(r.exact for r in vocabulary.refs(sentence)):
            continue
        if first is None:
            return Idle(item.line.number, remark=False)
        if item.line.number < first:
            between = [i.line.text for i in items[at:] if i.line.number < first]
            return Idle(item.line.number, remark=not any(map(gives_example, between)))
    return None
