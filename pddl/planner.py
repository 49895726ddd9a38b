"""The planner protocol: what a benchmark asks of a language model, a search or a script.

A planner is handed a batch of requests and yields replies as they are ready, in any order,
so that a server can be asked concurrently, a local model in batches, and a run can record
every reply at once. A request carries the task itself (for searches and scripts) and the
conversation that tells it (for language models); each planner uses what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from surefoot.pddl.language.model import Plan, Task


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation.

    Attributes:
        role: ``system``, ``user`` or ``assistant``.
        text: What is said.
    """

    role: str
    text: str


class ReplyStatus(StrEnum):
    """What became of a request."""

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
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    cached: bool = False

    def __add__(self, other: Usage) -> Usage:
        """Adds two up; the price is unknown if either is, and cached means that both were."""
        known = self.cost is not None and other.cost is not None
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            (self.cost or 0.0) + (other.cost or 0.0) if known else None,
            self.cached and other.cached,
        )


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """One task to be planned.

    Attributes:
        task: The formal task.
        turns: The conversation so far, ending with a ``user`` turn.
        seed: Seed of whatever is drawn.
        schema: JSON schema of the answer, ``None`` for free text.
        key: The episode that it belongs to; for messages and recorded answers.
    """

    task: Task
    turns: tuple[Turn, ...] = ()
    seed: int = 0
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    key: str = ""


@dataclass(frozen=True, slots=True)
class PlanReply:
    """What a planner says to one request.

    Attributes:
        status: Outcome.
        text: The answer as written; ``""`` of a search.
        plan: The plan of a search or script; ``None`` if it must be read from ``text``.
        usage: Tokens, time and price.
        message: One line on what went wrong, else ``""``.
        lower: Lower bound on the optimal cost that a search proved, if any.
    """

    status: ReplyStatus
    text: str = ""
    plan: Plan | None = None
    usage: Usage = Usage()
    message: str = ""
    lower: float | None = None


@runtime_checkable
class Planner(Protocol):
    """Anything that plans.

    Attributes:
        name: How tables and reports call it, such as ``fd:lmcut`` or ``openai:NAME``.
        reads_text: Whether it reads the conversation (and prompt styles matter to it).
    """

    name: str
    reads_text: bool

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Yields an index into ``requests`` with its reply, each index once, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class OptionRequest:
    """A question with given answers.

    Attributes:
        turns: The conversation, ending with a ``user`` turn.
        options: The possible answers; of one item, all items.
        several: Whether any number of them may be right together.
        seed: Seed of whatever is drawn.
    """

    turns: tuple[Turn, ...]
    options: tuple[str, ...]
    several: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class OptionReply:
    """How likely a planner finds each of the given answers.

    Attributes:
        status: ``ANSWERED`` or ``SERVER_ERROR``.
        probabilities: One for each option, summing to 1.
        method: How they were found, such as ``likelihood``.
        usage: Tokens, time and price.
        message: One line on what went wrong, else ``""``.
    """

    status: ReplyStatus
    probabilities: tuple[float, ...] = ()
    method: str = ""
    usage: Usage = Usage()
    message: str = ""


@runtime_checkable
class OptionPlanner(Protocol):
    """A planner that may tell how likely it finds given answers to a question."""

    @property
    def scores_options(self) -> bool:
        """Whether it can."""
        ...

    def score(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, OptionReply]]:
        """Yields an index into ``requests`` with its reply, each index once, in any order."""
        ...


@runtime_checkable
class Guesser(Protocol):
    """A script that answers questions blindly; its row is what chance gives."""

    def guess(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Yields an index with a guess written out, each index once, in any order."""
        ...
