"""Bodies of the streets: roads, pavements, lights and stop signs."""

from __future__ import annotations

from functools import cache
from math import pi
from typing import Any

from surefoot.envs.crossing.geometry import BOX, CROSSWALK, LANE, STOP_LINE
from surefoot.envs.crossing.shapes import (
    FACING,
    Colour,
    Painted,
    Solid,
    about_z,
    make_body,
    painted,
    round_outline,
)
from surefoot.envs.crossing.signals import Lamp
from surefoot.envs.crossing.street import PITCH, REACH, Crossing, Street

_GRASS: Colour = (0.56, 0.72, 0.45)
_ROAD: Colour = (0.36, 0.37, 0.40)
_PAVING: Colour = (0.76, 0.75, 0.72)
_WHITE: Colour = (0.95, 0.95, 0.95)
_LINE: Colour = (0.93, 0.79, 0.30)
_POLE: Colour = (0.30, 0.31, 0.33)
_HOUSING: Colour = (0.20, 0.21, 0.23)
_SIGN: Colour = (0.78, 0.10, 0.12)
_SHUT: dict[Lamp, tuple[float, float, float, float]] = {
    Lamp.RED: (0.25, 0.06, 0.06, 1),
    Lamp.YELLOW: (0.25, 0.20, 0.05, 1),
    Lamp.GREEN: (0.05, 0.20, 0.08, 1),
    Lamp.ARROW: (0.05, 0.20, 0.08, 1),
}
_LIT: dict[Lamp, tuple[float, float, float, float]] = {
    Lamp.RED: (1.0, 0.12, 0.10, 1),
    Lamp.YELLOW: (1.0, 0.85, 0.10, 1),
    Lamp.GREEN: (0.10, 1.0, 0.30, 1),
    Lamp.ARROW: (0.10, 1.0, 0.30, 1),
}

STOP_LETTERS = (
    "###.###.###.###",
    "#....#..#.#.#.#",
    "###..#..#.#.###",
    "..#..#..#.#.#..",
    "###..#..###.#..",
)
"""The word on the sign, one cell per character."""


class StreetBodies:
    """The street's bodies in a simulation.

    Attributes:
        ground: The body that carries the vehicle.
        furniture: Poles of lights and signs, which can be hit.
        heads: Body of the light shown to (crossing, arm).
    """

    def __init__(self, api: Any, street: Street) -> None:
        self._api = api
        self._street = street
        self._shown: dict[tuple[int, int], Lamp] = {}
        self.ground = self._make_ground()
        self.furniture: list[int] = []
        self.heads: dict[tuple[int, int], int] = {}
        for c in street.crossings:
            for arm in range(4):
                if c.signal is not None:  # on the far side, to the right of the lane
                    self.heads[c.number, arm] = self._stand(_light_parts(), c, arm, (1.0, 1.0))
                elif c.stop_sign(arm):
                    self.furniture.append(self._stand(_sign_parts(), c, arm, (0.98, -0.98)))
        self.furniture += self.heads.values()

    def show(self, time: float) -> None:
        """Lights the lamps that are on at a time in seconds."""
        for (number, arm), body in self.heads.items():
            signal = self._street.crossings[number].signal
            assert signal is not None
            lamp = signal.lamp(arm, time)
            if self._shown.get((number, arm)) is lamp:
                continue
            self._shown[number, arm] = lamp
            lit = {lamp, Lamp.RED} if lamp is Lamp.ARROW else {lamp}
            for link, kind in enumerate(_LIT):
                colour = _LIT[kind] if kind in lit else _SHUT[kind]
                self._api.changeVisualShape(body, link, rgbaColor=colour)

    def _make_ground(self) -> int:
        api, street = self._api, self._street
        west, east, south, north = street.bounds
        shape = api.createCollisionShape(
            api.GEOM_BOX,
            halfExtents=((east - west) / 2 + 8, (north - south) / 2 + 8, 0.5),
            collisionFramePosition=((east + west) / 2, (north + south) / 2, -0.5),
        )
        body = make_body(api, _ground_parts(street.columns, street.rows), collision=shape)
        api.changeDynamics(body, -1, lateralFriction=1.0)
        return body

    def _stand(self, parts: Painted, c: Crossing, arm: int, place: tuple[float, float]) -> int:
        x, y = c.to_world(arm, *place)
        shape = self._api.createCollisionShape(
            self._api.GEOM_CYLINDER,
            radius=0.035,
            height=0.5,
            collisionFramePosition=(0, 0, 0.25),
        )
        yaw = arm * pi / 2
        return make_body(self._api, parts, collision=shape, position=(x, y, 0), yaw=yaw)


@cache
def _ground_parts(columns: int, rows: int) -> Painted:
    street = Street(columns, rows)
    west, east, south, north = street.bounds
    grass, road, paving, white, line = Solid(), Solid(), Solid(), Solid(), Solid()
    # tiles: the software renderer loses depth on very large triangles
    for i in range(int(west) - 6, int(east) + 6, 4):
        for j in range(int(south) - 6, int(north) + 6, 4):
            _sheet(grass, i, j, i + 4, j + 4, 0.0)
    for c in street.crossings:
        x, y = c.centre
        _sheet(road, x - BOX, y - BOX, x + BOX, y + BOX, 0.003)
        for arm in range(4):
            _draw_arm(c, arm, road, paving, white, line)
    return painted({_GRASS: grass, _ROAD: road, _PAVING: paving, _WHITE: white, _LINE: line})


@cache
def _light_parts() -> Painted:
    """A light; the lamps are links 0 to 3 in the order of ``Lamp``."""
    poles, housing = Solid(), Solid()
    poles.prism(round_outline(0, 0.05, 0.03, 8), 0, 0.6)
    housing.box((-0.125, -0.05, 0.43), (0.125, 0.05, 1.16))
    housing.box((-0.375, -0.05, 0.43), (-0.125, 0.05, 0.69))
    for x, top in ((-0.125, 1.16), (0.113, 1.16), (-0.375, 0.69)):  # hoods hide it from the side
        housing.box((x, -0.22, 0.43), (x + 0.012, -0.05, top))
    parts: dict[Colour, Solid] = {_HOUSING: housing}
    lamps = [_disc(0, 1.035), _disc(0, 0.795), _disc(0, 0.555), _arrow(-0.245, 0.555)]
    for (r, g, b, _), lamp in zip(_SHUT.values(), lamps, strict=True):
        parts[r, g, b + len(parts) * 1e-6] = lamp
    parts[_POLE] = poles
    return painted(parts)


@cache
def _sign_parts() -> Painted:
    pole = Solid().prism(round_outline(0, 0, 0.02, 8), 0, 0.5)
    rim, plate, word = Solid(), Solid(), Solid()
    octagon = [(x, y) for x, y in round_outline(0, 0, 0.21, 8)]
    rim.add(Solid().prism(octagon, 0.0, 0.02).turned(FACING, (0, 0, 0.55)))
    inner = round_outline(0, 0, 0.19, 8)
    plate.add(Solid().prism(inner, 0.005, 0.03).turned(FACING, (0, 0, 0.55)))
    cell = 0.3 / len(STOP_LETTERS[0])
    for i, row in enumerate(STOP_LETTERS):
        for j, mark in enumerate(row):
            if mark == "#":
                x, z = -0.15 + j * cell, 0.55 + (1.5 - i) * cell * 1.35
                word.box((x, -0.036, z), (x + cell, -0.03, z + cell * 1.35))
    return painted({_SIGN: plate, _POLE: pole, _WHITE: rim.add(word)})


def _disc(x: float, z: float) -> Solid:
    return Solid().prism(round_outline(0, 0, 0.11, 14), 0, 0.06).turned(FACING, (x, 0, z))


def _arrow(x: float, z: float) -> Solid:
    flat = Solid().prism([(-0.105, 0.0), (0.0, -0.105), (0.0, 0.105)], 0, 0.06)
    flat.box((0.0, -0.045, 0.0), (0.1, 0.045, 0.06))
    return flat.turned(FACING, (x, 0, z))


def _sheet(solid: Solid, x0: float, y0: float, x1: float, y1: float, z: float) -> None:
    solid.face([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)])


def _draw_arm(c: Crossing, arm: int, road: Solid, paving: Solid, white: Solid, line: Solid) -> None:
    """Draws an arm in the frame of a driver who approaches by it from the south."""
    following = c.neighbours[arm] is not None
    end = PITCH / 2 if following else REACH
    ground, marks = Solid(), Solid()
    _sheet(ground, -LANE, -end, LANE, -BOX, 0.003)
    stripes = 7
    width = 2 * LANE / (2 * stripes - 1)
    for i in range(stripes):
        x = -LANE + 2 * i * width
        _sheet(marks, x, -CROSSWALK[1] + 0.05, x + width, -CROSSWALK[0] - 0.05, 0.008)
    if c.signal is not None or c.stop_sign(arm):
        _sheet(marks, 0.02, -STOP_LINE - 0.04, LANE - 0.02, -STOP_LINE + 0.05, 0.008)
    dashes = Solid()
    y = -STOP_LINE
    while y - 0.35 > -end:
        _sheet(dashes, -0.02, y - 0.35, 0.02, y, 0.008)
        y -= 0.7
    pavement = Solid()
    pavement.box((LANE, -end, 0.0), (LANE + 0.75, -BOX, 0.02))
    pavement.box((-LANE - 0.75, -end, 0.0), (-LANE, -BOX, 0.02))
    pavement.prism(round_outline(BOX, -BOX, BOX - LANE, 16), 0, 0.02)
    for part, whole in ((ground, road), (marks, white), (dashes, line), (pavement, paving)):
        whole.add(part.turned(about_z(arm * pi / 2), (*c.centre, 0)))
