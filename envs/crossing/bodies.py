"""Bodies of the other cars and of the people; they move only when they are placed."""

from __future__ import annotations

from functools import cache
from math import cos, sin
from typing import Any

from surefoot.envs.crossing.cars import LENGTH
from surefoot.envs.crossing.geometry import GroundPose
from surefoot.envs.crossing.shapes import (
    ALONG_Y,
    NOWHERE,
    Colour,
    Painted,
    Solid,
    Vector,
    make_body,
    painted,
    round_outline,
)

CAR_WIDTH = 0.3
"""Metres."""

PERSON_RADIUS = 0.1
"""Metres."""

_PAINTS: tuple[Colour, ...] = (
    (0.20, 0.42, 0.78),
    (0.86, 0.86, 0.88),
    (0.75, 0.20, 0.22),
    (0.93, 0.75, 0.25),
    (0.30, 0.32, 0.36),
    (0.25, 0.60, 0.55),
    (0.55, 0.35, 0.65),
    (0.62, 0.64, 0.66),
)
_SHIRTS: tuple[Colour, ...] = (
    (0.90, 0.35, 0.20),
    (0.20, 0.45, 0.85),
    (0.95, 0.80, 0.25),
    (0.30, 0.65, 0.40),
    (0.80, 0.35, 0.65),
    (0.95, 0.95, 0.95),
)


@cache
def _car_parts(slot: int) -> Painted:
    half, side = LENGTH / 2, CAR_WIDTH / 2
    paint, glass, tyres, white, red = Solid(), Solid(), Solid(), Solid(), Solid()
    paint.box((-half, -side, 0.05), (half, side, 0.16))
    cabin = [(-0.22, -side), (0.14, -side), (0.14, side), (-0.22, side)]
    glass.prism(cabin, 0.16, 0.255, 0.78)
    paint.box((-0.16, -0.11, 0.255), (0.09, 0.11, 0.262))
    for x in (-0.18, 0.18):
        for y in (-side + 0.03, side + 0.01):
            wheel = Solid().prism(round_outline(0, 0, 0.065, 10), 0, 0.04)
            tyres.add(wheel.turned(ALONG_Y, (x, y, 0.065)))
    for y in (-0.1, 0.1):
        white.box((half - 0.01, y - 0.035, 0.09), (half + 0.006, y + 0.035, 0.13))
        red.box((-half - 0.006, y - 0.035, 0.09), (-half + 0.01, y + 0.035, 0.13))
    parts: dict[Colour, Solid] = {
        _PAINTS[slot % len(_PAINTS)]: paint,
        (0.16, 0.20, 0.25): glass,
        (0.08, 0.08, 0.09): tyres,
        (1.0, 1.0, 0.85): white,
        (0.85, 0.08, 0.08): red,
    }
    return painted(parts)


def make_car(api: Any, slot: int) -> int:
    """Creates a parked car out of view; its frame is at its middle on the ground."""
    half = (LENGTH / 2, CAR_WIDTH / 2, 0.11)
    shape = api.createCollisionShape(
        api.GEOM_BOX, halfExtents=half, collisionFramePosition=(0, 0, 0.15)
    )
    return make_body(api, _car_parts(slot), collision=shape, position=_waiting(slot))


@cache
def _person_parts(slot: int) -> Painted:
    shirt, legs, skin, hair = Solid(), Solid(), Solid(), Solid()
    legs.box((-0.03, -0.055, 0.0), (0.03, -0.008, 0.17)).box((-0.03, 0.008, 0), (0.03, 0.055, 0.17))
    shirt.prism(round_outline(0, 0, 0.075, 8), 0.16, 0.31, 0.85)
    shirt.box((-0.025, -0.105, 0.17), (0.025, -0.07, 0.30)).box(
        (-0.025, 0.07, 0.17), (0.025, 0.105, 0.30)
    )
    skin.prism(round_outline(0.005, 0, 0.05, 8), 0.32, 0.40, 0.95)
    hair.prism(round_outline(-0.005, 0, 0.054, 8), 0.385, 0.425, 0.7)
    parts: dict[Colour, Solid] = {
        _SHIRTS[slot % len(_SHIRTS)]: shirt,
        (0.18, 0.22, 0.38): legs,
        (0.86, 0.66, 0.52): skin,
        (0.25, 0.17, 0.11): hair,
    }
    return painted(parts)


def make_person(api: Any, slot: int) -> int:
    """Creates a person out of view; the frame is under the feet, x ahead."""
    shape = api.createCollisionShape(
        api.GEOM_CYLINDER, radius=PERSON_RADIUS, height=0.4, collisionFramePosition=(0, 0, 0.2)
    )
    parts = _person_parts(slot)
    return make_body(api, parts, collision=shape, position=_waiting(slot + 50))


def put(api: Any, body: int, pose: GroundPose) -> None:
    """Puts a body on the ground."""
    half = pose.yaw / 2
    api.resetBasePositionAndOrientation(body, (pose.x, pose.y, 0.0), (0, 0, sin(half), cos(half)))


def put_away(api: Any, body: int, slot: int) -> None:
    """Moves a body out of view."""
    api.resetBasePositionAndOrientation(body, _waiting(slot), (0, 0, 0, 1))


def _waiting(slot: int) -> Vector:
    return NOWHERE[0] + 2.0 * slot, NOWHERE[1], NOWHERE[2]
