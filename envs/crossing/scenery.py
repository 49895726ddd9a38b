"""Houses and trees beside the streets; they are visual only."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from surefoot.envs.crossing.shapes import Colour, Painted, Solid, make_body, painted, round_outline
from surefoot.envs.crossing.street import PITCH, Street

HOUSES = 0.4
"""Fraction of the lots that have a house; all others have a tree."""

_WALLS: tuple[Colour, ...] = ((0.87, 0.80, 0.68), (0.80, 0.62, 0.52), (0.72, 0.77, 0.82))
_ROOF: Colour = (0.55, 0.30, 0.25)
_PANE: Colour = (0.45, 0.58, 0.68)
_TRUNK: Colour = (0.42, 0.31, 0.22)
_LEAVES: Colour = (0.33, 0.54, 0.32)


def make_scenery(api: Any, street: Street, rng: Random) -> None:
    """Draws which lots have a house and which a tree, and builds them."""
    lots = _lots(street)
    for i, (x, y) in enumerate(rng.sample(lots, len(lots))):
        place = x + rng.uniform(-0.2, 0.2), y + rng.uniform(-0.2, 0.2), 0.0
        kind = rng.randrange(45)
        parts = _house(kind % 9) if i < HOUSES * len(lots) else _tree(kind % 5)
        make_body(api, parts, position=place)


def _lots(street: Street) -> list[tuple[float, float]]:
    west, east, south, north = street.bounds
    found = []
    for i in range(int((east - west) / 2.5)):
        for j in range(int((north - south) / 2.5)):
            x, y = west + 1.25 + 2.5 * i, south + 1.25 + 2.5 * j
            to_road = (abs((v + PITCH / 2) % PITCH - PITCH / 2) for v in (x, y))
            if min(to_road) > 2.45:
                found.append((x, y))
    return found


@cache
def _house(kind: int) -> Painted:
    """A house; its kind, 0 to 8, selects height and colour."""
    height = 0.9 + 0.4 * (kind % 3)
    wall, roof, panes = Solid(), Solid(), Solid()
    wall.box((-0.7, -0.7, 0), (0.7, 0.7, height))
    roof.prism([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)], height, height + 0.5, 0.0)
    for k in (-0.4, 0.15):
        panes.box((k, -0.71, 0.45), (k + 0.25, 0.71, 0.75))
        panes.box((-0.71, k, 0.45), (0.71, k + 0.25, 0.75))
    return painted({_WALLS[kind // 3]: wall, _ROOF: roof, _PANE: panes})


@cache
def _tree(kind: int) -> Painted:
    """A fir; its kind, 0 to 4, selects its size."""
    size = 0.8 + 0.1 * kind
    trunk = Solid().prism(round_outline(0, 0, 0.07, 6), 0, 0.5 * size)
    leaves = Solid()
    leaves.prism(round_outline(0, 0, 0.5 * size, 8), 0.4 * size, 1.2 * size, 0.1)
    leaves.prism(round_outline(0, 0, 0.38 * size, 8), 0.9 * size, 1.6 * size, 0.0)
    return painted({_TRUNK: trunk, _LEAVES: leaves})
