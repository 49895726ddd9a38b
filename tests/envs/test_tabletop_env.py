"""The Gymnasium environment and its twin, and what they guarantee."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import surefoot.envs  # noqa: F401
from surefoot.core.errors import InputError
from surefoot.envs.skills import SkillStatus
from surefoot.envs.tabletop.env import TabletopEnv
from surefoot.envs.tabletop.tasks import DIFFICULTIES, TASKS
from surefoot.envs.tabletop.twin import TabletopTwin
from surefoot.pddl.language import PlanStep

ID = "surefoot.envs:surefoot/Tabletop-v0"


@pytest.fixture
def env() -> Iterator[TabletopEnv]:
    made = TabletopEnv("tower", "easy", size=64)
    yield made
    made.close()


def clients() -> int:
    import pybullet

    return sum(pybullet.getConnectionInfo(i)["isConnected"] for i in range(64))


def choose(info: dict[str, Any], text: str) -> int:
    return info["actions"].index(text)


@pytest.mark.parametrize("name", ["Tabletop", "TabletopTwin"])
def test_checked_by_gymnasium_without_a_warning(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(f"surefoot/{name}-v0")
        check_env(env.unwrapped)
        env.close()
        env.close()


def test_an_episode_to_its_goal(env: TabletopEnv) -> None:
    observation, info = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    first, second = (b.name for b in env.world.scene.blocks)
    assert info["instruction"].startswith("Build a tower on the white pad")
    assert info["goal_share"] == 0
    plan = [
        f"(pick {first} the-table)",
        f"(place {first} white-pad)",
        "(look top)",
        f"(pick {second} the-table)",
        f"(stack {second} {first})",
    ]
    rewards = []
    for text in plan:
        number = choose(info, text)
        assert info["action_mask"][number] == 1
        observation, reward, terminated, truncated, info = env.step(number)
        assert env.observation_space.contains(observation)
        assert (info["action"], info["status"], info["reason"]) == (text, "done", "")
        assert info["seconds"] > 0
        assert terminated is (text == plan[-1])
        assert not truncated
        rewards.append(reward)
    assert rewards == [0, 0, 0, 0, 1]
    assert info["goal_share"] == 1


def test_what_cannot_be_done_is_refused(env: TabletopEnv) -> None:
    _, info = env.reset(seed=0)
    facts = info["facts"]
    impossible = int(np.flatnonzero(info["action_mask"] == 0)[0])
    for number in (impossible, len(info["actions"])):
        _, reward, terminated, _, info = env.step(number)
        assert info["status"] == "refused"
        assert info["reason"]
        assert (reward, terminated, info["facts"]) == (0, False, facts)


def test_truncation_by_time_limit() -> None:
    env = gymnasium.make("surefoot/TabletopTwin-v0", max_episode_steps=3)
    _, info = env.reset(seed=0)
    ends = [env.step(choose(info, "(home)"))[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]


def test_options_change_task_and_difficulty(env: TabletopEnv) -> None:
    _, info = env.reset(seed=1, options={"task": "retrieve", "difficulty": "hard"})
    assert (info["task"], info["difficulty"], info["seed"]) == ("retrieve", "hard", 1)
    hidden = info["hidden"]
    assert hidden
    assert set(hidden.values()) <= {"brown-box", "gray-box"}
    _, info = env.reset()
    assert (info["task"], info["difficulty"]) == ("retrieve", "hard")
    for options in ({"task": "x"}, {"difficulty": "x"}, {"x": 1}):
        with pytest.raises(InputError, match="there are"):
            env.reset(options=options)
    assert env.facts()  # still the old episode


def test_episodes_without_a_seed_follow_from_the_first_one(env: TabletopEnv) -> None:
    def seeds() -> list[int]:
        return [env.reset(seed=seed)[1]["seed"] for seed in (5, None, None)]

    assert seeds() == seeds()
    assert len(set(seeds())) == 3


def test_wrong_arguments_are_told_and_leave_no_client() -> None:
    before = clients()
    for wrong in (
        {"task": "x"},
        {"difficulty": 3},
        {"size": 4},
        {"render_mode": "human"},
        {"faults": {"gravity": 1}},
    ):
        with pytest.raises(InputError):
            TabletopEnv(**wrong)  # type: ignore[arg-type]
    env = TabletopEnv()
    with pytest.raises(InputError, match="call reset"):
        env.step(0)
    assert clients() == before
    env.reset(seed=0, options={"task": "tower", "difficulty": "easy"})
    assert clients() == before + 1
    env.on_tick = lambda world: 1 / 0 > 0
    with pytest.raises(ZeroDivisionError):
        env.step(env.actions.number(PlanStep("home", ())))
    env.close()
    env.close()
    assert clients() == before


def test_a_vector_of_environments_in_processes_of_their_own() -> None:
    envs = gymnasium.make_vec(
        ID,
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"context": "spawn"},
        task="tower",
        difficulty="easy",
        size=64,
    )
    try:
        observations, infos = envs.reset(seed=[3, 4])
        assert observations["rgb"].shape == (2, 64, 64, 3)
        numbers = [actions.index("(home)") for actions in infos["actions"]]
        _, rewards, terminated, _, infos = envs.step(np.array(numbers))
        assert list(infos["status"]) == ["done", "done"]
        assert not terminated.any()
        assert rewards.tolist() == [0, 0]
    finally:
        envs.close()


def test_rendering(env: TabletopEnv) -> None:
    env.reset(seed=0)
    assert env.render() is None
    drawing = TabletopEnv("tower", "easy", size=48, render_mode="rgb_array")
    drawing.reset(seed=0)
    image = drawing.render()
    assert image is not None
    assert image.shape == (48, 48, 3)
    assert image.std() > 20
    drawing.close()


def test_looks_cost_time_and_change_the_view_only(env: TabletopEnv) -> None:
    observation, info = env.reset(seed=0)
    other, _, _, _, after = env.step(choose(info, "(look back-left-low)"))
    assert after["seconds"] > 1
    assert after["facts"] == info["facts"]
    assert np.abs(observation["rgb"].astype(int) - other["rgb"]).mean() > 10
    env.on_tick = lambda world: True
    pose = env.rig.free_pose
    *_, stopped = env.step(choose(info, "(look top)"))
    assert stopped["status"] == SkillStatus.INTERRUPTED
    assert env.rig.free_pose == pose


def everything_is_in_view(env: TabletopEnv) -> bool:
    frame = env.rig.frame("front")
    seen = set(np.unique(frame.segmentation))
    inside = set(env.world.scene.inside)
    return all(env.world.bodies[n] in seen for n in env.world.scene.things if n not in inside)


def test_the_front_cameras_see_everything_that_stands_on_the_table(env: TabletopEnv) -> None:
    for task in TASKS:
        for seed in range(5):
            env.reset(seed=seed, options={"task": task, "difficulty": "hard"})
            assert everything_is_in_view(env)


def digest(env: TabletopEnv, observation: dict[str, Any]) -> str:
    parts = [env.world.simulation.state_hash()]
    parts += [hashlib.sha256(observation[k].tobytes()).hexdigest() for k in sorted(observation)]
    return " ".join(parts)


FAULTS = {"position_noise": 0.003, "grasp_slip": 0.2, "camera_position_error": 0.01}


def play(steps: int = 4) -> list[str]:
    """Plays the first applicable actions of two episodes and returns hashes."""
    env = TabletopEnv("tidy", "medium", size=64, faults=FAULTS)
    found = []
    for seed in (7, 8):
        observation, info = env.reset(seed=seed)
        found.append(digest(env, observation))
        for _ in range(steps):
            number = int(np.flatnonzero(info["action_mask"])[0])
            observation, *_, info = env.step(number)
            found.append(digest(env, observation))
    env.close()
    return found


def test_the_same_seed_gives_the_same_states_and_images_in_another_process() -> None:
    code = "from tests.envs.test_tabletop_env import play; print('\\n'.join(play()))"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.split("\n")[-11:-1] == play()
    assert len(set(play())) == 10


def test_a_restored_state_goes_on_bit_for_bit() -> None:
    env = TabletopEnv("tower", "easy", size=64, faults=FAULTS)
    _, info = env.reset(seed=4)
    first = env.world.scene.blocks[0].name
    env.step(choose(info, f"(pick {first} the-table)"))
    kept = env.save()

    def goes_on() -> list[str]:
        found = []
        for text in (f"(place {first} white-pad)", "(look left)", "(home)"):
            observation, *_ = env.step(choose(info, text))
            found.append(digest(env, observation))
        return found

    once = goes_on()
    env.restore(kept)
    assert goes_on() == once
    env.restore(kept)
    assert goes_on() == once
    env.forget(kept)
    env.close()


def resident() -> int:
    """Memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def growth(resets: int) -> int:
    env = TabletopEnv(size=64)
    for seed in range(15):
        env.reset(seed=seed, options={"task": list(TASKS)[seed % 5], "difficulty": "hard"})
    before = resident()
    for seed in range(resets):
        env.reset(
            seed=seed,
            options={"task": list(TASKS)[seed % 5], "difficulty": DIFFICULTIES[seed % 3]},
        )
    env.close()
    return resident() - before


def test_memory_is_flat_over_30_resets() -> None:
    assert growth(30) < 1.5e6


@pytest.mark.slow
def test_memory_is_flat_over_1000_resets() -> None:
    assert growth(1000) < 5e6


def test_the_twin_offers_the_same_actions_masks_and_info() -> None:
    env, twin = TabletopEnv(size=32), TabletopTwin()
    for i, task in enumerate(TASKS):
        options = {"task": task, "difficulty": DIFFICULTIES[i % 3]}
        observation, told = twin.reset(seed=i, options=options)
        _, info = env.reset(seed=i, options=options)
        assert told.keys() - info.keys() == {"fact_names"}
        assert info.keys() - told.keys() == {"bodies"}
        assert all(np.array_equal(info[k], told[k]) for k in info.keys() & told.keys())
        assert observation["facts"].sum() == len(info["facts"])
        number = int(np.flatnonzero(info["action_mask"])[0])
        assert env.step(number)[4]["facts"] == twin.step(number)[4]["facts"]
    env.close()


def test_the_twin_refuses_saves_and_restores() -> None:
    twin = TabletopTwin("tower", "easy")
    with pytest.raises(InputError, match="call reset"):
        twin.step(0)
    _, info = twin.reset(seed=0)
    kept = twin.save()
    blocked = int(np.flatnonzero(info["action_mask"] == 0)[0])
    _, _, _, _, after = twin.step(blocked)
    assert after["status"] == "refused"
    assert "does not hold" in after["reason"]
    *_, after = twin.step(int(np.flatnonzero(info["action_mask"])[0]))
    assert after["facts"] != info["facts"]
    twin.restore(kept)
    assert tuple(sorted(map(str, twin.facts()))) == info["facts"]
    assert twin.step(255)[4]["status"] == "refused"
