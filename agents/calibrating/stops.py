"""What an agent believed at the moment when it stopped looking, with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from surefoot.agents.agent import Agent, Tools
from surefoot.agents.environments.base import AgentEnv, RgbImage
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.planning.base import AgentPlanner, PlanningContext, ProposedPlan
from surefoot.agents.planning.judge import judge
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.arrays import Floats
from surefoot.core.chat import ReplyStatus
from surefoot.envs.crossing.world import STEP_SECONDS

Look = tuple[str, Mapping[str, tuple[float, ...]], Mapping[str, str]]
"""A view, what a model said of each fact, and what was true."""


@dataclass(frozen=True, slots=True)
class LookingStop:
    """The end of looking in one decision of an episode.

    Attributes:
        key: Name of the episode.
        questions: The facts that were asked for, of which the truth is known.
        truth: Their true options.
        belief: What was believed of each at the end of looking, one probability per option.
        looks: Every look of the decision: the view, what the model said of each fact then, and
            what was true then. A restored image is named as by
            :func:`~surefoot.agents.sensing.strategies.restored_from`.
        changes: By kind of fact, how many steps of the episode were watched and in how many of
            them such a fact changed.
        relied: Facts that the decision relied on; ``None`` for all.
        waits: Whether it was to wait.
        plan: The first plan that was proposed, the planner's confidence in it and whether it
            obeys the rules and reaches the goal; ``None`` if there was none.
    """

    key: str
    questions: tuple[FactQuestion, ...]
    truth: Mapping[str, str] = field(hash=False)
    belief: tuple[tuple[float, ...], ...]
    looks: tuple[Look, ...]
    changes: Mapping[str, tuple[float, int]] = field(hash=False, default_factory=dict)
    relied: tuple[str, ...] | None = None
    waits: bool = False
    plan: tuple[str, float, bool] | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "asked": [[q.fact, q.text, list(q.options), q.kind] for q in self.questions],
            "truth": dict(self.truth),
            "belief": [list(b) for b in self.belief],
            "looks": [
                [view, {f: [round(p, 6) for p in a] for f, a in said.items()}, dict(true)]
                for view, said, true in self.looks
            ],
            "changes": {k: list(c) for k, c in self.changes.items()},
            "relied": None if self.relied is None else list(self.relied),
            "waits": self.waits,
            "plan": list(self.plan) if self.plan else None,
        }

    @classmethod
    def from_json(cls, key: str, data: Mapping[str, Any]) -> LookingStop:
        """Reads what :meth:`to_json` wrote."""
        return cls(
            key,
            tuple(FactQuestion(f, t, tuple(o), k) for f, t, o, k in data["asked"]),
            data["truth"],
            tuple(map(tuple, data["belief"])),
            tuple(
                (view, {f: tuple(a) for f, a in said.items()}, true)
                for view, said, true in data["looks"]
            ),
            {k: (c[0], c[1]) for k, c in data["changes"].items()},
            None if data["relied"] is None else tuple(data["relied"]),
            data["waits"],
            tuple(data["plan"]) if data["plan"] else None,
        )


def stop_of(
    key: str,
    settings: AgentSettings,
    tools: Tools,
    env: AgentEnv,
    decision: int = 1,
    *,
    judged: bool = False,
) -> LookingStop | None:
    """Lets an agent act up to a decision and returns what it believed when it stopped looking.

    Args:
        key: Name of the episode.
        settings: How the agent is put together.
        tools: What it is made of; the calibration is what it looks and acts by.
        env: The episode.
        decision: Number of the decision, from 1; the last one if there are fewer.
        judged: Whether the first plan is judged.

    Returns:
        ``None`` if the agent stopped without having seen anything.
    """
    listener = _Listener(tools.perceiver, env)
    plans = _Plans(tools.planner)
    agent = Agent(
        settings,
        replace(tools, perceiver=listener, planner=plans),
        env.seed,
    )
    agent.begin(env)
    found: LookingStop | None = None
    for number in range(1, decision + 1):
        if env.end().over:
            break
        listener.looks.clear()
        action = agent.act()
        if agent.belief.questions:
            found = _stop(key, agent, listener)
        if action is None or number == decision:
            break
        agent.after(env.do(action))
        listener.notice()
    if found is None:
        return None
    plan = plans.first if judged else None
    rated = plan and (plan[1].text, plan[1].confidence, judge(plan[0], plan[1].text).good)
    return replace(found, changes=listener.changes(), plan=rated)


def _stop(key: str, agent: Agent, listener: _Listener) -> LookingStop:
    belief, decision = agent.belief, agent.decisions[-1]
    truth = decision.truth
    questions = tuple(q for q in belief.questions.values() if truth.get(q.fact) in q.options)
    names = {q.fact for q in questions}
    beliefs = tuple(tuple(belief.belief(q.fact).tolist()) for q in questions)
    looks = tuple(
        (view, {f: a for f, a in said.items() if f in names}, true)
        for (view, _), (said, true) in zip(decision.pictures, listener.looks, strict=True)
    )
    return LookingStop(
        key,
        questions,
        {f: truth[f] for f in names},
        beliefs,
        looks,
        relied=decision.relied,
        waits=decision.waits,
    )


class _Listener:
    """Keeps what a perceiver said, and how the world changes meanwhile."""

    def __init__(self, perceiver: Perceiver, env: AgentEnv) -> None:
        self.identity = perceiver.identity
        self.looks: list[tuple[dict[str, tuple[float, ...]], dict[str, str]]] = []
        self._perceiver, self._env = perceiver, env
        self._kinds: dict[str, str] = {}
        self._last: tuple[float, dict[str, str]] | None = None
        self._changes: dict[str, list[float]] = {}

    def ask(self, image: RgbImage, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Passes the question on."""
        answers = self._perceiver.ask(image, questions)
        said = {
            q.fact: tuple(np.asarray(a, np.float64).tolist())
            for q, a in zip(questions, answers, strict=True)
        }
        self._kinds |= {q.fact: q.kind for q in questions}
        self.looks.append((said, self._env.truth()))
        self.notice()
        return answers

    def notice(self) -> None:
        """Compares the world with what it was."""
        now, truth = self._env.seconds(), self._env.truth()
        if self._last is not None and self._env.moving:
            before, old = self._last
            steps = (now - before) / STEP_SECONDS
            for fact in old.keys() & truth.keys() & self._kinds.keys():
                counted = self._changes.setdefault(self._kinds[fact], [0.0, 0.0])
                counted[0] += steps
                counted[1] += truth[fact] != old[fact]
        self._last = now, truth

    def changes(self) -> dict[str, tuple[float, int]]:
        """Returns steps and changes by kind of fact."""
        return {k: (steps, int(changed)) for k, (steps, changed) in self._changes.items()}


class _Plans:
    """Keeps the first plan that was proposed."""

    def __init__(self, planner: AgentPlanner) -> None:
        self.name = planner.name
        self.first: tuple[PlanningContext, ProposedPlan] | None = None
        self._planner = planner

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Passes the request on."""
        found = self._planner.propose(context, k, seed)
        if self.first is None and found and found[0].status is ReplyStatus.ANSWERED:
            self.first = context, found[0]
        return found
