"""Measures of the locality of weights and of the non-Gaussianity of their outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


_NOTHING = 1e-9
"""Fraction of a unit's variance below which it counts as zero."""


def participation(weights: Array) -> Array:
    """Returns the inverse participation ratio of each unit, sum w^4 / (sum w^2)^2, ``[K]``.

    It is 1 for a single weight and 1/D for equal weights; NaN for a unit without weights.

    Args:
        weights: ``[K, ...]``.
    """
    flat = np.asarray(weights, dtype=np.float64).reshape(len(weights), -1)
    square = (flat**2).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = (flat**4).sum(1) / square**2
    return found


def locality(weights: Array, axes: int = 1) -> Array:
    """Returns how concentrated the energy of each unit is, from 0 to 1, ``[K]``.

    Positions of an axis are mapped to a circle; the result is the length of the energy's centre: 1
    if all energy is at one position, 0 if it is uniform. Axes are averaged.

    Args:
        weights: ``[K, ...]``; the last ``axes`` axes are space, those before them channels.
        axes: Axes of space, 1 for a ring or 2 for an image.

    Raises:
        InputError: There are fewer axes.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not 1 <= axes < weights.ndim:
        raise InputError(f"weights of shape {weights.shape} have no {axes} axes of space")
    energy = (weights**2).reshape(len(weights), -1, *weights.shape[-axes:]).sum(1)
    total = energy.reshape(len(energy), -1).sum(1)
    parts = []
    for axis in range(1, axes + 1):
        others = tuple(a for a in range(1, axes + 1) if a != axis)
        line = energy.sum(others) if others else energy
        turn = np.exp(2j * np.pi * np.arange(line.shape[1]) / line.shape[1])
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(np.abs(line @ turn) / total)
    found: Array = np.mean(parts, axis=0)
    return found


def shuffled_locality(weights: Array, axes: int = 1, *, times: int = 50, seed: int = 0) -> Array:
    """Returns the locality of weights at shuffled positions, ``[times, K]``.

    Args:
        weights: See :func:`locality`; channels of a position stay together.
        axes: Axes of space.
        times: Number of shuffles.
        seed: Seed.
    """
    weights = np.asarray(weights, dtype=np.float64)
    rng = np.random.default_rng(seed)
    space = weights.shape[-axes:]
    flat = weights.reshape(len(weights), -1, int(np.prod(space)))
    found = []
    for _ in range(times):
        order = np.argsort(rng.random((len(weights), flat.shape[-1])), axis=1)
        dealt = np.take_along_axis(flat, order[:, None, :], axis=2)
        found.append(locality(dealt.reshape(len(weights), -1, *space), axes))
    return np.array(found)


def _centred(values: Array, classes: NDArray[np.int64]) -> list[Array]:
    found = []
    for c in np.unique(classes):
        part = values[classes == c]
        found.append(part - part.mean(0))
    return found


def excess_kurtosis(values: Array, classes: NDArray[np.int64] | None = None) -> Array:
    """Returns the excess kurtosis of each column, averaged over classes, ``[K]``.

    Computed within classes, since a mixture of Gaussians of different variance is kurtotic too.

    Args:
        values: ``[P, K]``.
        classes: ``[P]``; one class by default.
    """
    classes = np.zeros(len(values), dtype=np.int64) if classes is None else classes
    parts = []
    for part in _centred(np.asarray(values, dtype=np.float64), classes):
        square = (part**2).mean(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append((part**4).mean(0) / square**2 - 3)
    found: Array = np.mean(parts, axis=0)
    return found


def cavity(weights: Array, points: Array, classes: NDArray[np.int64] | None = None) -> Array:
    """Returns by how much the kurtosis of each unit changes if one weight is deleted, ``[K, D]``.

    All deletions are computed at once: the moments of ``h - w x`` follow from those of products of
    ``h`` and ``x``, at the cost of four matrix products.

    Args:
        weights: ``[K, D]``.
        points: ``[P, D]``.
        classes: ``[P]``; see :func:`excess_kurtosis`.

    Returns:
        Excess kurtosis without the weight minus that with all weights; 0 where the weight is 0,
        NaN where the unit would become zero.
    """
    w = np.asarray(weights, dtype=np.float64)
    classes = np.zeros(len(points), dtype=np.int64) if classes is None else classes
    parts = []
    for x in _centred(np.asarray(points, dtype=np.float64), classes):
        h = x @ w.T
        count = len(x)
        hx, hhx = h.T @ x / count, (h**2).T @ x**2 / count
        hhhx, hxxx = (h**3).T @ x / count, h.T @ x**3 / count
        square, fourth = (h**2).mean(0)[:, None], (h**4).mean(0)[:, None]
        less = square - 2 * w * hx + w**2 * (x**2).mean(0)
        less4 = fourth - 4 * w * hhhx + 6 * w**2 * hhx - 4 * w**3 * hxxx + w**4 * (x**4).mean(0)
        with np.errstate(invalid="ignore", divide="ignore"):
            change = less4 / less**2 - fourth / square**2
        # A zero unit has no kurtosis; rounding would yield arbitrary values.
        parts.append(np.where(less > _NOTHING * square, change, np.nan))
    found: Array = np.mean(parts, axis=0)
    return np.where(w == 0, 0.0, found)


def gaussian_clone(
    points: Array, classes: NDArray[np.int64] | None = None, *, seed: int = 0
) -> Array:
    """Draws Gaussian points with the mean and covariance of each class of given points.

    Args:
        points: ``[P, D]``.
        classes: ``[P]``; one class by default.
        seed: Seed.

    Returns:
        ``[P, D]``, in the order of the given classes.
    """
    points = np.asarray(points, dtype=np.float64)
    classes = np.zeros(len(points), dtype=np.int64) if classes is None else classes
    rng = np.random.default_rng(seed)
    found = np.empty_like(points)
    for c in np.unique(classes):
        chosen = classes == c
        part = points[chosen]
        middle = part - part.mean(0)
        # Singular vectors also work if few points leave the covariance rank-deficient.
        _, values, vectors = np.linalg.svd(middle, full_matrices=False)
        root = values[:, None] * vectors / np.sqrt(len(part))
        found[chosen] = rng.standard_normal((len(part), len(values))) @ root + part.mean(0)
    return found
