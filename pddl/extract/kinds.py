"""What the lines of an answer are for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from surefoot.pddl.extract.document import Line
from surefoot.pddl.extract.drafts import Draft
from surefoot.pddl.extract.mentions import Ref


class LineKind(Enum):
    """What a line is for."""

    BLANK = auto()
    STEP = auto()
    ACTION = auto()
    """A step under an 'Action:' label; it makes the step above it precise."""
    HEADING = auto()
    ARGUMENTS = auto()
    """Arguments of the step above, under a label or alone on a line."""
    DETAIL = auto()
    """Preconditions, effects, states, notes: never a step."""
    LOOP = auto()
    ODD = auto()
    """Numbered like a step, but no action of the domain."""
    TEXT = auto()


class Section(Enum):
    """What a part of an answer is for."""

    PLAN = auto()
    SUMMARY = auto()
    OUTLINE = auto()
    ASIDE = auto()
    """Initial state, goal, explanation, notes: steps named there are not executed."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line with its use.

    Attributes:
        line: The line.
        kind: What it is for.
        drafts: The steps that it states.
        refs: Objects named in a heading.
        section: For a heading, the kind of section that it opens, if it says so.
        arguments: Arguments that it states, with their keys (``""`` for a list).
    """

    line: Line
    kind: LineKind
    drafts: tuple[Draft, ...] = ()
    refs: tuple[Ref, ...] = ()
    section: Section | None = None
    arguments: tuple[tuple[str, str], ...] = ()
