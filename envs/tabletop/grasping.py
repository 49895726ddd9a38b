"""Checks where the hand fits, by casting rays down onto the area of its fingers and palm."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, hypot, pi, sin

from surefoot.envs.tabletop.robot import OPEN, HandPose, Point
from surefoot.envs.tabletop.scene import FAR, NEAR, REACH, SIDE
from surefoot.envs.tabletop.things import HEIGHTS, KNOB, LID, SLOTS, TABLE, Thing, ThingKind
from surefoot.envs.tabletop.world import TabletopWorld

SPARE = 0.008
"""Metres between each finger and the object before it closes."""

TIP = 0.0072
"""How far the fingers reach below the point between their tips, in metres."""

PALM = 0.034
"""Height of the hand over that point in metres."""

GRIP_LOW = 0.02
"""Least height of that point over the table in metres; the palm then passes over bins."""

ROOM = 0.055
"""Desired distance in metres of a put-down block's edge from everything else."""

_FINGER = ((0.002, -TIP), (0.008, -TIP), (0.0145, -TIP), (0.02, 0.002), (0.026, 0.012))
"""Where a finger is probed: distance from its inner face and height over the point between
the tips, in metres; it is thicker towards the hand."""

_HALF_FINGER = 0.012
"""Half the breadth of a finger in metres, with a millimetre to spare."""


def width_of(thing: Thing) -> float:
    """Returns the distance between the fingers when they hold an object, in metres."""
    return 2 * KNOB[0] if thing.kind is ThingKind.LID else thing.edge


def opening(thing: Thing) -> float:
    """Returns the distance between the open fingers around an object, in metres."""
    return min(2 * OPEN, width_of(thing) + 2 * SPARE)


def blocker(
    world: TabletopWorld, pose: HandPose, width: float, ignore: frozenset[str]
) -> str | None:
    """Returns what the hand would hit at a pose, coming from above.

    Args:
        world: The world; the hand must be higher than everything else.
        pose: Pose of the hand.
        width: Metres between the fingers.
        ignore: Names of objects that do not count.
    """
    x, y, z = pose.position
    across = (-sin(pose.yaw), cos(pose.yaw))
    along = (across[1], -across[0])
    rays: list[tuple[float, float, float]] = []
    for side in (-1, 1):
        for depth, low in _FINGER:
            c = side * (width / 2 + depth)
            rays += [(c, a, z + low) for a in (-_HALF_FINGER, 0.0, _HALF_FINGER)]
    for i in range(-6, 7):
        rays += [(0.0175 * i, 0.0175 * j, z + PALM) for j in range(-2, 3)]
    top = _start(world, z)
    starts, ends = [], []
    for c, a, low in rays:
        at = (x + c * across[0] + a * along[0], y + c * across[1] + a * along[1])
        starts.append((*at, max(top, low)))
        ends.append((*at, low))
    return _first(world, starts, ends, ignore)


def occupant(
    world: TabletopWorld,
    middle: tuple[float, float],
    extent: tuple[float, float],
    low: float,
    ignore: frozenset[str],
) -> str | None:
    """Returns what stands in an axis-aligned rectangle, or ``None``.

    Args:
        world: The world; the hand must be higher than everything else.
        middle: Its middle in metres, world frame.
        extent: Half its length (x) and width (y) in metres.
        low: Height in metres over which something counts.
        ignore: Names of objects that do not count.
    """
    places = (-1.0, -0.5, 0.0, 0.5, 1.0)
    at = [(middle[0] + i * extent[0], middle[1] + j * extent[1]) for i in places for j in places]
    top = max(_start(world, low), low)
    return _first(world, [(*p, top) for p in at], [(*p, low) for p in at], ignore)


def _start(world: TabletopWorld, z: float) -> float:
    """Height to probe from: under the hand and what it holds, at most 0.3 m over the place."""
    low = world.robot.tool()[2] - TIP
    held = world.held()
    if held is not None:
        low = min(low, world.box(held)[0][2])
    return min(z + 0.3, low - 0.005)


def _first(
    world: TabletopWorld, starts: list[Point], ends: list[Point], ignore: frozenset[str]
) -> str | None:
    for body, _, fraction, *_ in world.simulation.api.rayTestBatch(starts, ends):
        if body >= 0 and fraction < 1.0 and body != world.robot.body:
            name = world.names[body]
            if name not in ignore and name not in (TABLE, "the floor"):
                return name
    return None


def grasps(world: TabletopWorld, name: str) -> Iterator[HandPose]:
    """Yields poses of the hand around an object, the easiest for the wrist first."""
    thing = world.thing(name)
    x, y, z = world.position(name)
    yaw = world.yaw(name)
    if thing.kind is ThingKind.LID:
        z += 2 * LID[2] + KNOB[2]
        turns = [0.0, pi / 2]
    elif world.lies(name):
        turns = [0.0]
    elif thing.shape == "cylinder":
        turns = [i * pi / 8 for i in range(8)]
    else:
        turns = [0.0, pi / 2]
        low, high = world.box(name)[0][2], world.box(name)[1][2]
        z = (low + high) / 2
    z = max(z, GRIP_LOW)
    for container in world.scene.things.values():
        if container.kind.value in HEIGHTS:
            spot = world.scene.spots[container.name]
            if max(abs(x - spot.x), abs(y - spot.y)) < 0.1:
                z = max(z, container.height - PALM + 0.002)
    yield from sorted((HandPose.at((x, y, z), yaw + t) for t in turns), key=lambda p: abs(p.turn))


def free_spots(world: TabletopWorld, block: str) -> list[tuple[float, float]]:
    """Returns places on the table for a block, near the hand first, roomy ones before tight ones.

    The places where lids are laid aside stay free.

    Args:
        world: The world.
        block: The block.
    """
    half = world.thing(block).edge / 2
    areas = [(s.x, s.y, LID[0], LID[1]) for s in world.scene.parking.values()]
    for name in world.loose:
        if name != block:
            (x0, y0, z0), (x1, y1, _) = world.box(name)
            if z0 > -0.1:
                areas.append(((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2))
    hand = world.robot.tool()
    found: list[tuple[bool, float, float, float]] = []
    for i in range(int((FAR - NEAR) / 0.025) + 1):
        for j in range(int(2 * SIDE / 0.03) + 1):
            x, y = NEAR + 0.025 * i, -SIDE + 0.03 * j
            if not NEAR <= hypot(x, y) <= REACH:
                continue
            room = (
                min(
                    (max(abs(x - a) - length, abs(y - b) - width) for a, b, length, width in areas),
                    default=1.0,
                )
                - half
            )
            if room >= ROOM - 0.03:
                found.append((room < ROOM, hypot(x - hand[0], y - hand[1]), x, y))
    return [(x, y) for _, _, x, y in sorted(found)]


def free_slots(world: TabletopWorld, block: str, container: str) -> list[tuple[float, float]]:
    """Returns places in a container for a block, in metres, world frame."""
    spot = world.scene.spots[container]
    others = []
    for other in world.scene.blocks:
        x, y, z = world.position(other.name)
        if other.name != block and z < HEIGHTS["box"] and abs(y - spot.y) < 0.1:
            others.append((x - spot.x, other.edge / 2))
    half = world.thing(block).edge / 2
    return [
        (spot.x + slot, spot.y)
        for slot in SLOTS
        if all(abs(slot - x) > half + edge + 0.003 for x, edge in others)
    ]
