"""What every language model offers here: generation, and probabilities over given answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from surefoot.core.chat import Completion, OptionScores, Request


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a model, observed by probing and never assumed.

    Attributes:
        structured: Answers follow a JSON schema.
        logprobs: Log-probabilities come with the answer.
        images: Images are read.
        seeded: The same seed gives the same answer at a temperature above 0.
        decisions: Probabilities over given answers can be requested directly.
        top_logprobs: How many alternatives of a token can be asked for.
    """

    structured: bool = False
    logprobs: bool = False
    images: bool = False
    seeded: bool = False
    decisions: bool = False
    top_logprobs: int = 20


@runtime_checkable
class TextModel(Protocol):
    """A model that writes text.

    Attributes:
        name: Specification under which it was made.
    """

    name: str

    @property
    def identity(self) -> str:
        """What its answers depend on besides the request; part of cache keys."""
        ...

    def capabilities(self) -> Capabilities:
        """Returns the model's observed capabilities; the first call may probe it."""
        ...

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yields an index into ``requests`` with its completion, each once, in any order."""
        ...


@runtime_checkable
class OptionScorer(Protocol):
    """A model that scores each of several answers."""

    def score(self, request: Request, options: Sequence[str]) -> OptionScores:
        """Scores answers.

        Raises:
            HarnessError: The model could not be asked.
        """
        ...

    def score_batch(
        self, requests: Sequence[Request], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Scores answers to several requests, such as all questions about a scene.

        The result is that of :meth:`score` for each. A backend that inherits from this
        protocol asks one by one unless it overrides this.

        Args:
            requests: The requests.
            options: The answers to each.

        Raises:
            HarnessError: The model could not be asked.
        """
        return [self.score(r, o) for r, o in zip(requests, options, strict=True)]
