"""Names of objects for validation."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

from surefoot.pddl.writing.naming import Naming

_PEOPLE = "anna bruno clara david emma felix greta hugo irene jonas karla leo".split()
_PLACES = "attic balcony cellar den entrance foyer garden hallway island junction".split()
_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu".split()
_KINDS = "small large old new heavy light round square wooden steel plain spare".split()
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
_CITIES = "paris london berlin madrid rome vienna oslo prague lisbon dublin athens warsaw".split()
_MODE = "mode"
"""Modes of instruments keep their names."""
_NAMED_ROBOTS = "marvin eve bender sonny dexter hal".split()


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


def greek(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate_alpha*."""
    if kind == _MODE or not 1 < len(names) <= len(_GREEK):
        return None
    return [f"{kind}_{letter}" for letter in _GREEK[: len(names)]]


def described(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *small_crate*."""
    if kind == _MODE or not 1 < len(names) <= len(_KINDS):
        return None
    return [f"{word}_{kind}" for word in _KINDS[: len(names)]]


def hundreds(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate101*."""
    return [f"{kind}{101 + n}" for n in range(len(names))] if kind != _MODE else None


def spelled(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate-one*."""
    if kind == _MODE or not 1 < len(names) <= len(_NUMBERS):
        return None
    return [f"{kind}-{number}" for number in _NUMBERS[: len(names)]]


def famous(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls places by cities and robots by names from fiction."""
    robots = ("robot", "hoist", "craft")
    places = ("room", "location", "direction", "position", "storearea", "station")
    bank = _NAMED_ROBOTS if kind in robots else _CITIES if kind in places else None
    return bank[: len(names)] if bank is not None and len(names) <= len(bank) else None


NAMINGS: dict[str, Naming] = {
    "padded": padded,
    "lettered": lettered,
    "people-and-places": people_and_places,
    "coded": coded,
    "greek": greek,
    "described": described,
    "hundreds": hundreds,
    "spelled": spelled,
    "famous": famous,
}
"""Namings for validation."""
