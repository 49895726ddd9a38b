"""A language model as a planner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surefoot.core.chat import Completion, OptionRequest, OptionScores, ReplyStatus, Request
from surefoot.core.errors import HarnessError
from surefoot.models.protocol import OptionScorer, TextModel
from surefoot.pddl.planner import PlanReply, PlanRequest


class TextPlanner:
    """Hands the conversation of a request to a model.

    Args:
        model: The model.
        max_tokens: Maximum number of tokens of an answer.
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
            Request(
                request.messages,
                self._max_tokens,
                self._temperature,
                request.seed,
                request.schema,
            )
            for request in requests
        ]
        for i, completion in self.model.generate(asked):
            yield i, _reply(completion)

    @property
    def scores_options(self) -> bool:
        """Whether the model scores given answers."""
        return isinstance(self.model, OptionScorer)

    def score(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, OptionScores]]:
        """Yields the scores of the options of each request."""
        if not isinstance(self.model, OptionScorer):
            raise HarnessError(f"{self.name} gives no probabilities of answers")
        for i, request in enumerate(requests):
            asked = Request(request.messages, 16, 0.0, request.seed)
            try:
                found = self.model.score(asked, request.options)
            except HarnessError as error:
                yield (
                    i,
                    OptionScores(
                        request.options, (), status=ReplyStatus.SERVER_ERROR, message=str(error)
                    ),
                )
                continue
            yield i, found


def _reply(completion: Completion) -> PlanReply:
    return PlanReply(completion.status, completion.text, None, completion.usage, completion.message)
