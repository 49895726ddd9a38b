"""The tabletop as a Gymnasium environment, ``surefoot/Tabletop-v0``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from surefoot.core.config import check_config
from surefoot.core.errors import InputError
from surefoot.envs.cameras.camera import CameraPose, Frame, Lens
from surefoot.envs.cameras.rig import FREE, FixedCamera, FreeCamera, MountedCamera, Rig
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.skills import SkillResult, SkillStatus
from surefoot.envs.tabletop.actions import MAX_ACTIONS, RING, Actions
from surefoot.envs.tabletop.episode import (
    EpisodeChoice,
    check_options,
    episode_info,
    episode_seed,
    step_info,
)
from surefoot.envs.tabletop.skills import Skills
from surefoot.envs.tabletop.state import Facts, goal_holds, read_facts
from surefoot.envs.tabletop.tasks import make_tabletop
from surefoot.envs.tabletop.world import TabletopSnapshot, TabletopWorld
from surefoot.pddl.language import PlanStep

FRONT = CameraPose((1.14, 0.0, 0.78), (0.46, 0.0, 0.0))
"""The fixed camera in front of the robot, metres, world frame."""

Observation = dict[str, Any]


class TabletopEnv(gymnasium.Env[Observation, np.int64]):
    """A Panda arm at a table with blocks, pads, plates, bowls, bins and boxes with lids.

    The world frame has its origin in the robot's foot, x away from the robot, y to its left, z
    upwards; the table top is z = 0. The robot starts with an empty hand.

    ## Actions
    ``Discrete(256)``: a number into ``info["actions"]``, the actions of this episode as text.
    They are the ground actions of the planning task, such as ``(pick red-block the-table)``,
    then ``(home)``, ``(look V)`` for each of 25 viewpoints and ``(push B D)`` for each block
    and the directions left, right, away and near. ``info["action_mask"]`` marks those whose
    precondition holds now; any other is refused and changes nothing.

    ## Observations
    A dictionary. Images are those of the movable camera, which starts at viewpoint ``front``.

    | key | shape, type | unit, range | what |
    |---|---|---|---|
    | rgb | (size, size, 3) uint8 | 0 to 255 | colours |
    | depth | (size, size) float32 | m, 0 to 5 | distance along the optical axis |
    | segmentation | (size, size) int32 | -1 to 255 | body of every pixel, ``info["bodies"]`` |
    | robot | (25,) float32 | see below, -100 to 100 | joints and gripper |

    | index of robot | unit | what |
    |---|---|---|
    | 0 to 6 | rad | joint angles |
    | 7 to 13 | rad/s | joint velocities |
    | 14, 15 | m | distance of each finger from the middle, 0 to 0.04 |
    | 16 to 18 | m | position of the point between the finger tips, world frame |
    | 19 to 22 | | its orientation, quaternion x, y, z, w, world frame |
    | 23, 24 | | whether each finger touches something, 0 or 1 |

    ## Reward and end
    1 for the step that reaches the goal, else 0. Terminated when the goal's facts hold in
    physics; truncated by Gymnasium after ``max_episode_steps``.

    ## Info
    ``task``, ``difficulty``, ``seed``, ``instruction``, ``actions``, ``bodies``; ``facts``: the
    true facts as sorted text; ``action_mask``; ``goal_share``: fraction of the goal's facts
    that hold; ``attributes``: kind, colour, shape and size of everything; ``hidden``: the shut box
    of each block that lies in one; after a step ``action``, ``status``, ``reason`` and
    ``seconds`` (simulated) of its skill.

    Args:
        task: One of the tasks; ``reset(options={"task": ...})`` changes it.
        difficulty: ``easy``, ``medium`` or ``hard``; also an option of ``reset``.
        size: Width and height of the images in pixels.
        render_mode: ``rgb_array`` or ``None``.
        faults: Faults of the robot and its cameras.

    Attributes:
        on_tick: Called 60 times per simulated second while a skill runs; ``True`` interrupts it.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": ["rgb_array"],
        "render_fps": 2,
    }

    def __init__(
        self,
        task: str = "tidy",
        difficulty: str = "medium",
        size: int = 224,
        render_mode: str | None = None,
        faults: Faults | Mapping[str, Any] | None = None,
    ) -> None:
        self._choice = EpisodeChoice.checked(task, difficulty)
        if render_mode not in (None, "rgb_array"):
            raise InputError(f"no render mode {render_mode!r}; there is rgb_array")
        if not 16 <= size <= 1024:
            raise InputError(f"images must be 16 to 1024 pixels wide, not {size}")
        self.render_mode = render_mode
        self.on_tick: Callable[[TabletopWorld], bool] | None = None
        self._size = size
        given = faults if isinstance(faults, Faults) else check_config(Faults, faults or {})
        self._faults = given
        self._simulation: Simulation | None = None
        self._episode: _Episode | None = None
        self.action_space = spaces.Discrete(MAX_ACTIONS)
        self.observation_space = spaces.Dict(
            {
                "rgb": spaces.Box(0, 255, (size, size, 3), np.uint8),
                "depth": spaces.Box(0, 5, (size, size), np.float32),
                "segmentation": spaces.Box(-1, 255, (size, size), np.int32),
                "robot": spaces.Box(-100, 100, (25,), np.float32),
            }
        )

    @property
    def world(self) -> TabletopWorld:
        """The bodies and the robot of this episode."""
        return self._now().world

    @property
    def skills(self) -> Skills:
        """The robot's skills in this episode."""
        return self._now().skills

    @property
    def actions(self) -> Actions:
        """The numbered actions of this episode."""
        return self._now().actions

    @property
    def rig(self) -> Rig:
        """The cameras: ``front``, ``wrist`` and the movable ``free``."""
        return self._now().rig

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode.

        Args:
            seed: Seed of the scene; random by default.
            options: ``task`` and ``difficulty``, which persist until changed again.

        Raises:
            InputError: There is no such option, task or difficulty.
        """
        super().reset(seed=seed)
        self._choice = check_options(self._choice, options)
        number = episode_seed(seed, self.np_random)
        instance = make_tabletop(self._choice.task, self._choice.difficulty, number)
        if self._simulation is None:
            self._simulation = Simulation()
        world = TabletopWorld(self._simulation, instance.scene, self._faults, number)
        skills = Skills(world, instance.task, number)
        skills.watcher = self._watch
        lens = Lens(self._size, self._size)
        cameras: dict[str, FixedCamera | MountedCamera] = {
            "front": FixedCamera(FRONT, lens),
            "wrist": MountedCamera(
                world.robot.body, 8, lens=Lens(self._size, self._size, fov=75.0)
            ),
        }
        rig = Rig(
            self._simulation,
            cameras,
            FreeCamera(RING, lens=lens),
            faults=self._faults,
            seed=number,
            advance=skills.wait,
        )
        self._episode = _Episode(world, skills, rig, Actions.of(instance))
        facts = read_facts(world)
        info = episode_info(self.actions, facts) | {"bodies": dict(world.bodies)}
        return self._observe(), info

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Runs the skill of an action.

        Args:
            action: Its number.

        Raises:
            InputError: There has been no reset.
        """
        episode = self._now()
        number = int(action)
        if not 0 <= number < len(episode.actions.steps):
            result = SkillResult(
                f"action {number}",
                SkillStatus.REFUSED,
                f"there are {len(episode.actions.steps)} actions in this episode",
            )
        else:
            result = self.act(episode.actions.steps[number])
        facts = read_facts(episode.world)
        done = goal_holds(episode.actions.ground, facts)
        reward = float(done and not episode.reached)
        episode.reached = done
        info = step_info(episode.actions, facts, result) | {"bodies": dict(episode.world.bodies)}
        return self._observe(), reward, done, False, info

    def act(self, step: PlanStep) -> SkillResult:
        """Runs a skill by name, without rendering an observation."""
        episode = self._now()
        match step.action:
            case "home":
                return episode.skills.home()
            case "push":
                return episode.skills.push(*step.args)
            case "look":
                result, episode.look_frame = episode.skills.look(episode.rig, step.args[0])
                return result
            case _:
                return episode.skills.run(step)

    def facts(self) -> Facts:
        """Reads the facts that hold now from physics."""
        return read_facts(self.world)

    def save(self) -> Any:
        """Saves the whole state in memory; see :meth:`restore`."""
        episode = self._now()
        return episode.world.save(), episode.skills.save(), episode.rig.save(), episode.reached

    def restore(self, saved: Any) -> None:
        """Restores a saved state of this episode; it then continues bit for bit the same."""
        episode = self._now()
        world, skills, rig, episode.reached = saved
        episode.world.restore(world)
        episode.skills.restore(skills)
        episode.rig.restore(rig)

    def forget(self, saved: Any) -> None:
        """Frees a saved state."""
        world: TabletopSnapshot = saved[0]
        self.world.forget(world)

    def render(self) -> NDArray[np.uint8] | None:
        """Returns the front camera's image, uint8 ``[size, size, 3]``."""
        if self.render_mode is None:
            return None
        return self.rig.frame("front").rgb

    def close(self) -> None:
        """Ends the simulation; later calls have no effect."""
        if self._simulation is not None:
            self._simulation.close()
        self._simulation = self._episode = None

    def _now(self) -> _Episode:
        if self._episode is None:
            raise InputError("call reset before anything else")
        return self._episode

    def _watch(self) -> bool:
        return self.on_tick is not None and self.on_tick(self.world)

    def _observe(self) -> Observation:
        episode = self._now()
        frame = episode.look_frame or self.rig.frame(FREE)
        episode.look_frame = None
        return {
            "rgb": frame.rgb,
            "depth": np.minimum(frame.depth, np.float32(5)),
            "segmentation": frame.segmentation,
            "robot": np.clip(self.world.robot.state(), -100, 100),
        }


class _Episode:
    """State of one episode."""

    def __init__(self, world: TabletopWorld, skills: Skills, rig: Rig, actions: Actions) -> None:
        self.world = world
        self.skills = skills
        self.rig = rig
        self.actions = actions
        self.reached = False
        self.look_frame: Frame | None = None
