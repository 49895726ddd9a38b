"""Other cars: how they follow their lanes, obey lights and signs, and give way.

They are kinematic: each moves along its path at a speed that changes within limits. Cars are
polite, so that a vehicle that obeys the rules is safe: a car that can still stop comfortably
waits for a vehicle whose path crosses its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, sqrt
from random import Random

from surefoot.envs.crossing.geometry import (
    BOX,
    STOP_LINE,
    Approach,
    GroundPose,
    Path,
    PathSegment,
    Turn,
    conflicting,
    connector_length,
    connector_pieces,
    exit_arm,
    seen_from,
)
from surefoot.envs.crossing.signals import Lamp
from surefoot.envs.crossing.street import Street

LENGTH = 0.6
"""Length of a car in metres; it is 0.3 wide."""

COMFORT = 0.35
"""Metres per square second by which cars plan to brake."""

GIVE_WAY = 0.65
"""The hardest braking in metres per square second to give way; a car that needs more drives on."""

HARD = 1.2
"""The hardest braking in metres per square second, for obstacles in front."""

GAP = 0.22
"""Metres that a car keeps from obstacles in front of it."""

PULL = 0.8
"""Acceleration in metres per square second."""

GAP_SECONDS = 3.0
"""A car without the right of way waits for those that would arrive within these seconds."""


@dataclass(frozen=True, slots=True)
class Ego:
    """State of the vehicle as other road users see it.

    Attributes:
        x: Its middle, in metres in the world frame.
        y: As ``x``.
        speed: Metres per second.
        crossing: Number of the crossing that it is at.
        arm: The arm from which it approaches.
        turn: The turn that it signals.
        occupies: Whether it is on the crossing, or just driving onto it.
        past_entry: Whether it has left the crosswalk of its own arm behind.
    """

    x: float
    y: float
    speed: float
    crossing: int
    arm: int
    turn: Turn
    occupies: bool
    past_entry: bool

    def bars(self, crossing: int, arm: int, turn: Turn) -> bool:
        """Returns whether a car that approaches from an arm has to wait for it.

        It does if the paths cross, or if the vehicle turns and may expect a free road: cars from
        the left wait when it turns, all cars wait when it turns left.
        """
        if not self.occupies or crossing != self.crossing or arm == self.arm:
            return False
        side = seen_from(self.arm, arm)
        if self.turn is Turn.LEFT or (self.turn is Turn.RIGHT and side is Approach.LEFT):
            return True
        return conflicting(self.turn, side, turn)

    def threatens(self, crossing: int, arm: int) -> bool:
        """Returns whether it is about to drive over the crosswalk of an arm."""
        if not self.occupies or crossing != self.crossing:
            return False
        own = arm == self.arm and not self.past_entry
        return own or arm == exit_arm(self.arm, self.turn)


@dataclass(frozen=True, slots=True)
class PathCrossing:
    """A crossing on a car's path.

    Attributes:
        crossing: Its number.
        arm: The arm from which the car approaches.
        turn: The turn that it takes.
        line: Metres along the path at the stop line.
        leave: Metres along the path at the same distance on the way out.
    """

    crossing: int
    arm: int
    turn: Turn
    line: float
    leave: float

    @property
    def out(self) -> int:
        """The arm by which it leaves."""
        return exit_arm(self.arm, self.turn)


@dataclass(frozen=True, slots=True)
class Strip:
    """A part of a path that other paths may share.

    Attributes:
        key: The same for all paths that share it.
        start: Metres along the path at which it begins.
        end: Metres at which it ends.
        turn: The turn at a crossing, ``None`` on lanes.
    """

    key: tuple[object, ...]
    start: float
    end: float
    turn: Turn | None = None


@dataclass(slots=True)
class Car:
    """A car.

    Attributes:
        slot: Index of its body.
        path: Its path.
        gates: The crossings on its path.
        strips: The parts of its path.
        cruise: Its desired speed in metres per second.
        s: Position of its middle along the path in metres.
        speed: Metres per second.
        pull: Acceleration in the last step, metres per square second.
        waited: Seconds for which it has stood at its stop line.
    """

    slot: int
    path: Path
    gates: tuple[PathCrossing, ...]
    strips: tuple[Strip, ...]
    cruise: float
    s: float = LENGTH / 2
    speed: float = 0.0
    pull: float = 0.0
    waited: float = 0.0

    @property
    def pose(self) -> GroundPose:
        """Where its middle is."""
        return self.path.at(self.s)

    @property
    def gate(self) -> PathCrossing | None:
        """The crossing that it is on or reaches next."""
        rear = self.s - LENGTH / 2
        return next((g for g in self.gates if rear < g.leave - (STOP_LINE - BOX)), None)

    def gate_at(self, crossing: int) -> PathCrossing | None:
        """Returns its next or current passage of a crossing, or the one it has just left.

        A path may lead over the same crossing more than once.
        """
        gates = (g for g in self.gates if g.crossing == crossing and self.s < g.leave + 0.5)
        return next(gates, None)

    def to_line(self, gate: PathCrossing) -> float:
        """Returns the metres from its front to the line; negative when it is over it."""
        return gate.line - self.s - LENGTH / 2

    def strip(self) -> Strip:
        """Returns the part of its path that its middle is on."""
        return next((p for p in self.strips if self.s < p.end), self.strips[-1])


def must_brake(speed: float, distance: float) -> float:
    """Returns the braking in metres per square second needed to stop within a distance."""
    return speed * speed / (2 * max(distance + 0.05, 1e-3))


def draw_route(
    street: Street, crossing: int, arm: int, rng: Random
) -> tuple[Path, tuple[PathCrossing, ...], tuple[Strip, ...]]:
    """Draws a path through the street from one of its ends to another.

    Args:
        street: The street.
        crossing: Number of the first crossing.
        arm: The arm from which the car approaches it.
        rng: Random generator.
    """
    pieces: list[PathSegment] = []
    gates: list[PathCrossing] = []
    strips: list[Strip] = []
    at: int | None = crossing
    length = 0.0
    while at is not None:
        lane = street.lane_in(at, arm)
        free = len(gates) < 4  # then straight on, so that every path ends
        turn = rng.choices(list(Turn), (0.25, 0.25, 0.5))[0] if free else Turn.STRAIGHT
        line = length + lane.length
        leave = line + connector_length(turn)
        pieces += [lane, *connector_pieces(street.crossings[at].centre, at, arm, turn)]
        gates.append(PathCrossing(at, arm, turn, line, leave))
        strips.append(Strip(lane.key, length, line))
        strips.append(Strip(("over", at, arm), line, leave, turn))
        out = exit_arm(arm, turn)
        length = leave
        following = street.crossings[at].neighbours[out]
        if following is None:
            end = street.lane_out(at, out)
            pieces.append(end)
            strips.append(Strip(end.key, length, length + end.length))
        at, arm = following, (out + 2) % 4
    return Path(tuple(pieces)), tuple(gates), tuple(strips)


class Cars:
    """All other cars and their rules.

    Attributes:
        street: The street.
        cars: Those on the road.
        time: Seconds since they began.
    """

    def __init__(self, street: Street, slots: int, mean_seconds: float, rng: Random) -> None:
        self.street = street
        self.cars: list[Car] = []
        self.time = 0.0
        self._rng = rng
        self._slots = slots
        self._mean = mean_seconds
        self._next = {e: self._draw() * rng.random() for e in street.entries}

    def _draw(self) -> float:
        return self._rng.expovariate(1 / self._mean) if self._mean < inf else inf

    def step(self, dt: float, ego: Ego, people: Iterable[tuple[int, int, float, float]]) -> None:
        """Moves all cars.

        Args:
            dt: Seconds.
            ego: The vehicle.
            people: Crossing, arm, x and y of everyone on a crosswalk or about to step on it.
        """
        self.time += dt
        crowd = list(people)
        self._arrive()
        where: dict[tuple[object, ...], list[tuple[float, Strip, Car]]] = {}
        for car in self.cars:
            strip = car.strip()
            where.setdefault(strip.key, []).append((car.s - strip.start, strip, car))
        speeds = [self._new_speed(car, dt, ego, crowd, where) for car in self.cars]
        for car, speed in zip(self.cars, speeds, strict=True):
            car.pull = (speed - car.speed) / dt
            car.s += (car.speed + speed) / 2 * dt
            car.speed = speed
            gate = car.gate
            standing = speed < 0.02 and gate is not None and car.to_line(gate) < 0.3
            car.waited = car.waited + dt if standing else 0.0
        self.cars = [c for c in self.cars if c.s < c.path.length]

    def _arrive(self) -> None:
        for entry, due in self._next.items():
            if self.time < due:
                continue
            free = set(range(self._slots)) - {c.slot for c in self.cars}
            key = self.street.lane_in(*entry).key
            near = any(c.strips[0].key == key and c.s < 2.0 for c in self.cars)
            if near or not free:
                continue
            self._next[entry] = self.time + self._draw()
            path, gates, strips = draw_route(self.street, *entry, self._rng)
            cruise = self._rng.uniform(0.8, 1.0)
            self.cars.append(Car(min(free), path, gates, strips, cruise, speed=0.6 * cruise))

    def _new_speed(
        self,
        car: Car,
        dt: float,
        ego: Ego,
        people: list[tuple[int, int, float, float]],
        where: dict[tuple[object, ...], list[tuple[float, Strip, Car]]],
    ) -> float:
        curved = car.path.pieces[car.path.index(car.s)].curvature != 0
        wish = min(car.cruise, 0.75 if curved else inf)
        brake = COMFORT * 1.2
        gap, lead = self._leader(car, where)
        if gap < inf:
            wish = min(wish, sqrt(lead * lead + 2 * COMFORT * max(0.0, gap - GAP)))
        block = self._obstacle(car, ego, people)
        if block < inf:
            wish = min(wish, sqrt(2 * HARD * 0.7 * max(0.0, block - GAP)))
            brake = HARD
        if gap < GAP + 0.15:
            brake = HARD
        gate = car.gate
        if (
            gate is not None
            and 0 < car.to_line(gate) < 2.0  # farther away it has no effect yet
            and not self.may_enter(car, gate, ego, people)
        ):
            distance = car.to_line(gate)
            needed = must_brake(car.speed, distance - 0.05)
            if needed <= GIVE_WAY:
                wish = min(wish, sqrt(2 * COMFORT * max(0.0, distance - 0.05)))
                # a little harder, to stop before the line and not on it
                brake = max(brake, min(HARD, must_brake(car.speed, distance - 0.08) * 1.05))
        return max(0.0, min(max(wish, car.speed - brake * dt), car.speed + PULL * dt))

    def _leader(
        self, car: Car, where: dict[tuple[object, ...], list[tuple[float, Strip, Car]]]
    ) -> tuple[float, float]:
        """Returns the metres to the car in front and its speed."""
        best, speed = inf, 0.0
        for strip in car.strips:
            if strip.end < car.s or strip.start > car.s + 4.0:
                continue
            for local, theirs, other in where.get(strip.key, ()):
                gap = strip.start + local - car.s
                parted = theirs.turn is not strip.turn and local > 1.7
                if other is not car and not parted and gap > 0 and gap - LENGTH < best:
                    best, speed = gap - LENGTH, other.speed
        return best, speed

    def _obstacle(self, car: Car, ego: Ego, people: list[tuple[int, int, float, float]]) -> float:
        """Returns the metres to the vehicle or a person on the car's path, if within two."""
        here = car.pose
        things = [(ego.x, ego.y, 0.33, 0.28)]
        things += [(x, y, 0.28, 0.1) for _, _, x, y in people]
        best = inf
        for x, y, side, radius in things:
            if here.distance(x, y) > 2.6:
                continue
            for i in range(1, 25):
                s = i * 0.1
                if car.path.at(car.s + s).distance(x, y) < side:
                    best = min(best, max(0.0, s + side - radius - LENGTH / 2))
                    break
        return best

    def is_over(self, car: Car, gate: PathCrossing) -> bool:
        """Returns whether a car is between its line and the far side of the box."""
        return car.to_line(gate) <= 0 and car.s - LENGTH / 2 < gate.leave - (STOP_LINE - BOX)

    def is_bound(self, car: Car, gate: PathCrossing) -> bool:
        """Returns whether a car before its line can no longer stop comfortably."""
        distance = car.to_line(gate)
        return distance > 0 and must_brake(car.speed, distance) > GIVE_WAY

    def may_enter(
        self, car: Car, gate: PathCrossing, ego: Ego, people: list[tuple[int, int, float, float]]
    ) -> bool:
        """Returns whether the rules allow a car to cross its line now."""
        if ego.bars(gate.crossing, gate.arm, gate.turn):
            return False
        if any(c == gate.crossing and arm in (gate.arm, gate.out) for c, arm, _, _ in people):
            return False
        crossing = self.street.crossings[gate.crossing]
        signal = crossing.signal
        guarded = False
        if signal is not None:
            if signal.seconds_left(gate.arm, gate.turn, self.time) <= 0:
                return False
            guarded = signal.lamp(gate.arm, self.time) is Lamp.ARROW
        elif crossing.stop_sign(gate.arm) and car.waited < 1.0:
            return False
        return not any(
            self._stands_against(car, gate, other, guarded)
            for other in self.cars
            if other is not car
        )

    def _stands_against(self, car: Car, gate: PathCrossing, other: Car, guarded: bool) -> bool:
        """Returns whether another car keeps this one from entering."""
        theirs = other.gate
        if theirs is None:
            return False
        rear = other.s - LENGTH / 2
        if theirs.crossing != gate.crossing or theirs.arm == gate.arm:
            # no room behind a slow car on the exit lane
            lane = next((p for p in car.strips if p.start == gate.leave), None)
            if lane is None or other.strip().key != lane.key or other.speed > 0.4:
                return False
            return rear - other.strip().start < LENGTH + 0.4
        side = seen_from(gate.arm, theirs.arm)
        if not conflicting(gate.turn, side, theirs.turn):
            return False
        if self.is_over(other, theirs) or self.is_bound(other, theirs):
            return True
        return self._yields(car, gate, other, theirs, guarded)

    def _yields(
        self, car: Car, gate: PathCrossing, other: Car, theirs: PathCrossing, guarded: bool
    ) -> bool:
        """Returns whether one car should wait for another one that could drive first."""
        side = seen_from(gate.arm, theirs.arm)
        crossing = self.street.crossings[gate.crossing]
        seconds = other.to_line(theirs) / max(other.speed, 0.25)
        if seconds > GAP_SECONDS:
            return False
        if crossing.signal is not None:
            open_for_them = crossing.signal.seconds_left(theirs.arm, theirs.turn, self.time) > 0
        else:
            mine, yours = crossing.stop_sign(gate.arm), crossing.stop_sign(theirs.arm)
            if mine != yours:
                return mine and not yours
            open_for_them = not yours or other.waited >= 1.0
        if not open_for_them or gate.turn is not Turn.LEFT or side is not Approach.OPPOSITE:
            return False
        if theirs.turn is Turn.LEFT:  # neither has the right of way: one must go first
            return other.slot < car.slot
        return not guarded
