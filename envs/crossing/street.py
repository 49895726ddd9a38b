"""The street grid: its crossings and their geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import pi

from surefoot.core.errors import InputError
from surefoot.envs.crossing.geometry import (
    LANE,
    STOP_LINE,
    GroundPose,
    Path,
    PathSegment,
    Turn,
    connector_pieces,
    exit_arm,
    turned,
)
from surefoot.envs.crossing.signals import Signal

PITCH = 10.0
"""Metres between neighbouring crossings."""

REACH = 7.0
"""Metres from the middle of an outer crossing to the end of the street."""

LIGHT = "light"
SIGN = "sign"


@dataclass(frozen=True)
class Crossing:
    """One crossing.

    Attributes:
        number: Its number in the street.
        centre: Its middle in the world frame, in metres.
        signal: Its lights, ``None`` if it has stop signs. Those stand on the arms 0 and 2; the
            road from 1 to 3 has the right of way.
        neighbours: For each arm the number of the next crossing, ``None`` where the street ends.
    """

    number: int
    centre: tuple[float, float]
    signal: Signal | None
    neighbours: tuple[int | None, int | None, int | None, int | None]

    def stop_sign(self, arm: int) -> bool:
        """Returns whether an arm has a stop sign."""
        return self.signal is None and arm % 2 == 0

    def frame(self, arm: int) -> GroundPose:
        """Returns the crossing's frame for a driver who approaches by an arm: y is ahead."""
        return GroundPose(self.centre[0], self.centre[1], arm * pi / 2)

    def from_world(self, arm: int, x: float, y: float) -> tuple[float, float]:
        """Converts a world point to the frame of a driver on an arm: x right, y ahead."""
        return turned(x - self.centre[0], y - self.centre[1], -arm)

    def to_world(self, arm: int, x: float, y: float) -> tuple[float, float]:
        """Converts a point from the frame of a driver on an arm to the world frame."""
        dx, dy = turned(x, y, arm)
        return self.centre[0] + dx, self.centre[1] + dy


@dataclass(frozen=True)
class Street:
    """A grid of crossings; lights and stop signs alternate, lights first.

    Attributes:
        columns: Crossings from west to east.
        rows: Crossings from south to north.
        offsets: For each crossing seconds by which its lights are ahead; missing ones are 0.
    """

    columns: int = 2
    rows: int = 1
    offsets: tuple[float, ...] = field(default=())

    def __post_init__(self) -> None:
        if not (1 <= self.columns <= 4 and 1 <= self.rows <= 4):
            raise InputError(
                f"a street has 1 to 4 by 1 to 4 crossings, not {self.columns} by {self.rows}"
            )

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """All crossings, row by row from the south-west."""
        found = []
        for number in range(self.columns * self.rows):
            row, column = divmod(number, self.columns)
            offset = self.offsets[number] if number < len(self.offsets) else 0.0
            signal = Signal(offset) if (row + column) % 2 == 0 else None
            neighbours = (
                number - self.columns if row > 0 else None,
                number + 1 if column + 1 < self.columns else None,
                number + self.columns if row + 1 < self.rows else None,
                number - 1 if column > 0 else None,
            )
            found.append(Crossing(number, (column * PITCH, row * PITCH), signal, neighbours))
        return tuple(found)

    @cached_property
    def entries(self) -> tuple[tuple[int, int], ...]:
        """Crossing and arm of every place where the street begins."""
        return tuple(
            (c.number, arm) for c in self.crossings for arm in range(4) if c.neighbours[arm] is None
        )

    def places(self, kind: str) -> tuple[tuple[int, int], ...]:
        """Returns crossing and arm of every line with a light (``light``) or sign (``sign``)."""
        return tuple(
            (c.number, arm)
            for c in self.crossings
            for arm in range(4)
            if (c.signal is not None if kind == LIGHT else c.stop_sign(arm))
        )

    def lane_in(self, crossing: int, arm: int) -> PathSegment:
        """Returns the lane that leads to a stop line, from the last crossing or street end."""
        c = self.crossings[crossing]
        length = PITCH - 2 * STOP_LINE if c.neighbours[arm] is not None else REACH - STOP_LINE
        x, y = c.to_world(arm, LANE / 2, -STOP_LINE - length)
        return PathSegment(("lane", crossing, arm), GroundPose(x, y, pi / 2 + arm * pi / 2), length)

    def lane_out(self, crossing: int, arm: int) -> PathSegment:
        """Returns the lane that leads away by an arm: to the next line or the street's end."""
        c = self.crossings[crossing]
        following = c.neighbours[arm]
        if following is not None:
            return self.lane_in(following, (arm + 2) % 4)
        x, y = c.to_world(arm, -LANE / 2, -STOP_LINE)
        start = GroundPose(x, y, arm * pi / 2 - pi / 2)
        return PathSegment(("end", crossing, arm), start, REACH - STOP_LINE)

    def way(self, crossing: int, arm: int, turn: Turn) -> Path:
        """Returns the path of a turn: to the line, across the crossing, and away."""
        centre = self.crossings[crossing].centre
        over = connector_pieces(centre, crossing, arm, turn)
        out = self.lane_out(crossing, exit_arm(arm, turn))
        return Path((self.lane_in(crossing, arm), *over, out))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Lowest and highest x, then lowest and highest y of the streets, in metres."""
        return (
            -REACH,
            (self.columns - 1) * PITCH + REACH,
            -REACH,
            (self.rows - 1) * PITCH + REACH,
        )
