"""Scenes: objects and their places at the start, drawn by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, pi
from random import Random

from surefoot.core.errors import HarnessError
from surefoot.envs.tabletop.things import CONTAINERS, LID, SLOTS, SPOTS, TABLE, Thing, ThingKind

NEAR, FAR, SIDE = 0.30, 0.70, 0.42
"""Least and greatest x and greatest |y| in metres of objects handled on the table."""

REACH = 0.73
"""Greatest distance from the robot's base in metres of objects that are handled."""

GAP = 0.02
"""Least gap in metres between two objects."""

BLOCK_GAP = 0.045
"""The same around a block: a finger is 0.025 m thick."""

BOX_GAP = 0.05
"""The same around a box: its lid is higher than the hand reaches into its neighbour."""

PILE_GAP = 0.09
"""The same around a block that carries another: the hand is 0.1 m wide to each side."""

TRIES = 400
"""Scenes drawn before giving up; most need fewer than ten."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the table.

    Attributes:
        x: Metres away from the robot, world frame.
        y: Metres to the robot's left, world frame.
        yaw: Angle about the vertical in radians.
    """

    x: float
    y: float
    yaw: float = 0.0


@dataclass(frozen=True)
class TabletopScene:
    """The objects of a scene with their places.

    Attributes:
        things: All objects by name, without the table.
        spots: Place of every object that stands on the table itself.
        inside: Support or container of each block that is not on the table.
        lids: The lid of every box that has one.
        shut: Boxes whose lid is on.
        parking: Parking place of each lid.
    """

    things: Mapping[str, Thing]
    spots: Mapping[str, Spot]
    inside: Mapping[str, str] = field(default_factory=dict)
    lids: Mapping[str, str] = field(default_factory=dict)
    shut: frozenset[str] = frozenset()
    parking: Mapping[str, Spot] = field(default_factory=dict)

    def of(self, *kinds: ThingKind) -> tuple[Thing, ...]:
        """Returns the objects of these kinds, in the scene's order."""
        return tuple(t for t in self.things.values() if t.kind in kinds)

    @property
    def blocks(self) -> tuple[Thing, ...]:
        """All blocks."""
        return self.of(ThingKind.BLOCK)

    def place_of(self, block: str) -> str:
        """Returns the support or container of a block."""
        return self.inside.get(block, TABLE)

    def box_of(self, lid: str) -> str:
        """Returns the box that a lid belongs to."""
        return next(box for box, own in self.lids.items() if own == lid)

    def root(self, block: str) -> Spot:
        """Returns the place on the table above which a block is, without the offset of its slot."""
        name = block
        while name in self.inside:
            name = self.inside[name]
        return self.spots[name]

    def slot(self, block: str) -> float:
        """Returns the x offset in metres of a block in its container."""
        at = self.inside[block]
        mates = [b for b, place in self.inside.items() if place == at]
        return SLOTS[mates.index(block)]


def draw_scene(
    rng: Random,
    things: Sequence[Thing],
    inside: Mapping[str, str] | None = None,
    lids: Mapping[str, str] | None = None,
    shut: Iterable[str] = (),
) -> TabletopScene:
    """Draws the places of all objects, by rejection sampling.

    Args:
        rng: Source of randomness.
        things: The objects.
        inside: Support or container of each block that is not on the table.
        lids: The lid of each box.
        shut: Boxes whose lid is on.

    Raises:
        HarnessError: There is no room for the given number of objects.
    """
    inside, lids = dict(inside or {}), dict(lids or {})
    table = {t.name: t for t in things}
    standing = [t for t in things if t.name not in inside and t.kind is not ThingKind.LID]
    order = sorted(standing, key=lambda t: -t.extent[0] * t.extent[1])
    piles = set(inside.values())
    for _ in range(TRIES):
        taken: list[_Area] = []
        spots: dict[str, Spot] = {}
        parking: dict[str, Spot] = {}
        for thing in order:
            block = thing.kind is ThingKind.BLOCK
            spot = _find(rng, taken, thing.extent, _gap(thing, thing.name in piles), block)
            if spot is None:
                break
            spots[thing.name] = spot
            if thing.name in lids:
                spot = _find(rng, taken, LID[:2], GAP, False)
                if spot is None:
                    break
                parking[lids[thing.name]] = spot
        else:
            spots = {t.name: spots[t.name] for t in things if t.name in spots}
            return TabletopScene(table, spots, inside, lids, frozenset(shut), parking)
    raise HarnessError(f"no room for {len(things)} things on the table after {TRIES} draws")


def _gap(thing: Thing, pile: bool) -> float:
    if thing.kind is ThingKind.BLOCK:
        return PILE_GAP if pile else BLOCK_GAP
    return BOX_GAP if thing.kind is ThingKind.BOX else GAP


@dataclass(frozen=True, slots=True)
class _Area:
    x: float
    y: float
    extent: tuple[float, float]
    gap: float

    def free(self, x: float, y: float, extent: tuple[float, float], gap: float) -> bool:
        """Returns whether a rectangle keeps its distance from all others."""
        apart = max(
            abs(x - self.x) - self.extent[0] - extent[0],
            abs(y - self.y) - self.extent[1] - extent[1],
        )
        return apart >= max(gap, self.gap)


def _find(
    rng: Random, taken: list[_Area], extent: tuple[float, float], gap: float, turned: bool
) -> Spot | None:
    """Draws a free place and occupies it."""
    edge = 0.0 if turned else max(0.0, extent[0] - 0.03)
    for _ in range(60):
        x, y = rng.uniform(NEAR + edge, FAR - edge), rng.uniform(-SIDE + edge, SIDE - edge)
        if hypot(x + edge, abs(y)) > REACH or hypot(x, y) < NEAR:
            continue
        if all(area.free(x, y, extent, gap) for area in taken):
            taken.append(_Area(x, y, extent, gap))
            return Spot(x, y, rng.uniform(-pi / 4, pi / 4) if turned else 0.0)
    return None


def is_spot(thing: Thing) -> bool:
    """Returns whether an object supports one block."""
    return thing.kind in SPOTS


def is_container(thing: Thing) -> bool:
    """Returns whether an object contains blocks."""
    return thing.kind in CONTAINERS
