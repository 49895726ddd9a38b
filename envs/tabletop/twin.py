"""The tabletop without physics: same tasks, actions and info, a thousand times as fast."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from surefoot.core.errors import InputError
from surefoot.envs.skills import SkillResult, SkillStatus
from surefoot.envs.tabletop.actions import MAX_ACTIONS, Actions
from surefoot.envs.tabletop.episode import (
    EpisodeChoice,
    check_options,
    episode_info,
    episode_seed,
    step_info,
)
from surefoot.envs.tabletop.state import Facts, goal_holds, push_needs, successor
from surefoot.envs.tabletop.tasks import make_tabletop
from surefoot.pddl.conditions import unsatisfied
from surefoot.pddl.language import PlanStep

MAX_FACTS = 256
"""Size of the observation; no task has more possible facts."""

Observation = dict[str, Any]


class TabletopTwin(gymnasium.Env[Observation, np.int64]):
    """The symbolic tabletop: every skill has the effects of the domain at once, and never fails.

    Actions, reward, end and info are those of
    :class:`~surefoot.envs.tabletop.env.TabletopEnv` (without ``bodies``; ``seconds`` is 0). A
    push and a look change nothing.

    ## Observations

    | key | shape, type | unit, range | what |
    |---|---|---|---|
    | facts | (256,) int8 | 0 or 1 | which of ``info["fact_names"]`` hold |

    Args:
        task: One of the tasks; ``reset(options={"task": ...})`` changes it.
        difficulty: ``easy``, ``medium`` or ``hard``; also an option of ``reset``.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "render_modes": []
    }

    def __init__(self, task: str = "tidy", difficulty: str = "medium") -> None:
        self._choice = EpisodeChoice.checked(task, difficulty)
        self._actions: Actions | None = None
        self._facts: Facts = frozenset()
        self._names: tuple[str, ...] = ()
        self._reached = False
        self.action_space = spaces.Discrete(MAX_ACTIONS)
        self.observation_space = spaces.Dict({"facts": spaces.MultiBinary(MAX_FACTS)})

    @property
    def actions(self) -> Actions:
        """The numbered actions of this episode."""
        if self._actions is None:
            raise InputError("call reset before anything else")
        return self._actions

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Starts an episode, as the simulator does.

        Raises:
            InputError: There is no such option, task or difficulty.
        """
        super().reset(seed=seed)
        self._choice = check_options(self._choice, options)
        number = episode_seed(seed, self.np_random)
        instance = make_tabletop(self._choice.task, self._choice.difficulty, number)
        self._actions = Actions.of(instance)
        self._facts = instance.task.problem.init
        self._reached = False
        ground = self._actions.ground
        possible = set(self._facts)
        for step in self._actions.steps:
            if step.action in ground.task.domain.actions:
                possible |= ground.facts(ground.ground(step).adds)
        self._names = tuple(sorted(map(str, possible)))
        return self._observe(), self._with_names(episode_info(self._actions, self._facts))

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Applies an action."""
        actions, number = self.actions, int(action)
        if not 0 <= number < len(actions.steps):
            result = SkillResult(
                f"action {number}",
                SkillStatus.REFUSED,
                f"there are {len(actions.steps)} actions in this episode",
            )
        else:
            result = self.act(actions.steps[number])
        done = goal_holds(actions.ground, self._facts)
        reward = float(done and not self._reached)
        self._reached = done
        info = self._with_names(step_info(actions, self._facts, result))
        return self._observe(), reward, done, False, info

    def act(self, step: PlanStep) -> SkillResult:
        """Applies an action by name."""
        ground = self.actions.ground
        if step.action in ("home", "look"):
            return SkillResult(str(step), SkillStatus.DONE)
        if step.action == "push":
            missing = push_needs(step.args[0], self._facts)
        else:
            state = {ground.number(f.predicate, *f.args) for f in self._facts}
            missing = list(unsatisfied(ground.ground(step).precondition, state))
        if missing:
            reason = f"does not hold: {', '.join(missing)}"
            return SkillResult(str(step), SkillStatus.REFUSED, reason)
        if step.action != "push":
            self._facts = successor(ground, self._facts, step)
        return SkillResult(str(step), SkillStatus.DONE)

    def facts(self) -> Facts:
        """Returns the facts that hold now."""
        return self._facts

    def save(self) -> Any:
        """Saves the state; see :meth:`restore`."""
        return self._facts, self._reached

    def restore(self, saved: Any) -> None:
        """Restores a saved state of this episode."""
        self._facts, self._reached = saved

    def _with_names(self, info: dict[str, Any]) -> dict[str, Any]:
        return info | {"fact_names": self._names}

    def _observe(self) -> Observation:
        true = set(map(str, self._facts))
        facts = np.zeros(MAX_FACTS, np.int8)
        facts[: len(self._names)] = [name in true for name in self._names]
        return {"facts": facts}
