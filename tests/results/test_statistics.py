"""Statistics against scipy and against their definitions."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng
from scipy.stats import binomtest

from surefoot.results.statistics import (
    clustered_wilson,
    cohen_kappa,
    compare_paired,
    holm,
    mcnemar_exact,
    pass_at_k,
    sign_flip_test,
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


@pytest.mark.parametrize("mixing", [0.3, 1.0, 5.0])
def test_clustered_wilson_covers_where_plain_wilson_does_not(mixing: float) -> None:
    """Rates of 40 tasks are drawn from a beta distribution, eight samples of each."""
    rng = default_rng(1)
    hits = plain = 0
    for _ in range(400):
        solved = rng.binomial(8, rng.beta(0.6 * mixing, 0.4 * mixing, 40))
        mine = clustered_wilson([(int(c), 8) for c in solved])
        other = wilson(int(solved.sum()), 320)
        hits += mine.low <= 0.6 <= mine.high
        plain += other.low <= 0.6 <= other.high
    assert 0.925 <= hits / 400 <= 0.985
    assert plain / 400 < 0.9


def test_clustered_wilson_at_the_ends() -> None:
    assert clustered_wilson([(1, 1), (0, 1), (1, 1)]) == wilson(2, 3)
    assert clustered_wilson([(5, 5)] * 4) == wilson(4, 4)
    assert clustered_wilson([(0, 5), (0, 2), (0, 0)]) == wilson(0, 2)
    assert clustered_wilson([(3, 6)]).low < wilson(1, 2).low + 0.1
    with pytest.raises(ValueError, match="trials"):
        clustered_wilson([(3, 2), (0, 2)])
    with pytest.raises(ValueError, match="n >= 1"):
        clustered_wilson([])


def test_pass_at_k_counts_choices() -> None:
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                chosen = list(combinations(range(n), k))
                fraction = sum(min(pick) < c for pick in chosen) / len(chosen)
                assert pass_at_k(n, c, k) == pytest.approx(fraction)
    for bad in ((3, 4, 1), (3, 1, 0), (3, 1, 4)):
        with pytest.raises(ValueError, match="need"):
            pass_at_k(*bad)


def test_sign_flips() -> None:
    assert sign_flip_test([]) == sign_flip_test([0.0, 0.0]) == 1
    for wins in range(7):
        for losses in range(7):
            signs = [1.0] * wins + [-1.0] * losses + [0.0]
            assert sign_flip_test(signs) == pytest.approx(mcnemar_exact(wins, losses))
    small = [0.2, 0.4, 0.1, 0.6, 0.3, -0.1, 0.2, 0.5, 0.25]
    exact = sign_flip_test(small)
    assert exact == pytest.approx(4 / 512 * 2, abs=0.01)
    many = small * 4
    assert sign_flip_test(many, seed=1) == pytest.approx(sign_flip_test(many, seed=2), abs=1e-3)
    assert sign_flip_test(many) < exact


def test_rates_are_compared_in_pairs() -> None:
    (row,) = compare_paired(
        {"a": {1: 0.8, 2: 1.0, 3: 0.5, 4: 1.0}, "b": {1: 0.2, 2: 0.4, 3: 0.5, 5: 1.0}}
    )
    assert (row.n, row.only_first, row.only_second, row.p_value) == (3, 2, 0, 0.5)
