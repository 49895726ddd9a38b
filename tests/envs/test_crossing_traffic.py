"""The other cars and people: they obey their lights, signs and each other."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi, sin
from random import Random

import pytest

from surefoot.core.errors import InputError
from surefoot.envs.crossing.cars import LENGTH, Car, Cars, Ego
from surefoot.envs.crossing.geometry import Approach, GroundPose, Path, Turn, conflicting
from surefoot.envs.crossing.people import People
from surefoot.envs.crossing.signals import Lamp
from surefoot.envs.crossing.street import Street

NOBODY = Ego(99.0, 99.0, 0.0, 0, 0, Turn.STRAIGHT, False, True)
DT = 1 / 40


def traffic(street: Street, seed: int, seconds: float) -> Iterator[tuple[Cars, People]]:
    cars = Cars(street, 12, 6.0, Random(seed))
    people = People(cars, 8, 4.0, Random(seed + 1000))
    for _ in range(round(seconds / DT)):
        cars.step(DT, NOBODY, people.in_the_way())
        people.step(DT, NOBODY)
        yield cars, people


def corners(pose: GroundPose) -> list[tuple[float, float]]:
    c, s = cos(pose.yaw), sin(pose.yaw)
    return [
        (pose.x + c * a - s * b, pose.y + s * a + c * b)
        for a in (LENGTH / 2, -LENGTH / 2)
        for b in (0.15, -0.15)
    ]


def overlap(one: GroundPose, other: GroundPose) -> bool:
    """Separating axes of two rectangles."""
    for yaw in (one.yaw, one.yaw + pi / 2, other.yaw, other.yaw + pi / 2):
        a = [x * cos(yaw) + y * sin(yaw) for x, y in corners(one)]
        b = [x * cos(yaw) + y * sin(yaw) for x, y in corners(other)]
        if max(a) < min(b) or max(b) < min(a):
            return False
    return True


@pytest.mark.parametrize(("grid", "seed"), [((2, 1), 0), ((2, 2), 1)])
def test_nobody_touches_runs_a_light_or_ignores_a_sign(grid: tuple[int, int], seed: int) -> None:
    street = Street(*grid, (3.0, 9.0, 17.0, 20.0))
    before: dict[tuple[int, float], float] = {}
    stood: set[tuple[int, float]] = set()
    known: list[Car] = []  # so that no id is used twice
    over = on_road = 0
    for tick, (cars, people) in enumerate(traffic(street, seed, 120)):
        for car in cars.cars:
            if not any(car is k for k in known):
                known.append(car)
            for gate in car.gates:
                key, distance = (id(car), gate.line), car.to_line(gate)
                crossing = street.crossings[gate.crossing]
                if car.speed < 0.02 and 0 < distance < 0.3:
                    stood.add(key)
                if before.get(key, -1) > 0 >= distance:
                    over += 1
                    if crossing.signal is not None:
                        lamp = crossing.signal.lamp(gate.arm, cars.time)
                        allowed = {Lamp.GREEN, Lamp.YELLOW}
                        allowed |= {Lamp.ARROW} if gate.turn is Turn.LEFT else set()
                        assert lamp in allowed
                    elif crossing.stop_sign(gate.arm):
                        assert key in stood
                before[key] = distance
        if tick % 4:
            continue
        poses = [car.pose for car in cars.cars]
        for i, pose in enumerate(poses):
            assert not any(overlap(pose, other) for other in poses[:i])
            for walker in people.walkers:
                here = people.pose(walker)
                ahead, left = pose.local(here.x, here.y)
                assert abs(ahead) > 0.36 or abs(left) > 0.2
        on_road += sum(w.on_road for w in people.walkers)
    assert over > 20
    assert on_road > 100


def test_cars_wait_for_a_vehicle_that_bars_their_way_and_go_when_it_has_left() -> None:
    street = Street(1, 1)
    left = Ego(0.0, 0.0, 0.5, 0, 0, Turn.LEFT, True, True)
    assert all(left.bars(0, arm, turn) for arm in (1, 2, 3) for turn in Turn)
    assert not left.bars(1, 3, Turn.STRAIGHT)
    right = Ego(0.5, -0.5, 0.5, 0, 0, Turn.RIGHT, True, True)
    assert right.bars(0, 3, Turn.RIGHT)
    assert not right.bars(0, 1, Turn.STRAIGHT)
    cars = Cars(street, 12, 3.0, Random(5))
    for _ in range(round(60 / DT)):
        cars.step(DT, left, ())
    waiting = [c for c in cars.cars if c.gate is not None and c.speed < 0.02]
    assert waiting
    assert all(c.to_line(g) > 0 for c in cars.cars if (g := c.gate) is not None and g.arm != 0)
    for _ in range(round(40 / DT)):
        cars.step(DT, NOBODY, ())
    assert not any(c in cars.cars for c in waiting[:1])


def lone_car(street: Street, arm: int) -> tuple[Cars, Car]:
    """Cars of which only one, coming by an arm, is there."""
    cars, fresh = Cars(street, 12, 1e9, Random(0)), Cars(street, 12, 1.0, Random(1))
    fresh.step(1.0, NOBODY, ())
    car = next(c for c in fresh.cars if c.gates[0].arm == arm)
    cars.cars.append(car)
    return cars, car


@pytest.mark.parametrize(("gap", "speed"), [(0.03, 0.18), (0.06, 0.2), (0.5, 0.6), (0.9, 1.0)])
def test_who_gives_way_stands_before_the_line_and_not_on_it(gap: float, speed: float) -> None:
    cars, car = lone_car(Street(1, 1, (4.0,)), 0)
    gate = car.gates[0]
    car.s, car.speed = gate.line - LENGTH / 2 - gap, speed
    ego = Ego(2.0, 0.0, 0.5, 0, 1, Turn.LEFT, True, True)
    for _ in range(120):
        cars.step(DT, ego, ())
    assert car.speed < 0.02
    assert 0 < car.to_line(gate) < 0.1


def test_a_reckless_vehicle_is_not_always_spared() -> None:
    """A car that cannot stop at ease any more goes on, as its label says."""
    cars, car = lone_car(Street(1, 1, (4.0,)), 0)  # its light is green for eight seconds
    gate = car.gates[0]
    car.s, car.speed = gate.line - LENGTH / 2 - 0.5, 0.9
    ego = Ego(2.0, 0.0, 0.5, 0, 1, Turn.STRAIGHT, True, True)
    cars.step(DT, ego, ())
    assert car.speed > 0.85


def test_conflicts_of_ways() -> None:
    for turn in Turn:
        assert not conflicting(turn, Approach.OWN, Turn.LEFT)
    assert conflicting(Turn.STRAIGHT, Approach.LEFT, Turn.STRAIGHT)
    assert not conflicting(Turn.STRAIGHT, Approach.OPPOSITE, Turn.STRAIGHT)
    assert conflicting(Turn.LEFT, Approach.OPPOSITE, Turn.STRAIGHT)
    assert not conflicting(Turn.RIGHT, Approach.RIGHT, Turn.STRAIGHT)
    assert conflicting(Turn.RIGHT, Approach.LEFT, Turn.STRAIGHT)


def test_ways_join_smoothly_and_end_in_the_right_lane() -> None:
    street = Street(2, 2)
    for crossing, arm in street.places("light") + street.places("sign"):
        for turn in Turn:
            way = street.way(crossing, arm, turn)
            for i in range(int(way.length / 0.01)):
                a, b = way.at(i * 0.01), way.at((i + 1) * 0.01)
                assert a.distance(b.x, b.y) == pytest.approx(0.01, abs=2e-4)
                assert abs((b.yaw - a.yaw + pi) % (2 * pi) - pi) < 0.02
            assert isinstance(way, Path)


def test_streets_that_cannot_be() -> None:
    with pytest.raises(InputError, match="1 to 4 by 1 to 4"):
        Street(0, 1)
