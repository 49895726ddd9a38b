"""The planner protocol: what a benchmark asks of a language model, a search or a script.

A planner is handed a batch of requests and yields replies as they are ready, in any order,
so that a server can be asked concurrently, a local model in batches, and a run can record
every reply at once. A request carries the task itself (for searches and scripts) and the
conversation that tells it (for language models); each planner uses what it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from surefoot.core.chat import Message, OptionRequest, OptionScores, ReplyStatus, Usage
from surefoot.pddl.language.model import Plan, Task


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """One task to be planned.

    Attributes:
        task: The formal task.
        messages: The conversation so far, ending with a ``user`` turn.
        seed: Seed of whatever is drawn.
        schema: JSON schema of the answer, ``None`` for free text.
        key: The episode that it belongs to; for messages and recorded answers.
    """

    task: Task
    messages: tuple[Message, ...] = ()
    seed: int = 0
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    key: str = ""


@dataclass(frozen=True, slots=True)
class PlanReply:
    """The reply of a planner to one request.

    Attributes:
        status: Outcome.
        text: The answer as written; ``""`` of a search.
        plan: The plan of a search or script; ``None`` if it must be read from ``text``.
        usage: Tokens, time and price.
        message: One line on what went wrong, else ``""``.
        lower: Lower bound on the optimal cost that a search proved, if any.
        thinking: What a language model thought before its answer, where it shows it.
        left_out: Settings that a server refused by name and that were therefore not sent.
    """

    status: ReplyStatus
    text: str = ""
    plan: Plan | None = None
    usage: Usage = field(default_factory=Usage)
    message: str = ""
    lower: float | None = None
    thinking: str = ""
    left_out: tuple[str, ...] = ()


@runtime_checkable
class Planner(Protocol):
    """A planner: a language model, a search or a script.

    Attributes:
        name: How tables and reports call it, such as ``fd:lmcut`` or ``openai:NAME``.
        reads_text: Whether it reads the conversation (and prompt styles matter to it).
    """

    name: str
    reads_text: bool

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Yields an index into ``requests`` with its reply, each index once, in any order."""
        ...


@runtime_checkable
class OptionPlanner(Protocol):
    """A planner that may tell how likely it finds given answers to a question."""

    @property
    def scores_options(self) -> bool:
        """Whether it can."""
        ...

    def score(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, OptionScores]]:
        """Yields an index into ``requests`` with its reply, each index once, in any order."""
        ...


@runtime_checkable
class Guesser(Protocol):
    """A script that answers questions blindly; its row is the chance level."""

    def guess(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Yields an index with a guess written out, each index once, in any order."""
        ...
