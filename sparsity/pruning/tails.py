"""Power-law exponents of the tails of spectra."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from surefoot.core.errors import InputError

Floats = NDArray[np.float64]

FitMethod = Literal["peak", "mid", "fixed-finger"]
Bound = Literal["corrected", "log10-compat"]

METHODS: tuple[FitMethod, ...] = ("peak", "mid", "fixed-finger")
BOUNDS: tuple[Bound, ...] = ("corrected", "log10-compat")

BINS = 100
"""Bins of the histogram of log10 λ whose highest one is the peak."""

NEAR_PEAK = (0.95, 1.5)
"""Range of the start of the tail, relative to the peak."""

LEAST = 8
"""Least number of eigenvalues for a fit."""

_RELEASED_ZERO = 1e-5
"""The released code drops eigenvalues up to this."""

_PROBES = 48
"""Points of a tail at which a lower bound of its distance is computed first."""


@dataclass(frozen=True, slots=True)
class TailFit:
    """A power law p(λ) ~ λ^-alpha for the eigenvalues from ``x_min`` on.

    Attributes:
        alpha: Exponent; small is a heavy tail.
        x_min: Eigenvalue at which the tail begins.
        ks: Kolmogorov-Smirnov distance between tail and fit, in [0, 1].
        n: Number of eigenvalues in the tail.
    """

    alpha: float
    x_min: float
    ks: float
    n: int


def tail_exponent(
    weight_or_singular_values: torch.Tensor | ArrayLike,
    method: FitMethod = "peak",
    bound: Bound = "corrected",
    window: int | tuple[int, int] | None = None,
) -> TailFit:
    """Fits a power law to the largest eigenvalues λ = σ² of a weight matrix.

    alpha = 1 + n / Σ ln(λ / x_min) over the n eigenvalues λ >= x_min (Hill's estimator), with

    - ``peak``: x_min is the eigenvalue in [0.95, 1.5] × peak, the left edge of the highest of 100
      bins of log10 λ, with the smallest Kolmogorov-Smirnov distance;
    - ``mid``: x_min is the median eigenvalue;
    - ``fixed-finger``: x_min is the first eigenvalue at or above the peak; nothing is searched.

    Args:
        weight_or_singular_values: A matrix, or the one-dimensional singular values of one.
        method: Start of the tail.
        bound: ``log10-compat`` reproduces the released code: the lower bound of ``peak`` is the
            logarithm of the intended value, and so is ineffective; eigenvalues up to 1e-5 are
            dropped regardless of scale; the distance uses only one side of each step.
            ``corrected`` drops eigenvalues that are zero in fp32 relative to the largest.
        window: Rows and columns (one number: a square) of submatrices that cover the matrix,
            overlapping as little as they can; their eigenvalues are pooled. Exponents of
            matrices of different shape are comparable only with a common window.

    Raises:
        InputError: An argument is invalid, a number is not finite, the window does not fit,
            or the spectrum has no tail (fewer than 8 nonzero eigenvalues, or all equal).

    Source: AlphaPruning (Lu et al. 2024) and released code; windows: FARMS (Hu et al. 2025),
    which draws more of them, by ratio instead of size.
    """
    if method not in METHODS or bound not in BOUNDS:
        raise InputError(
            f"unknown fit '{method}' with bound '{bound}'; use one of {', '.join(METHODS)} "
            f"and of {', '.join(BOUNDS)}"
        )
    values = _eigenvalues(weight_or_singular_values, window)
    compat = bound == "log10-compat"
    zero = len(values) * float(np.finfo(np.float32).eps)
    floor = _RELEASED_ZERO if compat else values[-1] * zero**2
    values = values[values > floor]
    if len(values) < LEAST or not values[-1] > values[0] * (1 + 1e-4):
        raise InputError(
            "the spectrum has no tail to fit: fewer than 8 nonzero eigenvalues, or all are "
            "equal; allocate uniformly or by outliers"
        )
    logs = np.log(values)
    tails = np.cumsum(logs[::-1])[::-1]
    counts = np.arange(len(values), 0, -1, dtype=np.float64)
    with np.errstate(divide="ignore"):
        alphas = 1 + counts / (tails - counts * logs)
    if method == "mid":
        start = len(values) // 2
    elif method == "fixed-finger":
        start = int(np.searchsorted(values, _peak(values)))
    else:
        start = _nearest_fit(logs, alphas, _near_peak(values, compat), compat)
    start = min(start, len(values) - 2)
    if not np.isfinite(alphas[start]):
        raise InputError("the tail of the spectrum is flat; allocate uniformly or by outliers")
    distance = _distances(logs, alphas, np.array([start]), compat)[0]
    return TailFit(float(alphas[start]), float(values[start]), float(distance), len(values) - start)


def common_window(shapes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Returns the largest square window that fits into matrices of all these shapes.

    Raises:
        InputError: There is no shape.

    >>> common_window([(64, 64), (172, 64)])
    (64, 64)
    """
    sides = [side for shape in shapes for side in shape]
    if not sides:
        raise InputError("need the shape of at least one matrix")
    return min(sides), min(sides)


def _eigenvalues(given: torch.Tensor | ArrayLike, window: int | tuple[int, int] | None) -> Floats:
    """Returns ascending squared singular values, of all windows together if there is one."""
    array = torch.as_tensor(given).detach()
    if array.dtype != torch.float64:
        array = array.float()
    if array.ndim not in (1, 2) or not array.numel() or not bool(array.isfinite().all()):
        raise InputError("need a matrix or its singular values, not empty and finite")
    if array.ndim == 1:
        if window is not None:
            raise InputError(
                "windows are cut from a matrix; they cannot be cut from singular values"
            )
        return np.sort(array.cpu().numpy().astype(np.float64) ** 2)
    if window is not None:
        rows, columns = (window, window) if isinstance(window, int) else window
        if not (1 <= rows <= array.shape[0] and 1 <= columns <= array.shape[1]):
            raise InputError(
                f"a window of {rows} x {columns} does not fit into a matrix of "
                f"{array.shape[0]} x {array.shape[1]}"
            )
        array = torch.stack(
            [
                array[top : top + rows, left : left + columns]
                for top in _offsets(array.shape[0], rows)
                for left in _offsets(array.shape[1], columns)
            ]
        )
    singular = torch.linalg.svdvals(array).flatten()
    return np.sort(singular.cpu().numpy().astype(np.float64) ** 2)


def _offsets(length: int, window: int) -> list[int]:
    """Returns the offsets of the fewest evenly spaced windows that cover a length."""
    count = ceil(length / window)
    return [round(i * (length - window) / max(count - 1, 1)) for i in range(count)]


def _peak(values: Floats) -> float:
    """Returns the left edge of the highest bin of the histogram of log10 λ."""
    counts, edges = np.histogram(np.log10(values), BINS)
    return float(10 ** edges[int(np.argmax(counts))])


def _near_peak(values: Floats, compat: bool) -> NDArray[np.intp]:
    """Returns the possible starts of a tail; it has at least two eigenvalues."""
    peak = _peak(values)
    low = NEAR_PEAK[0] * peak
    if compat:
        low = float(np.log10(low))
    start = int(np.searchsorted(values, low))
    stop = int(np.searchsorted(values, NEAR_PEAK[1] * peak, side="right"))
    # Bins of a very wide spectrum are wider than the bounds.
    start = min(start, len(values) - 2)
    return np.arange(start, max(min(stop, len(values) - 1), start + 1))


def _nearest_fit(logs: Floats, alphas: Floats, starts: NDArray[np.intp], compat: bool) -> int:
    """Returns the start of the tail whose fit has the least distance; the first of several.

    The distance at a few points is a lower bound, so that most tails are not evaluated fully.
    """
    starts = starts[np.isfinite(alphas[starts])]
    if not len(starts):
        return len(logs) - 2
    least = _distances(logs, alphas, starts, compat, _PROBES)
    best, found = np.inf, int(starts[0])
    for at in np.argsort(least, kind="stable"):
        if least[at] > best:
            break
        distance = _distances(logs, alphas, starts[at : at + 1], compat)[0]
        if distance < best or (distance == best and starts[at] < found):
            best, found = float(distance), int(starts[at])
    return found


def _distances(
    logs: Floats,
    alphas: Floats,
    starts: NDArray[np.intp],
    compat: bool,
    points: int | None = None,
) -> Floats:
    """Returns the distance of each start's tail, at all of its points or only at a few.

    With several starts ``points`` must be given, as their tails differ in length.
    """
    counts = len(logs) - starts
    if points is None:
        where = np.arange(counts[0])[None, :]
    else:
        where = np.linspace(0, 1, points)[None, :] * (counts[:, None] - 1)
        where = where.astype(np.intp)
    above = logs[starts[:, None] + where] - logs[starts][:, None]
    fitted = -np.expm1(-(alphas[starts][:, None] - 1) * above)
    before = where / counts[:, None]
    away = np.abs(fitted - before)
    if not compat:
        away = np.maximum(away, np.abs(before + 1 / counts[:, None] - fitted))
    return np.asarray(away.max(axis=1), dtype=np.float64)
