"""Perturbations of the light on its way to the sensor: fog, lens, occluders.

Mixing of light is computed in linear light (sRGB's curve approximated by an exponent of 2.2).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter, zoom
from scipy.signal import fftconvolve

from surefoot.envs.perturbations.base import (
    Channels,
    Floats,
    ImagePerturbation,
    RandomSource,
)

_LINEAR = (np.arange(256) / 255.0).astype(np.float32) ** np.float32(2.2)


def to_linear(rgb: NDArray[np.uint8]) -> Floats:
    """Returns linear light in [0, 1]."""
    return np.asarray(_LINEAR[rgb])


def to_display(light: Floats) -> NDArray[np.uint8]:
    """Returns 8-bit colours; values outside [0, 1] are clipped."""
    shown = np.clip(light, 0, 1) ** np.float32(1 / 2.2)
    return np.asarray(np.rint(255 * shown).astype(np.uint8))


def convolve(light: Floats, kernel: Floats) -> Floats:
    """Blurs an image with a kernel that sums to 1; edges are mirrored."""
    up, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    padded = np.pad(light, ((up, up), (left, left), (0, 0)), mode="symmetric")
    blurred = fftconvolve(padded, kernel[:, :, None], mode="valid", axes=(0, 1))
    return np.asarray(blurred, np.float32)


def disc(radius: float) -> Floats:
    """Returns a disc with a soft edge of one pixel, radius in pixels, summing to 1."""
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return np.asarray(kernel / kernel.sum())


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], cells: int) -> Floats:
    """Returns a random field that varies smoothly, about ``cells`` bumps across."""
    rows, columns = shape
    grid = rng.standard_normal((cells + 3, cells + 3))
    field = zoom(grid, (rows / (cells + 2), columns / (cells + 2)), order=3)[:rows, :columns]
    return np.asarray(field, np.float32)


class Defocus(ImagePerturbation):
    """Blur of a lens out of focus: a disc whose radius is severity times 4 % of the height."""

    name: ClassVar[str] = "defocus"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        kernel = disc(0.04 * self.severity * image.rgb.shape[0])
        return image._replace(rgb=to_display(convolve(to_linear(image.rgb), kernel)))


class MotionBlur(ImagePerturbation):
    """Blur of a camera that shakes during the exposure.

    The blur length is severity times 12 % of the width, in a new random direction in every frame.
    """

    name: ClassVar[str] = "motion-blur"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        angle = draws.of_frame(self.name).uniform(0, np.pi)
        length = 0.12 * self.severity * image.rgb.shape[1]
        reach = int(np.ceil(length / 2)) + 1
        kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
        for share in np.linspace(-0.5, 0.5, 8 * reach + 1):
            x = reach + share * length * np.cos(angle)
            y = reach + share * length * np.sin(angle)
            column, row = int(x), int(y)
            fx, fy = x - column, y - row
            kernel[row : row + 2, column : column + 2] += np.outer((1 - fy, fy), (1 - fx, fx))
        kernel /= kernel.sum()
        return image._replace(rgb=to_display(convolve(to_linear(image.rgb), kernel)))


class Fog(ImagePerturbation):
    """Fog by Koschmieder's law: light fades with distance and airlight takes its place.

    Over :attr:`distance`, severity times 95 % of the light is lost. Depth and segmentation
    stay true.
    """

    name: ClassVar[str] = "fog"

    distance: float = Field(default=1.0, gt=0, le=1000)
    """Metres over which the severity counts."""
    airlight: ClassVar[tuple[float, float, float]] = (0.62, 0.64, 0.66)
    """Linear light of the fog."""

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        thickness = -np.log1p(-0.95 * self.severity) / self.distance
        kept = np.exp(-thickness * image.depth)[:, :, None].astype(np.float32)
        light = to_linear(image.rgb) * kept + np.asarray(self.airlight, np.float32) * (1 - kept)
        return image._replace(rgb=to_display(light))


class LensDirt(ImagePerturbation):
    """Smears and specks on the lens, constant over an episode.

    Up to severity times 90 % of the sharp image is replaced by a blurred, darkened and brownish
    one, on about half of the lens.
    """

    name: ClassVar[str] = "lens-dirt"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        rng = draws.of_episode(self.name)
        shape = image.depth.shape[0], image.depth.shape[1]
        smears = np.clip(smooth_field(rng, shape, 5), 0, 1.2) / 1.2
        specks = np.clip(2 * (smooth_field(rng, shape, 24) - 1.4), 0, 1)
        cover = (0.9 * self.severity * np.maximum(0.75 * smears, specks))[:, :, None]
        light = to_linear(image.rgb)
        spread = gaussian_filter(light, (0.06 * shape[0], 0.06 * shape[0], 0))
        dirt = spread * np.asarray((0.42, 0.36, 0.28), np.float32) + np.float32(0.01)
        return image._replace(rgb=to_display(light * (1 - cover) + dirt * cover))


class Occluders(ImagePerturbation):
    """Objects close to the lens, constant over an episode.

    They cover severity times 45 % of the image and count as real objects: depth is
    :data:`OCCLUDER_DEPTH` metres where they are, and segmentation -1 (none).
    """

    name: ClassVar[str] = "occluders"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        rng = draws.of_episode(self.name)
        rows, columns = image.depth.shape
        y, x = np.mgrid[0:rows, 0:columns]
        x, y = (x + 0.5) / columns, (y + 0.5) / rows
        away = np.full((rows, columns), np.inf)
        shade = np.zeros((rows, columns, 3), np.float32)
        for _ in range(3):
            cx, cy, angle = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0, np.pi)
            long, short = rng.uniform(0.8, 1.6), rng.uniform(0.25, 0.6)
            color = np.float32(rng.uniform(0.02, 0.25, 3))
            along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
            across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
            this = np.hypot(along / long, across / short)
            shade = np.where((this < away)[:, :, None], color, shade)
            away = np.minimum(away, this)
        count = round(0.45 * self.severity * away.size)
        hidden = np.zeros(away.size, bool)
        hidden[np.argsort(away, axis=None, kind="stable")[:count]] = True
        hidden = hidden.reshape(away.shape)
        return Channels(
            np.where(hidden[:, :, None], to_display(shade), image.rgb),
            np.where(hidden, np.float32(OCCLUDER_DEPTH), image.depth),
            np.where(hidden, np.int32(-1), image.segmentation),
        )


OCCLUDER_DEPTH = 0.05
"""Metres between an occluder and the eye."""
