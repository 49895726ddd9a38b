"""The vehicle: the racecar of ``pybullet_data``, steered along a path by its wheel motors.

Its meshes are replaced by boxes and cylinders at load time, and its chassis, which has no
collision shape there, gets one. Masses, inertias, joints and wheels stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import atan, cos, hypot, sin, sqrt
from typing import Any
from xml.etree import ElementTree

from surefoot.envs.crossing.geometry import GroundPose, Path
from surefoot.envs.simulation.client import Command, Simulation, quiet
from surefoot.envs.simulation.generated import generated
from surefoot.envs.simulation.urdf import data_folder

FRONT = 0.42
"""Metres from the rear axle to the front bumper."""

REAR = 0.08
"""Metres from the rear axle to the rear bumper."""

WIDTH = 0.29
"""Width over the wheels in metres."""

TOP_SPEED = 1.0
"""Metres per second on straight roads."""

TURN_SPEED = 0.7
"""Metres per second in turns."""

STANDING = 0.05
"""Below this speed in metres per second the vehicle counts as standing."""

_WHEELBASE, _TRACK, _RADIUS = 0.325, 0.2, 0.05
_REAR_WHEELS, _FRONT_WHEELS, _STEERING = (2, 3), (5, 7), (4, 6)
_PULL, _BRAKE = 1.5, 4.0

_BOXES = (
    ("0.165 0 0.055", "0.50 0.20 0.075", "0.95 0.55 0.10"),
    ("0.12 0 0.125", "0.26 0.17 0.07", "0.98 0.93 0.85"),
    ("0.414 0.065 0.07", "0.006 0.04 0.03", "1 1 0.8"),
    ("0.414 -0.065 0.07", "0.006 0.04 0.03", "1 1 0.8"),
    ("-0.083 0.065 0.07", "0.006 0.05 0.03", "0.75 0.05 0.05"),
    ("-0.083 -0.065 0.07", "0.006 0.05 0.03", "0.75 0.05 0.05"),
    ("0.12 0 0.175", "0.06 0.10 0.03", "0.15 0.15 0.17"),
)
"""Centre and size in metres, in the chassis frame, and colour."""


@dataclass(frozen=True, slots=True)
class DriveState:
    """State of the controller.

    Attributes:
        s: Position of the rear axle along the path in metres.
        command: Commanded speed of the wheels in metres per second.
    """

    s: float
    command: float = 0.0


def light_racecar() -> str:
    """Returns the racecar's URDF with boxes and cylinders in place of meshes."""
    tree = ElementTree.parse(data_folder() / "racecar" / "racecar.urdf")
    for link in tree.iter("link"):
        for visual in link.findall("visual"):
            link.remove(visual)
        name = link.get("name", "")
        if name.endswith("_wheel"):
            collision = link.find("collision")
            assert collision is not None
            visual = ElementTree.SubElement(link, "visual")
            visual.extend(e for e in collision if e.tag in ("origin", "geometry"))
            _paint(visual, name, "0.12 0.12 0.13")
        if name == "laser":  # the chassis' box takes its place
            for collision in link.findall("collision"):
                link.remove(collision)
        if name == "chassis":
            for i, (centre, size, colour) in enumerate(_BOXES):
                kinds = ("visual", "collision") if i < 2 else ("visual",)
                for kind in kinds:
                    part = ElementTree.SubElement(link, kind)
                    ElementTree.SubElement(part, "origin", xyz=centre, rpy="0 0 0")
                    geometry = ElementTree.SubElement(part, "geometry")
                    ElementTree.SubElement(geometry, "box", size=size)
                    if kind == "visual":
                        _paint(part, f"paint{i}", colour)
    return ElementTree.tostring(tree.getroot(), encoding="unicode")


@cache
def _racecar_file() -> str:
    return str(generated(light_racecar(), ".urdf"))


def _paint(visual: ElementTree.Element, name: str, colour: str) -> None:
    material = ElementTree.SubElement(visual, "material", name=name)
    ElementTree.SubElement(material, "color", rgba=f"{colour} 1")


class Vehicle:
    """The vehicle in a simulation.

    Attributes:
        body: Its id.
        progress: State of its controller.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._api: Any = simulation.api
        self.progress = DriveState(0.0)
        with quiet():
            self.body = int(self._api.loadURDF(_racecar_file(), basePosition=(0, 0, 0.001)))
        simulation.command(self.body, _FRONT_WHEELS, [Command(None, 0.0)] * 2)
        self._send(0.0, 0.0)

    def start(self, pose: GroundPose, s: float, friction: float = 1.0) -> None:
        """Puts the vehicle on the road, standing, with its wheels straight.

        Args:
            pose: The pose of the middle of its rear axle.
            s: Metres along its path at which that is.
            friction: Factor on the friction of its tyres.
        """
        half, api = pose.yaw / 2, self._api
        api.resetBasePositionAndOrientation(
            self.body, (pose.x, pose.y, 0.001), (0, 0, sin(half), cos(half))
        )
        api.resetBaseVelocity(self.body, (0, 0, 0), (0, 0, 0))
        for joint in (*_REAR_WHEELS, *_FRONT_WHEELS, *_STEERING):
            api.resetJointState(self.body, joint, 0.0)
        for joint in (*_REAR_WHEELS, *_FRONT_WHEELS):
            api.changeDynamics(self.body, joint, lateralFriction=1.2 * friction)
        self.progress = DriveState(s)
        self._send(0.0, 0.0)

    def pose(self) -> GroundPose:
        """Returns the pose of the middle of the rear axle."""
        (x, y, _), orientation = self._api.getBasePositionAndOrientation(self.body)
        return GroundPose(x, y, self._api.getEulerFromQuaternion(orientation)[2])

    def speed(self) -> float:
        """Returns the speed over the ground in metres per second, never negative."""
        (vx, vy, _), _ = self._api.getBaseVelocity(self.body)
        return hypot(vx, vy)

    def halt(self, dt: float) -> None:
        """Brakes for one control step of ``dt`` seconds."""
        speed = max(0.0, self.progress.command - _BRAKE * dt)
        self.progress = replace(self.progress, command=speed)
        self._send(speed, None)

    def follow(self, path: Path, dt: float, error: tuple[float, float] = (0.0, 0.0)) -> None:
        """Steers along a path for one control step (pure pursuit, Coulter 1992).

        Args:
            path: The path; the vehicle stops before its end.
            dt: Seconds of the step.
            error: Metres by which the point that it steers for is off, along x and y.
        """
        pose = self.pose()
        s = path.nearest(pose.x, pose.y, self.progress.s - 0.05, self.progress.s + 0.15)
        ahead = 0.3 + 0.15 * self.progress.command
        target = path.at(s + ahead)
        front, left = pose.local(target.x + error[0], target.y + error[1])
        curvature = 2 * left / (front * front + left * left)
        curved = any(path.pieces[path.index(s + d)].curvature for d in (0.0, 0.25))
        wish = TURN_SPEED if curved else TOP_SPEED
        wish = min(wish, sqrt(2 * 1.5 * max(0.0, path.length - 0.6 - s)))
        command = self.progress.command
        command = max(command - _BRAKE * dt, min(wish, command + _PULL * dt))
        self.progress = DriveState(s, command)
        self._send(command, curvature)

    def _send(self, speed: float, curvature: float | None) -> None:
        """Sets the wheels' speeds and, unless ``None``, the steering angles (Ackermann)."""
        k = 0.0 if curvature is None else max(-2.4, min(2.4, curvature))
        wheels = [
            Command(None, 3.0, velocity=speed * (1 - side * k * _TRACK / 2) / _RADIUS)
            for side in (1, -1)
        ]
        self._simulation.command(self.body, _REAR_WHEELS, wheels)
        if curvature is not None:
            angles = [atan(k * _WHEELBASE / (1 - side * k * _TRACK / 2)) for side in (1, -1)]
            steering = [Command(angle, 10.0) for angle in angles]
            self._simulation.command(self.body, _STEERING, steering)
