r"""Nonlinear Gaussian process with sharp edges, and its Gaussian clone.

The nonlinear Gaussian process is :math:`x = \operatorname{erf}(g z / \sqrt 2) / \sqrt\gamma` of a
Gaussian field z on a ring (Ingrosso and Goldt 2022). A larger gain g gives sharper edges; the two
classes have different correlation lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erf

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_RIDGE = 1e-3
"""Added to the diagonal of the covariance, so that rounding leaves it positive definite."""


@dataclass(frozen=True)
class Field:
    """Distribution of fields on a ring, in two classes.

    Attributes:
        size: Positions D on the ring.
        gain: The gain g.
        lengths: Correlation lengths of the two classes, in positions.
        gaussian: Whether fields are Gaussian with the same covariance (the clone).
    """

    size: int = 100
    gain: float = 100.0
    lengths: tuple[float, float] = (3.0, 1.0)
    gaussian: bool = False

    def __post_init__(self) -> None:
        """Checks the parameters."""
        if self.size < 2 or self.gain <= 0 or min(self.lengths) <= 0:
            raise InputError("a field needs at least two positions and a positive gain and lengths")

    def inner(self, length: float) -> Array:
        """Returns the covariance of z ``[D, D]`` with ones on the diagonal.

        For lengths above about a sixth of the ring the kernel is not positive definite; negative
        eigenvalues are then set to zero.
        """
        places = np.arange(self.size)
        apart = np.abs(places[:, None] - places[None])
        apart = np.minimum(apart, self.size - apart)
        found: Array = np.exp(-((apart / length) ** 2)) + _RIDGE * np.eye(self.size)
        found /= 1 + _RIDGE
        values, vectors = np.linalg.eigh(found)
        if values[0] < 0:
            found = vectors * np.maximum(values, 0) @ vectors.T
            found /= found[0, 0]  # constant on a ring
        return found

    def covariance(self, length: float) -> Array:
        """Returns the covariance of x ``[D, D]``, the arcsine law of the erf of z."""
        square = self.gain**2
        found: Array = 2 / np.pi * np.arcsin(square * self.inner(length) / (1 + square))
        return found / self._scale

    @property
    def _scale(self) -> float:
        """The variance of erf, so that every position of x has variance 1."""
        square = self.gain**2
        return float(2 / np.pi * np.arcsin(square / (1 + square)))

    def draw(self, count: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
        """Draws equal numbers of points of both classes.

        Args:
            count: Number of points, even.
            seed: Seed.

        Returns:
            Points ``[count, D]`` and classes ``[count]``, 0 or 1, shuffled.
        """
        rng = np.random.default_rng(seed)
        parts = []
        for length in self.lengths:
            target = self.covariance(length) if self.gaussian else self.inner(length)
            values, vectors = np.linalg.eigh(target)
            root = vectors * np.sqrt(np.maximum(values, 0))
            z = rng.standard_normal((count // 2, self.size)) @ root.T
            parts.append(
                z if self.gaussian else erf(self.gain * z / np.sqrt(2)) / np.sqrt(self._scale)
            )
        classes = np.repeat([0, 1], count // 2)
        order = rng.permutation(len(classes))
        return np.concatenate(parts)[order], classes[order]
