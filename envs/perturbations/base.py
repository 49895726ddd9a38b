"""Base classes of perturbations: severity, seed, name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from surefoot.envs.perturbations.faults import Faults

Floats = NDArray[np.float32]


class Channels(NamedTuple):
    """An image with its ground truth, all of the same height and width.

    Attributes:
        rgb: Colours, uint8 ``[height, width, 3]``.
        depth: Distance along the optical axis in metres, float32 ``[height, width]``.
        segmentation: Body of every pixel, -1 for none, int32 ``[height, width]``.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.int32]


class RandomSource(NamedTuple):
    """Source of random draws: the same numbers give the same pixels.

    Attributes:
        seed: The episode's seed.
        camera: Number or name of the camera.
        frame: Number of the frame in the episode.
    """

    seed: int
    camera: str = "front"
    frame: int = 0

    def of_episode(self, purpose: str) -> np.random.Generator:
        """Returns a generator for what is constant over an episode, such as dirt on a lens."""
        return _generator(f"{self.seed}:{self.camera}:{purpose}")

    def of_frame(self, purpose: str) -> np.random.Generator:
        """Returns a generator for what is new in every frame, such as noise."""
        return _generator(f"{self.seed}:{self.camera}:{self.frame}:{purpose}")


def _generator(text: str) -> np.random.Generator:
    return np.random.default_rng(np.frombuffer(text.encode(), np.uint8).astype(np.uint32))


class Perturbation(BaseModel, ABC):
    """One perturbation with a severity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str] = ""
    part: ClassVar[str] = ""
    """What it acts on: ``image``, ``robot``, ``camera`` or ``scene``."""

    severity: float = Field(default=0.5, ge=0, le=1)
    """From 0 (no change) to 1 (worst); each kind documents its scale."""

    @abstractmethod
    def faults(self) -> dict[str, Any]:
        """Returns the fields of :class:`Faults` that it sets."""

    def spec(self) -> dict[str, Any]:
        """Returns its name and all its arguments, from which it can be rebuilt."""
        return {"name": self.name, **self.model_dump(mode="json")}


class ImagePerturbation(Perturbation):
    """A perturbation of images."""

    part: ClassVar[str] = "image"

    def faults(self) -> dict[str, Any]:
        """Returns itself as an image perturbation of the cameras; empty at severity 0."""
        return {"images": (self.spec(),)} if self.severity > 0 else {}

    def apply(self, image: Channels, draws: RandomSource) -> Channels:
        """Returns the changed image; the same object at severity 0."""
        return self.change(image, draws) if self.severity > 0 else image

    @abstractmethod
    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Changes an image at a severity above 0."""


def merge_faults(base: Faults, changes: Iterable[Mapping[str, Any]]) -> Faults:
    """Merges faults: factors multiply, standard deviations add as those of independent errors.

    Probabilities combine as those of independent events; delays and counts add up; image
    perturbations are applied in sequence.
    """
    values = base.model_dump()
    for change in changes:
        for field, value in change.items():
            old = values[field]
            if field == "friction":
                values[field] = old * value
            elif field in ("position_noise", "camera_position_error"):
                values[field] = float(np.hypot(old, value))
            elif field in ("delay_frames", "distractors", "images"):
                values[field] = old + value
            else:
                values[field] = 1 - (1 - old) * (1 - value)
    return Faults(**values)
