"""Viewpoints, what moving costs, and the rig with its faults."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import dist, pi

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.envs.cameras.camera import CameraPose, Frame, Lens
from surefoot.envs.cameras.rig import FREE, FixedCamera, FreeCamera, MountedCamera, Rig
from surefoot.envs.cameras.viewpoints import MotionLimits, Ring, arc, link_pose, motion, travel_time
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation

pytestmark = pytest.mark.quick

RING = Ring((0.4, 0.1, 0.0), 1.0)
LENS = Lens(48, 48)


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    with Simulation() as simulation:
        api = simulation.api
        look = api.createVisualShape(api.GEOM_BOX, halfExtents=[0.1] * 3, rgbaColor=[1, 0, 0, 1])
        shape = api.createCollisionShape(api.GEOM_BOX, halfExtents=[0.1] * 3)
        api.createMultiBody(1, shape, look, (0.4, 0.1, 0.5))
        yield simulation


def make_rig(simulation: Simulation, seed: int = 0, **faults: object) -> Rig:
    fixed = {"front": FixedCamera(RING.pose("front"), LENS)}
    free = FreeCamera(RING, lens=LENS)
    return Rig(simulation, fixed, free, faults=Faults(**faults), seed=seed)  # type: ignore[arg-type]


def test_the_ring_looks_at_its_centre_from_all_sides() -> None:
    assert len(RING.names) == len(set(RING.names)) == 25
    poses = {name: RING.pose(name) for name in RING.names}
    for pose in poses.values():
        assert pose.target == RING.centre
        assert dist(pose.eye, RING.centre) == pytest.approx(1)
    x, y, z = (np.array(poses[n].eye) - RING.centre for n in ("front", "left", "top"))
    assert x[0] > 0.7
    assert abs(x[1]) < 1e-9
    assert y[1] > 0.7
    assert tuple(z) == pytest.approx((0, 0, 1))
    assert poses["back-low"].eye[2] < poses["back"].eye[2] < poses["back-high"].eye[2]
    turned = Ring(RING.centre, 1.0, facing=90)
    assert turned.pose("front").eye == pytest.approx(poses["left"].eye)
    with pytest.raises(InputError, match="there are front-low"):
        RING.pose("behind")
    assert RING.at(0, 45).eye == pytest.approx(poses["front"].eye)


def test_travel_time_is_that_of_a_trapezoid() -> None:
    assert travel_time(0, 1, 1) == 0
    assert travel_time(0.25, 1, 1) == pytest.approx(1.0)  # 0.125 m up, 0.125 m down
    assert travel_time(3, 1, 1) == pytest.approx(4.0)  # 1 s up, 2 s at speed, 1 s down


def test_moves_go_round_the_centre() -> None:
    way = arc(RING.pose("left-low").eye, RING.pose("right-low").eye, RING.centre)
    away = np.linalg.norm(way - RING.centre, axis=1)
    assert away.min() > 0.99
    opposite = arc((1, 0, 0), (-1, 0, 0), (0, 0, 0))
    assert opposite[16] == pytest.approx((0, 0, 1))
    limits = MotionLimits()
    near, far = (
        motion(RING.pose("front"), RING.pose(n), RING.centre, limits)
        for n in ("front-left", "back")
    )
    assert 0 < near.distance < far.distance
    assert 0 < near.seconds < far.seconds
    still = motion(RING.pose("front"), RING.pose("front"), RING.centre, limits)
    assert (still.distance, still.seconds) == (0, 0)
    nod = motion(
        CameraPose((2, 0, 1), (0, 0, 1)), CameraPose((2, 0, 1), (2, 2, 1)), (0, 0, 0), limits
    )
    assert nod.distance == pytest.approx(0)
    assert nod.turn == pytest.approx(pi / 2)
    assert nod.seconds > 1


def test_a_look_costs_simulated_time_and_keeps_to_the_limits(simulation: Simulation) -> None:
    rig = make_rig(simulation)
    cost = rig.cost("left")
    before = simulation.time
    look = rig.look("left")
    assert simulation.time - before == pytest.approx(cost.seconds, abs=0.005)
    assert look.frame.pose == rig.free_pose == RING.pose("left")
    assert look.motion == cost
    assert rig.cost("left").seconds == 0
    with pytest.raises(InputError, match="out of reach"):
        rig.look(RING.at(0, 40, 9.0))
    with pytest.raises(InputError, match="out of reach"):
        rig.look(RING.at(0, 1))
    with pytest.raises(InputError, match="no camera 'rear'; there are front, free"):
        rig.frame("rear")
    with pytest.raises(InputError, match="no movable camera"):
        Rig(simulation, {}).look("left")
    assert rig.free_pose == RING.pose("left")


def test_a_mounted_camera_goes_with_its_link(simulation: Simulation) -> None:
    body = simulation.bodies()[0]
    rig = Rig(simulation, {"cap": MountedCamera(body, -1, (0, 0, 0.3), lens=LENS)})
    first = rig.pose("cap")
    assert first.eye == pytest.approx((0.4, 0.1, 0.8))
    simulation.step(60)
    assert rig.pose("cap").eye[2] < first.eye[2] - 0.2
    pose = link_pose(simulation.api, body, -1, forward=(0, 0, -1))
    assert pose.target[2] == pytest.approx(pose.eye[2] - 1)


def images_of(rig: Rig, simulation: Simulation, count: int = 12) -> list[Frame]:
    frames = []
    for _ in range(count):
        frames.append(rig.frame("front"))
        simulation.step(4)
    return frames


def test_delayed_and_dropped_frames(simulation: Simulation) -> None:
    late = images_of(make_rig(simulation, delay_frames=3), simulation)
    times = [f.time for f in late]
    assert times[:4] == [0.0] * 4
    assert times[4:] == pytest.approx([(i - 3) * 4 / 240 for i in range(4, 12)])
    start = simulation.time
    lossy = images_of(make_rig(simulation, dropped_frames=0.5), simulation)
    fresh = [b.time > a.time for a, b in pairwise(lossy)]
    assert 0 < sum(fresh) < len(fresh)
    assert lossy[0].time == start
    never = images_of(make_rig(simulation, dropped_frames=1.0), simulation)
    assert len({f.time for f in never}) == 1


def test_pose_errors_are_hidden_and_drawn_by_seed(simulation: Simulation) -> None:
    truth = make_rig(simulation).frame("front")
    frames = [make_rig(simulation, s, camera_position_error=0.05).frame("front") for s in (1, 1, 2)]
    assert {f.pose for f in frames} == {RING.pose("front")}
    assert not np.array_equal(frames[0].rgb, truth.rgb)
    assert np.array_equal(frames[0].rgb, frames[1].rgb)
    assert not np.array_equal(frames[0].rgb, frames[2].rgb)
    rig = make_rig(simulation, 3, camera_position_error=0.05)
    first = rig.frame(FREE).rgb
    assert np.array_equal(first, rig.frame(FREE).rgb)
    rig.look("left")
    simulation.reset()


def test_images_are_perturbed_in_the_rig_after_retouching(simulation: Simulation) -> None:
    faults = Pipeline.parse(["fog=1"]).faults()
    calls: list[float] = []
    fixed = {"front": FixedCamera(RING.pose("front"), LENS)}
    rig = Rig(simulation, fixed, faults=faults, retouch=lambda f: calls.append(f.time))
    foggy, clear = rig.frame("front"), make_rig(simulation).frame("front")
    assert calls == [0.0]
    assert foggy.rgb.std() < clear.rgb.std() / 3
    assert np.array_equal(foggy.depth, clear.depth)


def test_a_rig_goes_back(simulation: Simulation) -> None:
    rig = make_rig(simulation, dropped_frames=0.5, delay_frames=2, images=({"name": "noise"},))
    images_of(rig, simulation, 5)
    kept, state = rig.save(), simulation.save()
    first = images_of(rig, simulation)
    rig.look("back")
    rig.restore(kept)
    simulation.restore(state)
    again = images_of(rig, simulation)
    assert rig.free_pose == RING.pose("front")
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, again, strict=True))
