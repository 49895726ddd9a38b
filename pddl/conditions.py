"""Ground conditions over states that are sets of fact numbers."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple


class Literal(NamedTuple):
    """A fact that must be present (``positive``) or absent."""

    fact: int
    positive: bool
    atom: tuple[str, ...]

    @property
    def text(self) -> str:
        """The literal as PDDL text."""
        atom = f"({' '.join(self.atom)})"
        return atom if self.positive else f"(not {atom})"


@dataclass(frozen=True, slots=True)
class Constant:
    """A condition whose truth does not depend on the state (equality, empty quantifiers)."""

    value: bool
    text: str


@dataclass(frozen=True, slots=True)
class All:
    """Conjunction of ground conditions."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Disjunction of ground conditions, with the text it came from."""

    parts: tuple[Condition, ...]
    text: str


Condition = Literal | Constant | All | Any


def holds(condition: Condition, state: Set[int]) -> bool:
    """Evaluates a condition in a state."""
    match condition:
        case Literal(fact, positive, _):
            return (fact in state) is positive
        case Constant(value, _):
            return value
        case All(parts):
            return all(holds(part, state) for part in parts)
        case Any(parts, _):
            return any(holds(part, state) for part in parts)


def conjuncts(condition: Condition) -> Iterator[Condition]:
    """Yields the parts of nested conjunctions."""
    if isinstance(condition, All):
        for part in condition.parts:
            yield from conjuncts(part)
    else:
        yield condition


def unsatisfied(condition: Condition, state: Set[int]) -> tuple[str, ...]:
    """Returns the texts of the conjuncts that are false in a state, in order, without repeats."""
    return tuple(
        dict.fromkeys(
            part.text
            for part in conjuncts(condition)
            if not isinstance(part, All) and not holds(part, state)
        )
    )
