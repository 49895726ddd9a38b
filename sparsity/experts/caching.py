"""Experts in a memory that does not hold all of them: a simulator, and the cache itself."""

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
        InputError: It is no positive number of bytes.
    """
    told = text.strip()
    number = told.rstrip("BbKkMmGgIi")
    unit = told[len(number) :].upper()
    try:
        value = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        value = 0.0
    if not 1 <= value < 2**63:
        raise InputError(f"'{text}' is no number of bytes; write it like 64MB, 64MiB or 5000")
    return int(value)


@dataclass(frozen=True, slots=True)
class CacheReport:
    """How a cache did on a sequence of requests.

    Attributes:
        policy: The policy.
        requests: Requests.
        hits: Requests whose expert was there and ready.
        loads: Experts that were loaded, asked for or in advance.
        bytes_loaded: Their bytes.
        wait_s: Seconds that requests waited for loads, all together.
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
        """Share of hits in 0..1, ``None`` without requests."""
        return self.hits / self.requests if self.requests else None


class Timeline:
    """A cache in simulated time: one link that loads one expert at a time, beside the computing.

    Args:
        ledger: The books of the cache.
        bandwidth: Bytes that the link brings in a second; infinite for no waiting.
        ahead: Different experts next in line that may be loaded while one is computed with; 0 to
            load only what is asked for. Prefetching never gives up the expert in use.

    Raises:
        InputError: The bandwidth is not positive, or ``ahead`` is negative.

    Attributes:
        now: Simulated time, seconds.
    """

    def __init__(
        self, ledger: CacheLedger, bandwidth: float = float("inf"), ahead: int = 0
    ) -> None:
        if not bandwidth > 0:
            raise InputError(f"the load bandwidth must be above 0 bytes a second, not {bandwidth}")
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
        """Computes with an expert and returns how long that had to wait for it, in seconds.

        Args:
            expert: The expert.
            seconds: How long the computing takes.
            future: What is known of the requests after this one.
            upcoming: The experts of those requests in order, for prefetching.
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

    def idle_until(self, moment: float) -> None:
        """Lets time pass without computing; loads that were begun go on."""
        self.now = max(self.now, moment)

    def holds(self, expert: int) -> bool:
        """Whether an expert is in the cache or on its way."""
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
            gone = self._ledger.victims(expert, future, {current, *wanted[:i]})
            if gone is None:
                return
            self._load(expert, gone)

    def _load(self, expert: int, gone: Sequence[int]) -> None:
        size = self._ledger.sizes[expert]
        self._ledger.swap(expert, gone)
        for victim in gone:
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
    """Lets a cache serve a sequence of requests, all known to policies that look ahead.

    Args:
        trace: The expert of each request, in order; an empty one gives a report of zeros, whose
            hit ratio is ``None``.
        sizes: Bytes of each expert.
        budget: Most bytes in the cache, which begins empty.
        policy: Chooses what goes.
        bandwidth: Bytes that the link brings in a second.
        seconds: Computing time of a request.
        ahead: Experts loaded in advance while one is computed with.

    Raises:
        InputError: The budget is smaller than one expert, or the trace names an expert that is
            not there.

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
    """Where experts lie that are not in the cache."""

    @property
    def experts(self) -> int:
        """How many there are."""
        ...

    def bytes_of(self, expert: int) -> int:
        """Returns the bytes of an expert's tensors."""
        ...

    def load(self, expert: int) -> Mapping[str, Tensor]:
        """Returns an expert's tensors by name."""
        ...


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """What a cache has done since it was made.

    Attributes:
        requests: Requests for an expert.
        hits: Requests whose expert was there.
        late: Requests that waited for a load that had been begun in advance.
        loads: Experts loaded.
        prefetched: Of these in advance.
        evictions: Experts given up.
        bytes_loaded: Bytes loaded.
        wait_s: Seconds that requests waited.
        peak_bytes: Most bytes that lay in the cache at once.
        seen: Different experts that were asked for.
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
        """Share of hits in 0..1, ``None`` without requests."""
        return self.hits / self.requests if self.requests else None


class ExpertCache:
    """Experts of a store within a budget of bytes; may be used from several threads.

    An expert that is given up while somebody still computes with it is freed when they are done,
    so that up to one expert for each such user may lie in memory beyond the budget.

    Args:
        store: Where experts come from.
        budget: Most bytes in the cache.
        policy: Chooses what goes.
        background: Whether announced experts are loaded in advance by a thread.

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
        """Returns what was done so far."""
        with self._changed:
            return replace(self._counts, seen=len(self._seen))

    @property
    def held(self) -> tuple[int, ...]:
        """Experts that lie in the cache now."""
        with self._changed:
            return tuple(sorted(self._there))

    @property
    def bytes_held(self) -> int:
        """Bytes of the experts in the cache, and of those that are being loaded."""
        with self._changed:
            return self._ledger.used

    def prefetch(self, experts: Iterable[int]) -> None:
        """Announces the requests to come, in order, in place of those announced before.

        Loading begins in the background; it never gives up what is needed sooner, or the expert
        that was asked for last. Requests in a row for one expert count as one.

        Raises:
            InputError: There is no such expert.
        """
        told = [expert for expert, _ in groupby(experts)]
        for expert in told:
            self._check(expert)
        with self._changed:
            self._queue = Queue(told)
            self._changed.notify_all()

    def get(self, expert: int) -> Mapping[str, Tensor]:
        """Returns an expert's tensors, loading them if they are not there.

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
                gone = None if expert in self._loading else self._room(expert)
                if gone is None:
                    self._changed.wait()
                    continue
                self._load(expert, gone)
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

    def _load(self, expert: int, gone: Sequence[int]) -> None:
        """Loads with the lock held, which is given up while reading."""
        self._ledger.swap(expert, gone)
        for victim in gone:
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
                    evictions=old.evictions + len(gone),
                    bytes_loaded=old.bytes_loaded + self._ledger.sizes[expert],
                    peak_bytes=max(old.peak_bytes, self._ledger.used),
                )
            self._changed.notify_all()

    def _next_wanted(self) -> tuple[int, list[int]] | None:
        """Returns what may be loaded in advance now, and what goes for it."""
        for place, expert in enumerate(self._queue.experts):
            if expert in self._ledger.held:
                continue
            stay = self._loading | ({self._current} if self._current is not None else set())
            gone = self._ledger.victims(expert, self._queue, stay & self._ledger.held)
            if gone is None:
                return None
            uses = [self._queue.next_use(victim) for victim in gone]
            sooner = any(use is not None and use < place for use in uses)
            return None if sooner else (expert, gone)
        return None

    def _work(self) -> None:
        failed: list[int] | None = None
        with self._changed:
            while not self._closed:
                wanted = self._next_wanted() if self._queue.experts is not failed else None
                if wanted is None:
                    self._changed.wait()
                    continue
                expert, gone = wanted
                try:
                    self._load(expert, gone)
                    old = self._counts
                    self._counts = replace(old, prefetched=old.prefetched + 1)
                except Exception:  # whoever needs it loads it themselves, and is told why not
                    failed = self._queue.experts
