"""A language model as a planner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surefoot.models.protocol import Completion, GenerationRequest, Message, TextModel
from surefoot.pddl.planner import PlanReply, PlanRequest


class TextPlanner:
    """Hands the conversation of a request to a model.

    Args:
        model: The model.
        max_tokens: Most tokens of an answer.
        temperature: 0 for the likeliest answer.
    """

    reads_text = True

    def __init__(self, model: TextModel, max_tokens: int, temperature: float) -> None:
        self.name = model.name
        self.model = model
        self._max_tokens = max_tokens
        self._temperature = temperature

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Yields the model's answers as they come."""
        asked = [
            GenerationRequest(
                tuple(Message(turn.role, turn.text) for turn in request.turns),
                self._max_tokens,
                self._temperature,
                request.seed,
                request.schema,
            )
            for request in requests
        ]
        for i, completion in self.model.generate(asked):
            yield i, _reply(completion)


def _reply(completion: Completion) -> PlanReply:
    return PlanReply(completion.status, completion.text, None, completion.usage, completion.message)
