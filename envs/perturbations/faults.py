"""Faults of robot, cameras and scene; the environments and their cameras apply them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Faults(BaseModel):
    """What goes wrong; all zero or one by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grasp_slip: float = Field(default=0.0, ge=0, le=1)
    """Probability that a grasp is lost while its object is carried."""
    position_noise: float = Field(default=0.0, ge=0, le=0.1)
    """Standard deviation in metres of the error of each reached-for position, by axis."""
    friction: float = Field(default=1.0, gt=0, le=2)
    """Factor on the friction of fingers and objects."""
    camera_position_error: float = Field(default=0.0, ge=0, le=0.5)
    """Standard deviation in metres of a camera's real position about its stated one, by axis."""
    dropped_frames: float = Field(default=0.0, ge=0, le=1)
    """Probability that a camera gives its last frame once more instead of a new one."""
    delay_frames: int = Field(default=0, ge=0, le=30)
    """Frames by which what a camera gives is late."""
    distractors: int = Field(default=0, ge=0, le=20)
    """Number of things in the scene that belong to no task."""
    images: tuple[dict[str, Any], ...] = ()
    """Perturbations of every camera's images, by name and arguments, in order."""
