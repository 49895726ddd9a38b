"""The cameras of a robot: fixed ones, ones on a link, and one that can be moved at a cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from surefoot.core.errors import InputError
from surefoot.envs.cameras.camera import CameraPose, Frame, Lens, render
from surefoot.envs.cameras.viewpoints import Motion, MotionLimits, Point, Ring, link_pose, motion
from surefoot.envs.perturbations.base import RandomSource
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import TIMESTEP, Simulation

FREE = "free"
"""Name of the movable camera."""

WRIST_OFFSET = (0.07, 0.0, 0.02)
"""Where a camera sits on the Panda's hand, metres, frame of link 8."""


@dataclass(frozen=True, slots=True)
class FixedCamera:
    """A camera at a fixed pose.

    Attributes:
        pose: Its pose, world frame.
        lens: Its lens.
    """

    pose: CameraPose
    lens: Lens = field(default_factory=Lens)


@dataclass(frozen=True, slots=True)
class MountedCamera:
    """A camera on a link of a body, such as a robot's wrist.

    Attributes:
        body: The body.
        link: Its link; -1 for the base.
        offset: Of the eye from the link's frame, metres, link frame.
        forward: Optical axis, link frame.
        up: Direction that is upwards in the image, link frame.
        lens: Its lens.
    """

    body: int
    link: int
    offset: Point = WRIST_OFFSET
    forward: Point = (0.0, 0.0, 1.0)
    up: Point = (1.0, 0.0, 0.0)
    lens: Lens = field(default_factory=lambda: Lens(fov=75.0))


@dataclass(frozen=True, slots=True)
class FreeCamera:
    """The movable camera.

    Attributes:
        ring: Its named viewpoints and the centre that it moves around.
        start: Name of the viewpoint at which it begins.
        limits: Limits on its motion and its poses.
        lens: Its lens.
    """

    ring: Ring
    start: str = "front"
    limits: MotionLimits = field(default_factory=MotionLimits)
    lens: Lens = field(default_factory=Lens)


@dataclass(frozen=True, slots=True)
class Look:
    """Result of a look.

    Attributes:
        frame: The image with the pose that the camera believes it has.
        motion: Cost of the move.
    """

    frame: Frame
    motion: Motion


@dataclass
class _Feed:
    """One camera's stream: number of frames taken, and delayed frames not yet delivered."""

    shots: int = 0
    moves: int = 0
    waiting: tuple[Frame, ...] = ()


class Rig:
    """Cameras in a simulation, with their faults.

    * pose error: the true pose of a camera deviates from the pose that its frames state, by
      one random offset per camera (a new one after each move of the movable camera);
    * delay: the first frame repeats until the delay is filled, then each frame is that many
      frames old; ``Frame.time`` is the time at which it was taken;
    * image perturbations: blur, fog and so on, drawn anew for each frame or for the episode;
    * dropped frames: the previous frame is returned again instead of a new one.

    Args:
        simulation: The world; all cameras see it.
        cameras: Fixed and mounted cameras by name; none may be called ``free``.
        free: The movable camera, if there is one.
        faults: Faults to apply.
        seed: Seed of the faults.
        advance: Lets simulated time pass, given seconds; physics steps by default.
        retouch: Paints what is not simulated, such as a sky, into new frames, before their
            perturbations.
    """

    def __init__(
        self,
        simulation: Simulation,
        cameras: Mapping[str, FixedCamera | MountedCamera],
        free: FreeCamera | None = None,
        *,
        faults: Faults | None = None,
        seed: int = 0,
        advance: Callable[[float], None] | None = None,
        retouch: Callable[[Frame], None] | None = None,
    ) -> None:
        if FREE in cameras:
            raise InputError(f"only the movable camera is called '{FREE}'")
        self._simulation = simulation
        self._cameras = dict(cameras)
        self._free = free
        self._faults = faults or Faults()
        self._images = Pipeline.build(self._faults.images)
        self._seed = seed
        self._advance = advance or self._step
        self._retouch = retouch
        self._feeds = {name: _Feed() for name in (*cameras, *([FREE] if free else []))}
        self._at = free.ring.pose(free.start) if free else None

    @property
    def names(self) -> tuple[str, ...]:
        """All cameras; the movable one is last and called ``free``."""
        return tuple(self._feeds)

    @property
    def free_pose(self) -> CameraPose | None:
        """Believed pose of the movable camera."""
        return self._at

    def pose(self, name: str) -> CameraPose:
        """Returns the believed pose of a camera.

        Raises:
            InputError: There is no such camera.
        """
        camera = self._camera(name)
        if isinstance(camera, FixedCamera):
            return camera.pose
        if isinstance(camera, MountedCamera):
            return link_pose(
                self._simulation.api,
                camera.body,
                camera.link,
                camera.offset,
                camera.forward,
                camera.up,
            )
        assert self._at is not None
        return self._at

    def frame(self, name: str) -> Frame:
        """Takes a frame with one camera.

        Returns:
            The delivered frame, which is an older one after a delay or a drop.

        Raises:
            InputError: There is no such camera.
        """
        pose = self.pose(name)
        feed, faults = self._feeds[name], self._faults
        feed.shots += 1
        lens = self._camera(name).lens
        drop = Random(f"{self._seed}:{name}:drop:{feed.shots}").random() < faults.dropped_frames
        if drop and feed.waiting:
            shot = feed.waiting[-1]
        else:
            real = self._real(name, pose, feed)
            seen = render(self._simulation.api, real, lens, self._simulation.time)
            if self._retouch is not None:
                self._retouch(seen)
            draws = RandomSource(self._seed, name, feed.shots)
            shot = self._images.frame(replace(seen, pose=pose), draws)
        feed.waiting = (*feed.waiting, shot)[-(faults.delay_frames + 1) :]
        return feed.waiting[0]

    def frames(self) -> dict[str, Frame]:
        """Takes a frame with every camera."""
        return {name: self.frame(name) for name in self.names}

    def cost(self, viewpoint: str | CameraPose) -> Motion:
        """Returns what moving the movable camera to a viewpoint would cost.

        Raises:
            InputError: There is no movable camera, or no such viewpoint.
        """
        free = self._movable()
        assert self._at is not None
        goal = free.ring.pose(viewpoint) if isinstance(viewpoint, str) else viewpoint
        return motion(self._at, goal, free.ring.centre, free.limits)

    def refusal(self, viewpoint: str | CameraPose) -> str:
        """Returns why the movable camera cannot take a pose; ``""`` if it can.

        Raises:
            InputError: There is no movable camera, or no such viewpoint.
        """
        free = self._movable()
        goal = free.ring.pose(viewpoint) if isinstance(viewpoint, str) else viewpoint
        return free.limits.refusal(goal, free.ring.centre)

    def look(self, viewpoint: str | CameraPose) -> Look:
        """Moves the movable camera and takes a frame; simulated time passes meanwhile.

        Args:
            viewpoint: A name of the ring, or a pose in the world frame.

        Raises:
            InputError: There is no movable camera, no such viewpoint, or it is out of reach.
        """
        wrong = self.refusal(viewpoint)
        if wrong:
            raise InputError(wrong)
        cost = self.cost(viewpoint)
        ring = self._movable().ring
        self._at = ring.pose(viewpoint) if isinstance(viewpoint, str) else viewpoint
        self._feeds[FREE].moves += 1
        self._advance(cost.seconds)
        return Look(self.frame(FREE), cost)

    def save(self) -> object:
        """Saves the streams and the movable camera's pose (not the physics)."""
        feeds = {n: (f.shots, f.moves, f.waiting) for n, f in self._feeds.items()}
        return self._at, feeds

    def restore(self, kept: object) -> None:
        """Restores what :meth:`save` returned."""
        assert isinstance(kept, tuple)
        self._at, feeds = kept
        self._feeds = {name: _Feed(*values) for name, values in feeds.items()}

    def _camera(self, name: str) -> FixedCamera | MountedCamera | FreeCamera:
        if name == FREE and self._free is not None:
            return self._free
        if name not in self._cameras:
            raise InputError(f"no camera '{name}'; there are {', '.join(self.names)}")
        return self._cameras[name]

    def _movable(self) -> FreeCamera:
        if self._free is None:
            raise InputError("there is no movable camera here")
        return self._free

    def _real(self, name: str, pose: CameraPose, feed: _Feed) -> CameraPose:
        sigma = self._faults.camera_position_error
        if not sigma:
            return pose
        rng = Random(f"{self._seed}:{name}:position:{feed.moves}")
        ex, ey, ez = (rng.gauss(0.0, sigma) for _ in range(3))
        x, y, z = pose.eye
        a, b, c = pose.target
        return CameraPose((x + ex, y + ey, z + ez), (a + ex, b + ey, c + ez), pose.up)

    def _step(self, seconds: float) -> None:
        self._simulation.step(round(seconds / TIMESTEP))
