"""Camera poses, lenses, frames, and rendering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BODY_MASK = (1 << 24) - 1
"""Bits of PyBullet's segmentation value that hold the body; the rest hold the link + 1."""


@dataclass(frozen=True, slots=True)
class CameraPose:
    """Position and viewing direction of a camera, in the world frame.

    Attributes:
        eye: Position in metres.
        target: A point on the optical axis, in metres.
        up: Direction that is upwards in the image.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Lens:
    """Image size and projection of a camera.

    Attributes:
        width: Pixels across.
        height: Pixels down.
        fov: Vertical field of view in degrees.
        near: Nearest visible distance in metres.
        far: Farthest visible distance in metres.
    """

    width: int = 224
    height: int = 224
    fov: float = 50.0
    near: float = 0.02
    far: float = 5.0

    def projection(self) -> tuple[float, ...]:
        """Returns the OpenGL projection matrix, 16 values by columns."""
        f = 1 / np.tan(np.radians(self.fov) / 2)
        near, far = self.near, self.far
        depth = (far + near) / (near - far), 2 * far * near / (near - far)
        return (
            float(f * self.height / self.width),
            0.0,
            0.0,
            0.0,
            0.0,
            float(f),
            0.0,
            0.0,
            0.0,
            0.0,
            depth[0],
            -1.0,
            0.0,
            0.0,
            depth[1],
            0.0,
        )


@dataclass(frozen=True, eq=False)
class Frame:
    """One image with its ground truth.

    Attributes:
        rgb: Colours, uint8 ``[height, width, 3]``.
        depth: Distance along the optical axis in metres, float32 ``[height, width]``.
        segmentation: Body id of every pixel, -1 for none, int32 ``[height, width]``.
        links: Link of that body, -1 for the base, int32 ``[height, width]``.
        pose: Pose of the camera.
        lens: Its lens.
        time: Simulated seconds.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    segmentation: NDArray[np.int32]
    links: NDArray[np.int32]
    pose: CameraPose
    lens: Lens
    time: float


def render(
    api: Any, pose: CameraPose, lens: Lens, time: float = 0.0, *, shadow: bool = False
) -> Frame:
    """Renders with the software renderer; identical on all machines with the same build.

    Args:
        api: A client's functions.
        pose: Pose of the camera.
        lens: Its lens.
        time: Simulated seconds, stored in the frame.
        shadow: Whether to render shadows; they double the time.
    """
    view = api.computeViewMatrix(pose.eye, pose.target, pose.up)
    _, _, rgba, buffer, mask = api.getCameraImage(
        lens.width,
        lens.height,
        view,
        lens.projection(),
        lightDirection=(0.4, -0.6, 1.6),
        shadow=int(shadow),
        renderer=api.ER_TINY_RENDERER,
        flags=api.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX,
    )
    shape = lens.height, lens.width
    raw = np.asarray(buffer, np.float32).reshape(shape)
    depth = lens.far * lens.near / (lens.far - (lens.far - lens.near) * raw)
    values = np.asarray(mask, np.int32).reshape(shape)
    empty = values < 0
    return Frame(
        np.ascontiguousarray(np.asarray(rgba, np.uint8).reshape(*shape, 4)[:, :, :3]),
        depth.astype(np.float32),
        np.where(empty, -1, values & BODY_MASK).astype(np.int32),
        np.where(empty, -1, (values >> 24) - 1).astype(np.int32),
        pose,
        lens,
        time,
    )
