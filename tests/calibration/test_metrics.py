"""What is measured, against other implementations, exact laws and known truth."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from scipy.stats import betabinom, kstest

from surefoot.calibration.metrics.coverage import (
    beta_law,
    covered,
    group_coverage,
    joint_coverage,
    marginal_coverage,
    set_sizes,
    worst_slab,
)
from surefoot.calibration.metrics.help import help_rates
from surefoot.calibration.metrics.intervals import bootstrap, mean, rate
from surefoot.calibration.metrics.probability import (
    auroc,
    brier,
    ece,
    log_loss,
    reliability,
    risk_coverage,
)
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError


@pytest.mark.parametrize("name", ["intervals", "coverage", "probability", "help"])
def test_examples_in_docstrings_run(name: str) -> None:
    module = importlib.import_module(f"surefoot.calibration.metrics.{name}")
    assert doctest.testmod(module).failed == 0


def resplit(scores: np.ndarray, n_cal: int, alpha: float, splits: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(splits):
        mixed = rng.permutation(scores)
        found.append((mixed[n_cal:] <= conformal_quantile(mixed[:n_cal], alpha)).sum())
    return np.array(found)


def test_coverage_over_resplits_of_one_pool_follows_its_law() -> None:
    scores = np.random.default_rng(1).normal(size=700)
    counts = resplit(scores, 200, 0.1, 600, 2)
    law = beta_law(200, 0.1, 500)
    assert law.p_value(counts) > 1e-3
    assert abs(counts.mean() / 500 - law.mean) < 4 * counts.std() / 500 / np.sqrt(600)
    low, high = law.band(0.9)
    inside = ((counts / 500 >= low) & (counts / 500 <= high)).mean()
    assert 0.86 < inside < 0.97
    # The law is that of the exact counts, not merely of their mean.
    spread = kstest(
        counts + np.random.default_rng(3).random(600) - 0.5,
        lambda x: betabinom.cdf(np.floor(x + 0.5), 500, *law.shape),
    )
    assert spread.pvalue > 1e-3


@pytest.mark.parametrize("shift", [-6, 8])
def test_the_law_refutes_coverage_that_is_off(shift: int) -> None:
    counts = resplit(np.random.default_rng(1).normal(size=700), 200, 0.1, 600, 2)
    assert beta_law(200, 0.1, 500).p_value(np.clip(counts + shift, 0, 500)) < 1e-3


@pytest.mark.parametrize(
    ("n", "alpha", "expected"), [(8, 0.1, 1.0), (0, 0.1, 1.0), (50, 0.0, 1.0), (50, 1.0, 0.0)]
)
def test_the_law_of_full_and_empty_sets_is_a_point(n: int, alpha: float, expected: float) -> None:
    law = beta_law(n, alpha, 40)
    assert law.band() == (expected, expected)
    assert law.counts()[-1 if expected else 0] == 1
    assert law.p_value(np.full(200, round(40 * expected))) == 1
    assert law.p_value(np.full(200, 20)) == 0


def test_coverage_counts_facts_scenes_and_groups() -> None:
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]], dtype=bool)
    hits = covered(sets, [0, 2, 0, 2])
    assert hits.tolist() == [True, False, False, True]
    several = np.array([[1, 1, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]], dtype=bool)
    assert covered(sets, several).tolist() == [True, True, False, True]
    assert marginal_coverage(hits).value == 0.5
    assert joint_coverage(hits, ["a", "b", "b", "c"]).value == pytest.approx(2 / 3)
    assert {k: v.value for k, v in group_coverage(hits, ["x", "y", "y", "x"]).items()} == {
        "x": 1.0,
        "y": 0.0,
    }
    sizes = set_sizes(sets)
    assert sizes.counts == (1, 1, 1, 1)
    assert (sizes.mean.value, sizes.singletons.value, sizes.empty.value) == (1.5, 0.25, 0.25)


def test_eight_facts_are_covered_together_half_as_often_as_alone() -> None:
    hits = np.random.default_rng(0).random((4000, 8)) < 0.917
    scenes = np.repeat(np.arange(4000), 8)
    assert marginal_coverage(hits.ravel()).value == pytest.approx(0.917, abs=0.01)
    assert joint_coverage(hits.ravel(), scenes).value == pytest.approx(0.5, abs=0.03)


def test_the_worst_slab_is_found_and_measured_on_other_cases() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))
    bad = x @ [0.6, 0.8, 0.0] > 1.0
    hits = rng.random(4000) < np.where(bad, 0.5, 0.95)
    slab = worst_slab(x, hits)
    assert slab.coverage.value < 0.62
    assert abs(np.dot(slab.direction, [0.6, 0.8, 0.0])) > 0.9
    even = rng.random(4000) < 0.9
    found = [worst_slab(x, even, seed=s, directions=50) for s in range(8)]
    # Where nothing is worse, the search alone cries wolf; the other half does not.
    assert max(f.searched.value for f in found) < 0.87
    assert 0.88 < np.mean([f.coverage.value for f in found]) < 0.92


def test_a_slab_never_cuts_through_equal_features() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 4, size=(1000, 1)).astype(float)
    hits = rng.random(1000) < np.where(x[:, 0] == 2, 0.6, 0.95)
    slab = worst_slab(x, hits)
    assert slab.share == pytest.approx(0.25, abs=0.05)
    assert slab.coverage.value == pytest.approx(0.6, abs=0.1)


def test_ece_has_as_many_bins_as_are_asked_for() -> None:
    rng = np.random.default_rng(0)
    sure = np.append(rng.random(500), [0.0, 1.0])
    right = rng.random(502) < sure**2
    bins = reliability(sure, right, bins=10)
    by_hand = sum(b.correct.n * abs(b.correct.value - b.confidence) for b in bins) / 502
    assert ece(sure, right).value == pytest.approx(by_hand)
    assert sum(b.correct.n for b in bins) == 502
    assert len(bins) == 10


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = {"mean": 0, "clusters": 0, "plain": 0, "ece": 0, "auroc": 0}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        scene = np.repeat(rng.normal(size=60), 5)
        found = mean(rng.normal(size=300))
        held["mean"] += found.low <= 0 <= found.high
        values = scene + 0.2 * rng.normal(size=300)
        found = mean(values, np.repeat(np.arange(60), 5))
        held["clusters"] += found.low <= 0 <= found.high
        found = mean(values)
        held["plain"] += found.low <= 0 <= found.high
        sure = rng.uniform(0.4, 1.0, 300)
        right = rng.random(300) < sure - 0.15
        if seed < 25:
            found = ece(sure, right, draws=100)
            held["ece"] += found.low <= 0.15 <= found.high
            a, b = rng.normal(size=150), rng.normal(size=150) + 1
            both = 1 / (1 + np.exp(-np.append(a, b)))
            found = auroc(both, np.repeat([False, True], 150), draws=100)
            held["auroc"] += found.low <= 0.7602 <= found.high
    assert held["mean"] >= 88
    assert held["clusters"] >= 88
    assert held["plain"] <= 75, "facts of one scene are no independent cases"
    assert held["ece"] >= 20
    assert held["auroc"] >= 20


def test_brier_and_log_loss_of_known_answers() -> None:
    given = [[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]]
    assert brier(given, [0, 1]).value == pytest.approx((0.09 + 0.04 + 0.01 + 0.5) / 2)
    assert log_loss(given, [0, 1]).value == pytest.approx(-(np.log(0.7) + np.log(0.5)) / 2)
    assert np.isfinite(log_loss(given, [0, 0]).value)
    assert brier([[1.0]], [0]).value == 0


def test_areas_agree_with_mapie_and_do_not_depend_on_the_order_of_rows() -> None:
    from mapie.metrics.uncertainty import auarc

    rng = np.random.default_rng(0)
    sure = rng.random(400)
    right = rng.random(400) < sure
    found = risk_coverage(sure, right)
    assert found.auarc.value == pytest.approx(auarc(right, sure))
    assert found.auarc.low < found.auarc.value < found.auarc.high
    assert found.coverage[-1] == 1
    assert found.risk[-1] == pytest.approx(1 - right.mean())
    tied = np.full(400, 0.5)
    ordered = np.sort(right)
    assert auarc(ordered, tied) != pytest.approx(auarc(ordered[::-1], tied))
    assert risk_coverage(tied, ordered).auarc.value == pytest.approx(right.mean())
    assert risk_coverage(tied, ordered[::-1]).auarc.value == pytest.approx(right.mean())
    assert len(risk_coverage(tied, ordered).risk) == 1
    assert auroc(tied, ordered).value == 0.5


def test_shuffled_confidences_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    sure = rng.random(2000)
    right = rng.permutation(rng.random(2000) < sure)
    found = auroc(sure, right)
    assert found.low < 0.5 < found.high
    assert risk_coverage(sure, right).auarc.value == pytest.approx(right.mean(), abs=0.03)


def test_help_is_counted_as_the_papers_define_it() -> None:
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0]], dtype=bool)
    fine = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]], dtype=bool)
    harm = np.zeros((6, 3), dtype=bool)
    harm[2, 1] = harm[3, 2] = True
    found = help_rates(sets, fine, unsafe=harm, trials=[0, 0, 1, 1, 2, 3])
    as_counts = {k: (v["successes"], v["n"]) for k, v in found.to_json().items()}
    assert as_counts == {
        "success": (4, 6),
        "success_trial": (2, 4),
        "help_step": (3, 6),
        "help_trial": (3, 4),
        "exact_set": (3, 6),
        "non_compliant": (2, 6),
        "unsafe_set": (2, 6),
        "overask": (2, 5),
        "overstep": (1, 3),
        "unsafe": (1, 6),
    }
    alone = help_rates([[False, True]], [[True, True]])
    assert alone.unsafe is None
    assert alone.overask is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: rate([]),
        lambda: rate([0.5]),
        lambda: mean([]),
        lambda: mean([float("nan")]),
        lambda: marginal_coverage([]),
        lambda: covered([[True]], [1]),
        lambda: covered([[0.5]], [0]),
        lambda: joint_coverage([True], ["a", "b"]),
        lambda: worst_slab(np.zeros((5, 1)), np.ones(5, dtype=bool)),
        lambda: worst_slab(np.full((50, 1), np.nan), np.ones(50, dtype=bool)),
        lambda: ece([0.5, float("nan")], [True, False]),
        lambda: ece([], []),
        lambda: ece([1.5], [True]),
        lambda: auroc([0.5, 0.6], [True, True]),
        lambda: auroc([], []),
        lambda: brier([[0.5, 0.6]], [0]),
        lambda: beta_law(-1, 0.1),
        lambda: beta_law(10, float("nan")),
        lambda: help_rates([[True]], [[True, False]]),
    ],
)
def test_bad_input_is_one_clear_line(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_one_case_has_an_interval_that_says_so() -> None:
    found = mean([1.0])
    assert (found.low, found.high) == (float("-inf"), float("inf"))
    assert bootstrap(lambda cases: 1.0, 1).low == 1.0
    assert rate([True]).interval.low < 0.3
