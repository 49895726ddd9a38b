"""Baselines without a network: filters and interpolation.

Images are float arrays ``[channels, height, width]`` with values from 0 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def median(picture: Array, across: int = 3) -> Array:
    """Returns the median of a square around each pixel, channel by channel.

    Args:
        picture: The image.
        across: Side of the square in pixels, odd.

    Raises:
        InputError: The side is even or not positive.
    """
    from scipy.ndimage import median_filter

    if across < 1 or across % 2 == 0:
        raise InputError(f"a median over {across} pixels; use an odd number")
    found: Array = median_filter(picture, (1, across, across), mode="reflect")
    return found


def non_local_means(
    picture: Array, sigma: float, patch: int = 5, search: int = 13, strength: float = 0.8
) -> Array:
    """Returns the non-local means of an image.

    Weights are ``exp(-max(d - 2 sigma^2, 0) / h^2)`` with ``d`` the mean squared difference of
    two patches over all channels and ``h = strength * sigma``.

    Args:
        picture: The image.
        sigma: Standard deviation of the noise, positive.
        patch: Side of the patches, odd.
        search: Side of the square that is searched, odd.
        strength: Strength of the smoothing.

    Raises:
        InputError: A number is out of range.

    Source: Buades et al. 2005; Buades et al. 2011 (IPOL), section 3, for the weights.
    """
    from scipy.ndimage import uniform_filter

    if not sigma > 0:
        raise InputError(f"non-local means needs a noise above zero, not {sigma:g}")
    if min(patch, search) < 1 or patch % 2 == 0 or search % 2 == 0:
        raise InputError("non-local means needs odd sides of patch and search")
    reach = search // 2
    _, height, width = picture.shape
    padded = np.pad(picture, ((0, 0), (reach, reach), (reach, reach)), mode="symmetric")
    total, weights = np.zeros_like(picture), np.zeros((height, width))
    # One shift at a time over the whole image; the loop is only over the search window.
    for dy in range(search):
        for dx in range(search):
            moved = padded[:, dy : dy + height, dx : dx + width]
            away = uniform_filter(((moved - picture) ** 2).mean(0), patch, mode="reflect")
            weight = np.exp(-np.maximum(away - 2 * sigma**2, 0) / (strength * sigma) ** 2)
            total += weight * moved
            weights += weight
    return total / weights


def enlarge(picture: Array, scale: int, how: Literal["bicubic", "lanczos"] = "bicubic") -> Array:
    """Returns an image enlarged by interpolation, clipped to [0, 1].

    Args:
        picture: The image.
        scale: Enlargement factor.
        how: The kernel.
    """
    from PIL import Image

    kernel = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}[how]
    _, height, width = picture.shape
    size = (width * scale, height * scale)
    channels = [
        np.asarray(Image.fromarray(c.astype(np.float32), mode="F").resize(size, kernel))
        for c in picture
    ]
    return np.clip(np.stack(channels).astype(np.float64), 0, 1)


def fill(picture: Array, known: NDArray[np.bool_]) -> Array:
    """Returns an image with unknown pixels interpolated linearly between known ones.

    Outside the convex hull of known pixels, or if they are collinear, the nearest one is used.

    Args:
        picture: The image; unknown pixels are ignored.
        known: Which pixels are known ``[height, width]``.

    Raises:
        InputError: No pixel is known.
    """
    from scipy.interpolate import LinearNDInterpolator
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import QhullError

    if not known.any():
        raise InputError("the mask has no known pixel; there is nothing to restore from")
    if known.all():
        return picture.copy()
    nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
    found: Array = picture[:, nearest[0], nearest[1]].copy()
    places = np.argwhere(known)
    try:
        between = LinearNDInterpolator(places, picture[:, known].T)
    except QhullError:
        return found
    holes = np.argwhere(~known)
    values = between(holes).T
    inside = np.isfinite(values[0])
    found[:, holes[inside, 0], holes[inside, 1]] = values[:, inside]
    return found


def estimate_sigma(picture: Array) -> float:
    """Returns the standard deviation of white noise, from the finest diagonal differences.

    Their median magnitude is that of the noise if the image is mostly smooth. Squares of pixels
    with a black or white one are excluded if enough others remain, since noise is clipped there.

    Args:
        picture: The image, with sides of at least two pixels.

    Raises:
        InputError: A side has one pixel.

    Source: Donoho and Johnstone 1994, section 3.1, with Haar wavelets.
    """
    _, height, width = picture.shape
    if min(height, width) < 2:
        raise InputError("noise cannot be estimated from an image that is one pixel wide")
    even = picture[:, : height // 2 * 2, : width // 2 * 2]
    a, b = even[:, ::2, ::2], even[:, ::2, 1::2]
    c, d = even[:, 1::2, ::2], even[:, 1::2, 1::2]
    within = np.all([(x > 0) & (x < 1) for x in (a, b, c, d)], axis=0)
    size = np.abs(a - b - c + d) / 2
    # The third quartile of the standard normal distribution.
    return float(np.median(size[within] if within.mean() > 0.1 else size)) / 0.6744897501960817
