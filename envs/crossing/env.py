"""The crossing as a Gymnasium environment, ``surefoot/Crossing-v0``."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.envs.crossing.labels import NAMES, observe
from surefoot.envs.crossing.log import EpisodeLog
from surefoot.envs.crossing.skills import ACTION_NAMES, CrossingAction, perform
from surefoot.envs.crossing.tasks import check_difficulty, check_task, draw_scene
from surefoot.envs.crossing.world import VIEWS, CrossingOutcome, CrossingSnapshot, CrossingWorld
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation

MAX_SECONDS = 120.0
"""Simulated seconds after which an episode is truncated."""

Observation = dict[str, Any]

_POSE_BOUNDS = np.array([-30, -30, -pi], np.float32), np.array([30, 30, pi], np.float32)


class CrossingEnv(gymnasium.Env[Observation, np.int64]):
    """A small car at a street crossing, which it has to pass by the rules.

    The vehicle begins standing 0.1 to 0.4 m before its stop line; traffic keeps to the right.

    ## Actions
    ``Discrete(5)``; each is a skill of one decision step of 0.5 s.

    | number | name | what the vehicle does |
    |---|---|---|
    | 0 | stop | brakes and stands |
    | 1 | straight | drives; at the line: straight over the crossing |
    | 2 | left | drives; at the line: turns left |
    | 3 | right | drives; at the line: turns right |
    | 4 | wait | stands until an observation of the rulebook changes, 5 s at most |

    ## Observations
    A dictionary. The frame of the crossing has its origin in the middle of the crossing; the
    vehicle comes from the south, x is to its right and y ahead of it.

    | key | shape, type | unit, range | what |
    |---|---|---|---|
    | rgb | (size, size, 3) uint8 | 0 to 255 | front camera, 75 degrees, 0.36 m above ground |
    | rgb_left | as rgb | 0 to 255 | the same, turned 60 degrees to the left |
    | rgb_right | as rgb | 0 to 255 | the same, turned 60 degrees to the right |
    | speed | (1,) float32 | m/s, 0 to 5 | over the ground |
    | pose | (3,) float32 | m, m, rad; -30 to 30, -pi to pi | x, y of the middle of the rear axle \
and heading, 0 to the right, pi/2 ahead; frame of the crossing |
    | stage | Discrete(3) | | 0 front before the stop line, 1 on the crossing, 2 past it |
    | time | (1,) float32 | s, 0 to 200 | since the episode began |

    ## Reward and end
    1 for the goal, -1 for any other end, else 0. Terminated: the vehicle stands past the
    crossing on the right road (goal), touches something, leaves by another road, or does not
    stop within 1.6 m past the crossing. Truncated: after 120 simulated seconds (and by Gymnasium
    after ``max_episode_steps``).

    ## Info
    ``task``, ``instruction``, ``difficulty``, ``seed``; ``labels``: truth of the 11
    propositions of ``labels.NAMES``, bool (11,), observations as they are now and actions as in
    the last decision step; ``outcome``: ``""`` or how the episode ended; ``skill``, ``status``,
    ``reason``: of the last action. The whole log is :attr:`log`.

    Args:
        task: One of the six tasks; ``reset(options={"task": ...})`` changes it.
        difficulty: How much traffic, from 0 to 1; ``reset(options={"difficulty": ...})``
            changes it.
        views: Which cameras are observed, of ``front``, ``left`` and ``right``.
        size: Width and height of their images in pixels.
        render_mode: ``rgb_array`` or ``None``.
        render_view: Camera that :meth:`render` uses: any of ``world.VIEWS``.
        columns: Crossings of the street grid from west to east.
        rows: Crossings from south to north.
        faults: Faults of wheels, steering and cameras.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012

    def __init__(
        self,
        task: str = "straight-at-light",
        difficulty: float = 0.5,
        views: tuple[str, ...] = ("front", "left", "right"),
        size: int = 224,
        render_mode: str | None = None,
        render_view: str = "chase",
        columns: int = 2,
        rows: int = 1,
        faults: Faults | Mapping[str, Any] | None = None,
    ) -> None:
        check_task(task)
        check_difficulty(difficulty)
        if render_mode not in (None, "rgb_array"):
            raise InputError(f"unknown render mode {render_mode!r}; there is rgb_array")
        for view in (*views, render_view):
            if view not in VIEWS or (view in views and view in VIEWS[3:]):
                raise InputError(
                    f"unknown view {view!r}; observed can be {', '.join(VIEWS[:3])}, and "
                    f"rendered also {', '.join(VIEWS[3:])}"
                )
        if not 16 <= size <= 1024:
            raise InputError(f"images must be 16 to 1024 pixels wide, not {size}")
        self.task, self.difficulty = task, float(difficulty)
        self.views, self.size = tuple(views), size
        self.render_mode, self.render_view = render_mode, render_view
        self._grid = columns, rows
        self._faults = Faults(**faults) if isinstance(faults, Mapping) else faults or Faults()
        self._seed = 0
        self._simulation: Simulation | None = None
        self._world: CrossingWorld | None = None
        image = spaces.Box(0, 255, (size, size, 3), np.uint8)
        self.observation_space = spaces.Dict(
            {_key(view): image for view in self.views}
            | {
                "speed": spaces.Box(0, 5, (1,), np.float32),
                "pose": spaces.Box(*_POSE_BOUNDS),
                "stage": spaces.Discrete(3),
                "time": spaces.Box(0, 200, (1,), np.float32),
            }
        )
        self.action_space = spaces.Discrete(len(CrossingAction))

    @property
    def world(self) -> CrossingWorld:
        """The true state of the episode, for experts and graders.

        Raises:
            InputError: There has been no reset yet, or the environment is closed.
        """
        if self._world is None:
            raise InputError("call reset before anything else")
        return self._world

    @property
    def log(self) -> EpisodeLog:
        """The log of this episode."""
        return self.world.log

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode; the same seed and options give the same one.

        Args:
            seed: Seed of streets, traffic and faults; without it the next one is drawn.
            options: ``task`` and ``difficulty``; they persist for later episodes.

        Raises:
            InputError: There is no such option, task or difficulty.
        """
        super().reset(seed=seed)
        chosen = dict(options or {})
        task = chosen.pop("task", self.task)
        difficulty = chosen.pop("difficulty", self.difficulty)
        if chosen:
            raise InputError(f"unknown option {min(chosen)!r}; there are task and difficulty")
        self._seed = seed if seed is not None else int(self.np_random.integers(2**31))
        columns, rows = self._grid
        scene = draw_scene(task, difficulty, self._seed, columns=columns, rows=rows)
        self.task, self.difficulty = task, float(difficulty)
        try:
            self._simulation = self._simulation or Simulation()
            self._world = CrossingWorld(
                self._simulation, scene, self._seed, self._faults, self.size
            )
            return self._observe(), self._info()
        except BaseException:
            self.close()
            raise

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Performs an action.

        Raises:
            InputError: There is no such action, or the episode has ended.
        """
        world = self.world
        if not self.action_space.contains(np.int64(action)):
            raise InputError(f"actions are 0 to 4 ({', '.join(ACTION_NAMES)}), not {action!r}")
        if world.outcome() is not None:
            raise InputError("the episode has ended; call reset")
        try:
            perform(world, CrossingAction(int(action)))
            outcome = world.outcome()
            reward = 0.0 if outcome is None else 1.0 if outcome is CrossingOutcome.GOAL else -1.0
            truncated = outcome is None and world.time >= MAX_SECONDS
            return self._observe(), reward, outcome is not None, truncated, self._info()
        except BaseException:
            self.close()
            raise

    def render(self) -> NDArray[np.uint8] | None:
        """Returns an image of 360 by 480 pixels, uint8 (360, 480, 3)."""
        if self.render_mode is None:
            return None
        return self.world.look(self.render_view).rgb

    def save(self) -> CrossingSnapshot:
        """Saves the state of the episode; see :meth:`CrossingWorld.save`."""
        return self.world.save()

    def restore(self, saved: CrossingSnapshot) -> None:
        """Restores a saved state of this episode."""
        self.world.restore(saved)

    def close(self) -> None:
        """Ends the simulation; later calls have no effect."""
        if self._simulation is not None:
            self._simulation.close()
        self._simulation = self._world = None

    def _observe(self) -> Observation:
        world = self.world
        scene, pose = world.scene, world.vehicle.pose()
        x, y = world.crossing.from_world(scene.arm, pose.x, pose.y)
        yaw = (pose.yaw - scene.arm * pi / 2 + pi) % (2 * pi) - pi
        stage = 2 if world.past() else 1 if world.over_line() else 0
        images = {_key(view): world.look(view).rgb for view in self.views}
        return images | {
            "speed": np.array([min(world.vehicle.speed(), 5.0)], np.float32),
            "pose": np.array([x, y, yaw], np.float32).clip(*_POSE_BOUNDS),
            "stage": np.int64(stage),
            "time": np.array([min(world.time, 200.0)], np.float32),
        }

    def _info(self) -> dict[str, Any]:
        world = self.world
        outcome = world.outcome()
        last = world.log.results[-1] if world.log.results else None
        rows = world.log.rows
        acts = rows[-1][7:] if rows else np.zeros(4, np.bool_)
        labels = np.concatenate([observe(world.situation()), acts])
        assert len(labels) == len(NAMES)
        return {
            "task": world.scene.task,
            "instruction": world.scene.instruction,
            "difficulty": self.difficulty,
            "seed": self._seed,
            "labels": labels,
            "outcome": "" if outcome is None else outcome.value,
            "skill": last.skill if last else "",
            "status": last.status.value if last else "",
            "reason": last.reason if last else "",
        }


def _key(view: str) -> str:
    return "rgb" if view == "front" else f"rgb_{view}"
