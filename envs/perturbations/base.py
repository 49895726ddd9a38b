"""What all perturbations share: a severity, a seed, a name."""

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
    """An image with its truth, all of the same height and width.

    Attributes:
        rgb: Colours, uint8 ``[height, width, 3]``.
        depth: Distance along the optical axis in metres, float32 ``[height, width]``.
        segmentation: Body of every pixel, -1 for none, int32 ``[height, width]``.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.int32]


class RandomSource(NamedTuple):
    """Where randomness comes from: the same numbers give the same pixels.

    Attributes:
        seed: The episode's seed.
        camera: Number or name of the camera.
        frame: Number of the frame in the episode.
    """

    seed: int
    camera: str = "front"
    frame: int = 0

    def of_episode(self, purpose: str) -> np.random.Generator:
        """Draws that stay for a whole episode, such as dirt on a lens."""
        return _generator(f"{self.seed}:{self.camera}:{purpose}")

    def of_frame(self, purpose: str) -> np.random.Generator:
        """Draws that are new in every frame, such as noise."""
        return _generator(f"{self.seed}:{self.camera}:{self.frame}:{purpose}")


def _generator(text: str) -> np.random.Generator:
    return np.random.default_rng(np.frombuffer(text.encode(), np.uint8).astype(np.uint32))


class Perturbation(BaseModel, ABC):
    """One thing that goes wrong, by severity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str] = ""
    part: ClassVar[str] = ""
    """What it acts on: ``image``, ``robot``, ``camera`` or ``scene``."""

    severity: float = Field(default=0.5, ge=0, le=1)
    """0 changes nothing, 1 is the worst; what lies between is told by each kind."""

    @abstractmethod
    def faults(self) -> dict[str, Any]:
        """Returns the fields of :class:`Faults` that it sets."""

    def spec(self) -> dict[str, Any]:
        """Returns its name and all its arguments, from which it can be built again."""
        return {"name": self.name, **self.model_dump(mode="json")}


class ImagePerturbation(Perturbation):
    """One that changes images."""

    part: ClassVar[str] = "image"

    def faults(self) -> dict[str, Any]:
        """Returns itself as one of the cameras' image perturbations; nothing at severity 0."""
        return {"images": (self.spec(),)} if self.severity > 0 else {}

    def apply(self, image: Channels, draws: RandomSource) -> Channels:
        """Returns the changed image; at severity 0 the very same."""
        return self.change(image, draws) if self.severity > 0 else image

    @abstractmethod
    def change(self, image: Channels, draws: RandomSource) -> Channels:
        """Changes an image at a severity above 0."""


def merge_faults(base: Faults, changes: Iterable[Mapping[str, Any]]) -> Faults:
    """Lays faults over others: factors multiply, deviations add as independent errors do.

    Probabilities combine as if each struck on its own; delays and numbers add up; image
    perturbations follow one another.
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
