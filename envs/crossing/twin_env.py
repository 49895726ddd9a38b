"""The twin as a Gymnasium environment, ``surefoot/CrossingTwin-v0``."""

from __future__ import annotations

from random import Random
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from surefoot.core.errors import InputError
from surefoot.envs.crossing.log import EpisodeLog
from surefoot.envs.crossing.skills import ACTION_NAMES, WAIT_STEPS, CrossingAction
from surefoot.envs.crossing.tasks import check_difficulty, check_task, instruction_of
from surefoot.envs.crossing.twin import PAST, Twin, TwinState
from surefoot.envs.crossing.world import STEP_SECONDS, CrossingOutcome


class CrossingTwinEnv(gymnasium.Env[dict[str, Any], np.int64]):
    """The crossing without physics or images; see :mod:`surefoot.envs.crossing.twin`.

    Tasks, actions, rewards and options are those of ``surefoot/Crossing-v0``; so are, in the
    info, ``task``, ``instruction``, ``difficulty``, ``seed``, ``labels`` and ``outcome``. Time is
    counted as 0.5 s per decision step.

    | key | shape, type | range | what |
    |---|---|---|---|
    | labels | (7,) int8 | 0, 1 | ``labels.OBSERVATIONS`` as they are now |
    | stage | Discrete(3) | | 0 before the stop line, 1 on the crossing, 2 past it |

    Args:
        task: One of the six tasks; ``reset(options={"task": ...})`` changes it.
        difficulty: How much traffic, from 0 to 1; ``options`` change it too.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        task: str = "straight-at-light",
        difficulty: float = 0.5,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        self.twin = Twin(task, difficulty)
        self.difficulty = float(difficulty)
        self.state: TwinState | None = None
        self.log = EpisodeLog()
        self._rng = Random(0)
        self._seed = 0
        self.observation_space = spaces.Dict(
            {"labels": spaces.MultiBinary(7), "stage": spaces.Discrete(3)}
        )
        self.action_space = spaces.Discrete(len(CrossingAction))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begins an episode; the same seed and options give the same one.

        Raises:
            InputError: There is no such option, task or difficulty.
        """
        super().reset(seed=seed)
        chosen = dict(options or {})
        task = chosen.pop("task", self.twin.task)
        difficulty = chosen.pop("difficulty", self.difficulty)
        if chosen:
            raise InputError(f"unknown option {min(chosen)!r}; there are task and difficulty")
        check_task(task)
        check_difficulty(difficulty)
        self.twin, self.difficulty = Twin(task, difficulty), float(difficulty)
        self._seed = seed if seed is not None else int(self.np_random.integers(2**31))
        self._rng = Random(f"crossing-twin:{task}:{self._seed}")
        options_now = self.twin.initial()
        state = self._rng.choices([s for _, s in options_now], [p for p, _ in options_now])[0]
        for _ in range(20):  # so that traffic is under way
            state = self.twin.sample(state, CrossingAction.STOP, self._rng)
        self.state, self.log = state, EpisodeLog()
        return self._observe(state), self._info(state)

    def step(
        self, action: np.int64 | int
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Performs an action.

        Raises:
            InputError: There is no such action, or no episode under way.
        """
        state = self.state
        if not self.action_space.contains(np.int64(action)):
            raise InputError(f"actions are 0 to 4 ({', '.join(ACTION_NAMES)}), not {action!r}")
        if state is None or state.end:
            raise InputError("no episode is under way; call reset")
        chosen = CrossingAction(int(action))
        before = self.twin.observations(state)
        for _ in range(WAIT_STEPS if chosen is CrossingAction.WAIT else 1):
            seen, done = self.twin.observations(state), self.twin.actions(state, chosen)
            self.log.times.append(len(self.log.rows) * STEP_SECONDS)
            self.log.rows.append(np.concatenate([seen, done]))
            state = self.twin.sample(state, chosen, self._rng)
            if state.end or not np.array_equal(before, self.twin.observations(state)):
                break
        self.state = state
        reward = 0.0 if not state.end else 1.0 if state.end == CrossingOutcome.GOAL.value else -1.0
        return self._observe(state), reward, bool(state.end), False, self._info(state)

    def _observe(self, state: TwinState) -> dict[str, Any]:
        stage = 0 if state.place == 0 else 2 if state.place == PAST else 1
        labels = self.twin.observations(state).astype(np.int8)
        return {"labels": labels, "stage": np.int64(stage)}

    def _info(self, state: TwinState) -> dict[str, Any]:
        acts = self.log.rows[-1][7:] if self.log.rows else np.zeros(4, np.bool_)
        return {
            "task": self.twin.task,
            "instruction": instruction_of(self.twin.task),
            "difficulty": self.difficulty,
            "seed": self._seed,
            "labels": np.concatenate([self.twin.observations(state), acts]),
            "outcome": state.end,
        }
