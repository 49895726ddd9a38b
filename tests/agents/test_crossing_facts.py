"""Questions of the crossing: their truth is that of the labels, and they map to propositions."""

from __future__ import annotations

import numpy as np
import pytest

from surefoot.agents.perception.crossing_facts import (
    LIGHT,
    NO_LIGHT,
    crossing_questions,
    crossing_truth,
    propositions_of,
)
from surefoot.agents.perception.views import BEARINGS, expose, look, pan_cost
from surefoot.core.errors import InputError
from surefoot.envs.crossing.labels import OBSERVATIONS, observe
from surefoot.envs.crossing.tasks import TASKS, draw_scene
from surefoot.envs.crossing.world import CrossingWorld
from surefoot.envs.simulation.client import Simulation


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return Simulation()


def test_the_truth_is_that_of_the_labels(simulation: Simulation) -> None:
    seen = set()
    for seed, task in enumerate(TASKS):
        world = CrossingWorld(simulation, draw_scene(task, 1.0, seed), seed, size=32)
        for _ in range(12):
            situation = world.situation()
            truth = crossing_truth(situation)
            asked = crossing_questions("front", world.turn)
            assert {q.fact for q in asked} == set(truth)
            assert all(truth[q.fact] in q.options for q in asked)
            labels = dict(zip(OBSERVATIONS, observe(situation), strict=True))
            assert propositions_of(truth) == {name for name, holds in labels.items() if holds}
            assert (truth[LIGHT] == NO_LIGHT) == task.endswith("sign")
            seen |= set(truth.items())
            world.step(False)
    assert len(seen) >= 12


def test_questions_name_the_view_and_the_way(simulation: Simulation) -> None:
    world = CrossingWorld(simulation, draw_scene("left-at-light", 0.5, 1), 1, size=32)
    texts = [[q.text for q in crossing_questions(v, world.turn)] for v in BEARINGS]
    assert len({t for some in texts for t in some}) == 18
    assert "turn left" in texts[0][1]
    over = crossing_questions("left", world.turn, over_line=True)
    assert {q.fact for q in over}.isdisjoint({LIGHT, "stop_sign"})
    with pytest.raises(InputError, match="no view 'up'"):
        crossing_questions("up", world.turn)
    with pytest.raises(InputError, match="'purple' is no answer"):
        propositions_of({LIGHT: "purple"})


def test_a_pan_costs_decision_steps_in_which_the_vehicle_stands(simulation: Simulation) -> None:
    assert [pan_cost("front", v).seconds for v in BEARINGS] == [0.5, 0.5, 0.5]
    assert pan_cost("left", "right").seconds == 1.0
    world = CrossingWorld(simulation, draw_scene("left-at-light", 1.0, 5), 5, size=48)
    start = world.time
    image = look(world, "right", "left")
    assert world.time == pytest.approx(start + 1.0)
    assert len(world.log.rows) == 2
    assert all(row[7] for row in world.log.rows)
    assert image.shape == (48, 48, 3)
    with pytest.raises(InputError, match="no view 'up'"):
        pan_cost("front", "up")


def test_an_exposure_shows_what_moves_twice() -> None:
    before, now = np.full((4, 4, 3), 100, np.uint8), np.full((4, 4, 3), 100, np.uint8)
    before[1, 1] = now[2, 2] = 200
    mixed = expose(before, now)
    assert mixed[0, 0].tolist() == [100] * 3
    assert mixed[1, 1].tolist() == [140] * 3
    assert mixed[2, 2].tolist() == [160] * 3
