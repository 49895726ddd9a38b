"""A scene as bodies in a simulation, with the robot, and queries about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import atan2
from types import MappingProxyType

from surefoot.envs.perturbations.distractors import add_distractors
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation, Snapshot
from surefoot.envs.tabletop.bodies import make_body
from surefoot.envs.tabletop.kinematics import Vector
from surefoot.envs.tabletop.looks import tiled
from surefoot.envs.tabletop.robot import HandPose, Panda, Point
from surefoot.envs.tabletop.scene import FAR, NEAR, SIDE, TabletopScene
from surefoot.envs.tabletop.things import (
    FLOOR,
    HEIGHTS,
    LID_ORIGIN,
    LIP,
    PAD_HEIGHT,
    PLATE_HEIGHT,
    TABLE,
    THING_FRICTION,
    Thing,
    ThingKind,
)

TABLE_MIDDLE = (0.36, 0.0)
"""Middle of the table top in metres; its surface is the plane z = 0."""

TABLE_HALF = (0.50, 0.62, 0.02)
"""Half extents of the table top in metres."""

FLOOR_HALF = (4.0, 4.0, 0.01)
"""Half extents of the floor in metres."""

FLOOR_TOP = -0.70
"""Height of the floor in metres."""

TABLE_COLOR = (0.80, 0.71, 0.58, 1.0)
FLOOR_COLOR = (0.42, 0.45, 0.48, 1.0)

SETTLE = 30
"""Physics steps after building, so that everything lies still."""


@dataclass(frozen=True)
class TabletopSnapshot:
    """A saved state of a world; see :meth:`TabletopWorld.save`.

    Attributes:
        snapshot: State of the physics.
        posture: The robot's commands.
    """

    snapshot: Snapshot
    posture: tuple[HandPose, Vector]


class TabletopWorld:
    """A scene in a simulation.

    Args:
        simulation: The world's physics; it is emptied first.
        scene: The scene to build.
        faults: Faults of the robot, and the number of distractors.
        seed: Seed of the distractors.

    Attributes:
        robot: The arm.
        bodies: Body ids by name, with the table as ``the-table``.
        loose: Names of everything that stands on the table, including distractors.
        names: Names by body id, with the robot as ``the robot``.
    """

    def __init__(
        self,
        simulation: Simulation,
        scene: TabletopScene,
        faults: Faults | None = None,
        seed: int = 0,
    ) -> None:
        self.simulation = simulation
        self.scene = scene
        self.faults = faults or Faults()
        simulation.reset()
        bodies = self._things()
        area = (NEAR, FAR, -SIDE, SIDE)
        lying = add_distractors(simulation, self.faults.distractors, seed, area)
        bodies |= {name: body for body, name in lying.items()}
        self.loose = tuple(bodies)
        self.robot = Panda(simulation, self.faults.friction)
        self._room()  # last: the renderer skips pixels behind objects drawn before
        self.bodies: Mapping[str, int] = MappingProxyType({TABLE: self.table, **bodies})
        self.names = {body: name for name, body in self.bodies.items()}
        self.names[self.robot.body] = "the robot"
        self.names[self.floor] = "the floor"
        simulation.step(SETTLE)

    def thing(self, name: str) -> Thing:
        """Returns an object by name."""
        return self.scene.things[name]

    def position(self, name: str) -> Point:
        """Returns the position of an object's origin in metres, world frame."""
        x, y, z = self.simulation.api.getBasePositionAndOrientation(self.bodies[name])[0]
        return x, y, z

    def yaw(self, name: str) -> float:
        """Returns the angle in radians of an object's most level axis about the vertical.

        For a block, that is known up to quarter turns. A lying cylinder's own axis counts, so
        that fingers close across it at this yaw.
        """
        axes = self._axes(name)
        if self.thing(name).kind is not ThingKind.BLOCK:
            level = axes[0]
        elif self.lies(name):
            level = axes[2]
        else:
            level = min(axes, key=lambda axis: abs(axis[2]))
        return atan2(level[1], level[0])

    def lies(self, name: str) -> bool:
        """Returns whether a cylinder has fallen over."""
        return self.thing(name).shape == "cylinder" and abs(self._axes(name)[2][2]) < 0.7

    def _axes(self, name: str) -> tuple[Point, Point, Point]:
        api = self.simulation.api
        turn = api.getBasePositionAndOrientation(self.bodies[name])[1]
        m = api.getMatrixFromQuaternion(turn)
        return (m[0], m[3], m[6]), (m[1], m[4], m[7]), (m[2], m[5], m[8])

    def box(self, name: str) -> tuple[Point, Point]:
        """Returns the lowest and highest corner of an object in metres, world frame."""
        low, high = self.simulation.api.getAABB(self.bodies[name])
        return low, high

    def held(self) -> str | None:
        """Returns the object that both fingers push against, or ``None``."""
        for body in sorted(self.robot.gripped()):
            name = self.names[body]
            if name in self.scene.things:
                return name
        return None

    def save(self) -> TabletopSnapshot:
        """Saves the state in memory until :meth:`forget`."""
        return TabletopSnapshot(self.simulation.save(), self.robot.posture())

    def restore(self, saved: TabletopSnapshot) -> None:
        """Restores a saved state, bit for bit."""
        self.simulation.restore(saved.snapshot)
        self.robot.resume(saved.posture)

    def forget(self, saved: TabletopSnapshot) -> None:
        """Frees a saved state."""
        self.simulation.forget(saved.snapshot)

    def _room(self) -> None:
        api = self.simulation.api
        x, y = TABLE_MIDDLE

        shape = api.createCollisionShape(api.GEOM_BOX, halfExtents=TABLE_HALF)
        look = api.createVisualShape(api.GEOM_BOX, halfExtents=TABLE_HALF, rgbaColor=TABLE_COLOR)
        self.table = int(api.createMultiBody(0, shape, look, (x, y, -TABLE_HALF[2])))
        shape = api.createCollisionShape(api.GEOM_BOX, halfExtents=FLOOR_HALF)
        look = tiled(api, FLOOR_HALF, FLOOR_COLOR)
        self.floor = int(api.createMultiBody(0, shape, look, (x, y, FLOOR_TOP - FLOOR_HALF[2])))
        api.changeDynamics(
            self.table,
            -1,
            spinningFriction=0.001,
            lateralFriction=THING_FRICTION * self.faults.friction,
        )

    def _things(self) -> dict[str, int]:
        made: dict[str, int] = {}
        tops: dict[str, float] = {}
        for name in _from_below(self.scene):
            thing = self.scene.things[name]
            x, y, z, yaw = self._start(name, tops)
            tops[name] = z + top_of(thing)
            made[name] = make_body(self.simulation.api, thing, (x, y, z), yaw, self.faults.friction)
        return made

    def _start(self, name: str, tops: Mapping[str, float]) -> tuple[float, float, float, float]:
        scene = self.scene
        if scene.things[name].kind is ThingKind.LID:
            box = scene.box_of(name)
            if box in scene.shut:
                spot = scene.spots[box]
                return spot.x, spot.y, HEIGHTS["box"] - LIP, spot.yaw
            spot = scene.parking[name]
            return spot.x, spot.y, 0.0, spot.yaw
        spot = scene.spots[name] if name in scene.spots else scene.root(name)
        if name in scene.spots:
            return spot.x, spot.y, 0.0, spot.yaw
        at = scene.inside[name]
        offset = scene.slot(name) if scene.things[at].kind.value in HEIGHTS else 0.0
        return spot.x + offset, spot.y, tops[at], spot.yaw


def top_of(thing: Thing) -> float:
    """Returns the height of an object's supporting surface above its lowest point, in metres."""
    match thing.kind:
        case ThingKind.BLOCK:
            return thing.edge
        case ThingKind.PAD:
            return PAD_HEIGHT
        case ThingKind.PLATE:
            return PLATE_HEIGHT
        case ThingKind.LID:
            return LID_ORIGIN
        case _:
            return FLOOR


def _from_below(scene: TabletopScene) -> list[str]:
    """Orders objects so that each comes after its support."""
    done: list[str] = []
    waiting = list(scene.things)
    while waiting:
        ready = [n for n in waiting if scene.inside.get(n) is None or scene.inside[n] in done]
        done += ready
        waiting = [n for n in waiting if n not in ready]
    return done
