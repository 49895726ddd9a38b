"""Allocation of sparsity to matrices under a common budget."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import fsum, isfinite

from surefoot.core.errors import InputError

LARGEST = 0.99
"""Default upper bound of the sparsity of a matrix: a fully pruned one would cut the network."""


def allocate(
    metrics: Sequence[float],
    sizes: Sequence[int],
    target: float,
    tau: float = 0.3,
    bounds: tuple[float, float] = (0.0, LARGEST),
) -> tuple[float, ...]:
    """Allocates sparsity by a metric (high metric, high sparsity) under a budget over all weights.

    The metrics are mapped linearly onto [1 - tau, 1 + tau] and multiplied by one number, clipped
    to the bounds, such that Σ size · sparsity = target · Σ size holds after the clipping. Equal
    metrics give the target to every matrix.

    Args:
        metrics: One per matrix, as from :func:`alpha_metrics`; a high one means more pruning.
        sizes: Number of weights of each matrix.
        target: Sparsity over all weights, within the bounds.
        tau: Relative spread of sparsities, in [0, 1); 0 is uniform.
        bounds: Least and largest sparsity of one matrix, within [0, 1].

    Returns:
        A sparsity per matrix, in the order of the metrics.

    Raises:
        InputError: The lengths differ, a number is out of range, or the bounds do not allow the
            budget.

    Source: AlphaPruning (Lu et al. 2024), section 3.2; the clipping is not in the released code,
    whose sparsities can exceed 1.
    """
    if not 0 <= tau < 1:
        raise InputError(f"tau must lie in [0, 1), not {tau:g}")
    slopes = [1 - tau + 2 * tau * part for part in _minmax(metrics)]
    return _fill(slopes, [0.0] * len(slopes), sizes, target, bounds)


def allocate_by_outliers(
    scores: Sequence[float],
    sizes: Sequence[int],
    target: float,
    spread: float = 0.08,
    bounds: tuple[float, float] = (0.0, LARGEST),
) -> tuple[float, ...]:
    """Allocates sparsity by outliers (many outliers, low sparsity) under a budget.

    The densities are 2 · spread · minmax(scores), shifted by a constant and clipped.

    Args:
        scores: One per matrix, as from :func:`owl_scores`; a high one means less pruning.
        sizes: Number of weights of each matrix.
        target: Sparsity over all weights, within the bounds.
        spread: λ of the paper, at least 0; densities differ by at most 2λ.
        bounds: Least and largest sparsity of one matrix, within [0, 1].

    Returns:
        A sparsity per matrix.

    Raises:
        InputError: See :func:`allocate`.

    Source: OWL (Yin et al. 2024) and released code. The released code averages over
    blocks; here weights are counted, so that matrices of different sizes meet the budget too.
    """
    if not 0 <= spread < float("inf"):
        raise InputError(f"spread must be at least 0, not {spread:g}")
    offsets = [-2 * spread * part for part in _minmax(scores)]
    return _fill([1.0] * len(offsets), offsets, sizes, target, bounds)


def _minmax(values: Sequence[float]) -> list[float]:
    """Scales values linearly to [0, 1]; equal ones to one half."""
    if not values or not all(isfinite(value) for value in values):
        raise InputError("need at least one metric, and finite ones")
    low, high = min(values), max(values)
    # Halves, as the difference of large values of opposite sign could overflow.
    reach = high / 2 - low / 2
    if not reach > 0:
        return [0.5] * len(values)
    return [min((value / 2 - low / 2) / reach, 1.0) for value in values]


def _fill(
    slopes: Sequence[float],
    offsets: Sequence[float],
    sizes: Sequence[int],
    target: float,
    bounds: tuple[float, float],
) -> tuple[float, ...]:
    """Finds the level at which clip(slope · level + offset) meets the budget (water-filling)."""
    low, high = bounds
    if len(slopes) != len(sizes) or min(sizes) < 1:
        raise InputError("need one metric and one positive size per matrix")
    if not 0 <= low <= high <= 1:
        raise InputError(f"bounds must lie in [0, 1] and in order, not {low:g}, {high:g}")
    if not low <= target <= high:
        raise InputError(
            f"a sparsity of {target:g} over all weights cannot be met with {low:g} to {high:g} "
            "for each; change the target or the bounds"
        )
    lines = list(zip(slopes, offsets, sizes, strict=True))
    wanted = fsum(target * size for size in sizes)

    def pruned(level: float) -> float:
        return fsum(size * min(max(s * level + o, low), high) for s, o, size in lines)

    # Between two kinks the sum is linear in the level; the kinks are where a line meets a bound.
    kinks = sorted({(bound - o) / s for s, o, _ in lines for bound in (low, high)})
    right = min(bisect_left(kinks, wanted, key=pruned), len(kinks) - 1)
    left = max(right - 1, 0)
    middle = (kinks[left] + kinks[right]) / 2
    free = [(s, o, size) for s, o, size in lines if low < s * middle + o < high]
    level = kinks[right]
    if free:
        fixed = fsum(
            size * min(max(s * middle + o, low), high)
            for s, o, size in lines
            if not low < s * middle + o < high
        )
        due = wanted - fixed - fsum(o * size for _, o, size in free)
        level = due / fsum(s * size for s, _, size in free)
    return tuple(min(max(s * level + o, low), high) for s, o, _ in lines)
