"""Eviction policies, and the bookkeeping of a cache.

The same objects drive the simulator and the real cache of
:mod:`surefoot.sparsity.experts.caching`.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Protocol

from surefoot.core.errors import InputError

DEFAULT_WINDOW = 8
"""Requests that ``lookahead`` knows in advance. Eight give almost the full benefit of knowing
all."""

POLICIES = ("lru", "random", "lookahead", "belady")
"""Names of the policies."""


class Future(Protocol):
    """The known coming requests."""

    def next_use(self, expert: int) -> int | None:
        """Returns the number of requests before the next one for an expert: 0 for the next one.

        ``None`` if no request for it is known.
        """
        ...


class CachePolicy(Protocol):
    """Chooses what a full cache evicts.

    Attributes:
        name: Its name, with its window if it has one.
    """

    name: str

    def touched(self, expert: int) -> None:
        """Called at every request, hit or miss."""
        ...

    def victim(self, held: Collection[int], future: Future) -> int:
        """Returns one of the experts in ``held``, which is not empty."""
        ...


class _Recency:
    """Records when each expert was last requested."""

    def __init__(self) -> None:
        self._clock = 0
        self._last: dict[int, int] = {}

    def touched(self, expert: int) -> None:
        """Records a request."""
        self._clock += 1
        self._last[expert] = self._clock

    def _age(self, expert: int) -> tuple[int, int]:
        return self._clock - self._last.get(expert, 0), expert


class Lru(_Recency):
    """Evicts the least recently used expert."""

    name = "lru"

    def victim(self, held: Collection[int], future: Future) -> int:
        """Returns the least recently used expert; the future is ignored."""
        return max(held, key=self._age)


class Random:
    """Evicts an expert at random.

    Args:
        seed: Seed of the draws.
    """

    name = "random"

    def __init__(self, seed: int = 0) -> None:
        self._draws = random.Random(seed)

    def touched(self, expert: int) -> None:
        """Ignores a request."""

    def victim(self, held: Collection[int], future: Future) -> int:
        """Returns an expert at random."""
        return self._draws.choice(sorted(held))


class Lookahead(_Recency):
    """Evicts the expert whose next known request is the latest.

    Among experts without a request in the window, the least recently used one is evicted.
    With an unlimited window this is Belady's rule (Belady 1966; in Read-ME, arXiv
    2410.19123, section 4), which makes the fewest possible loads if all experts have the same size.
    If sizes differ it is only a heuristic: it may keep one large expert where two small ones would
    be worth more.

    Args:
        window: Requests that are known in advance, at least 1; ``None`` for all of them.

    Raises:
        InputError: The window is smaller than 1.
    """

    def __init__(self, window: int | None = DEFAULT_WINDOW) -> None:
        super().__init__()
        if window is not None and window < 1:
            raise InputError(f"the window of lookahead must be at least 1, not {window}")
        self.name = "belady" if window is None else f"lookahead({window})"
        self._window = window

    def victim(self, held: Collection[int], future: Future) -> int:
        """Returns the expert whose next request is the latest, or beyond the window."""

        def rank(expert: int) -> tuple[float, int, int]:
            soon = future.next_use(expert)
            if soon is None or (self._window is not None and soon >= self._window):
                return float("inf"), *self._age(expert)
            return float(soon), *self._age(expert)

        return max(held, key=rank)


def make_policy(name: str, *, window: int = DEFAULT_WINDOW, seed: int = 0) -> CachePolicy:
    """Returns a policy.

    Args:
        name: One of :data:`POLICIES`.
        window: Requests that ``lookahead`` knows in advance.
        seed: Seed of ``random``.

    Raises:
        InputError: There is no such policy, or the window is smaller than 1.
    """
    if name == "lru":
        return Lru()
    if name == "random":
        return Random(seed)
    if name == "lookahead":
        return Lookahead(window)
    if name == "belady":
        return Lookahead(None)
    raise InputError(f"unknown policy '{name}'; known: {', '.join(POLICIES)}")


class RequestTrace:
    """A sequence of requests that is known in full.

    Attributes:
        position: Index of the request that is ``next_use`` 0.
    """

    def __init__(self, experts: Sequence[int]) -> None:
        self.position = 0
        self._places: dict[int, list[int]] = {}
        for i, expert in enumerate(experts):
            self._places.setdefault(expert, []).append(i)

    def next_use(self, expert: int) -> int | None:
        """Returns the number of requests from ``position`` on before the next one for an expert."""
        places = self._places.get(expert, [])
        at = bisect_left(places, self.position)
        return places[at] - self.position if at < len(places) else None


class Queue:
    """The announced requests.

    Args:
        experts: The experts they need, in order.
        most: Number of requests that are kept; later ones are dropped.
    """

    def __init__(self, experts: Sequence[int] = (), most: int = 4096) -> None:
        self.experts = list(islice(experts, most))

    def next_use(self, expert: int) -> int | None:
        """Returns the position of an expert in the queue."""
        try:
            return self.experts.index(expert)
        except ValueError:
            return None


class CacheLedger:
    """Bookkeeping of a cache: its contents, and what to evict.

    Args:
        sizes: Bytes of each expert.
        budget: Capacity of the cache, bytes.
        policy: Chooses what is evicted.

    Raises:
        InputError: There is no expert, a size or the budget is not positive, or the budget is
            smaller than the largest expert.

    Attributes:
        held: Experts in the cache.
        used: Their total size, bytes.
    """

    def __init__(self, sizes: Sequence[int], budget: int, policy: CachePolicy) -> None:
        if not sizes or min(sizes) <= 0:
            raise InputError("an expert cache needs at least one expert, each of at least one byte")
        if budget < max(sizes):
            raise InputError(
                f"the expert budget of {budget} bytes is smaller than the largest expert, which "
                f"has {max(sizes)} bytes; give at least that"
            )
        self.sizes = tuple(sizes)
        self.budget = budget
        self.policy = policy
        self.held: set[int] = set()
        self.used = 0

    def victims(
        self, expert: int, future: Future, pinned: Collection[int] = ()
    ) -> list[int] | None:
        """Returns the experts to evict so that one fits, ``None`` if that is impossible.

        Args:
            expert: The expert, which is not in the cache.
            future: Known requests after this one.
            pinned: Experts that must stay.
        """
        evicted: list[int] = []
        free = self.budget - self.used
        left = self.held - set(pinned)
        while free < self.sizes[expert]:
            if not left:
                return None
            victim = self.policy.victim(left, future)
            left.discard(victim)
            evicted.append(victim)
            free += self.sizes[victim]
        return evicted

    def swap(self, expert: int, evicted: Collection[int]) -> None:
        """Records that an expert was loaded and others were evicted."""
        for victim in evicted:
            self.held.discard(victim)
            self.used -= self.sizes[victim]
        self.held.add(expert)
        self.used += self.sizes[expert]

    def drop(self, expert: int) -> None:
        """Records that an expert was dropped."""
        self.held.discard(expert)
        self.used -= self.sizes[expert]
