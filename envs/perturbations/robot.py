"""Perturbations of robot, camera and scene: each sets fields of the environments' faults."""

from __future__ import annotations

from typing import Any, ClassVar

from surefoot.envs.perturbations.base import Perturbation


class _Physical(Perturbation):
    part: ClassVar[str] = "robot"
    field: ClassVar[str] = ""
    scale: ClassVar[float] = 1.0

    def faults(self) -> dict[str, Any]:
        """See :class:`~surefoot.envs.perturbations.faults.Faults`."""
        return {self.field: self.scale * self.severity}


class GraspSlip(_Physical):
    """A grasp is lost while its object is carried, with severity as the probability."""

    name: ClassVar[str] = "grasp-slip"

    field: ClassVar[str] = "grasp_slip"


class PositionNoise(_Physical):
    """The hand misses its target by a standard deviation of severity times 20 mm."""

    name: ClassVar[str] = "position-noise"

    field: ClassVar[str] = "position_noise"
    scale: ClassVar[float] = 0.02


class Friction(_Physical):
    """Fingers and objects are slippery: friction decreases by severity times 50 %."""

    name: ClassVar[str] = "friction"

    def faults(self) -> dict[str, Any]:
        """Overrides the base class; see the class for the definition."""
        return {"friction": 1 - 0.5 * self.severity}


class CameraPoseError(_Physical):
    """True camera positions deviate from the stated ones by severity times 5 cm per axis."""

    name: ClassVar[str] = "camera-pose"

    part: ClassVar[str] = "camera"
    field: ClassVar[str] = "camera_position_error"
    scale: ClassVar[float] = 0.05


class DroppedFrames(_Physical):
    """A camera repeats the previous frame, with severity as the probability."""

    name: ClassVar[str] = "dropped-frames"

    part: ClassVar[str] = "camera"
    field: ClassVar[str] = "dropped_frames"


class Delay(_Physical):
    """Frames are late by severity times ten frames."""

    name: ClassVar[str] = "delay"

    part: ClassVar[str] = "camera"

    def faults(self) -> dict[str, Any]:
        """Overrides the base class; see the class for the definition."""
        return {"delay_frames": round(10 * self.severity)}


class Distractors(_Physical):
    """Objects that belong to no task: severity times eight of them."""

    name: ClassVar[str] = "distractors"

    part: ClassVar[str] = "scene"

    def faults(self) -> dict[str, Any]:
        """Overrides the base class; see the class for the definition."""
        return {"distractors": round(8 * self.severity)}
