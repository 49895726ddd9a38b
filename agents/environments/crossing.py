"""The crossing in physics, as an agent meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surefoot.agents.environments.base import ActionResult, EpisodeEnd, RgbImage
from surefoot.agents.environments.driving import LINE, ON_CROSSING, PAST, DrivingAgentEnv
from surefoot.agents.perception.crossing_facts import crossing_questions, crossing_truth
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.views import BEARINGS, expose, look, pan_cost
from surefoot.envs.crossing.env import MAX_SECONDS, CrossingEnv
from surefoot.envs.crossing.labels import DOING
from surefoot.envs.crossing.skills import CrossingAction
from surefoot.envs.crossing.world import CrossingOutcome

HOME = "front"
"""The view in which the camera rests; after every step there is an image from it."""

ACTIONS = {"stop": CrossingAction.STOP} | {
    name: CrossingAction[turn.name] for turn, name in DOING.items()
}
"""Actions of driving programs, by name."""


class CrossingAgentEnv(DrivingAgentEnv):
    """See :class:`~surefoot.agents.environments.base.AgentEnv`.

    Args:
        env: An environment after its reset.
        info: What the reset returned.
    """

    def __init__(self, env: CrossingEnv, info: Mapping[str, Any]) -> None:
        self._env, self._world = env, env.world
        super().__init__(str(info["task"]), int(info["seed"]), str(info["instruction"]))
        self._view = HOME
        self._before: RgbImage | None = None
        self._fresh = False
        self._world.halfway = self._expose

    def questions(self, view: str) -> tuple[FactQuestion, ...]:
        """The driver's questions; on the crossing the light and the sign are behind."""
        over = self._world.over_line()
        return tuple(crossing_questions(view, self._world.turn, over_line=over))

    def views(self) -> tuple[str, ...]:
        """``front``, ``left`` and ``right``; from the crossing only ahead."""
        return tuple(BEARINGS) if not self._world.over_line() else (HOME,)

    def cost(self, view: str) -> float:
        """Seconds of standing while the camera turns and exposes."""
        return pan_cost(self._view, view).seconds

    def look(self, view: str) -> RgbImage:
        """Takes an image; ahead it costs nothing right after a step."""
        if view == HOME and self._fresh and self._before is not None:
            self._fresh = False
            self._view = HOME
            return expose(self._before, self._world.look(HOME).rgb)
        self._world.halfway = None
        try:
            image = look(self._world, view, self._view)
        finally:
            self._world.halfway = self._expose
        self._view = view
        self._fresh = False
        return image

    def truth(self) -> dict[str, str]:
        """The labels of the simulator, as answers to what is asked now."""
        asked = {q.fact for q in self.questions(HOME)}
        found = crossing_truth(self._world.situation())
        return {fact: option for fact, option in found.items() if fact in asked}

    def where(self) -> str:
        """Where the vehicle is, from its wheels."""
        if self._world.past():
            return PAST
        return ON_CROSSING if self._world.over_line() else LINE

    def number(self, action: str) -> int:
        """Returns the environment's number of an action."""
        return int(ACTIONS[action])

    def done(self, action: str, info: Mapping[str, Any]) -> ActionResult:
        """Reads the result of an action from the environment's info."""
        self._fresh = True
        self._view = HOME
        return ActionResult(action, info["status"] == "done", str(info["reason"]))

    def do(self, action: str) -> ActionResult:
        """Drives one decision step."""
        return self.done(action, self._env.step(self.number(action))[4])

    def trace(self) -> Sequence[frozenset[str]]:
        """The labels of every decision step so far."""
        return self._world.log.names()

    def end(self) -> EpisodeEnd:
        """How the episode stands."""
        found = self._world.outcome()
        if found is None:
            return EpisodeEnd(
                self._world.time >= MAX_SECONDS, False, "not over the crossing in time"
            )
        hits = self._world.log.collisions
        why = f"collision with {hits[0]}" if hits else found.value
        good = found is CrossingOutcome.GOAL
        return EpisodeEnd(True, good, "" if good else why, float(good))

    def seconds(self) -> float:
        """Simulated seconds so far."""
        return self._world.time

    def close(self) -> None:
        """Ends the simulation."""
        self._env.close()

    def _expose(self) -> None:
        self._before = np.array(self._world.look(HOME).rgb)
