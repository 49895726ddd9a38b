"""Budgets that are met after clipping, whatever the metrics."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.allocation import LARGEST, allocate, allocate_by_outliers
from surefoot.sparsity.pruning.patterns import patterns_for, sparsity_of

METRICS = st.floats(-1e6, 1e6)
MATRICES = st.lists(st.tuples(METRICS, st.integers(1, 10**9)), min_size=1, max_size=30)
BOUNDS = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda b: (min(b), max(b)))


def mean(ratios: tuple[float, ...], sizes: tuple[int, ...]) -> float:
    return sum(r * s for r, s in zip(ratios, sizes, strict=True)) / sum(sizes)


@given(MATRICES, BOUNDS, st.floats(0, 1), st.floats(0, 0.99))
@settings(max_examples=300, deadline=None)
def test_the_budget_is_met_within_the_bounds(
    matrices: list[tuple[float, int]], bounds: tuple[float, float], part: float, tau: float
) -> None:
    metrics, sizes = zip(*matrices, strict=True)
    low, high = bounds
    target = min(low + part * (high - low), high)
    for found in (
        allocate(metrics, sizes, target, tau, bounds),
        allocate_by_outliers(metrics, sizes, target, tau, bounds),
    ):
        assert mean(found, sizes) == pytest.approx(target, rel=1e-9, abs=1e-12)
        assert all(low <= ratio <= high for ratio in found)


@given(MATRICES, st.floats(0, LARGEST), st.floats(0, 0.99))
@settings(max_examples=200, deadline=None)
def test_a_higher_metric_never_gets_less(
    matrices: list[tuple[float, int]], target: float, tau: float
) -> None:
    metrics, sizes = zip(*matrices, strict=True)
    up = sorted(zip(metrics, allocate(metrics, sizes, target, tau), strict=True))
    down = sorted(zip(metrics, allocate_by_outliers(metrics, sizes, target, tau), strict=True))
    for (a, first), (b, second) in itertools.pairwise(up):
        assert first <= second + 1e-12 if a < b else first == second
    for (_, first), (_, second) in itertools.pairwise(down):
        assert first >= second - 1e-12
    assert all(0 <= ratio < 1 for _, ratio in up + down)


@given(MATRICES, st.floats(0.1, 0.9), st.floats(0, 0.9), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_order_scale_and_shift_of_metrics_do_not_matter(
    matrices: list[tuple[float, int]], target: float, tau: float, random: object
) -> None:
    metrics, sizes = zip(*matrices, strict=True)
    assume(max(metrics) - min(metrics) > 1e-3 or len(set(metrics)) == 1)
    base = allocate(metrics, sizes, target, tau)
    moved = allocate([2 * x + 1024 for x in metrics], sizes, target, tau)
    assert moved == pytest.approx(base, abs=1e-6)
    order = list(range(len(sizes)))
    random.shuffle(order)  # type: ignore[attr-defined]
    turned = allocate([metrics[i] for i in order], [sizes[i] for i in order], target, tau)
    assert turned == pytest.approx([base[i] for i in order], abs=1e-9)


@pytest.mark.parametrize("rule", [allocate, allocate_by_outliers])
@pytest.mark.parametrize("target", [0.0, 0.3, 0.7, LARGEST])
def test_equal_metrics_are_uniform(rule: Callable[..., tuple[float, ...]], target: float) -> None:
    found = rule([4.2] * 5, [10, 20, 10, 7, 1], target)
    assert found == pytest.approx([target] * 5, abs=1e-12)
    assert rule([1.0, 2.0, 9.0], [5, 5, 5], target, 0.0) == pytest.approx([target] * 3)


def test_without_clipping_it_is_the_papers_mapping() -> None:
    found = allocate([2.0, 4.0, 3.0], [1, 1, 2], 0.5, tau=0.2)
    assert found == pytest.approx([0.4, 0.6, 0.5])
    found = allocate_by_outliers([1.0, 3.0, 2.0], [1, 1, 2], 0.5, spread=0.1)
    assert found == pytest.approx([0.6, 0.4, 0.5])


def test_clipping_at_a_high_budget_is_made_up_for_by_the_others() -> None:
    metrics, sizes = [1.0, 1.0, 10.0], [1, 1, 1]
    # The bare mapping would give the last matrix 0.9 · 1.3 / 0.9 > 1.
    found = allocate(metrics, sizes, 0.9, tau=0.3, bounds=(0, 1))
    assert found == pytest.approx([0.85, 0.85, 1.0])
    assert allocate(metrics, sizes, 0.9, tau=0.3)[2] == LARGEST


def test_budgets_reach_n_to_m() -> None:
    sizes = [64 * 64] * 4 + [64 * 192] * 6
    ratios = allocate([3, 5, 4, 6, 2, 2.5, 7, 3, 4, 5], sizes, 0.5, tau=0.3)
    found = patterns_for(ratios, sizes, 8)
    assert len({p.n for p in found}) > 2
    assert sparsity_of(found, sizes) == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("metrics", "sizes", "options", "says"),
    [
        ([1.0], [1, 2], {}, "one metric"),
        ([], [], {}, "at least one"),
        ([float("nan")], [1], {}, "finite"),
        ([1.0], [0], {}, "positive size"),
        ([1.0, 2.0], [1, 1], {"tau": 1.0}, "tau must"),
        ([1.0, 2.0], [1, 1], {"bounds": (0.6, 1.0)}, "cannot be met"),
        ([1.0, 2.0], [1, 1], {"bounds": (0.0, 0.4)}, "cannot be met"),
        ([1.0, 2.0], [1, 1], {"bounds": (0.0, 1.4)}, "bounds must"),
    ],
)
def test_what_cannot_be_is_said(
    metrics: list[float], sizes: list[int], options: dict[str, object], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        allocate(metrics, sizes, 0.5, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="spread"):
        allocate_by_outliers([1.0], [1], 0.5, spread=-1)
