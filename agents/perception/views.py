"""From where an agent looks: the camera on the vehicle that pans, and exposures that show motion.

One image does not show which cars move. The vehicle's camera therefore exposes twice, a quarter
of a second apart, into one image: what stands still is sharp, what moves leaves a fainter image
where it was. (The views of the table are the ring of the movable camera,
:data:`surefoot.envs.tabletop.actions.RING`.)
"""

from __future__ import annotations

from math import ceil, radians

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.envs.cameras.viewpoints import Motion
from surefoot.envs.crossing.world import STEP_SECONDS, CrossingWorld

BEARINGS = {"front": 0.0, "left": 60.0, "right": -60.0}
"""Views of the vehicle: degrees of the camera from straight ahead, to the left positive."""

TURN_SPEED = 240.0
"""Degrees per second at which the camera pans."""

EXPOSURE_SECONDS = STEP_SECONDS / 2
"""Seconds between the two exposures of an image."""

EARLIER = 0.4
"""Weight of the earlier exposure."""


def expose(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns both exposures in one image, uint8 ``[height, width, 3]``."""
    mixed = EARLIER * before.astype(np.float32) + (1 - EARLIER) * now.astype(np.float32)
    return np.asarray(np.rint(mixed).astype(np.uint8))


def pan_cost(start: str, view: str) -> Motion:
    """Returns what turning the camera from one view to another and exposing costs.

    The seconds are whole decision steps, in which the vehicle stands: one for the same view and
    for its neighbours, two for a pan from side to side.

    Raises:
        InputError: There is no such view.
    """
    angle = abs(_bearing(view) - _bearing(start))
    steps = ceil((angle / TURN_SPEED + EXPOSURE_SECONDS) / STEP_SECONDS - 1e-9)
    return Motion(0.0, radians(angle), steps * STEP_SECONDS)


def look(world: CrossingWorld, view: str, start: str = "front") -> NDArray[np.uint8]:
    """Turns the camera while the vehicle stands, and takes an image.

    Time passes for everyone; the decision steps are in the world's log as steps in which the
    vehicle stopped.

    Args:
        world: The world.
        view: Where to look.
        start: Where the camera looks now.

    Returns:
        The image, uint8 ``[size, size, 3]``, of the size that the world was made with.

    Raises:
        InputError: There is no such view.
    """
    steps = round(pan_cost(start, view).seconds / STEP_SECONDS)
    for _ in range(steps - 1):
        world.step(False)
    return drive_looking(world, view, move=False)


def drive_looking(world: CrossingWorld, view: str, *, move: bool) -> NDArray[np.uint8]:
    """Takes an image during one decision step, driving or standing; ends with the step.

    Raises:
        InputError: There is no such view.
    """
    _bearing(view)
    earlier: list[NDArray[np.uint8]] = []
    world.step(move, halfway=lambda: earlier.append(world.look(view).rgb))
    now = world.look(view).rgb
    return expose(earlier[0] if earlier else now, now)


def _bearing(view: str) -> float:
    if view not in BEARINGS:
        raise InputError(f"no view '{view}' from the vehicle; there are {', '.join(BEARINGS)}")
    return BEARINGS[view]
