"""The crossing without physics, with what a model said of real images of like moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from surefoot.agents.environments.bank import BankedView, ViewBank
from surefoot.agents.environments.base import NO_IMAGE, ActionResult, EpisodeEnd, RgbImage
from surefoot.agents.environments.crossing import ACTIONS, HOME
from surefoot.agents.environments.driving import LINE, ON_CROSSING, PAST, DrivingAgentEnv
from surefoot.agents.perception.crossing_facts import (
    ARROW,
    CLOSED,
    GREEN,
    LIGHT,
    NO_LIGHT,
    crossing_questions,
)
from surefoot.agents.perception.perceiver import RecallingPerceiver
from surefoot.agents.perception.questions import NO, YES, FactQuestion
from surefoot.agents.perception.views import BEARINGS, pan_cost
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.labels import OBSERVATIONS
from surefoot.envs.crossing.skills import CrossingAction
from surefoot.envs.crossing.twin_env import CrossingTwinEnv
from surefoot.envs.crossing.world import STEP_SECONDS, CrossingOutcome

MAX_STEPS = 240
"""Decision steps of an episode at most, as many as in physics."""


class CrossingTwinAgentEnv(DrivingAgentEnv):
    """See :class:`~surefoot.agents.environments.base.AgentEnv`.

    Args:
        env: A twin after its reset.
        info: What the reset returned.
        bank: Images, each with a model's answers.
        perceiver: Is shown the images.
    """

    def __init__(
        self,
        env: CrossingTwinEnv,
        info: Mapping[str, Any],
        bank: ViewBank,
        perceiver: RecallingPerceiver,
    ) -> None:
        self._env, self._bank, self._perceiver = env, bank, perceiver
        super().__init__(str(info["task"]), int(info["seed"]), str(info["instruction"]))
        self._turn = Turn(self.task.partition("-at-")[0])
        self._rng = Random(f"twin-pictures:{self.task}:{self.seed}")
        self._info: Mapping[str, Any] = info
        self._view = HOME
        self._fresh = False
        self._stage = 0
        self._snaps: dict[str, BankedView] = {}
        self._ended = False
        self._steps = 0

    def questions(self, view: str) -> tuple[FactQuestion, ...]:
        """As in physics."""
        over = self.where() != LINE
        return tuple(crossing_questions(view, self._turn, over_line=over))

    def views(self) -> tuple[str, ...]:
        """As in physics."""
        return tuple(BEARINGS) if self.where() == LINE else (HOME,)

    def cost(self, view: str) -> float:
        """As in physics."""
        return pan_cost(self._view, view).seconds

    def look(self, view: str) -> RgbImage:
        """Draws an image of what is true after the steps that looking takes."""
        if view != HOME or not self._fresh:
            for _ in range(round(self.cost(view) / STEP_SECONDS)):
                if not self._ended:
                    self._step(CrossingAction.STOP)
        self._view, self._fresh = view, False
        if not self._snaps:
            self._snaps = self._bank.draw(self.task, self.truth(), self._rng)
        self._perceiver.shown = self._snaps[view].answers
        return NO_IMAGE

    def truth(self) -> dict[str, str]:
        """The twin's observations, as answers to what is asked now."""
        labels = self._info["labels"][: len(OBSERVATIONS)]
        held = {n for n, on in zip(OBSERVATIONS, labels, strict=True) if on}
        asked = [q.fact for q in self.questions(HOME)]
        found = {f: YES if f in held else NO for f in asked if f != LIGHT}
        if LIGHT in asked:
            at_light = self.task.endswith(LIGHT)
            shown = GREEN if "green_light" in held else ARROW if "green_left" in held else CLOSED
            found[LIGHT] = shown if at_light else NO_LIGHT
        return found

    def where(self) -> str:
        """Where the vehicle is."""
        return (LINE, ON_CROSSING, PAST)[self._stage]

    def do(self, action: str) -> ActionResult:
        """Takes one decision step."""
        self._step(ACTIONS[action])
        self._fresh, self._view = True, HOME
        return ActionResult(action, True)

    def trace(self) -> Sequence[frozenset[str]]:
        """The labels of every decision step so far."""
        return self._env.log.names()

    def end(self) -> EpisodeEnd:
        """How the episode stands."""
        outcome = self._info["outcome"]
        if not outcome:
            return EpisodeEnd(self._steps >= MAX_STEPS, False, "not over the crossing in time")
        good = outcome == CrossingOutcome.GOAL.value
        return EpisodeEnd(True, good, "" if good else outcome, float(good))

    def seconds(self) -> float:
        """Half a second a step."""
        return self._steps * STEP_SECONDS

    def close(self) -> None:
        """There is nothing to give back."""

    def _step(self, action: CrossingAction) -> None:
        observation, _, self._ended, _, self._info = self._env.step(int(action))
        self._stage = int(observation["stage"])
        self._steps += 1
        self._snaps = {}
