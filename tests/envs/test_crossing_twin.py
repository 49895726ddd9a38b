"""The symbolic twin: its transition system, its labels, and what it shares with physics."""

from __future__ import annotations

from math import fsum

import gymnasium
import numpy as np
import pytest

import surefoot.envs  # noqa: F401
from surefoot.core.errors import InputError
from surefoot.envs.crossing.env import CrossingEnv
from surefoot.envs.crossing.labels import NAMES, OBSERVATIONS
from surefoot.envs.crossing.skills import CrossingAction
from surefoot.envs.crossing.tasks import LIGHT_RULES, TASKS
from surefoot.envs.crossing.twin import COMING, PAST, Twin, TwinState
from surefoot.envs.crossing.twin_env import CrossingTwinEnv
from surefoot.envs.crossing.world import CrossingOutcome
from tests.envs.driving_rules import broken_rules


@pytest.mark.parametrize("task", TASKS)
def test_the_transition_system_is_finite_and_stochastic(task: str) -> None:
    twin = Twin(task, 0.5)
    states, edges = twin.explore()
    assert len(states) < 20_000
    sums: dict[tuple[int, CrossingAction], list[float]] = {}
    for start, action, p, end in edges:
        assert 0 < p <= 1
        assert 0 <= end < len(states)
        sums.setdefault((start, action), []).append(p)
    assert all(fsum(ps) == pytest.approx(1.0) for ps in sums.values())
    ends = {s.end for s in states if s.end}
    assert ends == {o.value for o in CrossingOutcome}
    alive = sum(not s.end for s in states)
    assert len(sums) == 4 * alive
    with pytest.raises(InputError, match="more than 10 states"):
        twin.explore(10)


@pytest.mark.parametrize("task", TASKS)
def test_no_state_that_the_expert_reaches_breaks_a_rule_at_once(task: str) -> None:
    """Over all reachable states under the expert, not only sampled ones."""
    twin = Twin(task, 1.0)
    seen = {s for _, s in twin.initial()}
    queue = list(seen)
    ends = set()
    while queue:
        state = queue.pop()
        if state.end:
            ends.add(state.end)
            continue
        action = twin.expert(state)
        row = np.concatenate([twin.observations(state), twin.actions(state, action)])
        step = frozenset(n for n, on in zip(NAMES, row, strict=True) if on)
        # the last step is a stop and so fulfils all that is to come "later"
        bad = broken_rules(
            [
                step,
                frozenset({"stop"}),
                frozenset({"go_straight", "green_light"}),
                frozenset({"stop"}),
            ]
        )
        assert not bad - (set() if twin.lights else LIGHT_RULES)
        for _, after in twin.successors(state, action):
            if after not in seen:
                seen.add(after)
                queue.append(after)
    assert ends == {CrossingOutcome.GOAL.value}


@pytest.mark.parametrize("task", TASKS)
def test_episodes_of_the_expert_keep_all_rules(task: str) -> None:
    env = CrossingTwinEnv(task, 0.8)
    for seed in range(30):
        env.reset(seed=seed)
        for _ in range(400):
            assert env.state is not None
            *_, reward, terminated, _, _ = env.step(env.twin.expert(env.state))
            if terminated:
                break
        assert reward == 1.0
        bad = broken_rules(env.log.names())
        assert not bad - (set() if env.twin.lights else LIGHT_RULES)


def test_heedless_driving_collides_and_breaks_rules() -> None:
    env = CrossingTwinEnv("left-at-light", 1.0)
    ends, bad = [], 0
    for seed in range(60):
        env.reset(seed=seed)
        terminated = False
        while not terminated:
            assert env.state is not None
            action = CrossingAction.STOP if env.state.place == PAST else CrossingAction.LEFT
            *_, terminated, _, info = env.step(action)
        ends.append(info["outcome"])
        bad += bool(broken_rules(env.log.names()))
    assert ends.count("collision") >= 10
    assert ends.count("goal") >= 3
    assert bad >= 10


def test_steps_worked_out_by_hand() -> None:
    twin = Twin("left-at-sign", 0.0)
    line = TwinState(0, twin.turn, "", cars=(COMING, 0, 0))
    assert twin.observations(line)[OBSERVATIONS.index("car_from_left")]
    assert twin.observations(line)[OBSERVATIONS.index("stop_sign")]
    ((p, hit),) = twin.successors(line, CrossingAction.LEFT)
    assert (p, hit.end) == (1.0, "collision")
    ((p, waited),) = twin.successors(line, CrossingAction.STOP)
    assert (p, waited.cars, waited.place) == (1.0, (3, 0, 0), 0)
    ((p, free),) = twin.successors(waited, CrossingAction.STOP)
    assert (p, free.cars) == (1.0, (0, 0, 0))
    state = free
    for place in (1, 2, 3, 4, PAST):
        ((_, state),) = twin.successors(state, CrossingAction.LEFT)
        assert state.place == place
    ((_, end),) = twin.successors(state, CrossingAction.STOP)
    assert end.end == "goal"
    ((_, end),) = twin.successors(state, CrossingAction.LEFT)
    assert end.end == "overshot"
    assert twin.successors(end, CrossingAction.STOP) == ()


def test_an_approaching_car_waits_for_a_turning_vehicle() -> None:
    twin = Twin("left-at-sign", 0.0)
    ((_, state),) = twin.successors(
        TwinState(0, twin.turn, "", cars=(1, 1, 1)), CrossingAction.LEFT
    )
    assert state.cars == (1, 1, 1)
    ((_, state),) = twin.successors(
        TwinState(0, twin.turn, "", cars=(1, 1, 1)), CrossingAction.STOP
    )
    assert state.cars == (2, 2, 2)


def test_same_seed_same_episode_and_same_interface_as_physics() -> None:
    twin = gymnasium.make("surefoot/CrossingTwin-v0", task="right-at-light", difficulty=0.9)
    first = [twin.reset(seed=4)[0]["labels"].tolist()]
    first += [twin.step(4)[0]["labels"].tolist() for _ in range(10)]
    again = [twin.reset(seed=4)[0]["labels"].tolist()]
    again += [twin.step(4)[0]["labels"].tolist() for _ in range(10)]
    assert first == again
    real = CrossingEnv(views=())
    assert real.action_space == twin.action_space
    _, info = real.reset(seed=0, options={"task": "left-at-sign", "difficulty": 0.2})
    _, theirs = twin.reset(seed=0, options={"task": "left-at-sign", "difficulty": 0.2})
    assert set(theirs) <= set(info)
    assert theirs["labels"].shape == info["labels"].shape == (len(NAMES),)
    with pytest.raises(InputError, match="left-at-light"):
        twin.reset(options={"task": "swim"})
    real.close()


def test_physics_is_kinder_than_the_twin_but_agrees_without_traffic() -> None:
    """With nobody about, the same actions lead to the same end in both."""
    real, twin = CrossingEnv(views=(), difficulty=0.0), CrossingTwinEnv(difficulty=0.0)
    for task in ("left-at-sign", "straight-at-sign", "right-at-sign"):
        for name, go in (("left", 2), ("straight", 1), ("right", 3)):
            ends = []
            for env in (real, twin):
                seen, info = env.reset(seed=1, options={"task": task})
                terminated = False
                while not terminated:
                    action = 0 if seen["stage"] == 2 else go
                    seen, _, terminated, _, info = env.step(action)
                ends.append(info["outcome"])
            assert ends[0] == ends[1] == ("goal" if task.startswith(name) else "wrong-road")
    real.close()
