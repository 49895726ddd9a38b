"""Which waiting tokens are computed together: by age, by expert, or by expert with a deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from surefoot.core.errors import InputError

BATCHERS = ("fifo", "released", "expert-aware")
"""Names of the ways to batch."""


@dataclass(frozen=True, slots=True)
class WaitingToken:
    """A token that could be computed now.

    Attributes:
        request: Its request.
        expert: The expert that the router chose for it.
        since: When it became ready, seconds.
    """

    request: int
    expert: int
    since: float


class Batcher(Protocol):
    """Chooses the next batch.

    Attributes:
        name: Its name.
    """

    name: str

    def pick(
        self, waiting: Sequence[WaitingToken], size: int, now: float, holds: Callable[[int], bool]
    ) -> list[int]:
        """Returns indices into ``waiting``, each once, 1 to ``size`` of them unless none waits.

        Args:
            waiting: The tokens, longest waiting first.
            size: Most tokens in a batch.
            now: The time, seconds.
            holds: Whether an expert lies in the cache.
        """
        ...


class Fifo:
    """Takes what has waited the longest."""

    name = "fifo"

    def pick(
        self, waiting: Sequence[WaitingToken], size: int, now: float, holds: Callable[[int], bool]
    ) -> list[int]:
        """Returns the first ``size``."""
        return list(range(min(size, len(waiting))))


class ReleasedBatcher:
    """Algorithm 1 of Read-ME, with what it does wrong, except that it ends.

    Tokens queue by expert, and the batch is filled from the fullest queue, then from the fullest
    of the others. As printed the loop goes on with a stale index of the queue, and never ends once
    all queues are empty and the batch is not full. Here the index is renewed whenever a queue has
    run dry, and the batch is then what was found; ``endless`` counts the batches where the printed
    loop would not have ended. There is no ageing: while a long queue keeps growing, the tokens
    of a rare expert wait without limit.

    Attributes:
        endless: Batches that the printed algorithm would not have ended.

    Source: Read-ME, arXiv 2410.19123, Algorithm 1.
    """

    name = "released"

    def __init__(self) -> None:
        self.endless = 0

    def pick(
        self, waiting: Sequence[WaitingToken], size: int, now: float, holds: Callable[[int], bool]
    ) -> list[int]:
        """Returns tokens of the fullest queue, then of the next fullest, and so on."""
        queues = _queues(waiting)
        found: list[int] = []
        if not queues:
            return found
        expert = _fullest(queues)
        while len(found) < size:
            if queues[expert]:
                found.append(queues[expert].pop(0))
                continue
            if not any(queues.values()):
                self.endless += 1
                break
            expert = _fullest(queues)
        return found


class ExpertAware:
    """Fills a batch with few experts, but nothing waits much beyond a deadline.

    Tokens that have waited for ``deadline`` seconds come first, the oldest first, whatever their
    expert. What room is left goes to the experts that are in the batch already, then to the
    fullest queue and so on; of queues of one length, to that whose expert lies in the cache, then
    to that of the oldest token.

    It ends, since every round takes a token and there is a finite number of them. Nothing
    starves: once a token is overdue, at most the overdue tokens before it, divided by the size of
    a batch, are the batches that come before its own.

    Args:
        deadline: Seconds; 0 makes it ``fifo``, infinite never looks at the age.

    Raises:
        InputError: The deadline is negative.
    """

    name = "expert-aware"

    def __init__(self, deadline: float) -> None:
        if not deadline >= 0:
            raise InputError(f"the deadline of batching must be 0 seconds or more, not {deadline}")
        self.deadline = deadline

    def pick(
        self, waiting: Sequence[WaitingToken], size: int, now: float, holds: Callable[[int], bool]
    ) -> list[int]:
        """Returns overdue tokens, then tokens by expert."""
        found = [i for i, w in enumerate(waiting) if now - w.since >= self.deadline][:size]
        taken = set(found)
        queues = _queues(waiting, taken)
        inside = list(dict.fromkeys(waiting[i].expert for i in found))
        while len(found) < size and queues:
            expert = next((e for e in inside if e in queues), None)
            if expert is None:
                expert = max(queues, key=lambda e: (len(queues[e]), holds(e), -queues[e][0], -e))
            found += queues.pop(expert)[: size - len(found)]
        return found


def make_batcher(name: str, deadline: float = 0.5) -> Batcher:
    """Returns a way to batch.

    Args:
        name: One of :data:`BATCHERS`.
        deadline: Seconds after which ``expert-aware`` prefers a token for its age.

    Raises:
        InputError: There is none of this name, or the deadline is negative.
    """
    if name == "fifo":
        return Fifo()
    if name == "released":
        return ReleasedBatcher()
    if name == "expert-aware":
        return ExpertAware(deadline)
    raise InputError(f"unknown way to batch '{name}'; known: {', '.join(BATCHERS)}")


def expected_unique(experts: int, size: int) -> float:
    """Returns how many experts a batch of tokens needs on average if all are equally likely.

    N (1 - (1 - 1/N)^B) for N experts and B tokens.
    """
    return experts * (1.0 - (1.0 - 1.0 / experts) ** size)


def rarest(experts: Sequence[int]) -> int | None:
    """Returns the expert that is needed the least often though needed; of several the first."""
    counts = Counter(experts)
    return min(counts, key=lambda e: (counts[e], e)) if counts else None


def _queues(
    waiting: Sequence[WaitingToken], without: frozenset[int] | set[int] = frozenset()
) -> dict[int, list[int]]:
    queues: dict[int, list[int]] = {}
    for i, token in enumerate(waiting):
        if i not in without:
            queues.setdefault(token.expert, []).append(i)
    return queues


def _fullest(queues: dict[int, list[int]]) -> int:
    return max(queues, key=lambda e: (len(queues[e]), -e))
