"""Draws new names at five levels, from mild to meaningless."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from random import Random
from string import ascii_lowercase, digits

import yaml


class NameLevel(StrEnum):
    """What the new names are like."""

    NONE = "none"
    """They stay."""
    SYNONYM = "synonym"
    """Other words of the same meaning, where the shipped thesaurus has them."""
    DECEPTIVE = "deceptive"
    """Real words of the planning world that mean something else, such as *grasp* for *move*."""
    RANDOM_WORD = "random_word"
    """Words without connection to the task."""
    RANDOM_STRING = "random_string"
    """Eight letters and digits."""


Names = Mapping[str, Sequence[str]]
"""Old names by kind: ``actions``, ``predicates``, ``types``, ``objects``."""

_RESERVED = frozenset(
    "and or not imply forall exists when either object total-cost increase minimize define "
    "domain problem assign number plan goal start end objects action".split()
)


@lru_cache(maxsize=1)
def words() -> dict[str, list[str]]:
    """Returns the words that new names are drawn from, by kind and ``neutral``."""
    text = (files("surefoot.pddl.renaming") / "data" / "words.yaml").read_text(encoding="utf-8")
    loaded = yaml.load(text, Loader=yaml.BaseLoader)
    found: dict[str, list[str]] = {k: v.split() for k, v in loaded["words"].items()}
    return found


@lru_cache(maxsize=1)
def _thesaurus() -> dict[str, list[str]]:
    text = (files("surefoot.pddl.renaming") / "data" / "words.yaml").read_text(encoding="utf-8")
    loaded = yaml.load(text, Loader=yaml.BaseLoader)
    return {k: v.split() for k, v in loaded["synonyms"].items()}


def choose(
    names: Names, fixed: frozenset[str], level: NameLevel, seed: int
) -> dict[str, dict[str, str]]:
    """Draws a new name for every old one.

    New names differ from each other, from all old names and from PDDL's own words. A stem
    with an index (``b12``) keeps its index at the levels that use words, so that the
    objects of a kind still look alike.

    Args:
        names: Old names by kind.
        fixed: Names that stay and must not be taken.
        level: What the new names are like.
        seed: Seed of the draw.
    """
    if level is NameLevel.NONE:
        return {kind: {} for kind in names}
    rng = Random(f"{level}:{seed}")
    taken = set(fixed) | _RESERVED | {n for old in names.values() for n in old}
    return {kind: _kind(kind, old, taken, level, rng) for kind, old in names.items()}


def _kind(
    kind: str, old: Sequence[str], taken: set[str], level: NameLevel, rng: Random
) -> dict[str, str]:
    if level is NameLevel.RANDOM_STRING:
        return {name: _string(rng, taken) for name in old}
    stems: dict[str, str] = {}
    pool = list(words()[kind if level is NameLevel.DECEPTIVE else "neutral"])
    rng.shuffle(pool)
    found: dict[str, str] = {}
    for name in old:
        stem, index = split_index(name) if kind == "objects" else (name, "")
        if stem not in stems:
            members = [n for n in old if kind == "objects" and split_index(n)[0] == stem] or [name]
            indices = [split_index(n)[1] if kind == "objects" else "" for n in members]
            stems[stem] = _stem(stem, indices, pool, taken, level, rng)
        found[name] = stems[stem] + index
        taken.add(found[name])
    return found


def _stem(
    stem: str,
    indices: Sequence[str],
    pool: list[str],
    taken: set[str],
    level: NameLevel,
    rng: Random,
) -> str:
    def free(word: str) -> bool:
        return word not in taken and all(word + i not in taken for i in indices)

    if level is NameLevel.SYNONYM:
        parts = re.split(r"([-_])", stem)
        for _ in range(50):
            word = "".join(
                rng.choice(_thesaurus().get(p, [p])) if p not in "-_" else p for p in parts
            )
            if word != stem and free(word):
                taken.add(word)
                return word
        word = f"the-{stem}"
        while not free(word):
            word = f"the-{word}"
        taken.add(word)
        return word
    while pool:
        word = pool.pop()
        if word != stem and free(word):
            taken.add(word)
            return word
    return _string(rng, taken)


def _string(rng: Random, taken: set[str]) -> str:
    while True:
        text = rng.choice(ascii_lowercase) + "".join(rng.choices(ascii_lowercase + digits, k=7))
        if text not in taken:
            taken.add(text)
            return text


def split_index(name: str) -> tuple[str, str]:
    """Splits ``tile_0-1`` into ``tile_`` and ``0-1``; the index is ``""`` where there is none."""
    found = re.fullmatch(r"(.*?[^\d-])?(\d+(?:-\d+)*)", name)
    if found is None or not found[1]:
        return name, ""
    return found[1], found[2]
