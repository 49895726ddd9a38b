"""Bodies of objects: primitive shapes, hollow for containers."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin, tan
from typing import Any

from surefoot.envs.tabletop.looks import turned
from surefoot.envs.tabletop.things import (
    BLOCK_MASS,
    BOWL,
    COLORS,
    FLOOR,
    HEIGHTS,
    INSIDE,
    KNOB,
    LID,
    LID_MASS,
    LID_ORIGIN,
    LIP,
    PAD,
    PAD_HEIGHT,
    PLATE,
    PLATE_HEIGHT,
    THING_FRICTION,
    WALL,
    Thing,
    ThingKind,
)

RING = 15
"""Pieces of a round wall; PyBullet allows 16 shapes per body and crashes on more."""


@dataclass
class _Parts:
    """Primitive shapes of one body, collected for a compound."""

    shapes: list[int]
    halves: list[tuple[float, float, float]]
    radii: list[float]
    lengths: list[float]
    places: list[tuple[float, float, float]]
    turns: list[tuple[float, float, float, float]]

    @staticmethod
    def empty() -> _Parts:
        return _Parts([], [], [], [], [], [])

    def box(
        self,
        half: tuple[float, float, float],
        place: tuple[float, float, float],
        turn: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0),
        kind: int = 3,
    ) -> None:
        self.shapes.append(kind)
        self.halves.append(half)
        self.radii.append(half[0])
        self.lengths.append(2 * half[2])
        self.places.append(place)
        self.turns.append(turn)


def make_body(
    api: Any,
    thing: Thing,
    position: tuple[float, float, float],
    yaw: float = 0.0,
    friction: float = 1.0,
) -> int:
    """Creates the body of an object.

    Blocks and lids move; everything else is fixed to the table.

    Args:
        api: A client's functions.
        thing: The object.
        position: Centre of its underside in metres, world frame.
        yaw: Angle about the vertical in radians.
        friction: Factor on its friction.

    Returns:
        The body's id. A block's origin is its centre; the origin of anything else is at the
        height of its underside (of a lid, of the plate's underside).
    """
    turn = api.getQuaternionFromEuler((0, 0, yaw))
    color = (*COLORS[thing.color], 1.0)
    x, y, z = position
    mass = {ThingKind.BLOCK: BLOCK_MASS, ThingKind.LID: LID_MASS}.get(thing.kind, 0.0)
    if thing.kind is ThingKind.BLOCK and thing.shape == "cylinder":
        r, h = thing.edge / 2, thing.edge
        shape = api.createCollisionShape(api.GEOM_CYLINDER, radius=r, height=h)
        look = turned(api, [(0, -h / 2), (r, -h / 2), (r, h / 2), (0, h / 2)], color)
        z += thing.edge / 2
    elif thing.kind is ThingKind.BLOCK:
        half = [thing.edge / 2] * 3
        shape = api.createCollisionShape(api.GEOM_BOX, halfExtents=half)
        look = api.createVisualShape(api.GEOM_BOX, halfExtents=half, rgbaColor=color)
        z += thing.edge / 2
    else:
        shape, look = _compound(api, _PARTS[thing.kind](api), color)
        if thing.kind in _OUTLINES:
            look = turned(api, _OUTLINES[thing.kind], color)
        z += LID_ORIGIN if thing.kind is ThingKind.LID else 0.0
    body = int(api.createMultiBody(mass, shape, look, (x, y, z), turn))
    api.changeDynamics(
        body,
        -1,
        lateralFriction=THING_FRICTION * friction,
        spinningFriction=0.001,
        rollingFriction=0.0005 if thing.shape == "cylinder" else 0.0,
    )
    return body


def _compound(api: Any, parts: _Parts, color: tuple[float, ...]) -> tuple[int, int]:
    shape = api.createCollisionShapeArray(
        shapeTypes=parts.shapes,
        halfExtents=parts.halves,
        radii=parts.radii,
        lengths=parts.lengths,
        collisionFramePositions=parts.places,
        collisionFrameOrientations=parts.turns,
    )
    look = api.createVisualShapeArray(
        shapeTypes=parts.shapes,
        halfExtents=parts.halves,
        radii=parts.radii,
        lengths=parts.lengths,
        visualFramePositions=parts.places,
        visualFrameOrientations=parts.turns,
        rgbaColors=[color] * len(parts.shapes),
    )
    return shape, look


def _pad(api: Any) -> _Parts:
    parts = _Parts.empty()
    half = PAD_HEIGHT / 2
    parts.box((PAD, PAD, half), (0, 0, half))
    return parts


def _plate(api: Any) -> _Parts:
    parts = _Parts.empty()
    half = PLATE_HEIGHT / 2
    parts.box((PLATE - 0.004, 0, half), (0, 0, half), kind=api.GEOM_CYLINDER)
    _ring(api, parts, PLATE - 0.005, 0.0, 0.012, RING, 0.5)
    return parts


def _bowl(api: Any) -> _Parts:
    parts = _Parts.empty()
    parts.box((BOWL + 0.002, 0, FLOOR / 2), (0, 0, FLOOR / 2), kind=api.GEOM_CYLINDER)
    _ring(api, parts, BOWL, 0.0, HEIGHTS["bowl"], RING, 0.25)
    return parts


def _ring(
    api: Any, parts: _Parts, radius: float, low: float, high: float, count: int, slope: float
) -> None:
    """Adds a wall around a circle, leaning outwards by ``slope`` radians."""
    half = (high - low) / 2
    middle = radius + half * tan(slope) + WALL
    width = (middle + half * tan(slope)) * tan(pi / count) + WALL / 2
    for i in range(count):
        angle = 2 * pi * i / count
        _, lean = api.multiplyTransforms(
            (0, 0, 0),
            api.getQuaternionFromEuler((0, 0, angle)),
            (0, 0, 0),
            api.getQuaternionFromEuler((0, slope, 0)),
        )
        place = (middle * cos(angle), middle * sin(angle), low + half)
        parts.box((WALL, width, half / cos(slope)), place, lean)


def _case(height: float) -> _Parts:
    parts = _Parts.empty()
    length, width = INSIDE
    parts.box((length, width, FLOOR / 2), (0, 0, FLOOR / 2))
    for side in (-1, 1):
        parts.box((length + 2 * WALL, WALL, height / 2), (0, side * (width + WALL), height / 2))
        parts.box((WALL, width, height / 2), (side * (length + WALL), 0, height / 2))
    return parts


def _bin(api: Any) -> _Parts:
    return _case(HEIGHTS["bin"])


def _box(api: Any) -> _Parts:
    return _case(HEIGHTS["box"])


def _lid(api: Any) -> _Parts:
    parts = _Parts.empty()
    parts.box(LID, (0, 0, LID[2]))
    parts.box((INSIDE[0] - 0.005, INSIDE[1] - 0.005, LIP / 2), (0, 0, -LIP / 2))
    parts.box(KNOB, (0, 0, 2 * LID[2] + KNOB[2]))
    return parts


_PARTS = {
    ThingKind.PAD: _pad,
    ThingKind.PLATE: _plate,
    ThingKind.BOWL: _bowl,
    ThingKind.BIN: _bin,
    ThingKind.BOX: _box,
    ThingKind.LID: _lid,
}

_OUTLINES = {
    ThingKind.PLATE: (
        (0.0, 0.0),
        (PLATE - 0.014, 0.0),
        (PLATE, 0.010),
        (PLATE, 0.012),
        (PLATE - 0.003, 0.012),
        (PLATE - 0.012, PLATE_HEIGHT),
        (0.0, PLATE_HEIGHT),
    ),
    ThingKind.BOWL: (
        (0.0, 0.0),
        (BOWL + 0.003, 0.0),
        (BOWL + 0.016, HEIGHTS["bowl"]),
        (BOWL + 0.011, HEIGHTS["bowl"]),
        (BOWL, FLOOR),
        (0.0, FLOOR),
    ),
}
