"""Faults of robot, cameras and scene; the environments and their cameras apply them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Faults(BaseModel):
    """Faults of an environment; none by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grasp_slip: float = Field(default=0.0, ge=0, le=1)
    """Probability that a grasp is lost while its object is carried."""
    position_noise: float = Field(default=0.0, ge=0, le=0.1)
    """Standard deviation in metres, per axis, of the error of the hand's target positions."""
    friction: float = Field(default=1.0, gt=0, le=2)
    """Factor on the friction of fingers and objects."""
    camera_position_error: float = Field(default=0.0, ge=0, le=0.5)
    """Standard deviation in metres, per axis, of a camera's true position about its stated one."""
    dropped_frames: float = Field(default=0.0, ge=0, le=1)
    """Probability that a camera returns its last frame again instead of a new one."""
    delay_frames: int = Field(default=0, ge=0, le=30)
    """Delay of the camera images in frames."""
    distractors: int = Field(default=0, ge=0, le=20)
    """Number of distractor objects in the scene."""
    images: tuple[dict[str, Any], ...] = ()
    """Perturbations of every camera's images, by name and arguments, in order."""
