"""Sets of letters as short formulas: the guards of an automaton's edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surefoot.verification.formulas.syntax import And, False_, Formula, Not, Or, Prop, True_

_Cube = dict[int, bool]
"""Values of the propositions that a term names, by number."""


def guard_of(propositions: Sequence[str], letters: NDArray[np.bool_]) -> Formula:
    """Returns a short formula for a set of letters.

    An irredundant sum of products (Minato, SASIMI 1992), or the negation of one if that is
    shorter to read.

    Args:
        propositions: Bit i of a letter is the truth of the i-th.
        letters: Which letters are in the set, shape [2**propositions].
    """
    names = list(propositions)
    plain = _sum(names, _cover(letters, letters, len(names)))
    negated = Not(_sum(names, _cover(~letters, ~letters, len(names))))
    constant = letters.all() or not letters.any()
    return plain if constant or len(str(plain)) <= len(str(negated)) else negated


def _sum(names: list[str], cubes: list[_Cube]) -> Formula:
    terms = [
        _product([Prop(names[i]) if cube[i] else Not(Prop(names[i])) for i in sorted(cube)])
        for cube in cubes
    ]
    if not terms:
        return False_()
    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def _product(literals: list[Formula]) -> Formula:
    if not literals:
        return True_()
    return literals[0] if len(literals) == 1 else And(tuple(literals))


def _cover(must: NDArray[np.bool_], may: NDArray[np.bool_], count: int) -> list[_Cube]:
    """Returns products that hold on all letters in ``must`` and on none outside of ``may``."""
    if not must.any():
        return []
    if may.all():
        return [{}]
    half = 1 << (count - 1)
    low, high, low_may, high_may = must[:half], must[half:], may[:half], may[half:]
    if (low == high).all() and (low_may == high_may).all():
        return _cover(low, low_may, count - 1)
    only_low = _cover(low & ~high_may, low_may, count - 1)
    only_high = _cover(high & ~low_may, high_may, count - 1)
    left = low & ~_covered(only_low, half), high & ~_covered(only_high, half)
    both = _cover(left[0] | left[1], low_may & high_may, count - 1)
    return [
        *({**cube, count - 1: False} for cube in only_low),
        *({**cube, count - 1: True} for cube in only_high),
        *both,
    ]


def _covered(cubes: list[_Cube], size: int) -> NDArray[np.bool_]:
    letters = np.arange(size)
    covered = np.zeros(size, np.bool_)
    for cube in cubes:
        term = np.ones(size, np.bool_)
        for i, value in cube.items():
            term &= (letters >> i & 1).astype(np.bool_) == value
        covered |= term
    return covered
