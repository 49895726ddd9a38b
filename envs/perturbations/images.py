"""Perturbations of sensor and transmission: exposure, noise, colour, resolution, JPEG."""

from __future__ import annotations

from io import BytesIO
from typing import ClassVar

import numpy as np
from PIL import Image

from surefoot.envs.perturbations.base import Channels, ImagePerturbation, RandomSource
from surefoot.envs.perturbations.optics import to_display, to_linear


class Exposure(ImagePerturbation):
    """Underexposure or overexposure by severity times three stops.

    A stop halves (or doubles) the light; values above white are clipped.
    """

    name: ClassVar[str] = "exposure"

    over: bool = False
    """Whether the exposure is too long."""

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        stops = 3 * self.severity * (1 if self.over else -1)
        return image._replace(rgb=to_display(to_linear(image.rgb) * np.float32(2**stops)))


class Noise(ImagePerturbation):
    """Shot and read noise of a sensor, in linear light, new in every frame.

    White fills the sensor with 20 / severity² electrons, whose number varies by its square
    root; reading adds a standard deviation of severity times 2 % of white.
    """

    name: ClassVar[str] = "noise"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        light = to_linear(image.rgb)
        electrons = 20 / self.severity**2
        variance = light / np.float32(electrons) + np.float32((0.02 * self.severity) ** 2)
        rng = draws.of_frame(self.name)
        return image._replace(
            rgb=to_display(
                light + np.sqrt(variance) * rng.standard_normal(light.shape, dtype=np.float32)
            )
        )


class ColourShift(ImagePerturbation):
    """Wrong white balance, constant over an episode.

    Red, green and blue gain or lose up to severity times 0.8 stops, in a random direction that
    preserves the brightness of grey (the mean of the three logarithms).
    """

    name: ClassVar[str] = "colour-shift"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        angle = draws.of_episode(self.name).uniform(0, 2 * np.pi)
        shifts = np.cos(angle + np.arange(3) * 2 * np.pi / 3)
        gains = (2.0 ** (0.8 * self.severity * shifts)).astype(np.float32)
        return image._replace(rgb=to_display(to_linear(image.rgb) * gains))


class LowResolution(ImagePerturbation):
    """Fewer pixels: the image is reduced by a factor of 1 to 8 (by severity) and enlarged again."""

    name: ClassVar[str] = "low-resolution"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        rows, columns = image.rgb.shape[:2]
        factor = 1 + 7 * self.severity
        small = max(1, round(columns / factor)), max(1, round(rows / factor))
        picture = Image.fromarray(image.rgb).resize(small, Image.Resampling.BOX)
        again = picture.resize((columns, rows), Image.Resampling.BILINEAR)
        return image._replace(rgb=np.asarray(again, np.uint8))


class Jpeg(ImagePerturbation):
    """JPEG of quality 90 · (3/90)^severity: 90 at the least severity, 16 at a half, 3 at 1."""

    name: ClassVar[str] = "jpeg"

    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Overrides the base class; see the class for the definition."""
        file = BytesIO()
        Image.fromarray(image.rgb).save(file, "JPEG", quality=round(90 * (3 / 90) ** self.severity))
        return image._replace(rgb=np.asarray(Image.open(file).convert("RGB"), np.uint8))
