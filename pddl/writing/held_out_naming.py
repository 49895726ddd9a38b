"""Names of objects on which readers are only measured."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot.pddl.writing.naming import Naming

_COMPASS = (
    "north south east west northeast northwest southeast southwest central upper lower middle"
).split()
_GEMS = "ruby opal jade amber topaz pearl coral quartz garnet onyx agate beryl".split()
_KEPT = ("tile", "position")
"""Kinds between which actions go up, down, left and right."""


def _short(kind: str) -> str:
    consonants = [c for c in kind[1:] if c.isalpha() and c not in "aeiou"]
    return kind[0] + "".join(dict.fromkeys(consonants))[:2]


def shortened(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crt1*, the word's first consonants and a number."""
    return [f"{_short(kind)}{n}" for n in range(1, len(names) + 1)]


def from_zero(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate_0*."""
    return [f"{kind}_{n}" for n in range(len(names))]


def batches(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate-a1*, *crate-a2*, *crate-b1*."""
    if len(names) > 26:
        return None
    return [f"{kind}-{chr(ord('a') + n // 2)}{1 + n % 2}" for n in range(len(names))]


def compass(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *north-crate*."""
    if kind in _KEPT or not 1 < len(names) <= len(_COMPASS):
        return None
    return [f"{word}-{kind}" for word in _COMPASS[: len(names)]]


def gems(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls what is moved by the names of gems."""
    moved = kind in ("block", "ball", "crate", "package", "wheel", "waypoint", "cocktail")
    return _GEMS[: len(names)] if moved and len(names) <= len(_GEMS) else None


NAMINGS: dict[str, Naming] = {
    "shortened": shortened,
    "from-zero": from_zero,
    "batches": batches,
    "compass": compass,
    "gems": gems,
}
"""Namings on which readers are only measured."""
