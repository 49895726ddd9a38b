"""Other names for the objects of a task, as other versions of a domain have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_lowercase

from surefoot.pddl.language.model import ROOT_TYPE, Plan, Task
from surefoot.pddl.renaming import Renaming
from surefoot.pddl.renaming.names import split_index

Naming = Callable[[str, Sequence[str]], Sequence[str] | None]
"""New names for the objects of one kind, given what it is called; ``None`` to keep them."""

_KEPT = {"level", "numb", "color", "hand"}
_WORDS = {"b": "block"}
_COLORS = "red green blue yellow black white orange purple brown pink grey cyan".split()


def rename_objects(task: Task, plan: Plan, naming: Naming) -> tuple[Task, Plan] | None:
    """Renames the objects of a task and its plan.

    Args:
        task: The task.
        plan: A plan for it.
        naming: New names for the objects of each kind.

    Returns:
        Both under new names; ``None`` where the naming fits none of the kinds.
    """
    kinds: dict[str, list[str]] = {}
    for thing in task.problem.objects:
        kind = thing.types[0] if thing.types != (ROOT_TYPE,) else split_index(thing.name)[0]
        kind = _WORDS.get(kind, kind)
        if kind not in _KEPT and thing.name not in task.domain.free_names:
            kinds.setdefault(kind, []).append(thing.name)
    found: dict[str, str] = {}
    for kind, names in kinds.items():
        new = naming(kind, names)
        if new is not None:
            found |= dict(zip(names, new, strict=True))
    names_after = [found.get(name, name) for name in task.objects]
    if not found or len(set(names_after)) < len(names_after):
        return None
    renaming = Renaming({}, {}, {}, found)
    return renaming.apply_task(task), renaming.apply_plan(plan)


def letters(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls blocks *a*, *b*, *c*."""
    return ascii_lowercase[: len(names)] if kind == "block" and len(names) < 20 else None


def lettered_rooms(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls rooms *rooma*, *roomb*, and a lone robot *robby*."""
    if kind == "robot" and len(names) == 1:
        return ["robby"]
    if kind in ("room", "location") and len(names) <= 26:
        return [f"{kind}{letter}" for letter in ascii_lowercase[: len(names)]]
    return None


def dashed(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *crate48-1-2*."""
    return [f"{kind}48-{1 + n // 3}-{1 + n % 3}" for n in range(len(names))]


def colored(kind: str, names: Sequence[str]) -> Sequence[str] | None:
    """Calls things *red-crate*."""
    if not 1 < len(names) <= len(_COLORS):
        return None
    return [f"{color}-{kind}" for color in _COLORS[: len(names)]]


NAMINGS: dict[str, Naming] = {
    "letters": letters,
    "lettered-rooms": lettered_rooms,
    "dashed": dashed,
    "colored": colored,
}
"""Namings for development."""
