"""A separate PyBullet world: settings, stepping, motor commands, saving and hashing."""

from __future__ import annotations

import ctypes
import hashlib
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from surefoot.core.errors import HarnessError

TIMESTEP = 1 / 240
"""Seconds of one physics step."""

GRAVITY = 9.81
"""Metres per square second, downwards (-z in the world frame)."""

SOLVER_ITERATIONS = 50
"""Iterations of the contact solver; with 10 one grasp in fifty slips."""


@dataclass(frozen=True, slots=True)
class Command:
    """A position command to one joint, stored so that it can be sent again.

    Attributes:
        target: Position in radians or metres.
        force: Largest force in newtons or torque in newton metres.
        position_gain: Gain of the position error.
        velocity_gain: Gain of the velocity error.
        velocity: Target velocity per second; with a position target of ``None`` only it applies.
    """

    target: float | None
    force: float
    position_gain: float = 0.3
    velocity_gain: float = 1.0
    velocity: float = 0.0


@dataclass(frozen=True)
class Snapshot:
    """A saved state; see :meth:`Simulation.save`.

    Attributes:
        number: PyBullet's number of it.
        bodies: Bodies that existed.
        commands: Commands in force.
        steps: Physics steps taken so far.
    """

    number: int
    bodies: tuple[int, ...]
    commands: dict[tuple[int, int], Command]
    steps: int


@contextmanager
def quiet() -> Iterator[None]:
    """Silences the output of PyBullet's C code; errors are still raised."""
    libc = ctypes.CDLL(None)  # its buffers must be emptied before and after
    libc.fflush(None)
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        libc.fflush(None)
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


@dataclass
class _Counters:
    steps: int = 0
    commands: dict[tuple[int, int], Command] = field(default_factory=dict)


class Simulation:
    """A world in a separate client, without a window.

    The world frame is right-handed with z upwards; lengths are metres, angles radians, times
    seconds. Two simulations never share anything, and the same calls give bit-identical
    states in any process of the same build. Close it, or use it as a context manager.

    Attributes:
        api: PyBullet's functions, bound to this client.
    """

    def __init__(self) -> None:
        with quiet():
            import pybullet
            from pybullet_utils.bullet_client import BulletClient

            self.api: Any = BulletClient(connection_mode=pybullet.DIRECT)
        self._closed = False
        self._counters = _Counters()
        self._observer: tuple[int, Callable[[], None]] | None = None
        self.reset()

    def reset(self) -> None:
        """Empties the world and resets physics; earlier snapshots become invalid."""
        api = self.api
        api.resetSimulation()
        api.setPhysicsEngineParameter(
            fixedTimeStep=TIMESTEP,
            numSubSteps=1,
            numSolverIterations=SOLVER_ITERATIONS,
            deterministicOverlappingPairs=1,
            enableConeFriction=1,
        )
        api.setGravity(0, 0, -GRAVITY)
        self._counters = _Counters()

    @property
    def time(self) -> float:
        """Simulated seconds since the last reset."""
        return self._counters.steps * TIMESTEP

    @property
    def steps(self) -> int:
        """Physics steps since the last reset."""
        return self._counters.steps

    def step(self, count: int = 1) -> None:
        """Takes physics steps."""
        observer = self._observer
        for _ in range(count):
            self.api.stepSimulation()
            self._counters.steps += 1
            if observer is not None and self._counters.steps % observer[0] == 0:
                observer[1]()

    def observe(self, callback: Callable[[], None] | None, every: int = 1) -> None:
        """Registers a callback that is called after physics steps, such as a film camera.

        It must not change the world. It is not called within :meth:`trial`.

        Args:
            callback: The callback, which replaces the previous one; ``None`` removes it.
            every: Physics steps between two calls, counted from the last reset.
        """
        self._observer = None if callback is None else (every, callback)

    def command(self, body: int, joints: Sequence[int], commands: Sequence[Command]) -> None:
        """Sends commands to joints; they stay in force until replaced."""
        api = self.api
        for joint, c in zip(joints, commands, strict=True):
            self._counters.commands[body, joint] = c
            if c.target is None:
                api.setJointMotorControl2(
                    body, joint, api.VELOCITY_CONTROL, targetVelocity=c.velocity, force=c.force
                )
            else:
                api.setJointMotorControl2(
                    body,
                    joint,
                    api.POSITION_CONTROL,
                    targetPosition=c.target,
                    targetVelocity=c.velocity,
                    force=c.force,
                    positionGain=c.position_gain,
                    velocityGain=c.velocity_gain,
                )

    def save(self) -> Snapshot:
        """Saves the state in memory (about 300 kB) until :meth:`forget` or a reset."""
        return Snapshot(
            self.api.saveState(), self.bodies(), dict(self._counters.commands), self.steps
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Restores a saved state, bit for bit.

        PyBullet does not save motor targets, so the commands then in force are sent again.

        Raises:
            HarnessError: Bodies were added or removed since.
        """
        if snapshot.bodies != self.bodies():
            raise HarnessError("bodies were added or removed since this state was saved")
        self.api.restoreState(snapshot.number)
        self._counters = _Counters(snapshot.steps, {})
        for (body, joint), command in snapshot.commands.items():
            self.command(body, [joint], [command])

    def forget(self, snapshot: Snapshot) -> None:
        """Frees a saved state."""
        self.api.removeState(snapshot.number)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Restores the state on exit, even after an exception."""
        snapshot = self.save()
        observer, self._observer = self._observer, None
        try:
            yield
        finally:
            self._observer = observer
            self.restore(snapshot)
            self.forget(snapshot)

    def bodies(self) -> tuple[int, ...]:
        """Returns the ids of all bodies."""
        return tuple(self.api.getBodyUniqueId(i) for i in range(self.api.getNumBodies()))

    def state_hash(self) -> str:
        """Returns a SHA-256 of the poses and velocities of all bodies and joints."""
        api = self.api
        digest = hashlib.sha256(struct.pack("<q", self.steps))
        for body in self.bodies():
            values = [*sum(api.getBasePositionAndOrientation(body), ())]
            values += sum(api.getBaseVelocity(body), ())
            for joint in range(api.getNumJoints(body)):
                values += api.getJointState(body, joint)[:2]
            digest.update(struct.pack(f"<q{len(values)}d", body, *values))
        return digest.hexdigest()

    def close(self) -> None:
        """Ends the client; later calls have no effect."""
        if not self._closed:
            self._closed = True
            self.api.disconnect()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
