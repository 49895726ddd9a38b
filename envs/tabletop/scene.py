"""Scenes: which things there are and where they stand at the start, drawn by seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, pi
from random import Random

from surefoot.envs.tabletop.things import CONTAINERS, LID, SLOTS, SPOTS, TABLE, Kind, Thing
from surefoot.results.errors import HarnessError

NEAR, FAR, SIDE = 0.30, 0.70, 0.42
"""Least and greatest x and greatest |y| in metres of what is handled on the table."""

REACH = 0.73
"""Greatest distance from the robot's base in metres of what is handled."""

GAP = 0.045
"""Least room in metres between a block and anything else: a finger is 0.025 m thick."""

WIDE_GAP = 0.02
"""Least room in metres between two things that are not blocks."""

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
class Scene:
    """The things of a scene with their places.

    Attributes:
        things: All things by name; the table is not one of them.
        spots: Place of everything that stands on the table by itself.
        inside: What each block that lies elsewhere stands on or lies in, a support or container.
        lids: The lid of every box that has one.
        shut: Boxes whose lid is on.
        parking: Where each lid is laid aside.
    """

    things: Mapping[str, Thing]
    spots: Mapping[str, Spot]
    inside: Mapping[str, str] = field(default_factory=dict)
    lids: Mapping[str, str] = field(default_factory=dict)
    shut: frozenset[str] = frozenset()
    parking: Mapping[str, Spot] = field(default_factory=dict)

    def of(self, *kinds: Kind) -> tuple[Thing, ...]:
        """Returns the things of these kinds, in the scene's order."""
        return tuple(t for t in self.things.values() if t.kind in kinds)

    @property
    def blocks(self) -> tuple[Thing, ...]:
        """All blocks."""
        return self.of(Kind.BLOCK)

    def place_of(self, block: str) -> str:
        """Returns what a block stands on or lies in."""
        return self.inside.get(block, TABLE)

    def box_of(self, lid: str) -> str:
        """Returns the box that a lid belongs to."""
        return next(box for box, own in self.lids.items() if own == lid)

    def root(self, block: str) -> Spot:
        """Returns the place on the table above which a block is, before slots are told apart."""
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
) -> Scene:
    """Draws where everything stands, by rejection.

    Args:
        rng: Source of randomness.
        things: What there is.
        inside: What blocks that are not on the table stand on or lie in.
        lids: The lid of each box.
        shut: Boxes whose lid is on.

    Raises:
        HarnessError: There is no room for so many things.
    """
    inside, lids = dict(inside or {}), dict(lids or {})
    table = {t.name: t for t in things}
    standing = [t for t in things if t.name not in inside and t.kind is not Kind.LID]
    order = sorted(standing, key=lambda t: -t.extent[0] * t.extent[1])
    for _ in range(TRIES):
        taken: list[_Area] = []
        spots: dict[str, Spot] = {}
        parking: dict[str, Spot] = {}
        wanted: list[tuple[str, bool, float, float, Thing]] = []
        for thing in order:
            wanted.append((thing.name, False, *thing.extent, thing))
            if thing.name in lids:
                wanted.append((lids[thing.name], True, LID[0], LID[1], thing))
        for name, park, length, width, thing in wanted:
            spot = _find(rng, taken, length, width, thing.kind is Kind.BLOCK)
            if spot is None:
                break
            (parking if park else spots)[name] = spot
            taken.append(_Area(spot.x, spot.y, length, width, thing.kind is Kind.BLOCK))
        else:
            spots = {t.name: spots[t.name] for t in things if t.name in spots}
            return Scene(table, spots, inside, lids, frozenset(shut), parking)
    raise HarnessError(f"no room for {len(things)} things on the table after {TRIES} draws")


@dataclass(frozen=True, slots=True)
class _Area:
    x: float
    y: float
    length: float
    width: float
    block: bool

    def free(self, x: float, y: float, length: float, width: float, gap: float) -> bool:
        """Tells whether a rectangle keeps its distance."""
        return (
            abs(x - self.x) >= self.length + length + gap
            or abs(y - self.y) >= self.width + width + gap
        )


def _find(
    rng: Random, taken: Sequence[_Area], length: float, width: float, block: bool
) -> Spot | None:
    edge = 0.0 if block else max(0.0, length - 0.03)
    for _ in range(60):
        x, y = rng.uniform(NEAR + edge, FAR - edge), rng.uniform(-SIDE + edge, SIDE - edge)
        if hypot(x + edge, abs(y)) > REACH or hypot(x, y) < NEAR:
            continue
        if all(a.free(x, y, length, width, GAP if block or a.block else WIDE_GAP) for a in taken):
            return Spot(x, y, rng.uniform(-pi / 4, pi / 4) if block else 0.0)
    return None


def is_spot(thing: Thing) -> bool:
    """Tells whether a thing carries one block."""
    return thing.kind in SPOTS


def is_container(thing: Thing) -> bool:
    """Tells whether a thing holds blocks."""
    return thing.kind in CONTAINERS
