"""Patterns, mixes of n:m, and masks that follow them to the weight."""

from __future__ import annotations

from itertools import product
from math import ceil, floor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning import patterns
from surefoot.sparsity.pruning.masks import keep_mask
from surefoot.sparsity.pruning.patterns import (
    SemiStructured,
    Unstructured,
    pattern_of,
    patterns_for,
    sparsity_of,
)

pytestmark = pytest.mark.quick

torch.set_num_threads(1)


def test_patterns_are_read_and_written() -> None:
    assert pattern_of("2:4") == SemiStructured(2, 4)
    assert pattern_of(" 1 : 8 ").sparsity == 7 / 8
    assert pattern_of(0.5) == pattern_of("0.5") == Unstructured(0.5)
    for pattern in (SemiStructured(3, 8), Unstructured(0.625)):
        assert pattern_of(str(pattern)) == pattern_of(pattern) == pattern


@pytest.mark.parametrize("bad", ["5:4", "0:4", "half", 1.5, -0.1, float("nan"), "2:4:8"])
def test_what_is_no_pattern_is_said(bad: str | float) -> None:
    with pytest.raises(InputError):
        pattern_of(bad)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([6, 8, 12, 20])), min_size=1, max_size=6),
    st.sampled_from([2, 4, 8]),
)
@settings(max_examples=60, deadline=None)
def test_the_mix_is_the_best_there_is(parts: list[tuple[float, int]], m: int) -> None:
    ratios, sizes = zip(*parts, strict=True)
    found = patterns_for(ratios, sizes, m)
    wanted = sum(r * s for r, s in parts) / sum(sizes)
    kept = [min(max((1 - r) * m, 1), m) for r in ratios]
    neighbours = [{max(floor(k + 1e-9), 1), min(max(ceil(k - 1e-9), 1), m)} for k in kept]
    for pattern, choices in zip(found, neighbours, strict=True):
        assert pattern.m == m
        assert pattern.n in choices
    best = min(
        abs(sparsity_of([SemiStructured(n, m) for n in choice], sizes) - wanted)
        for choice in product(*neighbours)
    )
    assert abs(sparsity_of(found, sizes) - wanted) <= best + 1e-9


def test_equal_matrices_meet_a_budget_between_two_patterns_exactly() -> None:
    found = patterns_for([0.55] * 10, [64] * 10, 4)
    assert sparsity_of(found, [64] * 10) == pytest.approx(0.55, abs=1e-12)
    assert sorted(p.n for p in found) == [1, 1] + [2] * 8
    assert patterns_for([0.5] * 3, [64, 8, 1], 4) == (SemiStructured(2, 4),) * 3
    # Of equally near mixes the one that moves the matrices least.
    assert [p.n for p in patterns_for([0.3, 0.45], [8, 8], 4)] == [3, 2]
    assert [p.n for p in patterns_for([0.45, 0.3], [8, 8], 4)] == [2, 3]


def test_many_odd_sizes_come_near_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "LARGEST_TABLE", 0)
    sizes = [1009 + 7 * i for i in range(30)]
    ratios = [0.4 + 0.01 * i for i in range(30)]
    found = patterns_for(ratios, sizes, 8)
    wanted = sum(r * s for r, s in zip(ratios, sizes, strict=True)) / sum(sizes)
    assert abs(sparsity_of(found, sizes) - wanted) <= max(sizes) / 8 / sum(sizes)
    for pattern, ratio in zip(found, ratios, strict=True):
        assert abs(pattern.n - 8 * (1 - ratio)) < 1


def test_a_malformed_mix_is_said() -> None:
    with pytest.raises(InputError):
        patterns_for([0.5], [4, 4], 4)
    with pytest.raises(InputError):
        patterns_for([1.5], [4], 4)


@pytest.mark.parametrize("granularity", ["tensor", "row"])
@given(st.floats(0, 1), st.integers(1, 7), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_masks_meet_the_budget_to_the_weight(
    granularity: str, sparsity: float, rows: int, columns: int, seed: int
) -> None:
    scores = torch.randint(0, 5, (rows, columns), generator=torch.Generator().manual_seed(seed))
    keep = keep_mask(scores.float(), Unstructured(sparsity), granularity)  # type: ignore[arg-type]
    gone = (~keep).sum(1)
    assert int(gone.sum()) == round(sparsity * rows * columns)
    if granularity == "row":
        assert int(gone.max() - gone.min()) <= 1
        for row, kept in zip(scores, keep, strict=True):
            assert not kept.any() or kept.all() or row[~kept].max() <= row[kept].min()
    elif 0 < int(gone.sum()) < rows * columns:
        assert scores[~keep].max() <= scores[keep].min()


def test_what_is_left_over_goes_where_it_costs_least() -> None:
    scores = torch.tensor([[1.0, 5.0], [1.0, 2.0], [1.0, 3.0]])
    keep = keep_mask(scores, Unstructured(4 / 6), "row")
    assert keep.tolist() == [[False, True], [False, False], [False, True]]


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (4, 4), (3, 8)])
def test_every_group_keeps_its_n_highest(n: int, m: int) -> None:
    scores = torch.rand(5, 24, generator=torch.Generator().manual_seed(n))
    keep = keep_mask(scores, SemiStructured(n, m), "row")
    for group, kept in zip(scores.reshape(-1, m), keep.reshape(-1, m), strict=True):
        assert sorted(group[kept].tolist()) == sorted(group.tolist())[m - n :]


def test_groups_must_fit() -> None:
    with pytest.raises(InputError, match="cannot be divided into groups of 4"):
        keep_mask(torch.ones(2, 6), SemiStructured(2, 4), "row")
    with pytest.raises(InputError, match="unknown granularity"):
        keep_mask(torch.ones(2, 6), Unstructured(0.5), "column")  # type: ignore[arg-type]
