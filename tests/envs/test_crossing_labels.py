"""Labels against situations worked out by hand, and lights and cameras of the crossing."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.envs.crossing.env import CrossingEnv
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.labels import (
    NAMES,
    OBSERVATIONS,
    CarView,
    PersonView,
    Situation,
    comes,
    doing,
    in_the_way,
    observe,
)
from surefoot.envs.crossing.signals import HALF, Lamp, Signal
from surefoot.envs.crossing.skills import CrossingAction, perform
from surefoot.envs.crossing.street import Street
from surefoot.envs.crossing.tasks import draw_scene
from surefoot.envs.crossing.world import CrossingWorld
from surefoot.envs.simulation.client import Simulation

LIGHT, SIGN = Street().crossings
EMPTY = Situation(LIGHT, 0, Turn.STRAIGHT, Lamp.RED, False, False, False, (), ())


def car(
    arm: int, to_line: float, speed: float = 1.0, pull: float = 0.0, crossing: int = 0
) -> CarView:
    """A car on an arm of the first crossing, its front metres before its line."""
    x, y = LIGHT.to_world(arm, 0.35, -1.8 - to_line - 0.3)
    return CarView(x + 10 * crossing, y, pi / 2 + arm * pi / 2, speed, pull, arm)


def true_of(situation: Situation) -> set[str]:
    return {n for n, on in zip(OBSERVATIONS, observe(situation), strict=True) if on}


# 1 m/s is stopped by 0.4 m/s² within 1.25 m, of which 0.05 m are kept
@pytest.mark.parametrize(
    ("to_line", "speed", "pull", "expected"),
    [
        (1.19, 1.0, 0.0, True),
        (1.21, 1.0, 0.0, False),
        (1.19, 1.0, -0.40, False),  # brakes hard enough already: 0.403 < 0.44
        (1.00, 1.0, -0.40, True),  # needs 0.476 > 0.44
        (0.24, 0.5, 0.0, True),  # needs 0.431
        (0.27, 0.5, 0.0, False),  # needs 0.391
        (0.10, 0.0, 0.0, False),  # stands at its line
        (-0.10, 0.3, 0.0, True),  # over its line
    ],
)
def test_a_car_comes_if_it_cannot_stop_at_ease(
    to_line: float, speed: float, pull: float, expected: bool
) -> None:
    assert comes(car(3, to_line, speed, pull), LIGHT) is expected


def test_a_car_on_the_crossing_comes_until_it_has_left_the_box() -> None:
    # it came from the west and drives east in the lane y = -0.35
    for x, expected in ((-1.0, True), (0.0, True), (1.39, True), (1.41, False)):
        assert comes(CarView(x, -0.35, 0.0, 1.0, 0.0, 3), LIGHT) is expected
    # on its way in the middle is still outside of the box, but the front is over the line
    assert comes(CarView(-1.9, -0.35, 0.0, 0.0, 0.0, 3), LIGHT)
    # one that drives away on the same road does not come
    assert not comes(CarView(-2.5, 0.35, pi, 1.0, 0.0, 3), LIGHT)
    # nor one of no arm of this crossing
    assert not comes(CarView(0.0, 0.0, 0.0, 1.0, 0.0, None), LIGHT)


def test_roads_are_named_as_the_vehicle_sees_them() -> None:
    names = {3: "car_from_left", 1: "car_from_right", 2: "opposite_car"}
    for arm, name in names.items():
        assert true_of(replace(EMPTY, cars=(car(arm, 0.5),))) == {name}
    # for who comes from the east (arm 1), the south road is on the left
    east = replace(EMPTY, arm=1)
    assert true_of(replace(east, cars=(car(0, 0.5),))) == {"car_from_left"}
    assert true_of(replace(east, cars=(car(2, 0.5),))) == {"car_from_right"}
    assert true_of(replace(east, cars=(car(3, 0.5),))) == {"opposite_car"}
    # a car behind the vehicle is none of them
    assert true_of(replace(EMPTY, cars=(car(0, 0.5),))) == set()


@pytest.mark.parametrize(
    ("x", "y", "vx", "expected"),
    [
        (0.0, -1.4, 0.0, True),  # stands in the middle of the own crosswalk
        (-0.7, -1.4, 0.0, True),  # on the edge of the roadway
        (0.95, -1.4, -0.45, True),  # walks towards the roadway, 0.25 m away
        (0.95, -1.4, 0.45, False),  # walks away from it
        (0.95, -1.4, 0.0, False),  # waits
        (1.05, -1.4, -0.45, False),  # still 0.35 m away
        (0.0, -2.2, 0.0, False),  # on the road but not on the crosswalk
    ],
)
def test_who_is_in_the_way_on_the_own_crosswalk(
    x: float, y: float, vx: float, expected: bool
) -> None:
    person = PersonView(x, y, vx, 0.0)
    assert in_the_way(person, LIGHT, [0]) is expected
    assert ("pedestrian" in true_of(replace(EMPTY, people=(person,)))) is expected
    assert "pedestrian" not in true_of(replace(EMPTY, people=(person,), past_entry=True))


def test_the_other_crosswalk_is_that_of_the_way_taken() -> None:
    east = PersonView(1.4, 0.0, 0.0, 0.45)  # on the crosswalk of the road to the right
    west, north = PersonView(-1.4, 0.0, 0.0, 0.45), PersonView(0.0, 1.4, 0.45, 0.0)
    for turn, person in ((Turn.RIGHT, east), (Turn.LEFT, west), (Turn.STRAIGHT, north)):
        for someone in (east, west, north):
            seen = true_of(replace(EMPTY, turn=turn, people=(someone,)))
            assert ("pedestrian" in seen) is (someone is person)


def test_lamps_signs_and_past() -> None:
    assert true_of(replace(EMPTY, lamp=Lamp.GREEN)) == {"green_light"}
    assert true_of(replace(EMPTY, lamp=Lamp.ARROW)) == {"green_left"}
    assert true_of(replace(EMPTY, lamp=Lamp.YELLOW)) == set()
    at_sign = replace(EMPTY, crossing=SIGN, lamp=None)
    assert true_of(at_sign) == {"stop_sign"}
    assert true_of(replace(at_sign, over_line=True)) == set()
    assert true_of(replace(at_sign, arm=1)) == set()  # the road with the right of way
    crowd = (PersonView(0.0, -1.4, 0.0, 0.0),)
    assert true_of(replace(EMPTY, past=True, people=crowd, cars=(car(3, 0.2),))) == set()


def test_what_the_vehicle_does() -> None:
    def name(standing: bool, turn: Turn, past: bool) -> list[str]:
        on = doing(standing, turn, past)
        return [n for n, yes in zip(NAMES[7:], on, strict=True) if yes]

    assert name(True, Turn.LEFT, False) == ["stop"]
    assert name(False, Turn.LEFT, False) == ["turn_left"]
    assert name(False, Turn.RIGHT, False) == ["turn_right"]
    assert name(False, Turn.STRAIGHT, False) == ["go_straight"]
    assert name(False, Turn.LEFT, True) == ["go_straight"]


def test_the_light_that_was_entered_under_counts_until_the_vehicle_is_past() -> None:
    with Simulation() as simulation:
        for seed in range(20):
            world = CrossingWorld(simulation, draw_scene("straight-at-light", 0.0, seed), seed)
            signal = world.crossing.signal
            assert signal is not None
            left = signal.seconds_left(world.scene.arm, Turn.STRAIGHT, world.cars.time)
            if 1.2 < left < 3.0:
                break
        else:
            pytest.fail("no seed with a light about to change")
        while not world.past():
            perform(world, CrossingAction.STRAIGHT)
        assert world.lamp_now() is not Lamp.GREEN  # it has changed meanwhile
        rows = world.log.names()
        assert all("green_light" in row for row in rows)
        perform(world, CrossingAction.STOP)
        assert "green_light" not in world.log.names()[-1]


def test_one_half_of_the_cycle_after_the_other() -> None:
    signal = Signal(0.0)
    shown = [(signal.lamp(0, t), signal.lamp(1, t)) for t in np.arange(0.25, 2 * HALF, 0.5)]
    assert all(Lamp.RED in pair for pair in shown)
    lamps = [first for first, _ in shown[: round(2 * HALF)]]
    order = list(dict.fromkeys(lamps))
    assert order == [Lamp.ARROW, Lamp.GREEN, Lamp.YELLOW, Lamp.RED]
    assert signal.lamp(0, 5.0) is signal.lamp(2, 5.0) is Lamp.GREEN
    assert signal.seconds_left(0, Turn.STRAIGHT, 5.0) == pytest.approx(7.0)
    assert signal.seconds_left(0, Turn.LEFT, 1.0) == pytest.approx(3.0 + 8.0)
    assert signal.seconds_left(0, Turn.STRAIGHT, 1.0) == 0
    assert signal.walk_left(1, 5.0) == pytest.approx(7.0)
    assert signal.walk_left(0, 5.0) == 0


def test_the_front_camera_sees_the_lights_change() -> None:
    env = CrossingEnv("straight-at-light", 0.0, views=("front",))
    seen, _ = env.reset(seed=0)
    looks: dict[Lamp | None, np.ndarray] = {}
    for _ in range(60):
        looks.setdefault(env.world.lamp_now(), seen["rgb"].astype(int))
        env.world.step(False)
        if env.world.lamp_now() not in looks:
            seen, *_ = env.step(0)
    assert len(looks) == 4

    def bright(image: np.ndarray, channel: int) -> int:
        """Pixels in which one of red and green is far above the other, and vivid."""
        other = image[..., 1 - channel]
        return int(((image[..., channel] > 150) & (other < 90)).sum())

    assert bright(looks[Lamp.RED], 0) > bright(looks[Lamp.GREEN], 0) + 20
    assert bright(looks[Lamp.GREEN], 1) > bright(looks[Lamp.RED], 1) + 20
    assert bright(looks[Lamp.ARROW], 1) > bright(looks[Lamp.RED], 1) + 20
    with pytest.raises(InputError, match="front, left, right, chase, bird"):
        env.world.look("rear")
    env.close()
