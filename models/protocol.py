"""What every language model offers here: generation, and probabilities over given answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from surefoot.pddl.planner import ReplyStatus, Usage


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: ``system``, ``user`` or ``assistant``.
        text: What is said.
        images: PNG files shown with it.
    """

    role: str
    text: str
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to be answered.

    Attributes:
        messages: The conversation, ending with a ``user`` turn.
        max_tokens: Most tokens to write.
        temperature: 0 for the likeliest answer.
        seed: Seed of the draw, where the model takes one.
        schema: JSON schema of the answer, ``None`` for free text.
        top_logprobs: How many alternatives to report for the first token; 0 for none.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    top_logprobs: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model said.

    Attributes:
        status: ``ANSWERED``, ``CUT``, ``REFUSED`` or ``SERVER_ERROR``.
        text: The text.
        parsed: The answer as JSON data, if a schema was given and the text fits it.
        first_logprobs: Natural log-probabilities of the first token's alternatives.
        usage: Tokens, time and price.
        message: One line on what went wrong, else ``""``.
    """

    status: ReplyStatus
    text: str = ""
    parsed: Any = None
    first_logprobs: Mapping[str, float] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    message: str = ""


@dataclass(frozen=True, slots=True)
class OptionScores:
    """Probabilities over given answers.

    Attributes:
        options: The answers.
        probabilities: One each, summing to 1.
        method: ``decision``, ``likelihood``, ``logprobs`` or ``sampled``.
        usage: Tokens, time and price of all calls.
    """

    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    method: str
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model was seen to do, found out by asking and never assumed.

    Attributes:
        structured: Answers follow a JSON schema.
        logprobs: Log-probabilities come with the answer.
        images: Images are looked at.
        seeded: The same seed gives the same answer at a temperature above 0.
        decisions: Probabilities over given answers can be asked for as such.
    """

    structured: bool = False
    logprobs: bool = False
    images: bool = False
    seeded: bool = False
    decisions: bool = False


@runtime_checkable
class TextModel(Protocol):
    """A model that writes text.

    Attributes:
        name: Specification under which it was made.
    """

    name: str

    @property
    def identity(self) -> str:
        """What its answers depend on beside the request; part of cache keys."""
        ...

    def capabilities(self) -> Capabilities:
        """Returns what the model was seen to do; the first call may ask it."""
        ...

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        """Yields an index into ``requests`` with its completion, each once, in any order."""
        ...


@runtime_checkable
class OptionScorer(Protocol):
    """A model that tells how likely it finds each of several answers."""

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

        What it gives is what :meth:`score` gives for each. A backend that inherits from this
        protocol asks one by one unless it knows better.

        Args:
            requests: The requests.
            options: The answers to each.

        Raises:
            HarnessError: The model could not be asked.
        """
        return [self.score(r, o) for r, o in zip(requests, options, strict=True)]
