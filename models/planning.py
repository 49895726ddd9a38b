"""A language model as a planner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surefoot.core.chat import Completion, OptionRequest, OptionScores, ReplyStatus, Request
from surefoot.core.errors import HarnessError, ModelRefusedError
from surefoot.models.choosing import can_choose, choose
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import TextModel
from surefoot.pddl.planner import PlanReply, PlanRequest

_SCORED = 32
"""Questions with given answers that are asked together; their records are written then."""


class TextPlanner:
    """Hands the conversation of a request to a model.

    Args:
        model: The model.
        max_tokens: Maximum number of tokens of an answer.
        temperature: 0 for the likeliest answer, ``None`` for the model's own.
        options: Settings of how probabilities of given answers are found.
    """

    reads_text = True

    def __init__(
        self,
        model: TextModel,
        max_tokens: int,
        temperature: float | None,
        options: ModelOptions | None = None,
    ) -> None:
        self.name = model.name
        self.model = model
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._options = options or ModelOptions()

    @property
    def content_identity(self) -> str:
        """What the model itself is, wherever it is reached; ``""`` if only its name is known."""
        return str(getattr(self.model, "content_identity", ""))

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
        """Whether the model can be asked how likely it finds given answers."""
        return can_choose(self.model)

    def score(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, OptionScores]]:
        """Yields the scores of the options of each request.

        Raises:
            ModelRefusedError: The server will answer none of them.
        """
        for start in range(0, len(requests), _SCORED):
            part = requests[start : start + _SCORED]
            try:
                found = choose(self.model, part, self._options)
            except ModelRefusedError:
                raise
            except HarnessError as error:
                failed = ReplyStatus.SERVER_ERROR
                found = [
                    OptionScores(r.options, (), status=failed, message=str(error), mass=0.0)
                    for r in part
                ]
            yield from enumerate(found, start)


def _reply(completion: Completion) -> PlanReply:
    return PlanReply(
        completion.status,
        completion.text,
        None,
        completion.usage,
        completion.message,
        thinking=completion.thinking,
        left_out=completion.left_out,
    )
