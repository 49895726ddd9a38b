"""People on foot: they walk up to a crosswalk, wait until it is safe, and cross.

A kinematic model, as :mod:`~surefoot.envs.crossing.cars`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from random import Random

from surefoot.envs.crossing.cars import Cars, Ego, must_brake
from surefoot.envs.crossing.geometry import CROSSWALK, LANE, GroundPose

WAIT = LANE + 0.3
"""Metres from the middle of the road at which people wait."""

FAR = 3.0
"""Metres from the middle of the road at which they appear and disappear."""

WALK = 0.45
"""Walking speed in metres per second."""

SECONDS_OVER = (WAIT + LANE) / WALK
"""Seconds from the waiting place to the other side."""


@dataclass(slots=True)
class Walker:
    """A pedestrian.

    Attributes:
        slot: Index of their body.
        crossing: Number of the crossing.
        arm: The arm that they cross.
        side: 1 if they come from the right as seen by a driver on that arm, -1 from the left.
        distance: Distance along the arm of the line on which they walk, in metres.
        x: Position across the road in metres, in walking direction: from -FAR to FAR.
        speed: Metres per second.
    """

    slot: int
    crossing: int
    arm: int
    side: int
    distance: float
    x: float = -FAR
    speed: float = 0.0

    @property
    def on_road(self) -> bool:
        """Whether they are on the roadway."""
        return -LANE <= self.x <= LANE

    @property
    def stepping(self) -> bool:
        """Whether they walk and will be on the roadway after at most 0.3 m."""
        return -WAIT < self.x < -LANE and self.speed > 0


class People:
    """All pedestrians.

    Attributes:
        walkers: Those present.
    """

    def __init__(self, cars: Cars, slots: int, mean_seconds: float, rng: Random) -> None:
        self.walkers: list[Walker] = []
        self._cars = cars
        self._slots = slots
        self._mean = mean_seconds
        self._rng = rng
        self._next = self._draw()

    def _draw(self) -> float:
        return self._rng.expovariate(1 / self._mean) if self._mean < inf else inf

    def pose(self, walker: Walker) -> GroundPose:
        """Returns a pedestrian's position and heading in the world frame."""
        crossing = self._cars.street.crossings[walker.crossing]
        x, y = crossing.to_world(walker.arm, -walker.side * walker.x, -walker.distance)
        ahead = crossing.frame(walker.arm).yaw
        return GroundPose(x, y, ahead if walker.side < 0 else ahead + 3.141592653589793)

    def in_the_way(self) -> Iterator[tuple[int, int, float, float]]:
        """Yields crossing, arm, x and y of those on a roadway or about to step on it."""
        for walker in self.walkers:
            if walker.on_road or walker.stepping:
                pose = self.pose(walker)
                yield walker.crossing, walker.arm, pose.x, pose.y

    def step(self, dt: float, ego: Ego) -> None:
        """Moves all pedestrians; call it after the cars have moved."""
        self._arrive()
        for walker in self.walkers:
            walker.speed = WALK if self._walks(walker, ego) else 0.0
            walker.x += walker.speed * dt
        self.walkers = [w for w in self.walkers if w.x < FAR]

    def _arrive(self) -> None:
        free = set(range(self._slots)) - {w.slot for w in self.walkers}
        if self._cars.time < self._next or not free:
            return
        self._next = self._cars.time + self._draw()
        rng = self._rng
        crossing, arm = rng.randrange(len(self._cars.street.crossings)), rng.randrange(4)
        side = rng.choice((-1, 1))
        low, high = CROSSWALK
        middle = (low + high) / 2 + side * 0.12  # people keep to their side
        self.walkers.append(Walker(min(free), crossing, arm, side, middle))

    def _walks(self, walker: Walker, ego: Ego) -> bool:
        if walker.x > -LANE:
            return True
        if walker.x + WALK * 0.05 < -WAIT:
            return not any(
                0 < w.x - walker.x < 0.3 and w.speed == 0
                for w in self.walkers
                if (w.crossing, w.arm, w.side) == (walker.crossing, walker.arm, walker.side)
            )
        if ego.threatens(walker.crossing, walker.arm):
            return False
        return walker.stepping or self._safe(walker)

    def _safe(self, walker: Walker) -> bool:
        """Returns whether no vehicle will reach the crosswalk while they cross."""
        cars = self._cars
        signal = cars.street.crossings[walker.crossing].signal
        if signal is not None and signal.walk_left(walker.arm, cars.time) < SECONDS_OVER:
            return False
        for car in cars.cars:
            gate = car.gate_at(walker.crossing)
            if gate is None or walker.arm not in (gate.arm, gate.out):
                continue
            if gate is not car.gate:  # it has left the box, perhaps not yet the crosswalk
                leaving = car.to_line(gate) < 0 and car.s - 0.35 < gate.leave
                if leaving and gate.out == walker.arm:
                    return False
                continue
            if cars.is_over(car, gate) or must_brake(car.speed, car.to_line(gate)) > 0.3:
                return False
        return True
