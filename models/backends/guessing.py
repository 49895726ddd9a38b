"""The script ``random``: random actions as a plan, blind guesses as answers to questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from surefoot.core.chat import OptionRequest, ReplyStatus, Usage
from surefoot.models.backends.scripted import ScriptedPlanner
from surefoot.models.options import ModelOptions
from surefoot.pddl.planner import PlanReply


class RandomPlanner(ScriptedPlanner):
    """Takes random applicable actions, and guesses answers: the chance level."""

    def __init__(self) -> None:
        super().__init__("random")

    def guess(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Draws one option; where several may be right, each with probability 1/2."""
        for i, request in enumerate(requests):
            rng = Random(request.seed)
            if request.several:
                said = [o for o in request.options if rng.random() < 0.5]
            else:
                said = [rng.choice(request.options)]
            yield i, PlanReply(ReplyStatus.ANSWERED, "\n".join(said), None, Usage(cost=0.0))


def make(argument: str, options: ModelOptions) -> RandomPlanner:
    """Makes the planner that guesses; it has no settings."""
    return RandomPlanner()
