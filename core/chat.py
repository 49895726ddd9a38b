"""Messages, requests and replies of language models; shared by models, planners and the bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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


class ReplyStatus(StrEnum):
    """Outcome of a request."""

    ANSWERED = "answered"
    """There is a text or a plan."""
    CUT = "cut"
    """The answer reached its token limit."""
    REFUSED = "refused"
    """The model declined, or its provider's filter did."""
    UNSOLVABLE = "unsolvable"
    """A search proved that there is no plan."""
    GAVE_UP = "gave_up"
    """A search or script ended, or reached its own limit, without a plan."""
    UNSCORED = "unscored"
    """Too little of what the model would say could be read as one of the given answers."""
    SERVER_ERROR = "server_error"
    """The server, the network or a planner process failed; says nothing about the planner."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a reply took.

    Attributes:
        prompt_tokens: Tokens read, 0 where there are none.
        completion_tokens: Tokens written, 0 where there are none.
        seconds: Latency in seconds; of a cached reply, that of the first time.
        cost: Price in US dollars, ``None`` if no price is known.
        cached: Whether it came from the response cache.
        cached_tokens: Those of the prompt tokens that the server had read before.
        reasoning_tokens: Those of the written tokens that are thinking.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    cached: bool = False
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Returns the sum; the price is unknown if either is, and cached means that both were."""
        known = self.cost is not None and other.cost is not None
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            (self.cost or 0.0) + (other.cost or 0.0) if known else None,
            self.cached and other.cached,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A conversation to be continued by a model.

    Attributes:
        messages: The conversation, ending with a ``user`` turn.
        max_tokens: Limit on the tokens of the answer.
        temperature: 0 for the likeliest answer, ``None`` for the model's own.
        seed: Seed of the draw, where the model takes one.
        schema: JSON schema of the answer, ``None`` for free text.
        top_logprobs: How many alternatives to report for the first token; 0 for none.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 1024
    temperature: float | None = 0.0
    seed: int = 0
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    top_logprobs: int = 0


@dataclass(frozen=True, slots=True)
class TokenAlternatives:
    """What might have stood in the place of one written token.

    Attributes:
        token: The token that was written.
        logprobs: Natural log-probabilities of the likeliest tokens, as the model spells them.
    """

    token: str
    logprobs: Mapping[str, float] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered.

    Attributes:
        status: ``ANSWERED``, ``CUT``, ``REFUSED`` or ``SERVER_ERROR``.
        text: The answer, without what was thought before it.
        parsed: The answer as JSON data, if a schema was given and the text fits it.
        first_logprobs: Natural log-probabilities of the first token's alternatives.
        usage: Tokens, time and price.
        message: One line on what went wrong, else ``""``.
        thinking: What was thought before the answer, where the model shows it. It is kept in
            records, and never graded or sent back.
        alternatives: The first tokens with their alternatives, if asked for.
        left_out: Settings that the server refused by name and that were therefore not sent.
    """

    status: ReplyStatus
    text: str = ""
    parsed: Any = None
    first_logprobs: Mapping[str, float] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    message: str = ""
    thinking: str = ""
    alternatives: tuple[TokenAlternatives, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnlistedQuestion:
    """A question without the list of its answers, so that they can be listed in any order.

    Attributes:
        messages: The conversation; its last turn asks the question and lists no answers.
        texts: The answers in words.
    """

    messages: tuple[Message, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OptionRequest:
    """A question with given answers.

    Attributes:
        messages: The conversation, ending with a ``user`` turn.
        options: The possible answers; of one item, all items.
        several: Whether any number of them may be right together.
        seed: Seed of whatever is drawn.
        unlisted: The same without the list of answers, where ``messages`` has one.
    """

    messages: tuple[Message, ...]
    options: tuple[str, ...]
    several: bool = False
    seed: int = 0
    unlisted: UnlistedQuestion | None = None


@dataclass(frozen=True, slots=True)
class OptionScores:
    """How likely a model finds each of several given answers.

    Attributes:
        options: The answers.
        probabilities: One each, summing to 1; empty if the question was not answered.
        method: How they were found: ``decision``, ``likelihood``, ``logprobs``, ``sampled`` or
            ``stated``.
        usage: Tokens, time and price of all calls.
        status: ``ANSWERED``, ``UNSCORED`` or ``SERVER_ERROR``.
        mass: Probability of everything that was read as one of the answers.
        message: One line on what went wrong, else ``""``.
    """

    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    method: str = ""
    usage: Usage = field(default_factory=Usage)
    status: ReplyStatus = ReplyStatus.ANSWERED
    message: str = ""
    mass: float = 1.0
