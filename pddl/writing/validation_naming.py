"""Names of objects for validation."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from surefoot.pddl.writing.naming import Naming

_PEOPLE = "anna bruno clara david emma felix greta hugo irene jonas karla leo".split()
_PLACES = "attic balcony cellar den entrance foyer garden hallway island junction".split()


def padded(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate_01*."""
    return [f"{kind}_{n:02d}" for n in range(1, len(names) + 1)]


def lettered(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate-a*."""
    if not 1 < len(names) <= 26:
        return None
    return [f"{kind}-{letter}" for letter in ascii_lowercase[: len(names)]]


def people_and_places(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls robots by first names and rooms by words."""
    bank = {"robot": _PEOPLE, "hoist": _PEOPLE, "room": _PLACES, "location": _PLACES}.get(kind)
    return bank[: len(names)] if bank is not None and len(names) <= len(bank) else None


def coded(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *c3x*, a letter, a number, a letter."""
    if len(names) > 26:
        return None
    first = kind[0]
    return [f"{first}{n}{ascii_lowercase[n]}" for n in range(len(names))]


NAMINGS: dict[str, Naming] = {
    "padded": padded,
    "lettered": lettered,
    "people-and-places": people_and_places,
    "coded": coded,
}
"""Namings for validation."""
