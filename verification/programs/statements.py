"""Statements of plan programs, independent of their form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from surefoot.verification.formulas.syntax import Formula

MAX_STATEMENTS = 10_000
"""Most statements of a program, after repetitions are expanded."""

MAX_DEPTH = 50
"""Deepest nesting of a program."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        line: Line of the plan that it came from, or number of the outermost step in JSON; 0 if
            unknown.
    """

    line: int


@dataclass(frozen=True, slots=True)
class Do(Statement):
    """Takes actions for one step; several are taken together."""

    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class If(Statement):
    """Takes one of two branches, which takes no time."""

    condition: Formula
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class While(Statement):
    """Repeats its body as long as the condition holds; with no body it waits."""

    condition: Formula
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class WaitUntil(Statement):
    """Idles, step by step, until the condition holds; the next action is taken in that step."""

    condition: Formula


@dataclass(frozen=True, slots=True)
class Mark(Statement):
    """A jump target."""

    name: str


@dataclass(frozen=True, slots=True)
class Proceed(Statement):
    """Jumps to a mark, which takes no time."""

    to: str


@dataclass(frozen=True, slots=True)
class End(Statement):
    """Ends the program."""


@dataclass(frozen=True, slots=True)
class Program:
    """A plan.

    Attributes:
        statements: The statements, in order.
        idle: The action that is taken while the program waits; None for no action at all.
        unit: What the lines of the statements count: 'line' or 'step'.
        notes: Words of the text that are no part of the plan, such as headings.
        never: Prohibitions of the text, which the statements obey.
    """

    statements: tuple[Statement, ...]
    idle: str | None = None
    unit: str = "line"
    notes: tuple[str, ...] = field(default=(), compare=False)
    never: tuple[str, ...] = field(default=(), compare=False)

    def walk(self) -> Iterator[Statement]:
        """Yields all statements, outer ones first."""
        yield from walk(self.statements)

    @property
    def observations(self) -> tuple[str, ...]:
        """Propositions that its conditions use, in order of first use."""
        names = (
            name
            for s in self.walk()
            if isinstance(s, If | While | WaitUntil)
            for name in s.condition.propositions
        )
        return tuple(dict.fromkeys(names))


def walk(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yields statements and all nested ones, outer ones first."""
    stack = list(reversed(statements))
    while stack:
        statement = stack.pop()
        yield statement
        if isinstance(statement, If):
            stack.extend(reversed((*statement.then, *statement.otherwise)))
        elif isinstance(statement, While):
            stack.extend(reversed(statement.body))
