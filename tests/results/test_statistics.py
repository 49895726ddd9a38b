"""Statistics against scipy and against their definitions."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from surefoot.results.statistics import (
    cohen_kappa,
    compare_paired,
    holm,
    mcnemar_exact,
    wilson,
)

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 7, 10, 60, 1000])
def test_wilson_is_scipys(n: int, confidence: float) -> None:
    for successes in {0, 1, n // 3, n // 2, n - 1, n}:
        mine = wilson(successes, n, confidence)
        theirs = binomtest(successes, n).proportion_ci(confidence, method="wilson")
        assert mine.low == pytest.approx(theirs.low, abs=1e-12)
        assert mine.high == pytest.approx(theirs.high, abs=1e-12)
        assert 0 <= mine.low <= successes / n <= mine.high <= 1


@pytest.mark.parametrize(
    ("successes", "n", "confidence"), [(0, 0, 0.95), (-1, 3, 0.95), (4, 3, 0.95), (1, 2, 1.0)]
)
def test_wilson_refuses(successes: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"need|confidence"):
        wilson(successes, n, confidence)


def test_mcnemar_is_scipys() -> None:
    for a in range(13):
        for b in range(13):
            expected = binomtest(min(a, b), a + b, 0.5).pvalue if a + b else 1.0
            assert mcnemar_exact(a, b) == pytest.approx(expected, abs=1e-12)
    assert mcnemar_exact(5, 0) == pytest.approx(2 * 0.5**5)
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 2)


def closed_test(p_values: list[float], index: int) -> float:
    """Holm is the closure of Bonferroni: the largest Bonferroni p of any set with the index."""
    others = [i for i in range(len(p_values)) if i != index]
    return max(
        min(1.0, len(chosen) * min(p_values[i] for i in chosen))
        for size in range(len(p_values))
        for rest in combinations(others, size)
        for chosen in [(index, *rest)]
    )


@given(st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.03, 0.2, 0.5, 1.0]), max_size=6))
def test_holm_is_the_closure_of_bonferroni(p_values: list[float]) -> None:
    expected = [closed_test(p_values, i) for i in range(len(p_values))]
    assert holm(p_values) == pytest.approx(expected, abs=1e-12)


def test_kappa() -> None:
    assert cohen_kappa([("a", "a")] * 5) == 1.0
    assert cohen_kappa([("a", "a"), ("b", "b")]) == 1.0
    assert cohen_kappa([("a", "b"), ("b", "a")]) == -1.0
    assert cohen_kappa([("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]) == 0.0
    # 20 + 15 of 50 agree; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5 (Wikipedia's example)
    table = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(table) == pytest.approx(0.4)
    with pytest.raises(ValueError, match="at least one"):
        cohen_kappa([])


def test_pairs_use_common_cases_only() -> None:
    rows = compare_paired(
        {
            "a": dict.fromkeys(range(8), True),
            "b": {**dict.fromkeys(range(6), False), 6: True, 99: True},
            "c": {0: False},
            "d": {200: True},
        }
    )
    assert [(r.first, r.second, r.n, r.only_first, r.only_second) for r in rows] == [
        ("a", "b", 7, 6, 0),
        ("a", "c", 1, 1, 0),
        ("b", "c", 1, 0, 0),
    ]
    assert [r.adjusted for r in rows] == holm([r.p_value for r in rows])
    assert rows[0].p_value == pytest.approx(2 * 0.5**6)
