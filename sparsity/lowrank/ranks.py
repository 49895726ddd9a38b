"""Choice of ranks: one threshold over all normalised spectra (WeLore)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from surefoot.core.errors import InputError

Budget = Literal["err", "parameters"]

BUDGETS: tuple[Budget, ...] = ("err", "parameters")

HALF = 0.5
"""Fraction of the full rank below which a matrix is a low-rank component, as in the paper."""


@dataclass(frozen=True, slots=True)
class RankPlan:
    """The rank of every matrix, and which of them are factorized.

    Attributes:
        ranks: Rank of each matrix, in 1 … min(shape); for dense ones the rank by the threshold.
        low_rank: Whether each is a low-rank component (LRC), which is factorized.
        threshold: Smallest kept normalised singular value; NaN if none was used.
        err: Fraction of all singular values below the threshold (effective rank reduction),
            including dense matrices.
        parameters: Fraction of all weights saved by factorizing the low-rank components.
    """

    ranks: tuple[int, ...]
    low_rank: tuple[bool, ...]
    threshold: float
    err: float
    parameters: float


def ranks_for(
    spectra: Sequence[torch.Tensor | ArrayLike],
    shapes: Sequence[tuple[int, int]],
    target: float,
    budget: Budget = "err",
    *,
    below: float = HALF,
) -> RankPlan:
    """Truncates all normalised spectra at one threshold that meets a budget.

    A spectrum is normalised to [0, 1]: (σ - min) / (max - min). The rank of a matrix is
    the number of its values at or above the threshold, at least 1. It is a low-rank component,
    factorized with r(m + n) weights, if r < ``below`` · min(m, n) and r(m + n) < mn; otherwise it
    stays dense.

    Args:
        spectra: The min(m, n) singular values of each matrix, in any order.
        shapes: (m, n) of each matrix.
        target: Fraction to remove, in [0, 1): of singular values (``err``, as in the paper), or of
            weights that are actually saved (``parameters``).
        budget: Kind of target. The least threshold that removes at least the target is chosen; the
            plan gives the actual fraction. Reductions of rank save fewer weights than their
            number suggests: dense matrices save none, factorized ones (m + n) weights per rank.
        below: Fraction of the full rank; 1 factorizes every matrix for which that saves weights.

    Raises:
        InputError: Lengths differ, a spectrum is malformed, a number is out of range, or no
            threshold meets the budget.

    Source: WeLore (Jaiswal et al. 2025). The paper searches the threshold on a grid of
    0.005; here it is one of the values.
    """
    if budget not in BUDGETS:
        raise InputError(f"unknown budget '{budget}'; use one of {', '.join(BUDGETS)}")
    if not 0 <= target < 1 or not 0 < below <= 1:
        raise InputError(
            f"need a target in [0, 1) and `below` in (0, 1], not {target:g} and {below:g}"
        )
    if not spectra or len(spectra) != len(shapes):
        raise InputError("need one spectrum and one shape per matrix")
    values = [normalised(s, shape) for s, shape in zip(spectra, shapes, strict=True)]
    levels = np.unique(np.concatenate(values))

    def plan(level: int) -> RankPlan:
        threshold = float(levels[level])
        cut = [int(np.searchsorted(v, threshold)) for v in values]
        ranks = [len(v) - c for v, c in zip(values, cut, strict=True)]
        return _plan(ranks, shapes, below, threshold, sum(cut) / sum(map(len, values)))

    found = bisect_left(
        range(len(levels)), target - 1e-12, key=lambda at: getattr(plan(at), budget)
    )
    if found == len(levels):
        most = getattr(plan(len(levels) - 1), budget)
        raise InputError(
            f"no threshold removes {target:g} ({budget}); at most {most:.4g} is possible"
        )
    return plan(found)


def uniform_ranks(shapes: Sequence[tuple[int, int]], parameters: float) -> RankPlan:
    """Gives every matrix the same fraction of its full rank so that a budget of weights is met.

    The baseline of :func:`ranks_for` at equal ``parameters``. Every matrix for which that saves
    weights is factorized.

    Args:
        shapes: (m, n) of each matrix.
        parameters: Least fraction of all weights to save, in [0, 1).

    Raises:
        InputError: There is no matrix, or the fraction cannot be met.
    """
    if not shapes or not 0 <= parameters < 1:
        raise InputError(f"need a shape, and a fraction in [0, 1), not {parameters:g}")
    full = [min(shape) for shape in shapes]
    # Fractions of the full rank at which a rank changes, descending.
    steps = sorted({rank / most for most in set(full) for rank in range(1, most + 1)}, reverse=True)

    def plan(at: int) -> RankPlan:
        ranks = [max(int(steps[at] * most + 1e-9), 1) for most in full]
        return _plan(ranks, shapes, 1.0, float("nan"), 1 - sum(ranks) / sum(full))

    found = bisect_left(range(len(steps)), parameters - 1e-12, key=lambda at: plan(at).parameters)
    if found == len(steps):
        raise InputError(
            f"a fraction of {parameters:g} cannot be saved; at most "
            f"{plan(len(steps) - 1).parameters:.4g} of the weights are saved at rank 1"
        )
    return plan(found)


def saves(rank: int, shape: tuple[int, int]) -> bool:
    """Returns whether two factors of this rank hold fewer weights than the matrix."""
    return rank * (shape[0] + shape[1]) < shape[0] * shape[1]


def normalised(spectrum: torch.Tensor | ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Returns singular values scaled to [0, 1], ascending; all 1 if they are equal.

    Raises:
        InputError: Their number is not min(shape), or one is negative or not finite.
    """
    given = spectrum.detach().cpu().double() if isinstance(spectrum, torch.Tensor) else spectrum
    values = np.sort(np.asarray(given, dtype=np.float64))
    if values.ndim != 1 or min(shape) < 1 or len(values) != min(shape):
        raise InputError(f"need {min(shape)} singular values for a matrix {tuple(shape)}")
    if not (np.isfinite(values) & (values >= 0)).all():
        raise InputError("singular values must be finite and not negative")
    if values[0] == values[-1]:
        return np.ones(len(values))
    return np.asarray((values - values[0]) / (values[-1] - values[0]), dtype=np.float64)


def _plan(
    ranks: Sequence[int],
    shapes: Sequence[tuple[int, int]],
    below: float,
    threshold: float,
    err: float,
) -> RankPlan:
    """Returns the plan for given ranks."""
    low = tuple(
        r < below * min(shape) and saves(r, shape) for r, shape in zip(ranks, shapes, strict=True)
    )
    whole = sum(m * n for m, n in shapes)
    left = sum(
        r * (m + n) if is_low else m * n
        for r, is_low, (m, n) in zip(ranks, low, shapes, strict=True)
    )
    return RankPlan(tuple(ranks), low, threshold, err, 1 - left / whole)
