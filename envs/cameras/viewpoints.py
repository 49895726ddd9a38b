"""Poses of a movable camera: a ring of named viewpoints, free poses, and the cost of moving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, cos, dist, hypot, pi, radians, sin, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.envs.cameras.camera import CameraPose

Point = tuple[float, float, float]

AZIMUTHS = {
    "front": 0,
    "front-left": 45,
    "left": 90,
    "back-left": 135,
    "back": 180,
    "back-right": 225,
    "right": 270,
    "front-right": 315,
}
"""Degrees about the vertical from the ring's facing, counter-clockwise seen from above."""

ELEVATIONS = {"-low": 20.0, "": 45.0, "-high": 68.0}
"""Degrees above the horizon by suffix of the name."""

_PIECES = 32


@dataclass(frozen=True)
class Ring:
    """Named viewpoints on a sphere around a centre, all looking at it.

    There are 25: eight directions such as ``front`` or ``back-left``, each also with
    ``-low`` and ``-high``, and ``top``.

    Attributes:
        centre: What all of them look at, metres, world frame.
        distance: Of the eye from the centre, metres.
        facing: Direction in degrees about the vertical, from the world's x axis, in which
            ``front`` lies from the centre.
    """

    centre: Point
    distance: float
    facing: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in a fixed order."""
        return (*(a + e for e in ELEVATIONS for a in AZIMUTHS), "top")

    def pose(self, name: str) -> CameraPose:
        """Returns a viewpoint's pose.

        Raises:
            InputError: There is no such viewpoint.
        """
        if name == "top":
            x, y, z = self.centre
            up = radians(self.facing + 180)  # what is in front lies at the image's lower edge
            return CameraPose((x, y, z + self.distance), self.centre, (cos(up), sin(up), 0.0))
        if name not in self.names:
            raise InputError(f"no viewpoint '{name}'; there are {', '.join(self.names)}")
        suffix = next((s for s in ELEVATIONS if s and name.endswith(s)), "")
        azimuth = AZIMUTHS[name.removesuffix(suffix)] if suffix else AZIMUTHS[name]
        return self.at(azimuth, ELEVATIONS[suffix])

    def at(self, azimuth: float, elevation: float, distance: float | None = None) -> CameraPose:
        """Returns the pose at an azimuth and elevation that looks at the centre.

        Args:
            azimuth: Degrees from ``front``, counter-clockwise seen from above.
            elevation: Degrees above the horizon, below 90.
            distance: Metres from the centre; the ring's own by default.
        """
        length = self.distance if distance is None else distance
        a, e = radians(self.facing + azimuth), radians(elevation)
        x, y, z = self.centre
        eye = (x + length * cos(e) * cos(a), y + length * cos(e) * sin(a), z + length * sin(e))
        return CameraPose(eye, self.centre)


@dataclass(frozen=True, slots=True)
class MotionLimits:
    """Motion limits of a movable camera; the defaults suit a small arm that carries it.

    Attributes:
        speed: Greatest speed of the eye, metres per second.
        acceleration: Greatest acceleration of the eye, metres per square second.
        turn_speed: Greatest turning speed of the optical axis, radians per second.
        turn_acceleration: Greatest turning acceleration, radians per square second.
        nearest: Least distance of the eye from the centre, metres.
        farthest: Greatest distance of the eye from the centre, metres.
        lowest: Least height of the eye in the world frame, metres.
    """

    speed: float = 0.5
    acceleration: float = 1.0
    turn_speed: float = 1.5
    turn_acceleration: float = 3.0
    nearest: float = 0.25
    farthest: float = 2.0
    lowest: float = 0.08

    def refusal(self, pose: CameraPose, centre: Point) -> str:
        """Returns why a pose cannot be taken; ``""`` if it can."""
        away = dist(pose.eye, centre)
        if not self.nearest <= away <= self.farthest:
            return (
                f"out of reach: {away:.2f} m from the centre, allowed are "
                f"{self.nearest:g} to {self.farthest:g} m"
            )
        if pose.eye[2] < self.lowest:
            return f"out of reach: {pose.eye[2]:.2f} m high, at least {self.lowest:g} m are needed"
        return ""


@dataclass(frozen=True, slots=True)
class Motion:
    """Cost of a camera's move.

    Attributes:
        distance: Length of the eye's path in metres.
        turn: Angle between the old and the new optical axis in radians.
        seconds: Duration.
    """

    distance: float
    turn: float
    seconds: float


def motion(start: CameraPose, goal: CameraPose, centre: Point, limits: MotionLimits) -> Motion:
    """Returns the cost of moving between two poses.

    The eye moves around the centre (:func:`arc`), not through the objects there; it and the
    optical axis start and end at rest, both as fast as their limits allow.

    Args:
        start: Pose at the start.
        goal: Pose at the end.
        centre: Centre of the path, metres, world frame.
        limits: Speeds and accelerations.
    """
    path = arc(start.eye, goal.eye, centre)
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    turn = angle_between(_axis(start), _axis(goal))
    seconds = max(
        travel_time(length, limits.speed, limits.acceleration),
        travel_time(turn, limits.turn_speed, limits.turn_acceleration),
    )
    return Motion(length, turn, seconds)


def travel_time(length: float, speed: float, acceleration: float) -> float:
    """Returns the least time for a path from rest to rest.

    Args:
        length: Length of the path, in metres or radians.
        speed: Greatest speed, the same per second.
        acceleration: Greatest acceleration and deceleration, the same per square second.

    Returns:
        Seconds of the trapezoidal (on short paths triangular) speed profile.
    """
    if length <= speed * speed / acceleration:
        return 2 * sqrt(length / acceleration)
    return length / speed + speed / acceleration


def arc(start: Point, goal: Point, centre: Point) -> NDArray[np.float64]:
    """Returns points of the path around a centre, in metres, ``[33, 3]``.

    The direction from the centre turns evenly along the great circle while the distance from
    it changes evenly. Opposite directions are joined over the top.
    """
    middle = np.asarray(centre, float)
    a, b = np.asarray(start, float) - middle, np.asarray(goal, float) - middle
    ra, rb = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    shares = np.linspace(0.0, 1.0, _PIECES + 1)[:, None]
    if min(ra, rb) < 1e-9:
        return np.asarray(middle + a + shares * (b - a))
    a, b = a / ra, b / rb
    angle = angle_between(a, b)
    if angle < 1e-6:
        directions = a + shares * (b - a)
    elif angle > pi - 1e-3:
        over = np.array([0.0, 0.0, 1.0]) if hypot(a[0], a[1]) > 1e-3 else np.array([1.0, 0, 0])
        side = over - a * float(over @ a)
        side /= float(np.linalg.norm(side))
        directions = np.cos(shares * angle) * a + np.sin(shares * angle) * side
    else:
        directions = (np.sin((1 - shares) * angle) * a + np.sin(shares * angle) * b) / sin(angle)
    way: NDArray[np.float64] = middle + (ra + shares * (rb - ra)) * directions
    return way


def angle_between(a: Sequence[float] | NDArray[np.float64], b: Any) -> float:
    """Returns the angle between two directions in radians."""
    first, second = np.asarray(a, float), np.asarray(b, float)
    share = float(first @ second) / float(np.linalg.norm(first) * np.linalg.norm(second))
    return acos(min(1.0, max(-1.0, share)))


def link_pose(
    api: Any,
    body: int,
    link: int,
    offset: Point = (0.0, 0.0, 0.0),
    forward: Point = (0.0, 0.0, 1.0),
    up: Point = (1.0, 0.0, 0.0),
) -> CameraPose:
    """Returns the pose of a camera that is mounted on a link.

    Args:
        api: A client's functions.
        body: The body.
        link: Its link; -1 for the base.
        offset: Of the eye from the link's frame, metres, link frame.
        forward: Direction of the optical axis, link frame.
        up: Direction that is upwards in the image, link frame.
    """
    if link < 0:
        place, turn = api.getBasePositionAndOrientation(body)
    else:
        place, turn = api.getLinkState(body, link, computeForwardKinematics=True)[4:6]
    frame = np.asarray(api.getMatrixFromQuaternion(turn)).reshape(3, 3)
    eye = np.asarray(place) + frame @ np.asarray(offset)
    target = eye + frame @ np.asarray(forward)
    return CameraPose(_point(eye), _point(target), _point(frame @ np.asarray(up)))


def _axis(pose: CameraPose) -> NDArray[np.float64]:
    axis: NDArray[np.float64] = np.asarray(pose.target, float) - np.asarray(pose.eye, float)
    return axis


def _point(values: NDArray[np.float64]) -> Point:
    x, y, z = (float(v) for v in values)
    return x, y, z
