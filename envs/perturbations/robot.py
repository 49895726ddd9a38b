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
    """The hand misses where it reaches for, by a standard deviation of severity times 20 mm."""

    name: ClassVar[str] = "position-noise"

    field: ClassVar[str] = "position_noise"
    scale: ClassVar[float] = 0.02


class Friction(_Physical):
    """Fingers and things are slippery: friction falls by severity times 50 %."""

    name: ClassVar[str] = "friction"

    def faults(self) -> dict[str, Any]:
        """See the class."""
        return {"friction": 1 - 0.5 * self.severity}


class CameraPoseError(_Physical):
    """Cameras stand beside where they believe, by a deviation of severity times 5 cm an axis."""

    name: ClassVar[str] = "camera-pose"

    part: ClassVar[str] = "camera"
    field: ClassVar[str] = "camera_position_error"
    scale: ClassVar[float] = 0.05


class DroppedFrames(_Physical):
    """A frame is the one before once more, with severity as the probability."""

    name: ClassVar[str] = "dropped-frames"

    part: ClassVar[str] = "camera"
    field: ClassVar[str] = "dropped_frames"


class Delay(_Physical):
    """Frames come late, by severity times ten frames."""

    name: ClassVar[str] = "delay"

    part: ClassVar[str] = "camera"

    def faults(self) -> dict[str, Any]:
        """See the class."""
        return {"delay_frames": round(10 * self.severity)}


class Distractors(_Physical):
    """Things lie about that belong to no task: severity times eight of them."""

    name: ClassVar[str] = "distractors"

    part: ClassVar[str] = "scene"

    def faults(self) -> dict[str, Any]:
        """See the class."""
        return {"distractors": round(8 * self.severity)}
