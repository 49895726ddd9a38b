"""The arm's kinematics against PyBullet's, and where it ends."""

from __future__ import annotations

from math import atan2, dist, hypot, pi
from random import Random

import numpy as np
import pytest

from surefoot.envs.simulation.client import Simulation, quiet
from surefoot.envs.simulation.urdf import PANDA, load_light
from surefoot.envs.tabletop.kinematics import LOWER, UPPER, forward, inverse
from surefoot.envs.tabletop.robot import HandPose, OutOfReachError, Panda


def test_forward_agrees_with_pybullet() -> None:
    rng = Random(1)
    with Simulation() as simulation:
        api = simulation.api
        with quiet():
            body = load_light(api, PANDA, useFixedBase=True)
        for _ in range(40):
            q = np.array([rng.uniform(a, b) for a, b in zip(LOWER, UPPER, strict=True)])
            for joint, angle in enumerate(q):
                api.resetJointState(body, joint, angle)
            link = api.getLinkState(body, 11, computeForwardKinematics=True)
            pose, jacobian = forward(q)
            assert np.abs(pose[:3, 3] - link[4]).max() < 1e-5
            turn = np.reshape(api.getMatrixFromQuaternion(link[5]), (3, 3))
            assert np.abs(pose[:3, :3] - turn).max() < 1e-4
            moved, _ = forward(q + 1e-6)
            slope = (moved[:3, 3] - pose[:3, 3]) / 1e-6
            assert np.abs(slope - jacobian[:3].sum(axis=1)).max() < 1e-4


def test_inverse_undoes_forward_within_the_limits() -> None:
    rng = Random(2)
    for _ in range(300):
        x, y, z = rng.uniform(0.3, 0.7), rng.uniform(-0.42, 0.42), rng.uniform(0.01, 0.3)
        if hypot(x, y) > 0.74:
            continue
        yaw = atan2(y, x) + rng.uniform(-pi / 2, pi / 2)
        q = inverse((x, y, z), yaw)
        assert q is not None, (x, y, z, yaw)
        assert (q >= LOWER).all()
        assert (q <= UPPER).all()
        pose, _ = forward(q)
        assert dist(pose[:3, 3], (x, y, z)) < 5e-4
        assert pose[2, 2] < -0.99999
        assert abs(np.cos(yaw) - pose[0, 0]) < 1e-3


def test_what_is_out_of_reach_is_told_and_does_not_move_the_arm() -> None:
    assert inverse((1.0, 0.0, 0.1), 0.0) is None
    with Simulation() as simulation:
        robot = Panda(simulation)
        before = robot.tool()
        with pytest.raises(OutOfReachError, match=r"out of reach: .* m from the base"):
            robot.move(HandPose((0.9, 0.3, 0.1)))
        assert robot.tool() == before


def test_moves_end_where_they_should() -> None:
    with Simulation() as simulation:
        robot = Panda(simulation)
        for goal in ((0.5, 0.3, 0.1), (0.6, -0.3, 0.05), (0.35, 0.0, 0.3)):
            robot.move(HandPose.at(goal, 0.5), settle=10)
            assert dist(robot.tool(), goal) < 1e-3
