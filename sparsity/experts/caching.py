"""Caching of experts in limited memory: a simulator, and the cache itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from surefoot.core.errors import HarnessError, InputError
from surefoot.sparsity.experts.policies import CacheLedger, CachePolicy, Future, Queue, RequestTrace

if TYPE_CHECKING:
    from torch import Tensor

_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}


def parse_bytes(text: str) -> int:
    """Reads a number of bytes such as ``64MB`` (millions), ``64MiB`` (2^20) or ``5000``.

    Raises:
        InputError: It is not a positive number of bytes.
    """
    stripped = text.strip()
    number = stripped.rstrip("BbKkMmGgIi")
    unit = stripped[len(number) :].upper()
    try:
        value = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        value = 0.0
    if not 1 <= value < 2**63:
        raise InputError(f"'{text}' is not a number of bytes; write it like 64MB, 64MiB or 5000")
    return int(value)


@dataclass(frozen=True, slots=True)
class CacheReport:
    """Statistics of a cache over a sequence of requests.

    Attributes:
        policy: The policy.
        requests: Requests.
        hits: Requests whose expert was loaded and ready.
        loads: Experts that were loaded, on request or in advance.
        bytes_loaded: Their bytes.
        wait_s: Total time that requests waited for loads, seconds.
        end_s: Seconds from the first request to the end of the last.
    """

    policy: str
    requests: int = 0
    hits: int = 0
    loads: int = 0
    bytes_loaded: int = 0
    wait_s: float = 0.0
    end_s: float = 0.0

    @property
    def hit_ratio(self) -> float | None:
        """Fraction of hits in 0..1, ``None`` without requests."""
        return self.hits / self.requests if self.requests else None


class Timeline:
    """A cache in simulated time, with one link that loads one expert at a time during computation.

    Args:
        ledger: Bookkeeping of the cache.
        bandwidth: Bytes per second of the link; infinite for no waiting.
        ahead: Number of distinct upcoming experts that may be prefetched; 0 to load only on
            request. Prefetching never evicts the expert in use.

    Raises:
        InputError: The bandwidth is not positive, or ``ahead`` is negative.

    Attributes:
        now: Simulated time, seconds.
    """

    def __init__(
        self, ledger: CacheLedger, bandwidth: float = float("inf"), ahead: int = 0
    ) -> None:
        if not bandwidth > 0:
            raise InputError(
                f"the load bandwidth must be above 0 bytes per second, not {bandwidth}"
            )
        if ahead < 0:
            raise InputError(f"experts can be loaded 0 or more ahead, not {ahead}")
        self.now = 0.0
        self.report = CacheReport(ledger.policy.name)
        self._ledger = ledger
        self._bandwidth = bandwidth
        self._ahead = ahead
        self._link = 0.0  # when the link is free
        self._ready: dict[int, float] = {}

    def use(
        self, expert: int, seconds: float, future: Future, upcoming: Iterable[int] = ()
    ) -> float:
        """Computes with an expert and returns the time spent waiting for it, seconds.

        Args:
            expert: The expert.
            seconds: Computing time.
            future: Known requests after this one.
            upcoming: Experts of the following requests in order, for prefetching.
        """
        report, ledger, start = self.report, self._ledger, self.now
        ledger.policy.touched(expert)
        hit = expert in ledger.held and self._ready[expert] <= start
        if expert not in ledger.held:
            self._load(expert, ledger.victims(expert, future) or [])
        self.now = max(start, self._ready[expert])
        wait = self.now - start
        self._prefetch(expert, future, upcoming)
        self.now += seconds
        self.report = replace(
            self.report,
            requests=report.requests + 1,
            hits=report.hits + hit,
            wait_s=report.wait_s + wait,
            end_s=self.now,
        )
        return wait

    def idle_until(self, end: float) -> None:
        """Advances the time without computing; pending loads continue."""
        self.now = max(self.now, end)

    def holds(self, expert: int) -> bool:
        """Returns whether an expert is in the cache or being loaded."""
        return expert in self._ledger.held

    def _prefetch(self, current: int, future: Future, upcoming: Iterable[int]) -> None:
        if not self._ahead:
            return
        wanted: list[int] = []
        for expert in upcoming:
            if expert != current and expert not in wanted:
                wanted.append(expert)
                if len(wanted) == self._ahead:
                    break
        for i, expert in enumerate(wanted):
            if expert in self._ledger.held:
                continue
            evicted = self._ledger.victims(expert, future, {current, *wanted[:i]})
            if evicted is None:
                return
            self._load(expert, evicted)

    def _load(self, expert: int, evicted: Sequence[int]) -> None:
        size = self._ledger.sizes[expert]
        self._ledger.swap(expert, evicted)
        for victim in evicted:
            del self._ready[victim]
        self._link = max(self.now, self._link) + size / self._bandwidth
        self._ready[expert] = self._link
        self.report = replace(
            self.report,
            loads=self.report.loads + 1,
            bytes_loaded=self.report.bytes_loaded + size,
        )


def simulate(
    trace: Sequence[int],
    sizes: Sequence[int],
    budget: int,
    policy: CachePolicy,
    *,
    bandwidth: float = float("inf"),
    seconds: float = 0.0,
    ahead: int = 0,
) -> CacheReport:
    """Simulates a cache on a sequence of requests, all known to policies that look ahead.

    Args:
        trace: The expert of each request, in order; an empty trace gives a report of zeros with a
            hit ratio of ``None``.
        sizes: Bytes of each expert.
        budget: Capacity of the initially empty cache, bytes.
        policy: Chooses what goes.
        bandwidth: Bytes per second of the link.
        seconds: Computing time per request.
        ahead: Number of experts loaded in advance.

    Raises:
        InputError: The budget is smaller than one expert, or the trace names an unknown
            expert.

    Source: Read-ME, arXiv 2410.19123, section 4 (prefetching and caching).
    """
    timeline = Timeline(CacheLedger(sizes, budget, policy), bandwidth, ahead)
    for expert in set(trace):
        if not 0 <= expert < len(sizes):
            raise InputError(f"the trace names expert {expert}; there are {len(sizes)}")
    future = RequestTrace(trace)
    for i, expert in enumerate(trace):
        future.position = i + 1
        near = (trace[k] for k in range(i + 1, len(trace))) if ahead else ()
        timeline.use(expert, seconds, future, near)
    return timeline.report


class Store(Protocol):
    """Storage of the experts that are not in the cache."""

    @property
    def experts(self) -> int:
        """Number of experts."""
        ...

    def bytes_of(self, expert: int) -> int:
        """Returns the bytes of an expert's tensors."""
        ...

    def load(self, expert: int) -> Mapping[str, Tensor]:
        """Returns an expert's tensors by name."""
        ...


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """Counters of a cache since its creation.

    Attributes:
        requests: Requests for an expert.
        hits: Requests whose expert was loaded.
        late: Requests that waited for a load that had started in advance.
        loads: Experts loaded.
        prefetched: Those loaded in advance.
        evictions: Experts evicted.
        bytes_loaded: Bytes loaded.
        wait_s: Seconds that requests waited.
        peak_bytes: Peak size of the cache, bytes.
        seen: Distinct experts requested.
    """

    requests: int = 0
    hits: int = 0
    late: int = 0
    loads: int = 0
    prefetched: int = 0
    evictions: int = 0
    bytes_loaded: int = 0
    wait_s: float = 0.0
    peak_bytes: int = 0
    seen: int = 0

    @property
    def hit_ratio(self) -> float | None:
        """Fraction of hits in 0..1, ``None`` without requests."""
        return self.hits / self.requests if self.requests else None


class ExpertCache:
    """A thread-safe cache of a store's experts within a budget of bytes.

    An expert that is evicted while in use is freed once its users are done, so up to one expert per
    user may exceed the budget.

    Args:
        store: Storage of the experts.
        budget: Capacity of the cache, bytes.
        policy: Chooses what goes.
        background: Whether a thread loads announced experts in advance.

    Raises:
        InputError: The budget is smaller than the largest expert.
    """

    def __init__(
        self, store: Store, budget: int, policy: CachePolicy, *, background: bool = True
    ) -> None:
        sizes = [store.bytes_of(i) for i in range(store.experts)]
        self._store = store
        self._ledger = CacheLedger(sizes, budget, policy)
        self._there: dict[int, Mapping[str, Tensor]] = {}
        self._loading: set[int] = set()
        self._queue = Queue()
        self._current: int | None = None
        self._seen: set[int] = set()
        self._counts = CacheCounts()
        self._changed = threading.Condition()
        self._closed = False
        self._worker: threading.Thread | None = None
        if background:
            self._worker = threading.Thread(target=self._work, name="expert-loader", daemon=True)
            self._worker.start()

    def __enter__(self) -> ExpertCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops the thread and frees the experts; may be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.join()
        with self._changed:
            self._there.clear()

    def counts(self) -> CacheCounts:
        """Returns the counters."""
        with self._changed:
            return replace(self._counts, seen=len(self._seen))

    @property
    def held(self) -> tuple[int, ...]:
        """Experts currently in the cache."""
        with self._changed:
            return tuple(sorted(self._there))

    @property
    def bytes_held(self) -> int:
        """Bytes of the experts in the cache, and of those that are being loaded."""
        with self._changed:
            return self._ledger.used

    def prefetch(self, experts: Iterable[int]) -> None:
        """Announces the coming requests in order, replacing earlier announcements.

        Loading starts in the background; it never evicts an expert that is needed sooner or that
        was requested last. Consecutive requests for the same expert count as one.

        Raises:
            InputError: There is no such expert.
        """
        announced = [expert for expert, _ in groupby(experts)]
        for expert in announced:
            self._check(expert)
        with self._changed:
            self._queue = Queue(announced)
            self._changed.notify_all()

    def get(self, expert: int) -> Mapping[str, Tensor]:
        """Returns an expert's tensors, loading them if necessary.

        Raises:
            InputError: There is no such expert.
            HarnessError: The cache is closed.
        """
        self._check(expert)
        begun = perf_counter()
        with self._changed:
            self._ledger.policy.touched(expert)
            self._seen.add(expert)
            self._current = expert
            if expert in self._queue.experts:
                self._queue.experts.remove(expert)
            hit, late = expert in self._there, expert in self._loading
            while expert not in self._there:
                if self._closed:
                    raise HarnessError("the expert cache is closed")
                evicted = None if expert in self._loading else self._room(expert)
                if evicted is None:
                    self._changed.wait()
                    continue
                self._load(expert, evicted)
            found = self._there[expert]
            old = self._counts
            self._counts = replace(
                old,
                requests=old.requests + 1,
                hits=old.hits + hit,
                late=old.late + late,
                wait_s=old.wait_s + (0.0 if hit else perf_counter() - begun),
            )
            self._changed.notify_all()
        return found

    def _check(self, expert: int) -> None:
        if not 0 <= expert < len(self._ledger.sizes):
            raise InputError(f"there is no expert {expert}; there are {len(self._ledger.sizes)}")

    def _room(self, expert: int) -> list[int] | None:
        return self._ledger.victims(expert, self._queue, self._loading)

    def _load(self, expert: int, evicted: Sequence[int]) -> None:
        """Loads an expert; releases the lock while reading."""
        self._ledger.swap(expert, evicted)
        for victim in evicted:
            del self._there[victim]
        self._loading.add(expert)
        found = None
        self._changed.release()
        try:
            found = self._store.load(expert)
        finally:
            self._changed.acquire()
            self._loading.discard(expert)
            if found is None:
                self._ledger.drop(expert)
            else:
                self._there[expert] = found
                old = self._counts
                self._counts = replace(
                    old,
                    loads=old.loads + 1,
                    evictions=old.evictions + len(evicted),
                    bytes_loaded=old.bytes_loaded + self._ledger.sizes[expert],
                    peak_bytes=max(old.peak_bytes, self._ledger.used),
                )
            self._changed.notify_all()

    def _next_wanted(self) -> tuple[int, list[int]] | None:
        """Returns the expert to load in advance now, and those to evict for it."""
        for place, expert in enumerate(self._queue.experts):
            if expert in self._ledger.held:
                continue
            stay = self._loading | ({self._current} if self._current is not None else set())
            evicted = self._ledger.victims(expert, self._queue, stay & self._ledger.held)
            if evicted is None:
                return None
            uses = [self._queue.next_use(victim) for victim in evicted]
            sooner = any(use is not None and use < place for use in uses)
            return None if sooner else (expert, evicted)
        return None

    def _work(self) -> None:
        failed: list[int] | None = None
        with self._changed:
            while not self._closed:
                wanted = self._next_wanted() if self._queue.experts is not failed else None
                if wanted is None:
                    self._changed.wait()
                    continue
                expert, evicted = wanted
                try:
                    self._load(expert, evicted)
                    old = self._counts
                    self._counts = replace(old, prefetched=old.prefetched + 1)
                except Exception:  # a later request loads it again and raises the error
                    failed = self._queue.experts
