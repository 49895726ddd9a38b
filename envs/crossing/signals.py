"""Traffic lights: what each arm of a crossing is shown, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefoot.envs.crossing.geometry import Turn

PHASES = (
    ("arrow", 4.0),
    ("green", 8.0),
    ("yellow", 1.5),
    ("clear", 1.0),
)
"""Phases of half a cycle in seconds: first for arms 0 and 2, then for 1 and 3."""

HALF = sum(seconds for _, seconds in PHASES)
"""Seconds of half a cycle."""


class Lamp(StrEnum):
    """What an arm's light shows."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    ARROW = "arrow"
    """Red, with a green arrow to the left."""


@dataclass(frozen=True, slots=True)
class Signal:
    """The lights of one crossing; opposite arms show the same.

    Half a cycle is four seconds of the left arrow, eight of green, one and a half of yellow and
    one in which all are red; then the crossing road has the same.

    Attributes:
        offset: Seconds by which its cycle is ahead.
    """

    offset: float = 0.0

    def _phase(self, time: float) -> tuple[int, str, float]:
        into = (time + self.offset) % (2 * HALF)
        axis, rest = divmod(into, HALF)
        for name, seconds in PHASES:
            if rest < seconds:
                return int(axis), name, seconds - rest
            rest -= seconds
        return int(axis), "clear", 0.0

    def lamp(self, arm: int, time: float) -> Lamp:
        """Returns what an arm is shown at a time in seconds."""
        axis, name, _ = self._phase(time)
        return Lamp(name) if arm % 2 == axis and name != "clear" else Lamp.RED

    def seconds_left(self, arm: int, turn: Turn, time: float) -> float:
        """Returns for how many more seconds a turn is open; 0 if it is not."""
        lamp = self.lamp(arm, time)
        if lamp is Lamp.GREEN:
            return self._phase(time)[2]
        if lamp is Lamp.ARROW and turn is Turn.LEFT:
            return self._phase(time)[2] + dict(PHASES)["green"]
        return 0.0

    def walk_left(self, arm: int, time: float) -> float:
        """Returns for how many more seconds the crosswalk of an arm is open; 0 if it is not.

        People cross an arm while the other road has plain green.
        """
        return self.seconds_left(arm + 1, Turn.STRAIGHT, time)
