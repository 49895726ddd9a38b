"""Expert caches: Belady against brute force, closed forms, and the real cache with threads."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from functools import cache
from itertools import groupby, pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from surefoot.core.errors import HarnessError, InputError
from surefoot.sparsity.experts.caching import ExpertCache, parse_bytes, simulate
from surefoot.sparsity.experts.policies import (
    POLICIES,
    CacheLedger,
    CachePolicy,
    Lookahead,
    make_policy,
)
from surefoot.sparsity.experts.serving_time import repeating
from tests.waiting import HANGING_S, until

torch.set_num_threads(1)


def fewest_loads(trace: tuple[int, ...], sizes: tuple[int, ...], budget: int) -> int:
    """Tries every choice of what to give up."""

    @cache
    def loads(at: int, held: frozenset[int]) -> int:
        if at == len(trace):
            return 0
        want = trace[at]
        if want in held:
            return loads(at + 1, held)
        best = len(trace) + 1
        others = sorted(held)
        for bits in range(1 << len(others)):
            kept = frozenset(e for i, e in enumerate(others) if bits >> i & 1)
            if sum(sizes[e] for e in kept) + sizes[want] <= budget:
                best = min(best, 1 + loads(at + 1, kept | {want}))
        return best

    return loads(0, frozenset())


def run(trace: list[int], experts: int, room: int, policy: CachePolicy) -> float:
    report = simulate(trace, [1] * experts, room, policy)
    assert report.hit_ratio is not None
    assert report.hits + report.loads == report.requests == len(trace)
    return report.hit_ratio


def test_belady_makes_the_fewest_loads_if_sizes_are_equal() -> None:
    draws = random.Random(0)
    for _ in range(300):
        experts = draws.randint(2, 5)
        room = draws.randint(1, experts)
        trace = tuple(draws.randrange(experts) for _ in range(draws.randint(1, 12)))
        found = simulate(trace, [1] * experts, room, make_policy("belady"))
        assert found.loads == fewest_loads(trace, (1,) * experts, room), (trace, room)
        for name in POLICIES:
            assert simulate(trace, [1] * experts, room, make_policy(name)).loads >= found.loads


def test_belady_is_not_the_best_if_sizes_differ() -> None:
    draws = random.Random(1)
    worse = 0
    for _ in range(200):
        sizes = tuple(draws.randint(1, 4) for _ in range(4))
        budget = max(sizes) + draws.randint(0, 3)
        trace = tuple(draws.randrange(4) for _ in range(10))
        found = simulate(trace, sizes, budget, make_policy("belady"))
        best = fewest_loads(trace, sizes, budget)
        assert found.loads >= best
        worse += found.loads > best
    assert worse > 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 6))
def test_a_window_of_everything_is_belady(trace: list[int], room: int) -> None:
    everything = make_policy("lookahead", window=len(trace))
    assert run(trace, 6, room, everything) == run(trace, 6, room, make_policy("belady"))


@pytest.mark.parametrize("room", [2, 3, 4, 5])
def test_hit_ratios_of_independent_requests(room: int) -> None:
    trace = repeating(20_000, 6, 1 / 6, seed=room)
    for name in ("lru", "random"):
        assert run(trace, 6, room, make_policy(name, seed=1)) == pytest.approx(room / 6, abs=0.012)
    # with the next request known, what is needed next is never given up: (C + 1) / (N + 1)
    one = run(trace, 6, room, Lookahead(1))
    assert one == pytest.approx((room + 1) / 7, abs=0.012)
    ratios = [one, *(run(trace, 6, room, Lookahead(w)) for w in (2, 3, 8, None))]
    assert ratios == sorted(ratios)
    assert ratios[3] > 0.98 * ratios[4]


def test_repeats_are_hits() -> None:
    trace = repeating(20_000, 6, 0.7, seed=0)
    same = sum(a == b for a, b in pairwise(trace)) / (len(trace) - 1)
    assert same == pytest.approx(0.7, abs=0.01)
    # one place: exactly the repeats; two by LRU: also a return, 1/5 of the rest
    assert run(trace, 6, 1, make_policy("lru")) == pytest.approx(same, abs=1e-3)
    assert run(trace, 6, 2, make_policy("random")) > same


def test_waiting_for_loads_by_hand() -> None:
    trace, sizes = [0, 1, 0, 1], [10, 10]
    lru = make_policy("lru")
    alone = simulate(trace, sizes, 10, lru, bandwidth=5.0, seconds=1.0)
    assert (alone.hits, alone.loads, alone.wait_s, alone.end_s) == (0, 4, 8.0, 12.0)
    assert alone.bytes_loaded == 40
    both = simulate(trace, sizes, 20, make_policy("lru"), bandwidth=5.0, seconds=1.0)
    assert (both.hits, both.wait_s, both.end_s) == (2, 4.0, 8.0)
    # the second load of 2 s is hidden behind 1 s of computing
    ahead = simulate(trace, sizes, 20, make_policy("lru"), bandwidth=5.0, seconds=1.0, ahead=1)
    assert (ahead.hits, ahead.wait_s, ahead.end_s) == (2, 3.0, 7.0)
    slow = simulate(trace, sizes, 20, make_policy("lru"), bandwidth=5.0, seconds=3.0, ahead=1)
    assert (slow.hits, slow.wait_s) == (3, 2.0)


def test_an_empty_trace_gives_zeros() -> None:
    found = simulate([], [1, 1], 1, make_policy("lru"))
    assert (found.requests, found.hits, found.loads, found.hit_ratio) == (0, 0, 0, None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate([0], [8, 9], 8, make_policy("lru")), "8 bytes is smaller than the larg"),
        (lambda: simulate([2], [1, 1], 1, make_policy("lru")), "names expert 2; there are 2"),
        (lambda: simulate([0], [], 1, make_policy("lru")), "at least one expert"),
        (lambda: simulate([0], [1], 1, make_policy("lru"), bandwidth=0), "above 0 bytes"),
        (lambda: simulate([0], [1], 1, make_policy("lru"), ahead=-1), "0 or more ahead"),
        (lambda: make_policy("mru"), "unknown policy 'mru'; known: lru, random"),
        (lambda: make_policy("lookahead", window=0), "at least 1, not 0"),
        (lambda: parse_bytes("much"), "write it like 64MB"),
        (lambda: parse_bytes("-1"), "write it like 64MB"),
        (lambda: parse_bytes("5XB"), "write it like 64MB"),
        (lambda: parse_bytes("nan"), "write it like 64MB"),
    ],
)
def test_bad_input_is_told(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]


def test_numbers_of_bytes() -> None:
    told = ["64MB", "64 MiB", "1.5kb", "5000", "2GiB", "7B"]
    assert [parse_bytes(t) for t in told] == [64_000_000, 2**26, 1500, 5000, 2**31, 7]


class Shelf:
    """A store in memory that counts, and that can be slow or broken."""

    def __init__(self, sizes: list[int], pause: float = 0.0) -> None:
        self.sizes, self.pause = sizes, pause
        self.experts = len(sizes)
        self.asked: list[int] = []
        self.loads: list[int] = []
        self.broken: set[int] = set()
        self.may_load = threading.Event()
        self.may_load.set()

    def bytes_of(self, expert: int) -> int:
        return self.sizes[expert]

    def load(self, expert: int) -> Mapping[str, Tensor]:
        self.asked.append(expert)
        assert self.may_load.wait(HANGING_S)
        time.sleep(self.pause)
        if expert in self.broken:
            raise OSError("the disk is on fire")
        self.loads.append(expert)
        return {"w": torch.full((self.sizes[expert],), expert, dtype=torch.uint8)}


@pytest.mark.parametrize("name", POLICIES)
def test_the_cache_does_what_the_simulator_says(name: str) -> None:
    # consecutive requests for one expert are announced as one
    trace = [expert for expert, _ in groupby(repeating(500, 6, 1 / 6, seed=3))]
    expected = simulate(trace, [4] * 6, 12, make_policy(name, seed=5, window=4))
    shelf = Shelf([4] * 6)
    with ExpertCache(shelf, 12, make_policy(name, seed=5, window=4), background=False) as cache:
        for i, expert in enumerate(trace):
            cache.prefetch(trace[i:])
            assert int(cache.get(expert)["w"][0]) == expert
        counts = cache.counts()
    assert (counts.hits, counts.loads) == (expected.hits, expected.loads)
    assert counts.bytes_loaded == expected.bytes_loaded
    assert counts.peak_bytes <= 12
    assert counts.evictions == counts.loads - 3
    assert counts.seen == 6


def test_announced_experts_come_in_the_background() -> None:
    shelf = Shelf([1] * 6)
    with ExpertCache(shelf, 3, make_policy("lookahead")) as cache:
        cache.prefetch([4, 4, 2, 4, 5, 1])
        until(lambda: cache.counts().prefetched == 3)
        assert cache.held == (2, 4, 5)  # 1 would take the place of what is needed sooner
        for expert in (4, 2, 4):
            cache.get(expert)
        until(lambda: cache.counts().prefetched == 4)
        cache.get(5)
        cache.get(1)
        counts = cache.counts()
    assert (counts.requests, counts.hits, counts.loads) == (5, 5, 4)


def test_a_request_waits_for_a_load_that_has_begun() -> None:
    shelf = Shelf([1] * 3)
    shelf.may_load.clear()
    with ExpertCache(shelf, 2, make_policy("lru")) as cache:
        cache.prefetch([1])
        until(lambda: shelf.asked == [1])
        waiting = threading.Thread(target=cache.get, args=(1,))
        waiting.start()
        until(lambda: cache.counts().seen == 1)  # it counts as late from then on
        shelf.may_load.set()
        waiting.join(HANGING_S)
        counts = cache.counts()
    assert shelf.loads == [1]
    assert (counts.late, counts.hits, counts.loads) == (1, 0, 1)
    assert counts.wait_s > 0


def test_a_failed_load_is_told_to_who_needs_it_and_may_be_tried_again() -> None:
    shelf = Shelf([1] * 3)
    shelf.broken = {1}
    with ExpertCache(shelf, 1, make_policy("lru")) as cache:
        cache.prefetch([1, 0])
        until(lambda: 1 in shelf.asked)
        with pytest.raises(OSError, match="on fire"):
            cache.get(1)
        assert cache.bytes_held == 0
        shelf.broken = set()
        assert int(cache.get(1)["w"][0]) == 1


def test_many_threads_share_a_cache() -> None:
    shelf = Shelf([3, 5, 2, 4], pause=0.0005)
    wrong: list[object] = []
    with ExpertCache(shelf, 9, make_policy("lookahead")) as cache:

        def work(seed: int) -> None:
            draws = random.Random(seed)
            try:
                for _ in range(100):
                    expert = draws.randrange(4)
                    if draws.random() < 0.3:
                        cache.prefetch([draws.randrange(4) for _ in range(6)])
                    found = cache.get(expert)["w"]
                    if not (len(found) == shelf.sizes[expert] and bool((found == expert).all())):
                        wrong.append(expert)
            except Exception as error:
                wrong.append(error)

        threads = [threading.Thread(target=work, args=(s,)) for s in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANGING_S)
            assert not thread.is_alive()
        counts = cache.counts()
        assert wrong == []
        assert counts.requests == 600
        assert counts.loads == len(shelf.loads)
        assert counts.peak_bytes <= 9
        assert sum(shelf.sizes[e] for e in cache.held) <= 9


def test_a_closed_cache_says_so() -> None:
    cache = ExpertCache(Shelf([1]), 1, make_policy("lru"))
    cache.close()
    cache.close()
    with pytest.raises(HarnessError, match="closed"):
        cache.get(0)
    with pytest.raises(InputError, match="no expert 1; there are 1"):
        cache.get(1)


def test_pinned_experts_stay() -> None:
    ledger = CacheLedger([1, 1, 1], 2, make_policy("lru"))
    from surefoot.sparsity.experts.policies import Queue

    for expert in (0, 1):
        ledger.swap(expert, ledger.victims(expert, Queue()) or [])
    assert ledger.victims(2, Queue(), {0}) == [1]
    assert ledger.victims(2, Queue(), {0, 1}) is None
