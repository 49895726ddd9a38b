"""Ways to say what plans say: choices in brackets, and slots in braces."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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


def merged(name: str, *all_of: Wordings) -> Wordings:
    """Returns the ways of several wordings together."""

    def texts(each: Sequence[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
        keys = dict.fromkeys(key for mapping in each for key in mapping)
        return {k: tuple(t for mapping in each for t in mapping.get(k, ())) for k in keys}

    def pair(
        each: Sequence[tuple[tuple[str, ...], tuple[str, ...]]],
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return tuple(t for one, _ in each for t in one), tuple(t for _, one in each for t in one)

    return Wordings(
        name,
        texts([w.constructs for w in all_of]),
        texts([w.doubtful for w in all_of]),
        pair([w.things for w in all_of]),
        pair([w.states for w in all_of]),
        texts([w.joined for w in all_of]),
        tuple(t for w in all_of for t in w.layouts),
        tuple(t for w in all_of for t in w.openings),
        tuple(t for w in all_of for t in w.closings),
        tuple(t for w in all_of for t in w.titles),
    )
