"""The crossing: guarantees of the environment, the expert, and drivers that break rules."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from random import Random

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import surefoot.envs  # noqa: F401
from surefoot.core.errors import InputError
from surefoot.envs.crossing import expert
from surefoot.envs.crossing.cars import Car, draw_route
from surefoot.envs.crossing.env import CrossingEnv
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.labels import NAMES
from surefoot.envs.crossing.log import violations
from surefoot.envs.crossing.skills import CrossingAction, perform
from surefoot.envs.crossing.tasks import TASKS, draw_scene
from surefoot.envs.crossing.world import CrossingOutcome, CrossingWorld
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.skills import SkillStatus
from surefoot.results.statistics import wilson
from tests.envs.driving_rules import broken_rules

MOVES = {
    Turn.LEFT: CrossingAction.LEFT,
    Turn.RIGHT: CrossingAction.RIGHT,
    Turn.STRAIGHT: CrossingAction.STRAIGHT,
}


def run_expert(simulation: Simulation, task: str, seed: int, difficulty: float) -> CrossingWorld:
    world = CrossingWorld(simulation, draw_scene(task, difficulty, seed), seed)
    while world.outcome() is None and world.time < 120:
        perform(world, expert.drive(world))
    return world


def run_heedless(simulation: Simulation, task: str, seed: int, difficulty: float) -> CrossingWorld:
    world = CrossingWorld(simulation, draw_scene(task, difficulty, seed), seed)
    while world.outcome() is None:
        perform(world, CrossingAction.STOP if world.past() else MOVES[world.scene.turn])
    return world


def broken(world: CrossingWorld) -> set[str]:
    return {r for r in broken_rules(world.log.names()) if world.scene.rule_applies(r)}


@pytest.mark.parametrize("task", TASKS)
def test_the_expert_reaches_the_goal_by_the_rules(task: str) -> None:
    with Simulation() as simulation:
        for seed in range(2):
            world = run_expert(simulation, task, seed, 0.8)
            assert world.outcome() is CrossingOutcome.GOAL
            assert broken(world) == set()
            assert all(r.status is SkillStatus.DONE for r in world.log.results)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_expert_on_many_seeds(task: str) -> None:
    n = 60
    with Simulation() as simulation:
        good = 0
        for seed in range(1000, 1000 + n):
            world = run_expert(simulation, task, seed, 1.0)
            good += world.outcome() is CrossingOutcome.GOAL and not broken(world)
    assert good == n
    assert wilson(good, n).low > 0.93


def test_a_heedless_driver_breaks_rules_and_collides() -> None:
    with Simulation() as simulation:
        worlds = [
            run_heedless(simulation, task, seed, 1.0)
            for task in ("straight-at-light", "left-at-sign")
            for seed in range(3)
        ]
        assert sum(bool(broken(w)) for w in worlds) >= 3
        assert sum(w.outcome() is CrossingOutcome.COLLISION for w in worlds) >= 1
        # without anybody else it reaches the goal: only the rules and the others stop it
        for task in TASKS[::3]:
            assert run_heedless(simulation, task, 1, 0.0).outcome() is CrossingOutcome.GOAL


def test_who_stands_for_ever_gets_nowhere_and_breaks_go_on_green() -> None:
    with Simulation() as simulation:
        world = CrossingWorld(simulation, draw_scene("straight-at-light", 0.0, 3), 3)
        while world.time < 30:
            perform(world, CrossingAction.WAIT)
        assert world.outcome() is None
        # the last step must show green for the rule to be broken: stop while it is green
        while "green_light" not in world.log.names()[-1]:
            perform(world, CrossingAction.STOP)
        assert "go-on-green" in broken_rules(world.log.names())


def test_wrong_road_and_overshooting_end_the_episode() -> None:
    with Simulation() as simulation:
        world = CrossingWorld(simulation, draw_scene("left-at-light", 0.0, 0), 0)
        while world.outcome() is None:
            perform(world, CrossingAction.RIGHT)
        assert world.outcome() is CrossingOutcome.WRONG_ROAD
        world = CrossingWorld(simulation, draw_scene("right-at-sign", 0.0, 0), 0)
        while world.outcome() is None:
            result = perform(world, CrossingAction.RIGHT)
        assert world.outcome() is CrossingOutcome.OVERSHOT
        assert result.status is SkillStatus.FAILED
        assert "no crossing" in result.reason


def test_a_turn_once_begun_is_finished() -> None:
    with Simulation() as simulation:
        world = CrossingWorld(simulation, draw_scene("left-at-sign", 0.0, 0), 0)
        while not world.over_line():
            assert perform(world, CrossingAction.LEFT).done
        result = perform(world, CrossingAction.STRAIGHT)
        assert (result.status, world.turn) == (SkillStatus.FAILED, Turn.LEFT)
        assert "left was already begun" in result.reason


def test_a_car_in_the_way_is_hit_and_logged() -> None:
    with Simulation() as simulation:
        world = CrossingWorld(simulation, draw_scene("straight-at-sign", 0.0, 0), 0)
        scene = world.scene
        _, gates, strips = draw_route(scene.street, scene.crossing, scene.arm, Random(0))
        car = Car(0, world.path, gates, strips, cruise=0.0, s=world.leave - 1.8)
        world.cars.cars.append(car)
        while world.outcome() is None:
            result = perform(world, CrossingAction.STRAIGHT)
        assert world.outcome() is CrossingOutcome.COLLISION
        assert (world.log.collisions[0].what, world.log.collisions[0].number) == ("car", 0)
        assert world.log.collisions[0].speed > 0.5
        assert result.reason == "collision with car 0"


def test_the_vehicle_keeps_to_its_path_and_noise_and_ice_show() -> None:
    def worst(task: str, faults: Faults) -> float:
        with Simulation() as simulation:
            world = CrossingWorld(simulation, draw_scene(task, 0.0, 1), 1, faults)
            off = []
            while world.outcome() is None:
                world.step(not world.past())
                pose = world.vehicle.pose()
                off.append(world.path.at(world.place()).distance(pose.x, pose.y))
            assert world.outcome() is CrossingOutcome.GOAL
            return max(off)

    for task in TASKS:
        assert worst(task, Faults()) < 0.05
    assert worst("left-at-light", Faults(position_noise=0.1)) > worst("left-at-light", Faults())
    assert worst("left-at-light", Faults(friction=0.1)) != worst("left-at-light", Faults())


SCRIPT = """
import hashlib
from surefoot.envs.crossing.env import CrossingEnv
env = CrossingEnv(task="left-at-light", difficulty=1.0, size=96)
seen, _ = env.reset(seed=11)
for action in (0, 0, 2, 2, 2):
    seen, *_ = env.step(action)
images = hashlib.sha256(b"".join(seen[k].tobytes() for k in sorted(seen) if "rgb" in k))
print(env.world.state_hash(), images.hexdigest())
env.close()
"""


def test_same_seed_same_state_and_images_in_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    env = CrossingEnv(task="right-at-sign", difficulty=0.4, size=96)
    env.reset(seed=2)
    env.step(3)  # another episode before leaves no trace
    seen, info = env.reset(seed=11, options={"task": "left-at-light", "difficulty": 1.0})
    for action in (0, 0, 2, 2, 2):
        seen, *_ = env.step(action)
    images = hashlib.sha256(b"".join(seen[k].tobytes() for k in sorted(seen) if "rgb" in k))
    assert done.stdout.split() == [env.world.state_hash(), images.hexdigest()]
    env.reset(seed=12)
    assert env.world.state_hash() != done.stdout.split()[0]
    env.close()
    assert info["seed"] == 11


def test_save_and_restore_go_on_identically() -> None:
    env = CrossingEnv(
        "left-at-light",
        1.0,
        views=("front",),
        size=64,
        faults={"position_noise": 0.02, "dropped_frames": 0.5, "delay_frames": 1},
    )
    env.reset(seed=5)
    env.step(2)
    saved = env.save()

    def go_on() -> list[object]:
        found: list[object] = []
        for action in (2, 0, 2, 2):
            seen, *_, info = env.step(action)
            found += [env.world.state_hash(), seen["rgb"].tobytes(), info["labels"].tolist()]
        return [*found, env.log.trace().tolist()]

    first = go_on()
    env.restore(saved)
    assert go_on() == first
    env.close()


@pytest.mark.parametrize("name", ["surefoot/Crossing-v0", "surefoot/CrossingTwin-v0"])
def test_gymnasiums_checks(name: str, recwarn: pytest.WarningsRecorder) -> None:
    options = {"size": 64, "render_mode": "rgb_array"} if name == "surefoot/Crossing-v0" else {}
    env = gymnasium.make(name, **options)
    check_env(env.unwrapped)
    env.close()
    assert [str(w.message) for w in recwarn if "WARN" in str(w.message)] == []


def test_vectorised_in_fresh_processes() -> None:
    envs = gymnasium.make_vec(
        "surefoot.envs:surefoot/Crossing-v0",
        num_envs=2,
        vectorization_mode="async",
        views=("front",),
        size=32,
        difficulty=0.0,
        task="right-at-sign",
        vector_kwargs={"context": "spawn", "autoreset_mode": AutoresetMode.SAME_STEP},
    )
    seen, _ = envs.reset(seed=[1, 2])
    assert seen["rgb"].shape == (2, 32, 32, 3)
    rewards = np.zeros(2)
    for _ in range(12):
        stage = seen["stage"]
        seen, reward, *_ = envs.step(np.where(stage == 2, 0, 3))
        rewards += reward
    envs.close()
    assert (rewards >= 1).all()


def test_a_seed_that_once_led_to_a_collision() -> None:
    """A car that gave way used to stop a hair over its line and then to drive on."""
    with Simulation() as simulation:
        world = run_expert(simulation, "left-at-light", 1006, 1.0)
        assert world.outcome() is CrossingOutcome.GOAL
        assert broken(world) == set()


def test_truncation_and_end() -> None:
    env = gymnasium.make("surefoot/Crossing-v0", views=(), difficulty=0.0, max_episode_steps=3)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]
    env.close()
    bare = CrossingEnv(views=(), difficulty=0.0, task="right-at-sign")
    bare.reset(seed=0)
    terminated = truncated = False
    while not terminated:
        _, reward, terminated, truncated, info = bare.step(0 if bare.world.past() else 3)
    assert (reward, truncated, info["outcome"]) == (1.0, False, "goal")
    with pytest.raises(InputError, match="call reset"):
        bare.step(0)
    bare.close()
    bare.close()


def test_errors_name_what_there_is() -> None:
    with pytest.raises(InputError, match="left-at-light, right-at-light"):
        CrossingEnv(task="fly")
    with pytest.raises(InputError, match="from 0 to 1"):
        CrossingEnv(difficulty=2)
    with pytest.raises(InputError, match="front, left, right"):
        CrossingEnv(views=("bird",))
    with pytest.raises(InputError, match="rgb_array"):
        CrossingEnv(render_mode="human")
    env = CrossingEnv(views=())
    with pytest.raises(InputError, match="call reset"):
        env.step(0)
    with pytest.raises(InputError, match="task and difficulty"):
        env.reset(options={"colour": "red"})
    env.reset(seed=0)
    with pytest.raises(InputError, match="0 to 4"):
        env.step(7)
    env.close()


def test_no_client_is_left_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    env = CrossingEnv(views=(), difficulty=0.0)
    env.reset(seed=0)
    api = env.world.simulation.api
    assert api.isConnected()

    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("surefoot.envs.crossing.world.CrossingWorld.step", fail)
    with pytest.raises(RuntimeError, match="broken"):
        env.step(1)
    assert not api.isConnected()
    monkeypatch.undo()
    env.reset(seed=0)  # and it can be used again
    env.step(1)
    env.close()


def memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def resets_grow(n: int) -> int:
    env = CrossingEnv(views=("front",), size=32, difficulty=1.0)
    for seed in range(8):
        env.reset(seed=seed)
        env.step(0)
    before = memory()
    for seed in range(n):
        env.reset(seed=seed)
        env.step(0)
    grown = memory() - before
    env.close()
    return grown


def test_memory_is_flat_over_resets() -> None:
    assert resets_grow(16) < 6e6


@pytest.mark.slow
def test_memory_is_flat_over_a_thousand_resets() -> None:
    assert resets_grow(1000) < 12e6


def test_violations_go_through_the_checker() -> None:
    with Simulation() as simulation:
        world = run_heedless(simulation, "straight-at-sign", 1, 0.0)

    def checker(
        names: object, labels: np.ndarray, offsets: np.ndarray
    ) -> np.ndarray:  # "never drives straight" and "drives straight at some time"
        column = NAMES.index("go_straight")
        parts = np.split(labels[:, column], offsets[1:-1])
        return np.array([[not p.any(), bool(p.any())] for p in parts])

    found = violations([world.log, world.log], checker, ["never", "sometime"])
    assert found == [("never",), ("never",)]
    assert world.log.trace().shape == (len(world.log.rows), len(NAMES))
    assert (world.log.trace()[:, 7:].sum(1) == 1).all()
