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

from surefoot.agents.planning.base import CROSSING, PlanningContext
from surefoot.agents.planning.judge import GOAL, PlanOutcome, judge
from surefoot.agents.planning.learning import drivers, tidying
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
        careless: Fraction of the demonstrations that are by careless drivers and tidiers.
        crossing: Fraction of the crossing among the scenes.
        verdicts: Fraction of the texts that are verdicts on plans.
        repairs: Fraction of the texts that are repairs after feedback.
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
            context = draw_context(rng, self.crossing)
            if split_of(short_prompt(context)) == split:
                yield self._example(context, rng)

    def _example(self, context: PlanningContext, rng: Random) -> Example:
        kind = rng.random()
        if kind < self.verdicts:
            text = _sound(context, rng) if rng.random() < 0.5 else _flawed(context, rng)
            answer = YES if judge(context, text).good else NO
            return _example(context, _joined(asked(short_messages(context), text)), answer)
        if kind < self.verdicts + self.repairs:
            return self._repair(context, rng)
        careless = rng.random() < self.careless
        text = _careless(context, rng) if careless else _sound(context, rng)
        return _example(context, _joined(short_messages(context)), text)

    def _repair(self, context: PlanningContext, rng: Random) -> Example:
        text = _flawed(context, rng)
        found = judge(context, text)
        if found.good:
            return _example(context, _joined(short_messages(context)), text)
        described = PlanningContext(
            context.env,
            context.task,
            context.instruction,
            context.world,
            context.undecided,
            context.goal,
            context.objects,
            ((text, plain_feedback(found)),),
        )
        return _example(context, _joined(short_messages(described)), _sound(context, rng))


def draw_context(rng: Random, crossing: float = 0.5) -> PlanningContext:
    """Draws a scene of either environment.

    Args:
        rng: Source of randomness.
        crossing: Fraction of the crossing.
    """
    if rng.random() < crossing:
        return drivers.draw_context(rng)
    return tidying.draw_context(rng, rng.getrandbits(40))


def plain_feedback(found: PlanOutcome) -> str:
    """Returns feedback that names the rules a plan breaks and the step that cannot be done."""
    broken = [*found.broken, *([] if found.reaches_goal else [GOAL])]
    described = "; ".join(f"rule '{name}' is broken" for name in broken)
    return f"{described}: {found.reason}"


def _sound(context: PlanningContext, rng: Random) -> str:
    if context.env == CROSSING:
        return drivers.careful_program(context.task, rng)
    return compact_plan(tidying.steady_plan(context))


def _careless(context: PlanningContext, rng: Random) -> str:
    if context.env == CROSSING:
        return drivers.careless_program(context.task, context.world, rng)
    return compact_plan(tidying.careless_plan(tidying.steady_plan(context), rng))


def _flawed(context: PlanningContext, rng: Random) -> str:
    """Writes a careless plan or, on the tabletop half the time, one with random damages."""
    if context.env == CROSSING or rng.random() < 0.5:
        return _careless(context, rng)
    return compact_plan(damage(ground_of(context), tidying.steady_plan(context), rng))


def _joined(messages: tuple[Message, ...]) -> str:
    """Joins a conversation as a model without a chat template reads it."""
    return "\n".join(m.text for m in messages)


def _example(context: PlanningContext, prompt: str, answer: str) -> Example:
    return Example(context.env, len(context.objects), short_prompt(context), prompt, answer)
