"""Batching by expert: it ends, loses nothing, starves nobody; and serving in simulated time."""

from __future__ import annotations

from math import ceil, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.sparsity.experts.batching import (
    BATCHERS,
    Batcher,
    ExpertAware,
    ReleasedBatcher,
    WaitingToken,
    expected_unique,
    make_batcher,
    rarest,
)
from surefoot.sparsity.experts.policies import make_policy
from surefoot.sparsity.experts.serving_time import (
    DurationSummary,
    MachineModel,
    SimulatedRequest,
    poisson,
    repeating,
    serve,
)

EXPERTS = 4
machines = st.builds(
    MachineModel,
    st.just((3, 5, 2, 4)),
    st.integers(5, 14),
    st.integers(1, 6),
    st.sampled_from([1.0, 10.0, inf]),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([0.0, 0.05]),
    st.integers(0, 2),
)
streams = st.lists(
    st.builds(
        SimulatedRequest,
        st.floats(0, 5, allow_nan=False),
        st.lists(st.integers(0, EXPERTS - 1), max_size=6).map(tuple),
    ),
    max_size=12,
)
batchers = st.one_of(
    st.sampled_from(["fifo", "released"]).map(make_batcher),
    st.sampled_from([0.0, 0.2, 2.0, inf]).map(ExpertAware),
)


@settings(max_examples=200, deadline=None)
@given(streams, machines, batchers, st.sampled_from(["lru", "random", "lookahead", "belady"]))
def test_serving_ends_and_loses_nothing(
    requests: list[SimulatedRequest], machine: MachineModel, batcher: Batcher, policy: str
) -> None:
    report = serve(requests, machine, batcher, make_policy(policy))
    done = [pair for batch in report.batches_of for pair in batch]
    assert sorted(done) == [(i, k) for i, r in enumerate(requests) for k in range(len(r.experts))]
    places: dict[int, int] = {}
    for request, place in done:  # every request in order
        assert place == places.get(request, 0)
        places[request] = place + 1
    assert all(1 <= len(batch) <= machine.batch for batch in report.batches_of)
    assert all(len({r for r, _ in batch}) == len(batch) for batch in report.batches_of)
    if report.tokens:
        assert 1 <= (report.unique or 0) <= min(EXPERTS, machine.batch)
        assert report.end_s >= max(r.arrival for r in requests if r.experts)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 9)), min_size=1, max_size=40),
    st.integers(1, 8),
    st.floats(0, 9),
)
def test_overdue_tokens_are_served_in_their_order(
    tokens: list[tuple[int, float]], size: int, deadline: float
) -> None:
    now = 9.0
    ordered = sorted(enumerate(tokens), key=lambda t: t[1][1])
    waiting = [WaitingToken(i, expert, since) for i, (expert, since) in ordered]
    late = [w for w in waiting if now - w.since >= deadline]
    batcher, done, rounds = ExpertAware(deadline), [], {}
    left = list(waiting)
    while left:
        chosen = batcher.pick(left, size, now, lambda e: False)
        assert len(chosen) == len(set(chosen)) == min(size, len(left))
        for i in chosen:
            rounds[left[i].request] = len(done)
        done.append(chosen)
        left = [w for i, w in enumerate(left) if i not in set(chosen)]
    for place, token in enumerate(late):
        assert rounds[token.request] + 1 <= ceil((place + 1) / size)


def flood(batcher: Batcher) -> tuple[float, float]:
    """Serves a stream in which one token of expert 1 stands against ever more of expert 0."""
    common = [SimulatedRequest(0.1 * i, (0,)) for i in range(400)]
    requests = [*common, SimulatedRequest(1.0, (1,))]
    machine = MachineModel((1, 1), 2, batch=2, batch_s=0.25)  # 8 tokens a second for 10 that come
    report = serve(requests, machine, batcher, make_policy("lru"))
    return report.rarest_wait.worst or 0.0, report.end_s


def test_a_rare_expert_starves_as_released_and_not_with_a_deadline() -> None:
    starved, end = flood(ReleasedBatcher())
    assert starved > 0.9 * end - 2
    never, _ = flood(ExpertAware(inf))
    assert never > 0.9 * end - 2
    served, _ = flood(ExpertAware(0.5))
    assert served < 3
    assert flood(ExpertAware(0.0))[0] == flood(make_batcher("fifo"))[0]


def test_the_released_loop_and_where_it_would_not_end() -> None:
    waiting = [WaitingToken(i, e, 0.0) for i, e in enumerate([2, 0, 1, 0, 1, 0])]
    batcher = ReleasedBatcher()
    assert batcher.pick(waiting, 4, 0.0, lambda e: False) == [1, 3, 5, 2]
    assert batcher.endless == 0
    assert batcher.pick(waiting, 6, 0.0, lambda e: False) == [1, 3, 5, 2, 4, 0]
    assert batcher.endless == 0  # full and empty at once
    assert len(batcher.pick(waiting, 7, 0.0, lambda e: False)) == 6
    assert batcher.endless == 1
    assert batcher.pick([], 7, 0.0, lambda e: False) == []
    report = serve(
        [SimulatedRequest(0.0, (0,))], MachineModel((1,), 1, batch=2), batcher, make_policy("lru")
    )
    assert report.endless == 1


def test_batches_keep_to_experts_and_prefer_those_at_hand() -> None:
    waiting = [WaitingToken(i, e, 0.1 * i) for i, e in enumerate([3, 0, 1, 0, 1, 2])]
    batcher = ExpertAware(10.0)
    assert batcher.pick(waiting, 2, 1.0, lambda e: e == 1) == [2, 4]
    assert batcher.pick(waiting, 2, 1.0, lambda e: False) == [1, 3]
    # the overdue 3 comes first; the room goes to the fullest queue
    assert ExpertAware(1.0).pick(waiting, 3, 1.0, lambda e: False) == [0, 1, 3]
    # an overdue 0 brings the other 0 along
    assert ExpertAware(0.85).pick(waiting, 3, 1.0, lambda e: False) == [0, 1, 3]


@pytest.mark.parametrize(("experts", "size"), [(6, 1), (6, 5), (6, 16), (2, 3)])
def test_unique_experts_of_a_batch(experts: int, size: int) -> None:
    traces = np.random.default_rng(0).integers(experts, size=(size, 3000)).tolist()
    machine = MachineModel((1,) * experts, experts, batch=size)
    requests = [SimulatedRequest(0.0, tuple(t)) for t in traces]
    report = serve(requests, machine, make_batcher("fifo"), make_policy("lru"))
    assert report.batches == 3000
    assert report.unique == pytest.approx(expected_unique(experts, size), abs=0.06)
    fewer = serve(
        requests,
        MachineModel((1,) * experts, experts, batch=max(1, size // 2)),
        ExpertAware(inf),
        make_policy("lru"),
    )
    assert (fewer.unique or 0) <= expected_unique(experts, max(1, size // 2)) + 0.06


def test_times_by_hand() -> None:
    machine = MachineModel((10, 10), 20, batch=2, bandwidth=10.0, batch_s=1.0, token_s=0.5, ahead=0)
    report = serve(
        [SimulatedRequest(0.0, (0, 0)), SimulatedRequest(0.0, (1,))],
        machine,
        make_batcher("fifo"),
        make_policy("lru"),
    )
    # 1 + load 1 + .5 + load 1 + .5 = 4; then 1 + .5
    assert report.end_s == pytest.approx(5.5)
    assert report.latency == DurationSummary(
        pytest.approx(4.75), pytest.approx(5.425), pytest.approx(5.5)
    )
    assert (report.loads, report.hit_ratio) == (2, pytest.approx(1 / 3))
    assert report.load_wait_s == pytest.approx(2.0)
    assert report.rarest_wait.worst == 0.0
    ahead = serve(
        [SimulatedRequest(0.0, (0, 0)), SimulatedRequest(0.0, (1,))],
        MachineModel((10, 10), 20, 2, 10.0, 1.0, 0.0, 0.5, 1),
        make_batcher("fifo"),
        make_policy("lru"),
    )
    assert ahead.end_s == pytest.approx(5.0)  # half a second of the load is hidden


@pytest.mark.parametrize("name", BATCHERS)
def test_no_request_at_all_gives_zeros(name: str) -> None:
    for requests in ([], [SimulatedRequest(1.0, ())]):
        report = serve(requests, MachineModel((1,), 1), make_batcher(name), make_policy("lru"))
        assert (report.tokens, report.batches, report.loads, report.end_s) == (0, 0, 0, 0.0)
        assert report.hit_ratio is report.unique is report.wait.mean is None
        assert report.rarest_wait == DurationSummary()
    assert report.latency == DurationSummary(0.0, 0.0, 0.0)


def test_arrivals() -> None:
    found = list(poisson([(0,)] * 4000, 5.0, seed=1))
    assert found[-1].arrival / 4000 == pytest.approx(0.2, abs=0.01)
    assert found == list(poisson([(0,)] * 4000, 5.0, seed=1))
    assert rarest([0, 1, 1, 2, 2]) == 0
    assert rarest([]) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: serve([], MachineModel((4,), 3), m, make_policy("lru")),
            "smaller than the largest",
        ),
        (
            lambda m: serve([], MachineModel((4,), 4, batch=0), m, make_policy("lru")),
            "at least 1 token",
        ),
        (
            lambda m: serve([], MachineModel((4,), 4, token_s=-1), m, make_policy("lru")),
            "less than 0",
        ),
        (
            lambda m: serve(
                [SimulatedRequest(0, (1,))], MachineModel((4,), 4), m, make_policy("lru")
            ),
            "beyond",
        ),
        (lambda m: make_batcher("lifo"), "unknown batching policy 'lifo'; known: fifo"),
        (lambda m: ExpertAware(-1.0), "0 seconds or more"),
        (lambda m: ExpertAware(float("nan")), "0 seconds or more"),
        (lambda m: repeating(5, 1, 0.5, 0), "cannot repeat"),
        (lambda m: repeating(5, 3, 1.5, 0), "cannot repeat"),
    ],
)
def test_bad_input_is_told(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(make_batcher("fifo"))  # type: ignore[operator]
