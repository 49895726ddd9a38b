"""Geometry of lanes: crossings, their four arms, and the paths across them.

Traffic keeps to the right. Every crossing has its own frame, turned so that the vehicle
approaches from the south: x to the right, y ahead, origin in the middle. Lengths are metres,
angles radians, counter-clockwise from the x axis of the world frame.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import accumulate
from math import cos, hypot, pi, sin

LANE = 0.7
"""Width of a lane; a road has one lane each way."""

BOX = 1.1
"""Half the side of the square in which paths cross; turns are arcs within it."""

CROSSWALK = (1.15, 1.65)
"""Where a crosswalk lies on each arm: nearest and farthest distance from the middle."""

STOP_LINE = 1.8
"""Distance of the stop line from the middle."""


class Turn(StrEnum):
    """The three ways to pass a crossing."""

    LEFT = "left"
    RIGHT = "right"
    STRAIGHT = "straight"


class Approach(StrEnum):
    """The four roads of a crossing as a driver sees them; the driver approaches by ``OWN``."""

    OWN = "own"
    RIGHT = "right"
    OPPOSITE = "opposite"
    LEFT = "left"


ARMS = tuple(Approach)
"""All arms, counter-clockwise; arm number 0 is the south, 1 the east, 2 the north, 3 the west."""

_EXIT = {Turn.RIGHT: 1, Turn.STRAIGHT: 2, Turn.LEFT: 3}


def exit_arm(arm: int, turn: Turn) -> int:
    """Returns the number of the exit arm."""
    return (arm + _EXIT[turn]) % 4


def seen_from(arm: int, other: int) -> Approach:
    """Returns the name of an arm for a driver who approaches by ``arm``."""
    return ARMS[(other - arm) % 4]


@dataclass(frozen=True, slots=True)
class GroundPose:
    """A place on the ground and a heading, in the world frame.

    Attributes:
        x: Metres.
        y: Metres.
        yaw: Radians.
    """

    x: float
    y: float
    yaw: float

    def ahead(self, distance: float, left: float = 0.0) -> GroundPose:
        """Returns the pose ``distance`` metres ahead and ``left`` metres to the left."""
        c, s = cos(self.yaw), sin(self.yaw)
        return GroundPose(
            self.x + c * distance - s * left, self.y + s * distance + c * left, self.yaw
        )

    def distance(self, x: float, y: float) -> float:
        """Returns the distance to a point in metres."""
        return hypot(x - self.x, y - self.y)

    def local(self, x: float, y: float) -> tuple[float, float]:
        """Returns a point in this pose's frame: metres ahead and metres to the left."""
        c, s, dx, dy = cos(self.yaw), sin(self.yaw), x - self.x, y - self.y
        return c * dx + s * dy, c * dy - s * dx


def turned(x: float, y: float, arm: int) -> tuple[float, float]:
    """Rotates a point about the middle from the south arm's frame to the frame of ``arm``."""
    for _ in range(arm % 4):
        x, y = -y, x
    return x, y


@dataclass(frozen=True, slots=True)
class PathSegment:
    """A straight line or an arc.

    Attributes:
        key: Identity: the same key means the same strip of road.
        start: Where it begins.
        length: Metres.
        curvature: One over the radius, positive to the left; 0 for a line.
    """

    key: tuple[object, ...]
    start: GroundPose
    length: float
    curvature: float = 0.0

    def at(self, s: float) -> GroundPose:
        """Returns the pose after ``s`` metres."""
        k, a = self.curvature, self.start
        if k == 0:
            return a.ahead(s)
        turn = a.yaw + k * s
        return GroundPose(
            a.x + (sin(turn) - sin(a.yaw)) / k, a.y - (cos(turn) - cos(a.yaw)) / k, turn
        )


class Path:
    """A sequence of segments.

    Attributes:
        pieces: The pieces.
        starts: Metres from the beginning at which each piece starts, and the length at last.
    """

    def __init__(self, pieces: tuple[PathSegment, ...]) -> None:
        self.pieces = pieces
        self.starts = (0.0, *accumulate(p.length for p in pieces))

    @property
    def length(self) -> float:
        """Metres."""
        return self.starts[-1]

    def index(self, s: float) -> int:
        """Returns the number of the piece after ``s`` metres."""
        return max(0, min(bisect_right(self.starts, s) - 1, len(self.pieces) - 1))

    def at(self, s: float) -> GroundPose:
        """Returns the pose after ``s`` metres; the path is extended straight beyond its ends."""
        i = self.index(s)
        beyond = s - self.length
        if beyond > 0:
            return self.pieces[-1].at(self.pieces[-1].length).ahead(beyond)
        return self.pieces[i].at(s - self.starts[i]) if s >= 0 else self.pieces[0].start.ahead(s)

    def nearest(self, x: float, y: float, low: float, high: float, step: float = 0.02) -> float:
        """Returns the metres at which the path between ``low`` and ``high`` is nearest."""
        count = max(1, round((high - low) / step))
        places = [low + (high - low) * i / count for i in range(count + 1)]
        return min(places, key=lambda s: self.at(s).distance(x, y))


@cache
def connector(turn: Turn) -> tuple[tuple[float, float, float, float, float], ...]:
    """Returns the path across a crossing from the stop line to the same distance on the exit arm.

    Returns:
        For each piece x, y, yaw of its start, length and curvature, coming from the south.
    """
    half, lead = LANE / 2, STOP_LINE - BOX
    into = (half, -STOP_LINE, pi / 2, lead, 0.0)
    if turn is Turn.STRAIGHT:
        return ((half, -STOP_LINE, pi / 2, 2 * STOP_LINE, 0.0),)
    if turn is Turn.RIGHT:
        radius = BOX - half
        arc = (half, -BOX, pi / 2, radius * pi / 2, -1 / radius)
        return into, arc, (BOX, -half, 0.0, lead, 0.0)
    radius = BOX + half
    arc = (half, -BOX, pi / 2, radius * pi / 2, 1 / radius)
    return into, arc, (-BOX, half, pi, lead, 0.0)


def connector_length(turn: Turn) -> float:
    """Returns the length from line to line in metres."""
    return sum(p[3] for p in connector(turn))


def connector_pieces(
    centre: tuple[float, float], crossing: int, arm: int, turn: Turn
) -> tuple[PathSegment, ...]:
    """Returns the path across a crossing in the world frame."""
    pieces = []
    for i, (x, y, yaw, length, curvature) in enumerate(connector(turn)):
        dx, dy = turned(x, y, arm)
        start = GroundPose(centre[0] + dx, centre[1] + dy, yaw + arm * pi / 2)
        pieces.append(PathSegment(("over", crossing, arm, turn, i), start, length, curvature))
    return tuple(pieces)


@cache
def conflicting(turn: Turn, other_arm: Approach, other_turn: Turn) -> bool:
    """Returns whether two paths across the same crossing come nearer than 0.45 m to each other.

    Args:
        turn: Turn of the first vehicle, which approaches by its own arm.
        other_arm: Arm of the second vehicle, as seen from there; paths of the same arm never
            conflict, since the vehicles follow each other.
        other_turn: Turn of the second vehicle.
    """
    arm = ARMS.index(other_arm)
    if arm == 0:
        return False
    mine = Path(connector_pieces((0, 0), 0, 0, turn))
    theirs = Path(connector_pieces((0, 0), 0, arm, other_turn))
    points = [theirs.at(i * 0.05) for i in range(int(theirs.length / 0.05) + 1)]
    return any(
        mine.at(i * 0.05).distance(p.x, p.y) < 0.45
        for i in range(int(mine.length / 0.05) + 1)
        for p in points
    )
