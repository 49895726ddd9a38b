"""Temporal-logic formulas as trees, and their text in Spot's grammar.

The operators are those of LTL and LTLf (De Giacomo and Vardi, IJCAI 2013): on a finite trace
:class:`Next` is weak (true at the last step) and :class:`StrongNext` is strong (false there);
on an infinite word the two are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

_PLAIN = re.compile(r"(?:[A-EH-LN-QSTYZa-z_]|[FGX](?=[0-9]))[A-Za-z0-9_.]*", re.ASCII)
_WORDS = frozenset({"true", "false", "xor"})

_IMPLIES, _OR, _XOR, _AND, _UNTIL, _UNARY, _ATOM = range(1, 8)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula; ``str`` returns text that the parser accepts."""

    @property
    def operands(self) -> tuple[Formula, ...]:
        """The direct parts, left to right."""
        return ()

    @property
    def strength(self) -> int:
        """Precedence of its outermost operator, from 1 (loosest) to 7."""
        return _ATOM

    def rebuilt(self, operands: tuple[Formula, ...]) -> Formula:
        """Returns the same operator applied to other parts, of the same number."""
        return self

    def walk(self) -> Iterator[Formula]:
        """Yields the formula and all its parts, outermost and leftmost first."""
        stack: list[Formula] = [self]
        while stack:
            formula = stack.pop()
            yield formula
            stack.extend(reversed(formula.operands))

    @property
    def propositions(self) -> tuple[str, ...]:
        """Names of its propositions, in order of first occurrence."""
        return tuple(dict.fromkeys(f.name for f in self.walk() if isinstance(f, Prop)))

    @property
    def depth(self) -> int:
        """Number of operators and leaves on the longest path from the root; 1 for a proposition."""
        deepest, level = 0, [self]
        while level:
            deepest += 1
            level = [part for formula in level for part in formula.operands]
        return deepest

    def renamed(self, names: Callable[[str], str]) -> Formula:
        """Returns the formula with all propositions renamed."""
        if isinstance(self, Prop):
            return Prop(names(self.name))
        return self.rebuilt(tuple(part.renamed(names) for part in self.operands))

    def _within(self, strength: int) -> str:
        text = str(self)
        return text if self.strength >= strength else f"({text})"


@dataclass(frozen=True, slots=True)
class True_(Formula):  # noqa: N801
    """The formula that always holds."""

    def __str__(self) -> str:
        return "1"


@dataclass(frozen=True, slots=True)
class False_(Formula):  # noqa: N801
    """The formula that never holds."""

    def __str__(self) -> str:
        return "0"


@dataclass(frozen=True, slots=True)
class Prop(Formula):
    """A proposition: something that is true or false at each step."""

    name: str

    def __str__(self) -> str:
        if _PLAIN.fullmatch(self.name) and self.name.lower() not in _WORDS:
            return self.name
        return '"' + self.name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class Unary(Formula):
    """A prefix operator with one part."""

    child: Formula
    symbol: ClassVar[str] = ""

    @property
    def operands(self) -> tuple[Formula, ...]:
        """The one part."""
        return (self.child,)

    @property
    def strength(self) -> int:
        """Prefix operators bind tightest."""
        return _UNARY

    def rebuilt(self, operands: tuple[Formula, ...]) -> Formula:
        """Returns the same operator before another part."""
        return type(self)(operands[0])

    def __str__(self) -> str:
        gap = "" if self.child.strength < _UNARY or self.symbol == "!" else " "
        return f"{self.symbol}{gap}{self.child._within(_UNARY)}"


@dataclass(frozen=True, slots=True)
class Not(Unary):
    """The part does not hold."""

    symbol: ClassVar[str] = "!"


@dataclass(frozen=True, slots=True)
class Next(Unary):
    """Weak next: the part holds at the next step, or there is none."""

    symbol: ClassVar[str] = "X"


@dataclass(frozen=True, slots=True)
class StrongNext(Unary):
    """Strong next: there is a next step and the part holds there."""

    symbol: ClassVar[str] = "X[!]"


@dataclass(frozen=True, slots=True)
class Eventually(Unary):
    """The part holds now or later."""

    symbol: ClassVar[str] = "F"


@dataclass(frozen=True, slots=True)
class Always(Unary):
    """The part holds now and at all later steps."""

    symbol: ClassVar[str] = "G"


@dataclass(frozen=True, slots=True)
class Many(Formula):
    """An operator between two or more parts, whose order does not matter."""

    children: tuple[Formula, ...]
    symbol: ClassVar[str] = ""
    level: ClassVar[int] = _ATOM

    @property
    def operands(self) -> tuple[Formula, ...]:
        """The parts."""
        return self.children

    @property
    def strength(self) -> int:
        """Precedence of the operator."""
        return self.level

    def rebuilt(self, operands: tuple[Formula, ...]) -> Formula:
        """Returns the same operator between other parts."""
        return type(self)(operands)

    def __str__(self) -> str:
        if not self.children:
            return "1" if isinstance(self, And) else "0"
        return f" {self.symbol} ".join(part._within(self.level + 1) for part in self.children)


@dataclass(frozen=True, slots=True)
class And(Many):
    """All parts hold."""

    symbol: ClassVar[str] = "&"
    level: ClassVar[int] = _AND


@dataclass(frozen=True, slots=True)
class Or(Many):
    """At least one part holds."""

    symbol: ClassVar[str] = "|"
    level: ClassVar[int] = _OR


@dataclass(frozen=True, slots=True)
class Binary(Formula):
    """An operator between two parts; right-associative unless stated otherwise."""

    left: Formula
    right: Formula
    symbol: ClassVar[str] = ""
    level: ClassVar[int] = _UNTIL

    @property
    def operands(self) -> tuple[Formula, ...]:
        """The left and the right part."""
        return (self.left, self.right)

    @property
    def strength(self) -> int:
        """Precedence of the operator."""
        return self.level

    def rebuilt(self, operands: tuple[Formula, ...]) -> Formula:
        """Returns the same operator between two other parts."""
        return type(self)(operands[0], operands[1])

    def __str__(self) -> str:
        left, right = self.level + 1, self.level + 1
        if type(self) is type(self.left) and isinstance(self, Xor):
            left = self.level
        if type(self) is type(self.right) and not isinstance(self, Xor):
            right = self.level
        return f"{self.left._within(left)} {self.symbol} {self.right._within(right)}"


@dataclass(frozen=True, slots=True)
class Implies(Binary):
    """If the left part holds, so does the right one."""

    symbol: ClassVar[str] = "->"
    level: ClassVar[int] = _IMPLIES


@dataclass(frozen=True, slots=True)
class Iff(Binary):
    """Both parts hold or neither."""

    symbol: ClassVar[str] = "<->"
    level: ClassVar[int] = _IMPLIES


@dataclass(frozen=True, slots=True)
class Xor(Binary):
    """Exactly one of both parts holds."""

    symbol: ClassVar[str] = "^"
    level: ClassVar[int] = _XOR


@dataclass(frozen=True, slots=True)
class Until(Binary):
    """The right part holds now or later, and the left one at every step before."""

    symbol: ClassVar[str] = "U"


@dataclass(frozen=True, slots=True)
class WeakUntil(Binary):
    """As :class:`Until`, or the left part holds to the end."""

    symbol: ClassVar[str] = "W"


@dataclass(frozen=True, slots=True)
class Release(Binary):
    """The right part holds up to and including the first step where the left one does."""

    symbol: ClassVar[str] = "R"


@dataclass(frozen=True, slots=True)
class StrongRelease(Binary):
    """As :class:`Release`, and the left part does hold some time."""

    symbol: ClassVar[str] = "M"
