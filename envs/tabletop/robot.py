"""The Panda arm: straight-line motions, gripper commands, contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import atan2, ceil, dist, hypot, pi, remainder

import numpy as np
from numpy.typing import NDArray

from surefoot.envs.simulation.client import TIMESTEP, Command, Simulation, quiet
from surefoot.envs.simulation.urdf import PANDA, load_light
from surefoot.envs.tabletop.kinematics import Vector, inverse

ARM = tuple(range(7))
"""Joints of the arm."""

FINGERS = (9, 10)
"""Joints and links of the two fingers."""

HAND = 8
"""Link of the hand."""

ARM_FORCES = (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0)
"""Largest torques in newton metres (the URDF's effort limits)."""

FINGER_FORCE = 40.0
"""Newtons; anything from 2 to 200 holds a block of 0.08 kg."""

OPEN = 0.04
"""Largest distance in metres of each finger from the middle."""

FINGER_FRICTION = 1.0
"""Lateral friction of the finger tips."""

TICK = 4
"""Physics steps between two commands and two calls of the watcher (60 Hz)."""

HOME = (0.32, 0.0, 0.36)
"""Where the hand rests, in metres; out of the way of the front camera."""

Point = tuple[float, float, float]


class OutOfReachError(Exception):
    """A pose that the arm cannot reach; skills report it as a reason."""


@dataclass(frozen=True, slots=True)
class HandPose:
    """A pose of the hand, pointing down.

    Attributes:
        position: Of the point between the finger tips, metres, world frame.
        turn: Angle in radians of the hand about the vertical, against the direction from
            the robot's base to the position; at 0 the fingers close across that direction.
    """

    position: Point
    turn: float = 0.0

    @property
    def yaw(self) -> float:
        """Angle in radians about the vertical in the world frame."""
        return self.turn + atan2(self.position[1], self.position[0])

    @staticmethod
    def at(position: Point, yaw: float) -> HandPose:
        """Returns the pose with the given yaw or the one half a turn away, as fits the wrist."""
        return HandPose(position, remainder(yaw - atan2(position[1], position[0]), pi))

    def raised(self, z: float) -> HandPose:
        """Returns the same pose at another height."""
        return HandPose((*self.position[:2], z), self.turn)


class Panda:
    """The arm, standing at the origin of the world frame.

    Args:
        simulation: The world.
        friction: Factor on the fingers' friction.

    Attributes:
        body: Its id.
        on_tick: Called after every :data:`TICK` physics steps; raises to stop the motion.
    """

    def __init__(self, simulation: Simulation, friction: float = 1.0) -> None:
        self.simulation = simulation
        api = simulation.api
        with quiet():
            self.body = load_light(api, PANDA, useFixedBase=True)
        self.on_tick: Callable[[], None] | None = None
        home = inverse(HOME, 0.0)
        assert home is not None
        self.pose = HandPose(HOME)
        for joint, angle in zip(ARM, home, strict=True):
            api.resetJointState(self.body, joint, angle)
        for joint in FINGERS:
            api.resetJointState(self.body, joint, OPEN)
            api.changeDynamics(
                self.body,
                joint,
                lateralFriction=FINGER_FRICTION * friction,
                spinningFriction=0.001,
                frictionAnchor=0,
            )
        gear = api.createConstraint(
            self.body,
            FINGERS[0],
            self.body,
            FINGERS[1],
            api.JOINT_GEAR,
            (1, 0, 0),
            (0, 0, 0),
            (0, 0, 0),
        )
        api.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50)
        self._targets = home
        self._send(home)
        self._fingers(OPEN)

    def state(self) -> NDArray[np.float32]:
        """Returns 25 numbers.

        Seven joint angles (rad), seven joint velocities (rad/s), two finger positions (m), the
        tool's position (m) and orientation (quaternion x, y, z, w), and whether each of the
        two fingers touches something (0 or 1), in that order; world frame.
        """
        api = self.simulation.api
        joints = api.getJointStates(self.body, (*ARM, *FINGERS))
        tool = api.getLinkState(self.body, 11, computeForwardKinematics=True)
        touches = [bool(self.touching(finger)) for finger in FINGERS]
        values = [*(j[0] for j in joints[:7]), *(j[1] for j in joints[:7])]
        values += [*(j[0] for j in joints[7:]), *tool[4], *tool[5], *touches]
        return np.asarray(values, np.float32)

    def tool(self) -> Point:
        """Returns the position of the point between the finger tips, metres, world frame."""
        link = self.simulation.api.getLinkState(self.body, 11, computeForwardKinematics=True)
        x, y, z = link[4]
        return x, y, z

    def touching(self, link: int | None = None) -> set[int]:
        """Returns the bodies that the robot, or one link of it, pushes against."""
        contacts = self.simulation.api.getContactPoints(bodyA=self.body)
        return {
            c[2]
            for c in contacts
            if c[2] != self.body and c[9] > 0 and (link is None or c[3] == link)
        }

    def gripped(self) -> set[int]:
        """Returns the bodies that both fingers push against."""
        return self.touching(FINGERS[0]) & self.touching(FINGERS[1])

    def move(self, goal: HandPose, speed: float = 0.5, settle: int = 3) -> None:
        """Moves the hand in a straight line, softly at both ends.

        Args:
            goal: Target pose.
            speed: Mean speed in metres per second.
            settle: Ticks to wait at the end.

        Raises:
            OutOfReachError: The arm cannot reach it; it has not moved.
        """
        start = self.pose
        length = dist(start.position, goal.position)
        turn = goal.turn - start.turn
        seconds = max(length / speed, abs(turn) / 2.0)
        ticks = max(1, ceil(seconds / (TICK * TIMESTEP)))
        pieces = max(1, ceil(max(length / 0.05, abs(turn) / 0.3)))
        knots = np.array([self._targets, *self._solve(start, goal, pieces)])
        for tick in range(1, ticks + 1):
            t = tick / ticks
            fraction = t * t * (3 - 2 * t)
            piece = min(int(fraction * pieces), pieces - 1)
            part = fraction * pieces - piece
            self._send(knots[piece] + part * (knots[piece + 1] - knots[piece]))
            self.pose = _between(start, goal, fraction)
            self._tick()
        self.wait(settle)

    def reaches(self, goal: HandPose) -> bool:
        """Returns whether the arm can reach a pose."""
        return inverse(goal.position, goal.yaw) is not None

    def open(self, width: float = 2 * OPEN, ticks: int = 12) -> None:
        """Opens the gripper to a width in metres between the fingers."""
        self._fingers(min(OPEN, width / 2))
        self.wait(ticks)

    def close(self, ticks: int = 15) -> None:
        """Closes the gripper until it meets resistance."""
        self._fingers(0.0)
        self.wait(ticks)

    def let_go(self) -> None:
        """Opens the gripper without waiting, to simulate a slipping grasp."""
        self._fingers(OPEN)

    def wait(self, ticks: int) -> None:
        """Lets time pass."""
        for _ in range(ticks):
            self._tick()

    def posture(self) -> tuple[HandPose, Vector]:
        """Returns the state that :meth:`resume` needs after a saved state was restored."""
        return self.pose, self._targets.copy()

    def resume(self, posture: tuple[HandPose, Vector]) -> None:
        """Resumes a posture whose physics has been restored."""
        self.pose, self._targets = posture[0], posture[1].copy()

    def _solve(self, start: HandPose, goal: HandPose, pieces: int) -> list[Vector]:
        found = []
        for i in range(1, pieces + 1):
            pose = _between(start, goal, i / pieces)
            angles = inverse(pose.position, pose.yaw)
            if angles is None:
                x, y, z = pose.position
                raise OutOfReachError(
                    f"out of reach: x {x:.2f}, y {y:.2f}, z {z:.2f} m, "
                    f"{hypot(x, y):.2f} m from the base"
                )
            found.append(angles)
        return found

    def _tick(self) -> None:
        self.simulation.step(TICK)
        if self.on_tick is not None:
            self.on_tick()

    def _send(self, angles: Vector) -> None:
        self._targets = angles
        commands = [Command(float(a), f) for a, f in zip(angles, ARM_FORCES, strict=True)]
        self.simulation.command(self.body, ARM, commands)

    def _fingers(self, place: float) -> None:
        self.simulation.command(self.body, FINGERS, [Command(place, FINGER_FORCE)] * 2)


def _between(start: HandPose, goal: HandPose, fraction: float) -> HandPose:
    x, y, z = (a + (b - a) * fraction for a, b in zip(start.position, goal.position, strict=True))
    return HandPose((x, y, z), start.turn + (goal.turn - start.turn) * fraction)
