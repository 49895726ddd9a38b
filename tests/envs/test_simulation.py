"""The physics below: repeatable anywhere, restored exactly, silent, without leaks."""

from __future__ import annotations

import gc
import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surefoot.core.errors import HarnessError
from surefoot.envs.cameras.camera import CameraPose, Lens, render
from surefoot.envs.simulation.client import Command, Simulation, quiet
from surefoot.envs.simulation.urdf import PANDA, data_folder, light_text, load_light

ARM = tuple(range(7))
POSE = CameraPose((1.3, 0, 0.8), (0.3, 0, 0.2))


def build(simulation: Simulation) -> tuple[int, int]:
    """A Panda over a floor, with a ball that falls onto it."""
    api = simulation.api
    floor = api.createCollisionShape(api.GEOM_BOX, halfExtents=[2, 2, 0.05])
    api.createMultiBody(0, floor, -1, (0, 0, -0.05))
    with quiet():
        robot = load_light(api, PANDA, useFixedBase=True)
    shape = api.createCollisionShape(api.GEOM_SPHERE, radius=0.05)
    look = api.createVisualShape(api.GEOM_SPHERE, radius=0.05, rgbaColor=(1, 0, 0, 1))
    ball = int(api.createMultiBody(0.2, shape, look, (0.4, 0.1, 0.6)))
    return robot, ball


def swing(simulation: Simulation, robot: int, sign: float = 1.0) -> None:
    targets = (0.5, 0.3, -0.2, -1.8, 0.1, 2.0, 0.4)
    simulation.command(robot, ARM, [Command(sign * t, 87) for t in targets])


def digest() -> str:
    """Hash of a state and an image after some movement."""
    with Simulation() as simulation:
        robot, _ = build(simulation)
        swing(simulation, robot)
        simulation.step(150)
        frame = render(simulation.api, POSE, Lens(48, 48))
        image = hashlib.sha256(frame.rgb.tobytes() + frame.depth.tobytes()).hexdigest()
        return f"{simulation.state_hash()} {image}"


def test_the_same_in_every_process() -> None:
    here = digest()
    assert digest() == here
    code = "from tests.envs.test_simulation import digest; print(digest())"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == here
    assert "pybullet" not in done.stderr


def test_the_hash_sees_small_changes() -> None:
    with Simulation() as simulation:
        _, ball = build(simulation)
        first = simulation.state_hash()
        simulation.api.resetBasePositionAndOrientation(ball, (0.4, 0.1 + 1e-12, 0.6), (0, 0, 0, 1))
        assert simulation.state_hash() != first


def test_restored_states_go_on_identically() -> None:
    with Simulation() as simulation:
        robot, _ = build(simulation)
        swing(simulation, robot)
        simulation.step(40)
        kept = simulation.save()
        simulation.step(100)
        wanted, time = simulation.state_hash(), simulation.time
        swing(simulation, robot, -1.0)  # other commands than those that were in force
        simulation.step(30)
        simulation.restore(kept)
        assert simulation.steps == 40
        simulation.step(100)
        assert simulation.state_hash() == wanted
        assert simulation.time == time
        with simulation.trial():
            swing(simulation, robot, -1.0)
            simulation.step(25)
        simulation.restore(kept)
        simulation.step(100)
        assert simulation.state_hash() == wanted
        build(simulation)
        with pytest.raises(HarnessError, match="added or removed"):
            simulation.restore(kept)


def test_motor_targets_are_what_must_be_sent_again() -> None:
    """Without it PyBullet goes on with the later command: the reason for keeping commands."""
    with Simulation() as simulation:
        robot, _ = build(simulation)
        swing(simulation, robot)
        simulation.step(40)
        kept = simulation.save()
        simulation.step(100)
        wanted = simulation.state_hash()
        swing(simulation, robot, -1.0)
        simulation.restore(replace(kept, commands={}))
        simulation.step(100)
        assert simulation.state_hash() != wanted


def test_observers_see_time_pass_and_change_nothing() -> None:
    states = []
    for watched in (False, True):
        with Simulation() as simulation:
            robot, _ = build(simulation)
            times: list[float] = []
            if watched:

                def shoot(s: Simulation = simulation, t: list[float] = times) -> None:
                    render(s.api, POSE, Lens(16, 16))
                    t.append(s.time)

                simulation.observe(shoot, every=24)
            swing(simulation, robot)
            simulation.step(100)
            with simulation.trial():
                simulation.step(50)
            simulation.step(20)
            states.append(simulation.state_hash())
            if watched:
                assert times == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
                simulation.observe(None)
                simulation.step(24)
                assert len(times) == 5
    assert states[0] == states[1]


def test_nothing_is_printed() -> None:
    code = (
        "from surefoot.envs.simulation.client import Simulation\n"
        "from tests.envs.test_simulation import build\n"
        "with Simulation() as s:\n    build(s); s.step(2)\nprint('done')"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout == "done\n"
    assert done.stderr == ""


def test_clients_end_with_their_world() -> None:
    import pybullet

    def clients() -> int:
        return sum(pybullet.getConnectionInfo(i)["isConnected"] for i in range(100))

    before = clients()

    def fails() -> None:
        with Simulation() as simulation:
            build(simulation)
            assert clients() == before + 1
            raise RuntimeError

    for _ in range(5):
        with pytest.raises(RuntimeError):
            fails()
    simulation = Simulation()
    simulation.close()
    simulation.close()
    assert clients() == before


def test_resets_do_not_eat_memory() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    with Simulation() as simulation:
        for _ in range(8):
            simulation.reset()
            build(simulation)
        gc.collect()
        start = resident()
        for _ in range(30):
            simulation.reset()
            _, ball = build(simulation)
            with simulation.trial():
                simulation.step(2)
        gc.collect()
        assert resident() - start < 6_000_000
        assert simulation.time == 0
        assert ball in simulation.bodies()


def test_light_robots_use_collision_meshes() -> None:
    text = light_text(data_folder() / PANDA)
    assert "meshes/visual" not in text
    assert text.count("meshes/collision") > 15
    assert 'filename="package' not in text
