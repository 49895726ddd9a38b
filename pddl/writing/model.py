"""What written answers are made of: structures, wordings, extras, and what an answer states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefoot.pddl.language.model import PlanStep


class Split(StrEnum):
    """What a style is for."""

    DEVELOPMENT = "development"
    """Readers may be written with it in view."""
    VALIDATION = "validation"
    """Readers are written without it first and then improved where it shows them to fail."""
    HELD_OUT = "held-out"
    """Readers are only measured on it; whoever writes one never looks at it, nor at its errors.

    It becomes validation as soon as that happens.
    """


class WrittenShape(StrEnum):
    """What a written answer is."""

    PLAN = "plan"
    NO_ACTION = "no_action"
    """It says that nothing needs to be done."""
    REFUSAL = "refusal"
    """It declines or gives up, whatever plans it mentions."""
    WITHDRAWN = "withdrawn"
    """It takes its plan back and gives no other."""
    TRUNCATED = "truncated"
    """It stops in the middle of its plan."""


@dataclass(frozen=True)
class AnswerStyle:
    """A way of writing an answer: the names of its components.

    Attributes:
        structure: How steps are laid out.
        wording: How a step is said.
        extras: What else the answer says.
        split: What the style is for.
    """

    structure: str
    wording: str
    extras: tuple[str, ...]
    split: Split

    @property
    def name(self) -> str:
        """All components, as tables show them."""
        return "/".join([self.structure, self.wording, *self.extras])


@dataclass(frozen=True)
class WrittenAnswer:
    """An answer whose meaning is known.

    Attributes:
        text: The answer.
        style: How it is written.
        damage: What was done to it, ``None`` if it was written right.
        steps: The ground actions that it states; ``None`` if it states no plan, or not one only.
        valid: Whether it states a plan that solves the task.
        shape: What it is.
        readable: Whether it names its steps unambiguously.
    """

    text: str
    style: AnswerStyle
    damage: str | None
    steps: tuple[PlanStep, ...] | None
    valid: bool
    shape: WrittenShape
    readable: bool


@dataclass(frozen=True)
class WrittenStep:
    """A step to be written.

    Attributes:
        step: The ground action that the text is to name; need not exist in the task.
        omitted: Places of arguments that the text leaves out.
        origin: The action in whose place one that does not exist was put.
        denied: Whether the text says not to do it.
        title: The step that its title names instead.
    """

    step: PlanStep
    omitted: frozenset[int] = frozenset()
    origin: str = ""
    denied: bool = False
    title: PlanStep | None = None

    @property
    def stated(self) -> tuple[str | None, ...]:
        """The arguments as far as the text names them."""
        return tuple(None if i in self.omitted else a for i, a in enumerate(self.step.args))


@dataclass(frozen=True)
class Said:
    """A step as a structure lays it out.

    Attributes:
        number: From 1.
        action: The action's name as written.
        args: The names of its arguments as written.
        keys: What each argument is called in the text.
        text: The whole step in one line, without a full stop.
        title: A short title.
        actor: Who acts, as written, ``""`` if nobody is named.
        remark: A line to write below it, ``""`` for none.
    """

    number: int
    action: str
    args: tuple[str, ...]
    keys: tuple[str, ...]
    text: str
    title: str
    actor: str
    remark: str = ""
