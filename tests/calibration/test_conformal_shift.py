"""Groups, known shift and unknown shift, each with the way that fails beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surefoot.calibration.conformal.adaptive import AdaptiveLevel, QuantileTracker
from surefoot.calibration.conformal.groups import ClassConformal, GroupConformal, GroupStatus
from surefoot.calibration.conformal.scores import Score
from surefoot.calibration.conformal.shift import WeightedConformal, effective_sample_size
from surefoot.calibration.conformal.split import SplitConformal
from surefoot.calibration.quantiles import rank
from surefoot.core.errors import InputError
from tests.calibration import simulators as sim

ALPHA, SPLITS = 0.1, 300


def covered(sets: np.ndarray, labels: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return sets[np.arange(len(labels)), labels]  # type: ignore[no-any-return]


# --- Groups ---------------------------------------------------------------------------------


def test_each_group_is_covered_where_one_threshold_fails() -> None:
    rng = np.random.default_rng(1)
    near, far = sim.classifier(rng, 500, signal=3.0), sim.classifier(rng, 500, signal=0.8)
    counts = {name: np.empty(SPLITS, dtype=np.intp) for name in ("near", "far")}
    single = []
    kinds = np.repeat(["near", "far"], 200)
    for at in range(SPLITS):
        order = rng.permutation(500)
        cal, test = order[:200], order[200:]
        probabilities = np.concatenate([near.probabilities[cal], far.probabilities[cal]])
        labels = np.concatenate([near.labels[cal], far.labels[cal]])
        made = GroupConformal.calibrate(probabilities, labels, kinds, ALPHA)
        one = SplitConformal.calibrate(probabilities, labels, ALPHA)
        for name, pool in (("near", near), ("far", far)):
            sets = made.sets(pool.probabilities[test], [name] * 300)
            counts[name][at] = covered(sets, pool.labels[test]).sum()
        single.append(covered(one.sets(far.probabilities[test]), far.labels[test]).mean())
    for count in counts.values():
        assert sim.law_p_value(count, 200, 300, rank(200, ALPHA), rng) > 1e-3
    assert np.mean(single) < 0.87


def test_unknown_and_small_groups_get_the_full_set_and_say_so() -> None:
    cases = sim.classifier(np.random.default_rng(2), 40)
    made = GroupConformal.calibrate(
        cases.probabilities, cases.labels, ["a"] * 32 + ["b"] * 8, ALPHA, Score.APS
    )
    assert made.status("a") is GroupStatus.CALIBRATED
    assert made.status("b") is GroupStatus.TOO_SMALL
    assert made.status("c") is GroupStatus.UNKNOWN
    sets = made.sets(cases.probabilities[:3], ["a", "b", "c"])
    assert sets[1:].all()
    assert not made.sets(cases.probabilities, ["a"] * 40).all()
    empty = GroupConformal.calibrate(np.empty((0, 6)), [], [], ALPHA)
    assert empty.sets(cases.probabilities, range(40)).all()
    back = GroupConformal.from_json(made.to_json())
    assert (back.sets(cases.probabilities[:3], ["a", "b", "c"]) == sets).all()
    assert back.to_json() == made.to_json()


def test_malformed_groups_are_refused() -> None:
    cases = sim.classifier(np.random.default_rng(3), 4)
    with pytest.raises(InputError, match="groups of shape"):
        GroupConformal.calibrate(cases.probabilities, cases.labels, ["a"], ALPHA)
    for text in ("", "[]", '{"groups": 3, "alpha": 0.1, "score": "lac"}'):
        with pytest.raises(InputError, match="no calibration of groups"):
            GroupConformal.from_json(text)


def test_each_label_is_covered_where_one_threshold_fails() -> None:
    rng = np.random.default_rng(4)
    mine, one = [], []
    for _ in range(200):
        # A model that seldom says label 0 and is seldom asked about it.
        cases = sim.classifier(rng, 900, classes=3, signal=1.5)
        keep = (cases.labels != 0) | (rng.random(900) < 0.3)
        tilted = cases.probabilities * np.array([0.2, 1, 1])
        tilted /= tilted.sum(1, keepdims=True)
        cal, test = np.flatnonzero(keep)[:300], np.flatnonzero(keep)[300:]
        rare = test[cases.labels[test] == 0]
        made = ClassConformal.calibrate(tilted[cal], cases.labels[cal], ALPHA)
        flat = SplitConformal.calibrate(tilted[cal], cases.labels[cal], ALPHA)
        mine.append(covered(made.sets(tilted[rare]), cases.labels[rare]).mean())
        one.append(covered(flat.sets(tilted[rare]), cases.labels[rare]).mean())
    assert np.mean(mine) > 0.9 - 4 * np.std(mine) / np.sqrt(200)
    assert np.mean(mine) < 0.95
    assert np.mean(one) < 0.75


def test_a_label_that_was_never_true_is_in_every_set() -> None:
    cases = sim.classifier(np.random.default_rng(5), 100)
    made = ClassConformal.calibrate(cases.probabilities, [1] * 100, ALPHA)
    assert made.counts.tolist() == [0, 100, 0, 0, 0, 0]
    sets = made.sets(cases.probabilities)
    assert sets[:, [0, 2, 3, 4, 5]].all()
    assert not sets[:, 1].all()
    with pytest.raises(InputError, match="calibrated for 6 labels"):
        made.sets([[0.5, 0.5]])


# --- Known shift ----------------------------------------------------------------------------


def test_weights_mend_a_known_shift() -> None:
    rng = np.random.default_rng(6)
    weighted, static, sizes = [], [], []
    for _ in range(SPLITS):
        cal, test = sim.covariate_shift(rng, 400), sim.covariate_shift(rng, 400, shift=1.0)
        made = WeightedConformal.calibrate(cal.probabilities, cal.labels, cal.ratio, ALPHA)
        sets = made.sets(test.probabilities, test.ratio)
        weighted.append(covered(sets, test.labels).mean())
        sizes.append(sets.sum(1).mean())
        plain = SplitConformal.calibrate(cal.probabilities, cal.labels, ALPHA)
        static.append(covered(plain.sets(test.probabilities), test.labels).mean())
        assert 50 < made.effective_n < 350
    assert np.mean(static) < 0.85
    assert np.mean(weighted) > 0.9 - 3 * np.std(weighted) / np.sqrt(SPLITS)
    assert np.mean(weighted) < 0.93
    assert np.mean(sizes) < 4


@pytest.mark.parametrize("alpha", [0.0, 0.05, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("n", [0, 1, 8, 9, 19, 200])
def test_equal_weights_are_split_conformal(n: int, alpha: float) -> None:
    cases = sim.classifier(np.random.default_rng(7), n)
    for weight in (1.0, 0.3, 1e-9):
        made = WeightedConformal.calibrate(
            cases.probabilities, cases.labels, np.full(n, weight), alpha
        )
        plain = SplitConformal.calibrate(cases.probabilities, cases.labels, alpha)
        assert made.thresholds([weight]).tolist() == [plain.threshold]
        few = cases.probabilities[:5]
        assert np.allclose(made.p_values(few, [weight] * len(few)), plain.p_values(few))


def test_a_dominating_weight_gives_the_full_set() -> None:
    cases = sim.classifier(np.random.default_rng(8), 99)
    made = WeightedConformal.calibrate(cases.probabilities, cases.labels, np.ones(99), ALPHA)
    limits = made.thresholds([0.0, 1.0, 10.9, 11.1, 1e6])
    assert np.isfinite(limits[:3]).all()
    assert np.isinf(limits[3:]).all()
    assert (np.diff(limits[:3]) >= 0).all()
    nothing = WeightedConformal.calibrate(cases.probabilities, cases.labels, np.zeros(99), ALPHA)
    assert nothing.effective_n == 0
    assert nothing.sets(cases.probabilities[:2], [0.0, 1.0]).all()
    assert (nothing.p_values(cases.probabilities[:2], [0.0, 1.0]) == 1).all()


def test_weights_of_zero_count_for_nothing_and_ties_are_kept() -> None:
    rows = [[0.9, 0.1]] * 30 + [[0.2, 0.8]] * 5
    weights = [1.0] * 30 + [0.0] * 5
    made = WeightedConformal.calibrate(rows, [0] * 35, weights, ALPHA)
    plain = SplitConformal.calibrate(rows[:30], [0] * 30, ALPHA)
    assert made.thresholds([1.0])[0] == plain.threshold
    assert made.effective_n == 30


def test_weighted_sets_are_the_labels_with_p_above_alpha() -> None:
    rng = np.random.default_rng(9)
    cal, test = sim.covariate_shift(rng, 100), sim.covariate_shift(rng, 300, shift=1.0)
    made = WeightedConformal.calibrate(cal.probabilities, cal.labels, cal.ratio, ALPHA)
    above = made.p_values(test.probabilities, test.ratio) > ALPHA
    assert (above == made.sets(test.probabilities, test.ratio)).all()


@pytest.mark.parametrize("bad", [[-1.0], [float("inf")], [float("nan")], [1.0, 1.0]])
def test_malformed_weights_are_refused(bad: list[float]) -> None:
    with pytest.raises(InputError, match="weights"):
        WeightedConformal.calibrate([[1.0]], [0], bad, ALPHA)


def test_effective_sample_size_does_not_overflow() -> None:
    assert effective_sample_size([1e300, 1e300]) == 2
    assert effective_sample_size([]) == 0


# --- Unknown shift --------------------------------------------------------------------------


def drifting(rng: np.random.Generator, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Scores of 400 calibration cases, and of a stream that gets worse a third of the way."""
    cal, late = sim.classifier(rng, 400, signal=2.5), sim.stream(rng, n, n // 3)
    return (
        1 - cal.probabilities[np.arange(400), cal.labels],
        1 - late.probabilities[np.arange(n), late.labels],
    )


def test_static_sets_fail_under_drift_and_adaptive_ones_do_not() -> None:
    rng = np.random.default_rng(10)
    static, level, tracked = [], [], []
    for _ in range(20):
        past, now = drifting(rng)
        start = SplitConformal.from_scores(past, ALPHA).threshold
        static.append((now > start).mean())
        level.append(AdaptiveLevel(ALPHA, 0.02, past, window=400).replay(now).missed.mean())
        tracked.append(QuantileTracker(ALPHA, 0.05, start).replay(now).missed.mean())
    assert np.mean(static) > 0.2
    for misses in (level, tracked):
        assert np.abs(np.array(misses) - ALPHA).max() < 0.015


streams = st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0]), min_size=1, max_size=200)


@given(
    scores=streams,
    alpha=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    gamma=st.sampled_from([0.005, 0.1, 1.0, 3.0]),
    window=st.sampled_from([None, 1, 10]),
    past=st.lists(st.floats(0, 1), max_size=20),
)
@settings(max_examples=150, deadline=None)
def test_no_stream_breaks_the_bound_of_the_level(
    scores: list[float], alpha: float, gamma: float, window: int | None, past: list[float]
) -> None:
    online = AdaptiveLevel(alpha, gamma, past, window=window)
    missed = online.replay(scores).missed
    assert abs(missed.mean() - alpha) <= online.bound(len(scores)) + 1e-9


@given(
    scores=streams,
    alpha=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    eta=st.sampled_from([0.005, 0.1, 1.0, 3.0]),
    start=st.sampled_from([0.0, 0.4, 1.0]),
)
@settings(max_examples=150, deadline=None)
def test_no_stream_breaks_the_bound_of_tracking(
    scores: list[float], alpha: float, eta: float, start: float
) -> None:
    online = QuantileTracker(alpha, eta, start)
    missed = online.replay(scores).missed
    assert abs(missed.mean() - alpha) <= online.bound(len(scores)) + 1e-9


def test_an_adversary_does_not_break_the_bounds() -> None:
    online, tracker = AdaptiveLevel(ALPHA, 0.05, [0.5] * 50, window=50), QuantileTracker(ALPHA, 0.1)
    missed = np.empty((2, 2000))
    for at in range(2000):
        # Just above the threshold whenever that is possible.
        missed[0, at] = online.update(min(np.nextafter(online.threshold(), 2), 1.0))
        limit = tracker.threshold
        missed[1, at] = tracker.update(min(max(np.nextafter(limit, 2), 0.0), 1.0))
    assert abs(missed[0].mean() - ALPHA) <= online.bound(2000)
    assert abs(missed[1].mean() - ALPHA) <= tracker.bound(2000)


def test_step_by_step_is_replay() -> None:
    past, now = drifting(np.random.default_rng(11), 300)
    for window in (None, 50):
        one, other = (AdaptiveLevel(ALPHA, 0.05, past, window=window) for _ in "ab")
        told = other.replay(now)
        for at, value in enumerate(now):
            assert one.threshold() == told.thresholds[at]
            assert one.update(value) == told.missed[at]
        assert one.level == told.final[0]
    tracker, many = QuantileTracker(ALPHA, 0.05, 0.5), QuantileTracker(ALPHA, 0.05, 0.5)
    rows = many.replay(np.stack([now, now[::-1]]))
    assert many.threshold == 0.5
    single = [tracker.update(value) for value in now]
    assert (rows.missed[0] == single).all()
    assert tracker.threshold == rows.final[0]
    assert rows.thresholds.shape == (2, 300)


def test_a_window_forgets() -> None:
    online = AdaptiveLevel(0.5, 0.001, [0.9] * 10, window=10)
    online.replay([0.1] * 10)
    assert online.threshold() == 0.1
    growing = AdaptiveLevel(0.5, 0.001, [0.9] * 30)
    growing.replay([0.1] * 10)
    assert growing.threshold() == 0.9


def test_labels_that_come_only_sometimes() -> None:
    rng = np.random.default_rng(12)
    # Easy cases are labelled far more often than hard ones.
    shape = (40, 6000)
    hard = rng.random(shape) < 0.5
    scores = np.where(hard, rng.beta(4, 2, shape), rng.beta(2, 4, shape))
    chance = np.where(hard, 0.1, 0.9)
    seen = rng.random(shape) < chance
    tracker = QuantileTracker(ALPHA, 0.01, 0.8)
    weighted = tracker.replay(scores, observed=seen, probability=chance).missed
    naive = tracker.replay(scores, observed=seen).missed
    error = weighted.mean(axis=1).std() / np.sqrt(40)
    bound = tracker.bound(6000, probability=0.1)
    assert abs(weighted.mean() - ALPHA) < bound + 4 * error < 0.03
    assert naive.mean() > 0.13


def test_adaptive_edges() -> None:
    rows = sim.classifier(np.random.default_rng(13), 20).probabilities
    assert AdaptiveLevel(ALPHA).sets(rows).all()
    assert AdaptiveLevel(0.0, scores=[0.5] * 50).sets(rows).all()
    assert not AdaptiveLevel(1.0, scores=[0.5] * 50).sets(rows).any()
    assert QuantileTracker(ALPHA).sets(rows).all()
    assert AdaptiveLevel(ALPHA).replay([]).missed.shape == (0,)
    assert QuantileTracker(ALPHA).replay([]).missed.shape == (0,)
    assert QuantileTracker(ALPHA, largest=6.0, threshold=6.0).sets(rows, Score.TOP_K).all()


def test_adaptive_misuse_is_refused() -> None:
    for make in (
        lambda: AdaptiveLevel(ALPHA, 0.0),
        lambda: AdaptiveLevel(ALPHA, window=0),
        lambda: AdaptiveLevel(ALPHA, scores=[float("nan")]),
        lambda: AdaptiveLevel(ALPHA).update(float("nan")),
        lambda: QuantileTracker(ALPHA, 0.0),
        lambda: QuantileTracker(ALPHA, threshold=float("inf")),
        lambda: QuantileTracker(ALPHA).update(1.5),
        lambda: QuantileTracker(ALPHA).update(float("nan")),
        lambda: QuantileTracker(ALPHA).update(0.5, probability=0.0),
        lambda: QuantileTracker(ALPHA).replay([[[0.5]]]),
        lambda: QuantileTracker(ALPHA).replay([0.5], observed=[True, True]),
        lambda: QuantileTracker(2.0),
    ):
        with pytest.raises(InputError):
            make()
