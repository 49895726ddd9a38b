"""Propositions of the driving rules, evaluated from poses and speeds alone.

The names are those of the rulebook ``driving``. Everything is evaluated at one time step, at
the crossing that the vehicle is at, in the vehicle's frame: it approaches from the south.

A car *comes* from a road of the crossing if

* its front has not reached its stop line yet (for a road without one: the line at the same
  place), it moves, and to stop there it would have to brake harder than
  :data:`COMES_BRAKING` and harder than 1.1 times what it brakes now; or
* its front is over that line, it came by that road, and no part of it has left the box of
  2.2 m in the middle on the far side: its own middle is not farther than 1.4 m from the middle
  of the crossing along both roads, or it is still on its way there.

A car at 1 m/s thus comes from 1.2 m before its line on; one that waits at a light, or slows
down comfortably for one, does not come.

A pedestrian is *on or next to the way ahead* if they stand or walk on the roadway of a crosswalk
that the vehicle still has to cross, or walk towards it and are at most 0.3 m from it. These are
the crosswalk of its own road until its rear has left it, and that of the road by which it
leaves until its rear has left that one.

The light that counts is, before the line, the one shown now; on the crossing the one shown at
the beginning of the decision step in which the front passed the line (a vehicle that enters on
green may clear the crossing); past the crossing none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, pi

import numpy as np
from numpy.typing import NDArray

from surefoot.envs.crossing.cars import LENGTH, must_brake
from surefoot.envs.crossing.geometry import (
    BOX,
    CROSSWALK,
    LANE,
    STOP_LINE,
    Approach,
    Turn,
    exit_arm,
    seen_from,
)
from surefoot.envs.crossing.signals import Lamp
from surefoot.envs.crossing.street import Crossing

OBSERVATIONS = (
    "pedestrian",
    "opposite_car",
    "green_left",
    "green_light",
    "stop_sign",
    "car_from_left",
    "car_from_right",
)
"""Propositions about the surroundings, in the order of every array of them."""

ACTIONS = ("stop", "turn_left", "turn_right", "go_straight")
"""Propositions about what the vehicle does; exactly one holds in every decision step."""

NAMES = OBSERVATIONS + ACTIONS
"""All propositions, in the order of the columns of traces."""

COMES_BRAKING = 0.4
"""Metres per square second; a car that needs more to stop before its line is coming."""

DOING = {Turn.LEFT: "turn_left", Turn.RIGHT: "turn_right", Turn.STRAIGHT: "go_straight"}


@dataclass(frozen=True, slots=True)
class CarView:
    """Current state of a car.

    Attributes:
        x: Its middle, in metres in the world frame.
        y: As ``x``.
        yaw: Its heading in radians.
        speed: Metres per second.
        pull: Acceleration in metres per square second, negative when it brakes.
        arm: Number of the arm from which it came or comes to this crossing; ``None`` if neither.
    """

    x: float
    y: float
    yaw: float
    speed: float
    pull: float
    arm: int | None


@dataclass(frozen=True, slots=True)
class PersonView:
    """Current state of a pedestrian.

    Attributes:
        x: In metres in the world frame.
        y: As ``x``.
        vx: Metres per second in the world frame.
        vy: As ``vx``.
    """

    x: float
    y: float
    vx: float
    vy: float


@dataclass(frozen=True, slots=True)
class Situation:
    """Inputs of the labels.

    Attributes:
        crossing: The crossing that the vehicle is at.
        arm: The arm from which it approaches.
        turn: The turn that it signals.
        lamp: The light that counts, ``None`` if there is none.
        over_line: Whether its front is over the stop line.
        past_entry: Whether its rear has left the crosswalk of its own road.
        past: Whether its rear has left the crosswalk by which it leaves.
        cars: The other cars.
        people: All pedestrians.
    """

    crossing: Crossing
    arm: int
    turn: Turn
    lamp: Lamp | None
    over_line: bool
    past_entry: bool
    past: bool
    cars: tuple[CarView, ...]
    people: tuple[PersonView, ...]


def comes(car: CarView, crossing: Crossing) -> bool:
    """Returns whether a car comes; see the top of this module."""
    if car.arm is None:
        return False
    x, y = crossing.from_world(car.arm, car.x, car.y)
    ahead = cos(car.yaw - (pi / 2 + car.arm * pi / 2))
    to_line = -STOP_LINE - (y + LENGTH / 2)
    if abs(x - LANE / 2) < LANE / 2 and ahead > 0.7 and y < -BOX:
        if to_line <= 0:
            return True
        needed = must_brake(car.speed, to_line)
        return car.speed > 0.02 and needed > max(COMES_BRAKING, -1.1 * car.pull)
    return max(abs(x), abs(y)) <= BOX + LENGTH / 2


def coming(situation: Situation) -> frozenset[Approach]:
    """Returns the roads from which cars come, as the vehicle sees them."""
    return frozenset(
        seen_from(situation.arm, car.arm)
        for car in situation.cars
        if car.arm is not None and comes(car, situation.crossing)
    )


def in_the_way(person: PersonView, crossing: Crossing, arms: Iterable[int]) -> bool:
    """Returns whether a pedestrian is on or next to the roadway of a crosswalk on these arms."""
    for arm in arms:
        x, y = crossing.from_world(arm, person.x, person.y)
        if not CROSSWALK[0] - 0.1 <= -y <= CROSSWALK[1] + 0.1:
            continue
        origin = crossing.from_world(arm, crossing.centre[0], crossing.centre[1])
        tip = crossing.from_world(
            arm, crossing.centre[0] + person.vx, crossing.centre[1] + person.vy
        )
        across = tip[0] - origin[0]
        if abs(x) <= LANE or (abs(x) <= LANE + 0.3 and across * x < -1e-6):
            return True
    return False


def observe(situation: Situation) -> NDArray[np.bool_]:
    """Returns the truth of :data:`OBSERVATIONS`, shape [7]."""
    s = situation
    if s.past:
        return np.zeros(len(OBSERVATIONS), np.bool_)
    roads = coming(s)
    arms = [exit_arm(s.arm, s.turn)] + ([] if s.past_entry else [s.arm])
    truth = {
        "pedestrian": any(in_the_way(p, s.crossing, arms) for p in s.people),
        "opposite_car": Approach.OPPOSITE in roads,
        "green_left": s.lamp is Lamp.ARROW,
        "green_light": s.lamp is Lamp.GREEN,
        "stop_sign": s.crossing.stop_sign(s.arm) and not s.over_line,
        "car_from_left": Approach.LEFT in roads,
        "car_from_right": Approach.RIGHT in roads,
    }
    return np.array([truth[name] for name in OBSERVATIONS], np.bool_)


def doing(standing: bool, turn: Turn, past: bool) -> NDArray[np.bool_]:
    """Returns the truth of :data:`ACTIONS` in a decision step, shape [4].

    Args:
        standing: Whether the vehicle stood at the end of the step.
        turn: The turn that it was driving.
        past: Whether it was past the crossing when the step began; then it drives straight.
    """
    name = "stop" if standing else "go_straight" if past else DOING[turn]
    return np.array([name == n for n in ACTIONS], np.bool_)
