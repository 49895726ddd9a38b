"""What the project's own small planner of the agent learns from.

Four kinds of text, drawn without end: driving programs and tabletop plans from what is seen,
verdicts on plans (whose labels come from the model checker and the validator, never from people),
and repairs after feedback. Part of the drivers and tidiers are careless, so the model that learns
from them breaks rules as well. Scenes belong to one split by the hash of their prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from surefoot.agents.planning import drivers, tidying
from surefoot.agents.planning.base import CROSSING, PlanningContext
from surefoot.agents.planning.judge import GOAL, PlanOutcome, judge
from surefoot.agents.planning.prompts import (
    NO,
    YES,
    asked,
    short_messages,
    short_prompt,
)
from surefoot.agents.planning.table import ground_of
from surefoot.core.chat import Message
from surefoot.models.training.data import Example, damage, split_of
from surefoot.models.training.planner import PlannerRecipe
from surefoot.pddl.compact import compact_plan


@dataclass(frozen=True)
class AgentRecipe(PlannerRecipe):
    """What is trained, how, and what it learns from.

    Attributes:
        careless: Share of the demonstrations that are by careless drivers and tidiers.
        crossing: Share of the crossing among the scenes.
        verdicts: Share of the texts that are verdicts on plans.
        repairs: Share of the texts that are repairs after feedback.
    """

    hidden: int = 160
    context: int = 512
    steps: int = 2400
    careless: float = 0.35
    crossing: float = 0.4
    verdicts: float = 0.25
    repairs: float = 0.2

    def draw(self, split: str, seed: int) -> Iterator[Example]:
        """Draws examples of a split without end.

        Args:
            split: ``train``, ``validation`` or ``test``.
            seed: Seed of the draw.
        """
        rng = Random(f"agent:{split}:{seed}")
        while True:
            brief = draw_brief(rng, self.crossing)
            if split_of(short_prompt(brief)) == split:
                yield self._example(brief, rng)

    def _example(self, brief: PlanningContext, rng: Random) -> Example:
        kind = rng.random()
        if kind < self.verdicts:
            text = _sound(brief, rng) if rng.random() < 0.5 else _flawed(brief, rng)
            answer = YES if judge(brief, text).good else NO
            return _example(brief, _joined(asked(short_messages(brief), text)), answer)
        if kind < self.verdicts + self.repairs:
            return self._repair(brief, rng)
        careless = rng.random() < self.careless
        text = _careless(brief, rng) if careless else _sound(brief, rng)
        return _example(brief, _joined(short_messages(brief)), text)

    def _repair(self, brief: PlanningContext, rng: Random) -> Example:
        text = _flawed(brief, rng)
        found = judge(brief, text)
        if found.good:
            return _example(brief, _joined(short_messages(brief)), text)
        told = PlanningContext(
            brief.stage,
            brief.task,
            brief.instruction,
            brief.world,
            brief.undecided,
            brief.goal,
            brief.objects,
            ((text, plain_feedback(found)),),
        )
        return _example(brief, _joined(short_messages(told)), _sound(brief, rng))


def draw_brief(rng: Random, crossing: float = 0.5) -> PlanningContext:
    """Draws a scene of either stage.

    Args:
        rng: Source of randomness.
        crossing: Share of the crossing.
    """
    if rng.random() < crossing:
        return drivers.draw_brief(rng)
    return tidying.draw_brief(rng, rng.getrandbits(40))


def plain_feedback(found: PlanOutcome) -> str:
    """Returns feedback that names the rules a plan breaks and the step that cannot be done."""
    broken = [*found.broken, *([] if found.reaches_goal else [GOAL])]
    told = "; ".join(f"rule '{name}' is broken" for name in broken)
    return f"{told}: {found.reason}"


def _sound(brief: PlanningContext, rng: Random) -> str:
    if brief.stage == CROSSING:
        return drivers.careful_program(brief.task, rng)
    return compact_plan(tidying.steady_plan(brief))


def _careless(brief: PlanningContext, rng: Random) -> str:
    if brief.stage == CROSSING:
        return drivers.careless_program(brief.task, brief.world, rng)
    return compact_plan(tidying.careless_plan(tidying.steady_plan(brief), rng))


def _flawed(brief: PlanningContext, rng: Random) -> str:
    """Writes a careless plan or, on the tabletop half the time, one with random damages."""
    if brief.stage == CROSSING or rng.random() < 0.5:
        return _careless(brief, rng)
    return compact_plan(damage(ground_of(brief), tidying.steady_plan(brief), rng))


def _joined(messages: tuple[Message, ...]) -> str:
    """Joins a conversation as a model without a chat template reads it."""
    return "\n".join(m.text for m in messages)


def _example(brief: PlanningContext, prompt: str, answer: str) -> Example:
    return Example(brief.stage, len(brief.objects), short_prompt(brief), prompt, answer)
