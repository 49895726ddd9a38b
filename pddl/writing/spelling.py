"""How answers spell the names of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from surefoot.pddl.renaming.names import split_index

Spelling = Callable[[str, "Roster"], str]
"""Spells a name, given all objects of the task."""

_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
)


class Roster:
    """The objects of a task, for spellings that depend on what else there is.

    Args:
        names: All objects.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        stems: dict[str, set[str]] = {}
        for name in self.names:
            stem, index = split_index(name)
            stems.setdefault(stem, set()).add(index)
        self._counted = {
            stem
            for stem, indices in stems.items()
            if len(stem) > 2
            and stem.isalpha()
            and indices == {str(i) for i in range(1, len(indices) + 1)}
        }

    def counted(self, stem: str) -> bool:
        """Returns whether the objects of this stem are numbered 1, 2, … without a gap."""
        return stem in self._counted

    def fits(self, spell: Spelling) -> bool:
        """Returns whether no two objects are spelled alike."""
        return len({spell(name, self).lower() for name in self.names}) == len(self.names)


def plain(name: str, roster: Roster) -> str:
    """Spells as in PDDL: *robot1*."""
    return name


def code(name: str, roster: Roster) -> str:
    """Spells as code: *`robot1`*."""
    return f"`{name}`"


def bold(name: str, roster: Roster) -> str:
    """Spells in bold."""
    return f"**{name}**"


def upper(name: str, roster: Roster) -> str:
    """Spells in upper case: *ROBOT1*."""
    return name.upper()


def spaced(name: str, roster: Roster) -> str:
    """Spells as words: *Robot 1*."""
    stem, index = split_index(name)
    words = stem.replace("_", " ").replace("-", " ").strip()
    if len(words) < 3 and index:
        return name.upper()
    return f"{words.title()} {index}".strip()


def ordinal(name: str, roster: Roster) -> str:
    """Spells *the first robot* where robots are numbered, else as in PDDL."""
    stem, index = split_index(name)
    if index.isdigit() and roster.counted(stem) and 0 < int(index) <= len(_ORDINALS):
        return f"the {_ORDINALS[int(index) - 1]} {stem}"
    return name
