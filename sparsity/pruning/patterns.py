"""Sparsity patterns: unstructured, or n of m kept in every group along a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, gcd

import numpy as np

from surefoot.core.errors import InputError

LARGEST_TABLE = 1 << 24
"""Largest table (matrices x reachable sums) for the exact search; beyond it a greedy choice is
used."""


@dataclass(frozen=True, slots=True)
class Unstructured:
    """Any weights may be pruned.

    Attributes:
        sparsity: Fraction of pruned weights, in [0, 1].
    """

    sparsity: float

    def __post_init__(self) -> None:
        if not 0 <= self.sparsity <= 1:
            raise InputError(f"sparsity must lie in [0, 1], not {self.sparsity:g}")

    def __str__(self) -> str:
        return f"{self.sparsity:g}"


@dataclass(frozen=True, slots=True)
class SemiStructured:
    """Keeps ``n`` of every ``m`` consecutive weights along a row.

    Attributes:
        n: Number of kept weights per group, in 1 … m.
        m: Size of a group.
    """

    n: int
    m: int

    def __post_init__(self) -> None:
        if not 1 <= self.n <= self.m:
            raise InputError(f"need n:m with 1 <= n <= m, not {self.n}:{self.m}")

    @property
    def sparsity(self) -> float:
        """Fraction of pruned weights."""
        return 1 - self.n / self.m

    def __str__(self) -> str:
        return f"{self.n}:{self.m}"


Pattern = Unstructured | SemiStructured


def pattern_of(value: Pattern | str | float) -> Pattern:
    """Reads a pattern: ``"2:4"`` keeps 2 of 4, a number is the fraction of pruned weights.

    Raises:
        InputError: It is neither, or out of range.

    >>> pattern_of("2:4"), pattern_of(0.5)
    (SemiStructured(n=2, m=4), Unstructured(sparsity=0.5))
    """
    if isinstance(value, Unstructured | SemiStructured):
        return value
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d+)\s*:\s*(\d+)\s*", value)):
        return SemiStructured(int(found[1]), int(found[2]))
    try:
        return Unstructured(float(value))
    except ValueError:
        raise InputError(
            f"'{value}' is not a pattern; write a fraction as 0.5, or n:m as 2:4"
        ) from None


def sparsity_of(patterns: Sequence[Pattern], sizes: Sequence[int]) -> float:
    """Returns the overall fraction of pruned weights under one pattern per matrix.

    Args:
        patterns: One per matrix.
        sizes: Number of weights of each.
    """
    pruned = fsum(p.sparsity * size for p, size in zip(patterns, sizes, strict=True))
    return pruned / sum(sizes)


def patterns_for(
    ratios: Sequence[float], sizes: Sequence[int], m: int
) -> tuple[SemiStructured, ...]:
    """Turns one sparsity per matrix into one n:m pattern per matrix, with a common ``m``.

    Every matrix gets one of the two patterns next to its sparsity. Among all such choices the one
    with the overall sparsity closest to that of ``ratios`` is taken; ties go to the smallest
    change Σ size (Δ n)². With more than ``2**24`` matrices times distinct sums the largest
    remainders are rounded up instead.

    Args:
        ratios: Sparsity of each matrix, in [0, 1], as from :func:`allocate`.
        sizes: Number of weights of each matrix.
        m: Size of a group.

    Returns:
        One pattern per matrix; at least 1 of ``m`` is kept. :func:`sparsity_of` gives their overall
        sparsity.

    Raises:
        InputError: The lengths differ, or a number is out of range.
    """
    if len(ratios) != len(sizes) or not sizes or min(sizes) < 1 or m < 1:
        raise InputError("need one sparsity and one positive size per matrix, and m of at least 1")
    if not all(0 <= ratio <= 1 for ratio in ratios):
        raise InputError("sparsities must lie in [0, 1]")
    wanted = [max((1 - ratio) * m, 1.0) for ratio in ratios]
    low = [min(int(kept + 1e-9), m) for kept in wanted]
    rest = [max(kept - n, 0.0) for kept, n in zip(wanted, low, strict=True)]
    open_ = [i for i, part in enumerate(rest) if part > 1e-9]
    kept_in_all = fsum((1 - ratio) * m * size for ratio, size in zip(ratios, sizes, strict=True))
    missing = kept_in_all - sum(n * size for n, size in zip(low, sizes, strict=True))
    raised = _choose([sizes[i] for i in open_], [rest[i] for i in open_], missing)
    up = {i for i, chosen in zip(open_, raised, strict=True) if chosen}
    return tuple(SemiStructured(n + (i in up), m) for i, n in enumerate(low))


def _choose(sizes: list[int], rest: list[float], missing: float) -> list[bool]:
    """Chooses the sizes whose sum is closest to what is missing."""
    if not sizes:
        return []
    unit = gcd(*sizes)
    units = [size // unit for size in sizes]
    total = sum(units)
    if len(units) * (total + 1) > LARGEST_TABLE:
        return _choose_greedily(sizes, rest, missing)
    # Dynamic programme: least cost of every sum reachable with the first matrices.
    cost = np.full(total + 1, np.inf)
    cost[0] = 0.0
    taken = np.zeros((len(units), total + 1), dtype=np.bool_)
    for i, (weight, part) in enumerate(zip(units, rest, strict=True)):
        left = cost + weight * part**2
        added = np.full(total + 1, np.inf)
        added[weight:] = cost[: total + 1 - weight] + weight * (1 - part) ** 2
        taken[i] = added < left
        cost = np.minimum(left, added)
    reachable = np.flatnonzero(np.isfinite(cost))
    away = np.abs(reachable - missing / unit)
    nearest = reachable[away <= away.min() + 1e-9]
    at = int(nearest[np.argmin(cost[nearest])])
    chosen = [False] * len(units)
    for i in reversed(range(len(units))):
        if taken[i, at]:
            chosen[i] = True
            at -= units[i]
    return chosen


def _choose_greedily(sizes: list[int], rest: list[float], missing: float) -> list[bool]:
    """Approximates :func:`_choose` by the largest remainders."""
    chosen = [False] * len(sizes)
    for i in sorted(range(len(sizes)), key=lambda i: -rest[i]):
        if abs(missing - sizes[i]) < abs(missing):
            chosen[i] = True
            missing -= sizes[i]
    return chosen
