"""Image fidelity: PSNR and SSIM."""

from __future__ import annotations

from math import inf, log10
from typing import TYPE_CHECKING

import numpy as np

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.floating]

_SIGMA, _REACH = 1.5, 5
"""Standard deviation and radius of the Gaussian window, as in Wang et al. 2004."""

_C1, _C2 = 0.01**2, 0.03**2
"""Stabilising constants for a range of 1, as in Wang et al. 2004."""


def psnr(picture: Array, truth: Array) -> float:
    """Returns the peak signal-to-noise ratio in dB, for a range of 1; infinite if they are equal.

    Args:
        picture: An image of any shape.
        truth: The reference image, of the same shape.

    Raises:
        InputError: The shapes differ, or the images are empty.
    """
    _check(picture, truth)
    error = float(np.mean((np.asarray(picture, np.float64) - np.asarray(truth, np.float64)) ** 2))
    return inf if error == 0 else -10 * log10(error)


def ssim(picture: Array, truth: Array) -> float:
    """Returns the mean structural similarity, at most 1, for a range of 1.

    Windows are Gaussian (11 x 11, sigma 1.5) and lie within the image; channels are averaged.

    Args:
        picture: An image ``[channels, height, width]``.
        truth: The reference image, of the same shape.

    Raises:
        InputError: The shapes differ, or a side has fewer than 11 pixels.

    Source: Wang et al. 2004, section III.
    """
    from scipy.ndimage import gaussian_filter1d

    _check(picture, truth)
    if picture.ndim != 3 or min(picture.shape[1:]) < 2 * _REACH + 1:
        raise InputError("structural similarity needs sides of 11 pixels or more")

    def local(x: NDArray[np.float64]) -> NDArray[np.float64]:
        for axis in (1, 2):
            x = gaussian_filter1d(x, _SIGMA, axis, radius=_REACH)
        return x[:, _REACH:-_REACH, _REACH:-_REACH]

    a, b = np.asarray(picture, np.float64), np.asarray(truth, np.float64)
    mean_a, mean_b = local(a), local(b)
    var_a, var_b = local(a * a) - mean_a**2, local(b * b) - mean_b**2
    joint = local(a * b) - mean_a * mean_b
    found = (2 * mean_a * mean_b + _C1) * (2 * joint + _C2)
    found /= (mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)
    return float(found.mean())


def _check(picture: Array, truth: Array) -> None:
    if picture.shape != truth.shape or not picture.size:
        raise InputError(f"images of shapes {picture.shape} and {truth.shape} cannot be compared")
