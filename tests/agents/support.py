"""A perceiver whose errors are known, and a calibration that fits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from surefoot.agents.agent import Agent, Tools
from surefoot.agents.environments.base import AgentEnv, RgbImage
from surefoot.agents.guarantees import AgentCalibration, KindScores
from surefoot.agents.operator import make_operator
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.planning.base import AgentPlanner, PlanningContext, ProposedPlan
from surefoot.agents.planning.registry import make as make_planner
from surefoot.agents.sensing.strategies import AtRandom
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.arrays import Floats
from surefoot.core.chat import ReplyStatus

KINDS = (
    "light",
    "pedestrian",
    "opposite_car",
    "car_from_left",
    "car_from_right",
    "stop_sign",
    "place",
    "place-of-twin",
    "lid",
)


class Knowing:
    """Gives the true option a probability drawn from a beta law; some facts only in some views.

    Args:
        mean: Mean probability of the truth.
        wrong: Facts of which it says the opposite in the first view, sure of itself or not.
        unsure: Probability that it then gives to what it says.
    """

    identity = "knowing"

    def __init__(
        self, mean: float = 0.97, wrong: Sequence[str] = (), unsure: float = 0.6, seed: int = 0
    ) -> None:
        self.env: AgentEnv | None = None
        self.asked = 0
        self._mean, self._wrong, self._unsure = mean, set(wrong), unsure
        self._rng = np.random.default_rng(seed)

    def ask(self, image: RgbImage, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Answers from the truth."""
        assert self.env is not None
        truth = self.env.truth()
        self.asked += 1
        found = []
        for q in questions:
            right = q.options.index(truth[q.fact])
            chance = self._rng.beta(40 * self._mean, 40 * (1 - self._mean))
            said = right
            if q.fact in self._wrong and self.asked == 1:
                said, chance = (right + 1) % len(q.options), self._unsure
            answer = np.full(len(q.options), (1 - chance) / max(1, len(q.options) - 1))
            answer[said] = chance
            found.append(answer / answer.sum())
        return found


def calibration(env: str, mean: float = 0.97, n: int = 300) -> AgentCalibration:
    """Returns a calibration that fits :class:`Knowing`."""
    rng = np.random.default_rng(1)
    scores = {kind: rng.beta(40 * (1 - mean), 40 * mean, n) for kind in KINDS}
    kinds = {k: KindScores(tuple(np.sort(v).tolist())) for k, v in scores.items()}
    scenes = tuple(rng.uniform(size=(n, 6)).max(axis=1).tolist())
    return AgentCalibration(env, "knowing", "tiny", "", "", kinds, scenes, waits=scenes)


class Offering:
    """Proposes given texts, one set after the other."""

    name = "offering"

    def __init__(self, *rounds: Sequence[str | ReplyStatus]) -> None:
        self.contexts: list[PlanningContext] = []
        self._rounds = list(rounds)

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Gives the next set; the last one for ever."""
        self.contexts.append(context)
        texts = self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0]
        return [
            ProposedPlan("", 0.0, self.name, text)
            if isinstance(text, ReplyStatus)
            else ProposedPlan(text, 0.9, self.name)
            for text in texts
        ]


def agent_in(
    env: AgentEnv,
    perceiver: Any,
    planner: AgentPlanner | str,
    strategy: Any = None,
    **settings: Any,
) -> Agent:
    """Returns an agent whose perceiver sees an environment."""
    perceiver.env = env
    chosen = AgentSettings(**{"sensing": "random", **settings})
    made = make_planner(planner) if isinstance(planner, str) else planner
    tools = Tools(
        perceiver,
        calibration(env.name),
        made,
        strategy or AtRandom(),
        make_operator(chosen.operator),
    )
    return Agent(chosen, tools, env.seed)
