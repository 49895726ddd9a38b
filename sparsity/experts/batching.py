"""Batching of waiting tokens: by age, by expert, or by expert with a deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from surefoot.core.errors import InputError

BATCHERS = ("fifo", "released", "expert-aware")
"""Names of the batching policies."""


@dataclass(frozen=True, slots=True)
class WaitingToken:
    """A token that is ready to be computed.

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
            waiting: The tokens, the longest waiting first.
            size: Largest number of tokens in a batch.
            now: The time, seconds.
            holds: Returns whether an expert is in the cache.
        """
        ...


class Fifo:
    """Takes the tokens that have waited the longest."""

    name = "fifo"

    def pick(
        self, waiting: Sequence[WaitingToken], size: int, now: float, holds: Callable[[int], bool]
    ) -> list[int]:
        """Returns the first ``size``."""
        return list(range(min(size, len(waiting))))


class ReleasedBatcher:
    """Algorithm 1 of Read-ME including its flaws, except that it terminates.

    Tokens queue by expert, and the batch is filled from the fullest queue, then from the fullest
    of the others. As printed, the loop keeps a stale index of the queue and never terminates once
    all queues are empty and the batch is not full. Here the index is updated whenever a queue is
    empty, and the batch is returned as it is; ``endless`` counts the batches for which the printed
    loop would not terminate. There is no ageing: while a long queue keeps growing, the tokens
    of a rare expert wait without limit.

    Attributes:
        endless: Batches for which the printed algorithm would not terminate.

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
    """Fills batches with few experts, while no token waits much beyond a deadline.

    Tokens that have waited for ``deadline`` seconds come first, the oldest first, whatever their
    expert. The remaining places go to experts already in the batch, then to the
    fullest queue and so on; ties are broken in favour of experts in the cache, then of the oldest
    token.

    It terminates, since every round takes a token. No token starves: once a token is overdue, the
    number of batches before its own is at most the number of overdue tokens before it divided by
    the batch size.

    Args:
        deadline: Seconds; 0 is equivalent to ``fifo``, infinity ignores the age.

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
    """Returns a batching policy.

    Args:
        name: One of :data:`BATCHERS`.
        deadline: Seconds after which ``expert-aware`` prefers a token because of its age.

    Raises:
        InputError: The name is unknown, or the deadline is negative.
    """
    if name == "fifo":
        return Fifo()
    if name == "released":
        return ReleasedBatcher()
    if name == "expert-aware":
        return ExpertAware(deadline)
    raise InputError(f"unknown batching policy '{name}'; known: {', '.join(BATCHERS)}")


def expected_unique(experts: int, size: int) -> float:
    """Returns the expected number of experts of a batch if all are equally likely.

    N (1 - (1 - 1/N)^B) for N experts and B tokens.
    """
    return experts * (1.0 - (1.0 - 1.0 / experts) ** size)


def rarest(experts: Sequence[int]) -> int | None:
    """Returns the expert with the fewest requests (at least one); of several the first."""
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
