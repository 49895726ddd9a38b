"""Serving in simulated time: requests arrive, are batched, and wait for experts to be loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from surefoot.core.errors import InputError
from surefoot.sparsity.experts.batching import Batcher, ReleasedBatcher, WaitingToken, rarest
from surefoot.sparsity.experts.caching import Timeline
from surefoot.sparsity.experts.policies import CacheLedger, CachePolicy, Queue


@dataclass(frozen=True, slots=True)
class SimulatedRequest:
    """A request for generation.

    Attributes:
        arrival: Arrival time, seconds.
        experts: The expert of each of its tokens; a token is ready when the one before is done.
    """

    arrival: float
    experts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MachineModel:
    """Cost model of computing and loading.

    Attributes:
        sizes: Bytes of each expert.
        budget: Capacity of the cache, bytes.
        batch: Largest number of tokens in a batch.
        bandwidth: Bytes loaded per second.
        batch_s: Fixed cost of a batch, seconds.
        expert_s: Seconds per distinct expert in it.
        token_s: Seconds per token.
        ahead: Number of experts loaded in advance: those next in the batch, then those of waiting
            tokens. What a request needs after its current token is unknown until that token is
            done.
    """

    sizes: tuple[int, ...]
    budget: int
    batch: int = 8
    bandwidth: float = inf
    batch_s: float = 0.0
    expert_s: float = 0.0
    token_s: float = 0.0
    ahead: int = 1


@dataclass(frozen=True, slots=True)
class DurationSummary:
    """Summary of durations, seconds; ``None`` without any.

    Attributes:
        mean: Mean.
        p95: 95th percentile.
        worst: Longest.
    """

    mean: float | None = None
    p95: float | None = None
    worst: float | None = None


@dataclass(frozen=True, slots=True)
class ServingReport:
    """Statistics of a simulated serving run.

    Attributes:
        batcher: Name of the batching policy.
        policy: Name of the eviction policy.
        requests: Number of completed requests.
        tokens: Tokens computed.
        batches: Batches.
        latency: From a request's arrival to its last token; requests without tokens count as 0.
        wait: From the time a token is ready to its batch.
        rarest_wait: The same for tokens of the least requested expert.
        hit_ratio: Fraction of the batches' experts that were loaded and ready.
        unique: Mean number of distinct experts in a batch.
        loads: Experts loaded.
        bytes_loaded: Their bytes.
        load_wait_s: Total time that computing waited for loads, seconds.
        end_s: End of the last batch, seconds.
        endless: Batches for which the printed Algorithm 1 would not terminate; else 0.
        batches_of: For each batch the pairs (request, position of the token in it).
    """

    batcher: str
    policy: str
    requests: int = 0
    tokens: int = 0
    batches: int = 0
    latency: DurationSummary = DurationSummary()
    wait: DurationSummary = DurationSummary()
    rarest_wait: DurationSummary = DurationSummary()
    hit_ratio: float | None = None
    unique: float | None = None
    loads: int = 0
    bytes_loaded: int = 0
    load_wait_s: float = 0.0
    end_s: float = 0.0
    endless: int = 0
    batches_of: tuple[tuple[tuple[int, int], ...], ...] = field(default=(), repr=False)


def serve(
    requests: Sequence[SimulatedRequest],
    machine: MachineModel,
    batcher: Batcher,
    policy: CachePolicy,
) -> ServingReport:
    """Simulates serving until all requests are done.

    Batches are formed again for every step. Within a batch, experts in the cache are computed first
    while others are loaded.

    Args:
        requests: The requests, in any order. Without requests the report has zeros and means of
            ``None``.
        machine: Cost model of computing and loading.
        batcher: Chooses the batches.
        policy: Chooses what the cache evicts.

    Raises:
        InputError: The budget is smaller than one expert, a batch holds no token, a duration is
            negative, or a request names an unknown expert.

    Source: Read-ME, arXiv 2410.19123, section 4; deadlines are this project's.
    """
    _check(requests, machine)
    timeline = Timeline(
        CacheLedger(machine.sizes, machine.budget, policy), machine.bandwidth, machine.ahead
    )
    order = sorted(range(len(requests)), key=lambda i: (requests[i].arrival, i))
    coming = [i for i in order if requests[i].experts]
    place = [0] * len(requests)
    waiting: list[WaitingToken] = []
    latency = [0.0] * len(requests)
    waits: list[float] = []
    waits_of: dict[int, list[float]] = {}
    made: list[tuple[tuple[int, int], ...]] = []
    unique = 0
    endless = batcher.endless if isinstance(batcher, ReleasedBatcher) else 0
    at = 0
    while waiting or at < len(coming):
        if not waiting:
            timeline.idle_until(requests[coming[at]].arrival)
        while at < len(coming) and requests[coming[at]].arrival <= timeline.now:
            i = coming[at]
            waiting.append(WaitingToken(i, requests[i].experts[0], requests[i].arrival))
            at += 1
        waiting.sort(key=lambda w: w.since)  # stable: ties by arrival
        chosen = batcher.pick(waiting, machine.batch, timeline.now, timeline.holds)
        batch = [waiting[i] for i in chosen]
        taken = set(chosen)
        waiting = [w for i, w in enumerate(waiting) if i not in taken]
        for token in batch:
            waits.append(timeline.now - token.since)
            waits_of.setdefault(token.expert, []).append(waits[-1])
        made.append(tuple((t.request, place[t.request]) for t in batch))
        unique += _compute(batch, waiting, machine, timeline)
        for token in batch:
            asked = requests[token.request]
            place[token.request] += 1
            if place[token.request] < len(asked.experts):
                expert = asked.experts[place[token.request]]
                waiting.append(WaitingToken(token.request, expert, timeline.now))
            else:
                latency[token.request] = timeline.now - asked.arrival
    least = rarest([e for r in requests for e in r.experts])
    report = timeline.report
    return ServingReport(
        batcher.name,
        policy.name,
        len(requests),
        len(waits),
        len(made),
        _times(latency),
        _times(waits),
        _times(waits_of[least] if least is not None else ()),
        report.hit_ratio,
        unique / len(made) if made else None,
        report.loads,
        report.bytes_loaded,
        report.wait_s,
        report.end_s,
        batcher.endless - endless if isinstance(batcher, ReleasedBatcher) else 0,
        tuple(made),
    )


def _compute(
    batch: Sequence[WaitingToken],
    waiting: Sequence[WaitingToken],
    machine: MachineModel,
    timeline: Timeline,
) -> int:
    """Computes a batch expert by expert and returns the number of experts."""
    counts = Counter(token.expert for token in batch)
    experts = sorted(counts, key=lambda e: not timeline.holds(e))
    timeline.now += machine.batch_s
    for k, expert in enumerate(experts):
        queue = Queue([*experts[k + 1 :], *(w.expert for w in waiting)])
        seconds = machine.expert_s + machine.token_s * counts[expert]
        timeline.use(expert, seconds, queue, queue.experts)
    return len(experts)


def _check(requests: Sequence[SimulatedRequest], machine: MachineModel) -> None:
    if machine.batch < 1:
        raise InputError(f"a batch must hold at least 1 token, not {machine.batch}")
    if min(machine.batch_s, machine.expert_s, machine.token_s) < 0:
        raise InputError("computing cannot take less than 0 seconds")
    for i, request in enumerate(requests):
        if any(not 0 <= e < len(machine.sizes) for e in request.experts):
            raise InputError(f"request {i} needs an expert beyond the {len(machine.sizes)} there")


def _times(values: Sequence[float]) -> DurationSummary:
    if not len(values):
        return DurationSummary()
    return DurationSummary(
        float(np.mean(values)), float(np.percentile(values, 95)), float(max(values))
    )


def poisson(traces: Sequence[Sequence[int]], rate: float, seed: int) -> Iterator[SimulatedRequest]:
    """Yields requests that arrive independently of each other.

    Args:
        traces: The experts of each request.
        rate: Mean number of requests per second, above 0.
        seed: Seed of the arrivals.
    """
    draws = np.random.default_rng(seed)
    now = 0.0
    for trace in traces:
        now += float(draws.exponential(1.0 / rate))
        yield SimulatedRequest(now, tuple(trace))


def repeating(count: int, experts: int, repeats: float, seed: int) -> list[int]:
    """Returns a random trace in which an expert repeats with a given probability.

    Args:
        count: Requests.
        experts: Number of experts, all equally likely.
        repeats: Probability in 0..1 that a request needs its predecessor's expert;
            ``1 / experts`` makes requests independent. Otherwise it needs one of the others at
            random.
        seed: Seed of the draws.

    Raises:
        InputError: The probability is not in 0..1, or there is no other expert.
    """
    if not 0 <= repeats <= 1 or (experts < 2 and repeats < 1):
        raise InputError(f"a trace over {experts} experts cannot repeat with probability {repeats}")
    draws = np.random.default_rng(seed)
    same = draws.random(count) < repeats
    steps = np.where(same, 0, draws.integers(1, max(2, experts), count))
    start = int(draws.integers(experts))
    return [int(e) for e in (start + np.cumsum(steps)) % experts]
