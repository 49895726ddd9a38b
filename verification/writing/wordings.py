"""Ways to say what plans say: choices in brackets, and slots in braces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Wordings:
    """Ways to say every construct.

    Attributes:
        name: Name in tables.
        constructs: Patterns by construct, such as ``[If|Provided that] {C}, {A}.``; each stands
            for all its choices.
        doubtful: Patterns that have two readings in English, by kind.
        things: Patterns that say that there is a thing, and that there is none.
        states: Patterns that say that something is in a state, and that it is not.
        joined: Patterns of two conditions together, by meaning.
        layouts: How steps are marked, by name; ``{n}`` is the number.
        openings: Texts before the plan.
        closings: Texts behind it.
        titles: Titles of steps.
    """

    name: str
    constructs: Mapping[str, tuple[str, ...]]
    doubtful: Mapping[str, tuple[str, ...]]
    things: tuple[tuple[str, ...], tuple[str, ...]]
    states: tuple[tuple[str, ...], tuple[str, ...]]
    joined: Mapping[str, tuple[str, ...]]
    layouts: tuple[str, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    titles: tuple[str, ...]

    def ways(self) -> dict[str, int]:
        """Returns the number of ways to say each construct."""
        return {name: sum(map(ways_of, texts)) for name, texts in self.constructs.items()}


def chosen(pattern: str, rng: Random) -> str:
    """Returns one of the texts of a pattern."""
    while found := _CHOICE.search(pattern):
        option = rng.choice(found[1].split("|"))
        pattern = pattern[: found.start()] + option + pattern[found.end() :]
    return pattern


def ways_of(pattern: str) -> int:
    """Returns the number of texts of a pattern."""
    count = 1
    for found in _CHOICE.finditer(pattern):
        count *= len(found[1].split("|"))
    return count
