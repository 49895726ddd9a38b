"""The whole crossing: physics, traffic, lights, the vehicle and its log."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from math import cos, pi, sin
from random import Random

import numpy as np

from surefoot.core.errors import InputError
from surefoot.envs.cameras.camera import CameraPose, Frame, Lens, render
from surefoot.envs.cameras.rig import MountedCamera, Rig
from surefoot.envs.crossing.cars import Cars, Ego
from surefoot.envs.crossing.geometry import CROSSWALK, STOP_LINE, Path, Turn, connector_length
from surefoot.envs.crossing.labels import CarView, PersonView, Situation, doing, observe
from surefoot.envs.crossing.log import Collision, EpisodeLog
from surefoot.envs.crossing.people import People
from surefoot.envs.crossing.signals import Lamp
from surefoot.envs.crossing.simulation import CAR_SLOTS, PEOPLE_SLOTS, StreetSimulation
from surefoot.envs.crossing.tasks import CrossingScene
from surefoot.envs.crossing.vehicle import FRONT, REAR, STANDING, DriveState
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import TIMESTEP, Simulation, Snapshot

STEP_SECONDS = 0.5
"""Seconds of one decision step."""

SUBSTEPS = 6
"""Physics steps between two updates of traffic and wheel commands (40 per second)."""

TICKS = round(STEP_SECONDS / (SUBSTEPS * TIMESTEP))
"""Control steps in one decision step."""

WARM_UP_SECONDS = 14.0
"""Seconds for which traffic has been moving when an episode begins."""

GOAL_LENGTH = 1.6
"""Metres past the crossing in which the vehicle's rear must be when it stops."""

VIEWS = ("front", "left", "right", "chase", "bird")
"""Names of the cameras; the first three are on the vehicle."""

_TICK = SUBSTEPS * TIMESTEP
_SIDE = {"front": 0.0, "left": pi / 3, "right": -pi / 3}


class CrossingOutcome(StrEnum):
    """How an episode ended."""

    GOAL = "goal"
    """The vehicle stands past the crossing, on the right road."""
    COLLISION = "collision"
    """It touched a car, a person or a pole."""
    WRONG_ROAD = "wrong-road"
    """It left the crossing by another road."""
    OVERSHOT = "overshot"
    """It did not stop past the crossing but drove on."""


@dataclass(frozen=True)
class CrossingSnapshot:
    """A saved world; see :meth:`CrossingWorld.save`."""

    physics: Snapshot
    traffic: tuple[Cars, People]
    progress: DriveState
    turn: Turn
    lamp: Lamp | None
    noise: object
    rig: object
    log: EpisodeLog


class CrossingWorld:
    """One episode's world.

    Attributes:
        bodies: The bodies of the street and the road users.
        scene: The initial scene.
        crossing: The crossing of the task.
        simulation: Its physics.
        cars: The other cars.
        people: All pedestrians.
        vehicle: The vehicle.
        turn: The turn that it drives or signals.
        log: The log of the episode.
        rig: The cameras on the vehicle: ``front``, ``left`` and ``right``.
        faults: Faults to apply.
        halfway: Called in the middle of every decision step, such as to take an image;
            optional.
    """

    halfway: Callable[[], None] | None = None

    def __init__(
        self,
        simulation: Simulation,
        scene: CrossingScene,
        seed: int,
        faults: Faults | None = None,
        size: int = 224,
    ) -> None:
        """Empties the simulation and builds the scene in it.

        Args:
            simulation: The simulation to use.
            scene: The scene.
            seed: Seed of traffic, houses and faults.
            faults: Faults to apply: ``friction`` of the tyres, ``position_noise`` of the points
                that the controller steers for, and all that concerns cameras.
            size: Width and height of the images of the vehicle's cameras, in pixels.
        """
        street, name = scene.street, f"crossing:{scene.task}:{seed}"
        self.simulation = simulation
        self.scene = scene
        self.bodies = bodies = StreetSimulation(simulation, street, Random(f"{name}:scenery"))
        self.vehicle = bodies.vehicle
        self.faults = faults or Faults()
        self.crossing = street.crossings[scene.crossing]
        self.turn = scene.turn
        self._paths = {t: street.way(scene.crossing, scene.arm, t) for t in Turn}
        self._line = self.path.pieces[0].length
        start = self._line - scene.gap - FRONT
        self.vehicle.start(self.path.at(start), start, self.faults.friction)
        self.rig = Rig(
            self.simulation,
            {view: self._mounted(yaw, size) for view, yaw in _SIDE.items()},
            faults=self.faults,
            seed=seed,
            retouch=paint_sky,
        )
        self.cars = Cars(street, CAR_SLOTS, scene.car_seconds, Random(f"{name}:cars"))
        self.people = People(
            self.cars, PEOPLE_SLOTS, scene.walker_seconds, Random(f"{name}:people")
        )
        self._noise = np.random.default_rng(
            np.frombuffer(sha256(f"{name}:noise".encode()).digest(), np.uint32)
        )
        self._lamp: Lamp | None = None
        self._placed: tuple[tuple[int, Turn] | None, float] = None, 0.0
        self.log = EpisodeLog()
        ego = self.ego()
        for _ in range(round(WARM_UP_SECONDS / _TICK)):
            self._move_traffic(ego)
        bodies.place(self.cars, self.people)
        self.simulation.step(24)  # the vehicle settles on its wheels
        self._began = self.simulation.time
        self._note_lamp()

    @property
    def path(self) -> Path:
        """The path that the vehicle drives or signals."""
        return self._paths[self.turn]

    @property
    def time(self) -> float:
        """Simulated seconds since the episode began."""
        return self.simulation.time - self._began

    @property
    def collided(self) -> bool:
        """Whether the vehicle has touched something."""
        return bool(self.log.collisions)

    def place(self) -> float:
        """Returns the position of the rear axle along the path in metres, from its pose."""
        key = self.simulation.steps, self.turn
        if self._placed[0] != key:
            pose, s = self.vehicle.pose(), self.vehicle.progress.s
            self._placed = key, self.path.nearest(pose.x, pose.y, s - 0.2, s + 0.3)
        return self._placed[1]

    @property
    def leave(self) -> float:
        """Position along the path where the crossing ends, as far from it as the stop line."""
        return self._line + connector_length(self.turn)

    def over_line(self) -> bool:
        """Returns whether the front is over the stop line."""
        return self.place() + FRONT > self._line

    def past(self) -> bool:
        """Returns whether the rear has left the crosswalk by which the vehicle leaves."""
        return self.place() - REAR >= self.leave - (STOP_LINE - CROSSWALK[1])

    def standing(self) -> bool:
        """Returns whether the vehicle stands."""
        return self.vehicle.speed() < STANDING

    def outcome(self) -> CrossingOutcome | None:
        """Returns how the episode has ended, ``None`` if it has not."""
        if self.collided:
            return CrossingOutcome.COLLISION
        if not self.past():
            return None
        if self.turn is not self.scene.turn:
            return CrossingOutcome.WRONG_ROAD
        if self.place() - REAR > self.leave + GOAL_LENGTH:
            return CrossingOutcome.OVERSHOT
        return CrossingOutcome.GOAL if self.standing() else None

    def situation(self) -> Situation:
        """Returns the inputs of the labels; poses are those of the bodies."""
        api = self.simulation.api
        cars, people = [], []
        for car in self.cars.cars:
            (x, y, _), turn = api.getBasePositionAndOrientation(self.bodies.cars[car.slot])
            yaw = api.getEulerFromQuaternion(turn)[2]
            gate = car.gate_at(self.scene.crossing)
            arm = gate.arm if gate is not None else None
            cars.append(CarView(x, y, yaw, car.speed, car.pull, arm))
        for walker in self.people.walkers:
            (x, y, _), _ = api.getBasePositionAndOrientation(self.bodies.people[walker.slot])
            heading = self.people.pose(walker).yaw
            vx, vy = walker.speed * cos(heading), walker.speed * sin(heading)
            people.append(PersonView(x, y, vx, vy))
        past, over = self.past(), self.over_line()
        return Situation(
            self.crossing,
            self.scene.arm,
            self.turn,
            None if past else self._lamp,
            over,
            self._past_entry(),
            past,
            tuple(cars),
            tuple(people),
        )

    def step(
        self,
        move: bool,
        turn: Turn | None = None,
        *,
        halfway: Callable[[], None] | None = None,
    ) -> bool:
        """Drives one decision step and writes it into the log.

        Args:
            move: Whether to drive on; else to brake and stand.
            turn: Turn to take from now on; it has no effect once the front is over the stop line.
            halfway: Called when half of the step's time has passed; by default
                :attr:`halfway`.

        Returns:
            Whether the vehicle is free of collisions.
        """
        if turn is not None and not self.over_line():
            self.turn = turn
        self._note_lamp()
        seen = observe(self.situation())
        past = self.past()
        self.log.times.append(self.time)
        call = halfway or self.halfway
        for tick in range(TICKS):
            if call is not None and tick == TICKS // 2:
                call()
            self._tick(move)
            if self.collided:
                break
        done = doing(self.standing(), self.turn, past)
        self.log.rows.append(np.concatenate([seen, done]))
        self._note_lamp()
        return not self.collided

    def _tick(self, move: bool) -> None:
        self._move_traffic(self.ego(moving=move))
        self.bodies.place(self.cars, self.people)
        if move:
            noise = self.faults.position_noise
            error = self._noise.normal(0, noise, 2) if noise else (0.0, 0.0)
            self.vehicle.follow(self.path, _TICK, (float(error[0]), float(error[1])))
        else:
            self.vehicle.halt(_TICK)
        speed = self.vehicle.speed()
        self.simulation.step(SUBSTEPS)
        hit = self.bodies.touched()
        if hit is not None:
            self.log.collisions.append(Collision(*hit, self.time, speed))

    def _move_traffic(self, ego: Ego) -> None:
        self.cars.step(_TICK, ego, self.people.in_the_way())
        self.people.step(_TICK, ego)

    def _note_lamp(self) -> None:
        """Records the current light while the front is before the line."""
        if not self.over_line():
            self._lamp = self.lamp_now()

    def lamp_now(self) -> Lamp | None:
        """Returns what the light on the vehicle's road shows now."""
        signal = self.crossing.signal
        return signal.lamp(self.scene.arm, self.cars.time) if signal is not None else None

    def _past_entry(self) -> bool:
        return self.place() - REAR > self._line + STOP_LINE - CROSSWALK[0]

    def ego(self, moving: bool | None = None) -> Ego:
        """Returns the vehicle's state as other road users see it.

        Args:
            moving: Whether it is commanded to drive; by default whether it moves.
        """
        middle = self.vehicle.pose().ahead((FRONT - REAR) / 2)
        speed = self.vehicle.speed()
        drives = speed > STANDING if moving is None else moving
        entered = self.over_line() and not self.past()
        entering = drives and not self.over_line()
        return Ego(
            middle.x,
            middle.y,
            speed,
            self.scene.crossing,
            self.scene.arm,
            self.turn,
            entered or entering,
            self._past_entry(),
        )

    def _mounted(self, yaw: float, size: int) -> MountedCamera:
        forward = (cos(yaw), sin(yaw), 0.0)
        lens = Lens(size, size, 75.0, near=0.05, far=40.0)
        return MountedCamera(
            self.vehicle.body, -1, (0.12, 0.0, 0.36), forward, (0.0, 0.0, 1.0), lens
        )

    def outside(self, view: str) -> CameraPose:
        """Returns the pose of an external camera: ``chase`` or ``bird``.

        Raises:
            InputError: There is no such camera.
        """
        if view == "chase":
            pose = self.vehicle.pose()
            eye, target = pose.ahead(-1.5, 0.25), pose.ahead(1.4)
            return CameraPose((eye.x, eye.y, 1.15), (target.x, target.y, 0.15))
        if view == "bird":
            x, y = self.crossing.centre
            up = self.crossing.frame(self.scene.arm).ahead(0, 1)
            return CameraPose((x, y, 9.0), (x, y, 0.0), (up.x - x, up.y - y, 0.0))
        raise InputError(f"unknown camera {view!r}; the crossing has {', '.join(VIEWS)}")

    def look(self, view: str, width: int = 480, height: int = 360) -> Frame:
        """Takes a frame, with a pale blue sky.

        Args:
            view: One of :data:`VIEWS`. The cameras on the vehicle have the faults of this world.
            width: Pixels across, for external cameras.
            height: Pixels down, as ``width``.

        Raises:
            InputError: There is no such camera.
        """
        self.bodies.street.show(self.cars.time)
        if view in _SIDE:
            frame = self.rig.frame(view)
        else:
            lens = Lens(width, height, 55.0, near=0.05, far=40.0)
            frame = render(self.simulation.api, self.outside(view), lens, self.time)
            paint_sky(frame)
        return frame

    def save(self) -> CrossingSnapshot:
        """Saves everything in memory until :meth:`forget`."""
        street = self.scene.street
        traffic = deepcopy((self.cars, self.people), {id(street): street})
        return CrossingSnapshot(
            self.simulation.save(),
            traffic,
            self.vehicle.progress,
            self.turn,
            self._lamp,
            self._noise.bit_generator.state,
            self.rig.save(),
            self.log.copy(),
        )

    def restore(self, saved: CrossingSnapshot) -> None:
        """Restores a saved state; the simulation then continues bit for bit as it did before."""
        street = self.scene.street
        self.simulation.restore(saved.physics)
        self._placed = None, 0.0
        self.cars, self.people = deepcopy(saved.traffic, {id(street): street})
        self.vehicle.progress = saved.progress
        self.turn, self._lamp = saved.turn, saved.lamp
        self._noise.bit_generator.state = saved.noise  # type: ignore[assignment]
        self.rig.restore(saved.rig)
        self.log = saved.log.copy()

    def forget(self, saved: CrossingSnapshot) -> None:
        """Frees a saved state."""
        self.simulation.forget(saved.physics)

    def state_hash(self) -> str:
        """Returns a SHA-256 of physics, traffic and lights."""
        digest = sha256(self.simulation.state_hash().encode())
        for car in self.cars.cars:
            digest.update(repr((car.slot, car.s, car.speed, car.pull, car.waited)).encode())
        for walker in self.people.walkers:
            digest.update(repr(walker).encode())
        digest.update(repr((self.cars.time, self.turn, self._lamp)).encode())
        return digest.hexdigest()


def paint_sky(frame: Frame) -> None:
    """Colours the background pixels as a pale sky, brighter below."""
    height = len(frame.rgb)
    sky = np.linspace((148, 190, 228), (226, 238, 246), (height + 1) // 2).astype(np.uint8)
    sky = np.concatenate([sky, np.repeat(sky[-1:], height - len(sky), axis=0)])
    empty = frame.segmentation < 0
    frame.rgb[empty] = np.broadcast_to(sky[:, None], frame.rgb.shape)[empty]
