"""Split conformal sets: the law of their coverage, MAPIE beside them, and the edges."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.model_selection import StratifiedShuffleSplit

from surefoot.calibration.conformal.scores import (
    Regularisation,
    Score,
    label_scores,
    sets_within,
    true_scores,
)
from surefoot.calibration.conformal.split import SplitConformal, choose_regularisation
from surefoot.calibration.quantiles import conditional_alpha, conformal_quantile, rank
from surefoot.core.errors import InputError
from tests.calibration import simulators as sim

N_CAL, N_TEST, SPLITS, ALPHA = 200, 250, 300, 0.1
Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def resplit(pool: sim.Cases, rng: np.random.Generator, randomised: bool, score: Score) -> Array:
    """Covered test cases in each of many random splits of one pool."""
    covered = np.empty(SPLITS, dtype=np.intp)
    for at in range(SPLITS):
        order = rng.permutation(len(pool))
        cal, test = pool[order[:N_CAL]], pool[order[N_CAL:]]
        made = SplitConformal.calibrate(
            cal.probabilities, cal.labels, ALPHA, score, randomise=rng if randomised else None
        )
        sets = made.sets(test.probabilities, randomise=rng if randomised else None)
        covered[at] = sets[np.arange(len(test)), test.labels].sum()
    return covered


@pytest.mark.parametrize(
    ("score", "randomised"),
    [
        (Score.LAC, False),
        (Score.APS, False),
        (Score.APS, True),
        (Score.RAPS, False),
        (Score.RAPS, True),
    ],
)
def test_coverage_follows_its_law(score: Score, randomised: bool) -> None:
    rng = np.random.default_rng(1)
    pool = sim.classifier(rng, N_CAL + N_TEST)
    covered = resplit(pool, rng, randomised, score)
    k = rank(N_CAL, ALPHA)
    assert sim.law_p_value(covered, N_CAL, N_TEST, k, rng) > 1e-3
    error = covered.std() / N_TEST / np.sqrt(SPLITS)
    assert abs(covered.mean() / N_TEST - k / (N_CAL + 1)) < 4 * error


def test_the_law_would_notice_a_missing_correction() -> None:
    rng = np.random.default_rng(2)
    covered = np.empty(SPLITS, dtype=np.intp)
    n = 19  # here the correction matters: rank 18 of 19 is .90, rank 17 is .85
    for at in range(SPLITS):
        scores = rng.random(n + N_TEST)
        threshold = np.sort(scores[:n])[rank(n, ALPHA) - 2]
        covered[at] = (scores[n:] <= threshold).sum()
    assert sim.law_p_value(covered, n, N_TEST, rank(n, ALPHA), rng) < 1e-6


@pytest.mark.parametrize("delta", [0.01, 0.1])
def test_a_promise_about_one_calibration(delta: float) -> None:
    rng = np.random.default_rng(17)
    level = conditional_alpha(N_CAL, ALPHA, delta)
    assert 0 < level < ALPHA
    draws = rng.random((4000, N_CAL))  # the coverage of a threshold on uniform scores is itself
    short, plain = (
        np.mean([conformal_quantile(scores, a) < 1 - ALPHA for scores in draws])
        for a in (level, ALPHA)
    )
    assert short <= delta + 4 * np.sqrt(delta / 4000)
    assert plain > 0.4
    # One case more to miss would be too many.
    looser = [conformal_quantile(s, level + 1 / (N_CAL + 1)) < 1 - ALPHA for s in draws]
    assert np.mean(looser) > delta


def test_a_promise_about_one_calibration_at_the_edges() -> None:
    assert [conditional_alpha(n, 0.1, 0.1) for n in (0, 1, 21)] == [0.0, 0.0, 0.0]
    assert conditional_alpha(22, 0.1, 0.1) == 1 / 23  # 0.9 ** 22 is just below 0.1
    assert conditional_alpha(100, 0.0, 0.1) == 0
    assert conditional_alpha(100, 1.0, 0.1) == 1
    for n, alpha, delta in ((-1, 0.1, 0.1), (5, 2.0, 0.1), (5, 0.1, 0.0), (5, 0.1, 1.0)):
        with pytest.raises(InputError):
            conditional_alpha(n, alpha, delta)


def test_ties_only_add_coverage() -> None:
    rng = np.random.default_rng(3)
    pool = sim.classifier(rng, N_CAL + N_TEST)
    for score in (Score.TOP_K, Score.LAC):
        rounded = np.round(pool.probabilities * 4) + 1e-9
        tied = sim.Cases(rounded / rounded.sum(1, keepdims=True), pool.labels)
        mean = resplit(tied, rng, False, score).mean() / N_TEST
        assert mean > rank(N_CAL, ALPHA) / (N_CAL + 1) - 0.003


def test_equally_probable_labels_are_treated_alike() -> None:
    for score in Score:
        assert np.ptp(label_scores([[0.25] * 4], score)) == 0
        found = label_scores([[0.4, 0.2, 0.4]], score)[0]
        assert found[0] == found[2] < found[1]


def test_shuffled_labels_cost_size_and_not_coverage() -> None:
    rng = np.random.default_rng(4)
    pool = sim.classifier(rng, N_CAL + N_TEST)
    shuffled = sim.Cases(pool.probabilities, rng.permutation(pool.labels))
    covered = resplit(shuffled, rng, False, Score.LAC)
    assert sim.law_p_value(covered, N_CAL, N_TEST, rank(N_CAL, ALPHA), rng) > 1e-3
    sizes = [
        SplitConformal.calibrate(c.probabilities, c.labels, ALPHA).sets(c.probabilities).sum(1)
        for c in (pool, shuffled)
    ]
    assert sizes[1].mean() > 2 * sizes[0].mean() > 2


def test_aps_adapts_and_raps_is_smaller_when_regularised() -> None:
    rng = np.random.default_rng(5)
    tune, cal, test = (sim.classifier(rng, 2000, classes=20, signal=2.5) for _ in range(3))
    extra = choose_regularisation(tune.probabilities, tune.labels, ALPHA)
    size = {}
    for score in (Score.APS, Score.RAPS):
        made = SplitConformal.calibrate(
            cal.probabilities, cal.labels, ALPHA, score, regularisation=extra
        )
        sets = made.sets(test.probabilities)
        size[score] = sets.sum(1).mean()
        assert sets[np.arange(2000), test.labels].mean() > 0.87
    assert size[Score.RAPS] < size[Score.APS]
    assert extra.penalty in (0.001, 0.01, 0.1, 0.2, 0.5)
    assert 1 < extra.free < 20


# --- MAPIE ----------------------------------------------------------------------------------


class Given:
    """A classifier whose inputs are its probabilities."""

    def __init__(self, classes: int) -> None:
        self.classes_ = np.arange(classes)
        self.n_features_in_ = classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, *_: object) -> Given:
        return self

    def predict_proba(self, x: Array) -> Array:
        return np.asarray(x)

    def predict(self, x: Array) -> Array:
        return np.asarray(x).argmax(1)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("score", [Score.LAC, Score.TOP_K])
def test_sets_are_mapies(score: Score, alpha: float) -> None:
    from mapie.classification import SplitConformalClassifier

    rng = np.random.default_rng(6)
    cal, test = sim.classifier(rng, 300), sim.classifier(rng, 500)
    theirs = SplitConformalClassifier(
        Given(6), confidence_level=1 - alpha, conformity_score=score.replace("-", "_"), prefit=True
    ).conformalize(cal.probabilities, cal.labels)
    mine = SplitConformal.calibrate(cal.probabilities, cal.labels, alpha, score)
    expected = theirs.predict_set(test.probabilities)[1][:, :, 0]
    assert (mine.sets(test.probabilities) == expected).all()


def upto_the_first_above(probabilities: Array, totals: Array, threshold: float) -> Array:
    """MAPIE's include_last_label=True: labels by falling mass until the threshold is reached."""
    order = np.argsort(-probabilities, axis=1)
    reached = np.take_along_axis(totals, order, axis=1) >= threshold - 1e-8
    kept = np.zeros(probabilities.shape, dtype=bool)
    before = np.concatenate([np.zeros((len(kept), 1), bool), reached[:, :-1]], axis=1)
    np.put_along_axis(kept, order, ~np.maximum.accumulate(before, axis=1), axis=1)
    return kept


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
def test_aps_is_mapies_in_all_its_forms(alpha: float) -> None:
    from mapie.classification import SplitConformalClassifier

    rng = np.random.default_rng(7)
    cal, test = sim.classifier(rng, 300), sim.classifier(rng, 500)
    theirs = SplitConformalClassifier(
        Given(6), confidence_level=1 - alpha, conformity_score="aps", prefit=True, random_state=3
    ).conformalize(cal.probabilities, cal.labels)
    # MAPIE takes off u times the label's mass, and draws u anew from its seed each time.
    u = 1 - np.random.RandomState(3).uniform(size=500)
    scores = label_scores(cal.probabilities, Score.APS, uniform=u[:300])
    threshold = conformal_quantile(scores[np.arange(300), cal.labels], alpha)
    told = {
        form: theirs.predict_set(
            test.probabilities, conformity_score_params={"include_last_label": form}
        )[1][:, :, 0]
        for form in (True, False, "randomized")
    }
    randomised = label_scores(test.probabilities, Score.APS, uniform=u) <= threshold
    assert (randomised == told["randomized"]).all()
    totals = label_scores(test.probabilities, Score.APS)
    assert (upto_the_first_above(test.probabilities, totals, threshold) == told[True]).all()
    best = test.probabilities == test.probabilities.max(axis=1, keepdims=True)
    assert (((totals <= threshold) | best) == told[False]).all()


def test_raps_is_mapies() -> None:
    from mapie.classification import SplitConformalClassifier

    rng = np.random.default_rng(8)
    cal, test = sim.classifier(rng, 400, classes=12), sim.classifier(rng, 500, classes=12)
    theirs = SplitConformalClassifier(
        Given(12), confidence_level=0.9, conformity_score="raps", prefit=True, random_state=3
    ).conformalize(cal.probabilities, cal.labels)
    told = theirs.predict_set(test.probabilities)[1][:, :, 0]
    used = theirs._mapie_classifier.conformity_score_function_
    extra = Regularisation(float(np.ravel(used.lambda_star)[0]), int(np.ravel(used.k_star)[0]))
    # MAPIE 1.6 tunes on a tenth of the cases, whatever share is asked for, calibrates on the rest.
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=0.1, random_state=3)
    kept = cal[next(splitter.split(cal.probabilities, cal.labels))[0]]
    u = 1 - np.random.RandomState(3).uniform(size=len(kept))
    scores = label_scores(kept.probabilities, Score.RAPS, uniform=u, regularisation=extra)
    scores = scores[np.arange(len(kept)), kept.labels]
    threshold = conformal_quantile(scores, 0.1)
    assert threshold == pytest.approx(float(np.ravel(used.quantiles_)[0]), abs=1e-9)
    totals = label_scores(test.probabilities, Score.RAPS, regularisation=extra)
    assert (upto_the_first_above(test.probabilities, totals, threshold) == told).all()


# --- Edges ----------------------------------------------------------------------------------


@pytest.mark.parametrize("score", list(Score))
def test_too_few_cases_give_the_full_set(score: Score) -> None:
    rng = np.random.default_rng(9)
    cases = sim.classifier(rng, 9)
    for n in (0, 1, 8):
        made = SplitConformal.calibrate(cases.probabilities[:n], cases.labels[:n], 0.1, score)
        assert made.n == n
        assert made.sets(cases.probabilities).all()
    assert np.isfinite(SplitConformal.calibrate(*parts(cases), 0.1, score).threshold)


@pytest.mark.parametrize("score", list(Score))
def test_both_ends_of_alpha(score: Score) -> None:
    cases = sim.classifier(np.random.default_rng(10), 50)
    assert SplitConformal.calibrate(*parts(cases), 0.0, score).sets(cases.probabilities).all()
    assert not SplitConformal.calibrate(*parts(cases), 1.0, score).sets(cases.probabilities).any()


@pytest.mark.parametrize("score", list(Score))
def test_one_label_and_one_class(score: Score) -> None:
    single = SplitConformal.calibrate(np.ones((20, 1)), [0] * 20, 0.1, score)
    assert single.sets(np.ones((3, 1))).tolist() == [[True]] * 3
    cases = sim.classifier(np.random.default_rng(11), 40)
    always = SplitConformal.calibrate(cases.probabilities, [2] * 40, 0.1, score)
    assert always.sets(cases.probabilities)[:, 2].mean() >= 0.9
    assert single.sets(np.empty((0, 1))).shape == (0, 1)


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([[0.5, float("nan")]], [0], "case 0 are not a number"),
        ([[1.5, -0.5]], [0], r"lie in \[0, 1\]"),
        ([[float("inf"), 0.0]], [0], r"lie in \[0, 1\]"),
        ([[0.5, 0.5], [0.5, 0.4]], [0, 0], "case 1 sum to 0.9"),
        ([[0.5, 0.5]], [2], "between 0 and 1"),
        ([[0.5, 0.5]], [-1], "between 0 and 1"),
        ([[0.5, 0.5]], [0.0], "whole numbers"),
        ([[0.5, 0.5]], [0, 1], "1 cases"),
        ([0.5, 0.5], [0], "one row per case"),
    ],
)
def test_malformed_input_is_one_line(probabilities: object, labels: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        SplitConformal.calibrate(probabilities, labels, 0.1)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_other_misuse_is_refused() -> None:
    cases = sim.classifier(np.random.default_rng(12), 30)
    for alpha in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="alpha"):
            SplitConformal.calibrate(*parts(cases), alpha)
    with pytest.raises(InputError, match="no randomised form"):
        SplitConformal.calibrate(*parts(cases), 0.1, Score.LAC, randomise=0)
    drawn = SplitConformal.calibrate(*parts(cases), 0.1, Score.APS, randomise=0)
    with pytest.raises(InputError, match="give a seed"):
        drawn.sets(cases.probabilities)
    plain = SplitConformal.calibrate(*parts(cases), 0.1)
    with pytest.raises(InputError, match="give no seed"):
        plain.p_values(cases.probabilities, randomise=1)
    with pytest.raises(InputError, match="at least 0"):
        Regularisation(penalty=-1)
    with pytest.raises(InputError, match="random number"):
        label_scores(cases.probabilities, Score.APS, uniform=[2.0] * 30)
    with pytest.raises(InputError, match="at least one penalty"):
        choose_regularisation(*parts(cases), 0.1, penalties=())


@given(
    scores=arrays(np.float64, st.integers(0, 30), elements=st.sampled_from([0, 0.2, 0.25, 0.7, 1])),
    alpha=st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.9, 1.0]),
)
@settings(max_examples=200, deadline=None)
def test_sets_are_the_labels_with_p_above_alpha(scores: Array, alpha: float) -> None:
    made = SplitConformal.from_scores(scores, alpha)
    rows = [[0.3, 0.7], [0.75, 0.25], [0.8, 0.2], [1.0, 0.0]]
    above = made.p_values(rows) > alpha + 1e-12
    # At alpha = 0 no p-value is 0, at 1 none is above.
    assert (made.sets(rows) == above).all()


def test_the_same_seed_gives_the_same_sets() -> None:
    cases = sim.classifier(np.random.default_rng(13), 60)
    made = [SplitConformal.calibrate(*parts(cases), 0.1, Score.APS, randomise=5) for _ in "ab"]
    assert made[0].threshold == made[1].threshold
    drawn = [made[0].sets(cases.probabilities, randomise=seed) for seed in (1, 1, 2)]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize("n", [0, 5, 40])
def test_json_there_and_back(n: int) -> None:
    cases = sim.classifier(np.random.default_rng(14), n)
    extra = Regularisation(0.2, 3)
    made = SplitConformal.calibrate(*parts(cases), 0.1, Score.RAPS, regularisation=extra)
    text = made.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    back = SplitConformal.from_json(text)
    assert back.threshold == made.threshold
    assert back.to_json() == text
    assert back.regularisation == extra


def test_json_that_does_not_fit_is_refused() -> None:
    cases = sim.classifier(np.random.default_rng(15), 40)
    data = json.loads(SplitConformal.calibrate(*parts(cases), 0.1).to_json())
    for change in (
        {"threshold": 0.2},
        {"alpha": 0.3},
        {"alpha": 3},
        {"score": "x"},
        {"scores": 1},
        {"scores": ["nan"]},
    ):
        with pytest.raises(InputError):
            SplitConformal.from_json(json.dumps({**data, **change}))
    for text in ("", "[]", "{}", "null"):
        with pytest.raises(InputError, match="no split conformal"):
            SplitConformal.from_json(text)


def parts(cases: sim.Cases) -> tuple[Array, np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    return cases.probabilities, cases.labels


@given(
    rows=arrays(
        np.float64,
        st.tuples(st.integers(1, 5), st.integers(1, 6)),
        elements=st.sampled_from([1.0, 2.0, 3.0, 7.0]),
    ),
    limit=st.sampled_from([-np.inf, 0.0, 0.3, 0.5, 1.0, 2.0, 3.5, 6.0, np.inf]),
    score=st.sampled_from(list(Score)),
)
@settings(max_examples=200, deadline=None)
def test_the_fast_ways_give_the_same(rows: Array, limit: float, score: Score) -> None:
    probabilities = rows / rows.sum(axis=1, keepdims=True)
    scores = label_scores(probabilities, score)
    each = np.full(len(rows), limit)
    for thresholds in (limit, each):
        assert (sets_within(probabilities, thresholds, score) == (scores <= limit)).all()
    for label in range(rows.shape[1]):
        own = true_scores(probabilities, np.full(len(rows), label), score)
        assert (own == scores[:, label]).all()


def test_blocks_do_not_show() -> None:
    cases = sim.classifier(np.random.default_rng(16), 40_000, classes=3)
    scores = label_scores(cases.probabilities)
    made = SplitConformal.calibrate(*parts(cases), 0.1)
    assert (made.scores == scores[np.arange(40_000), cases.labels]).all()
    assert (made.sets(cases.probabilities) == (scores <= made.threshold)).all()
    broken = cases.probabilities.copy()
    broken[33_333, 1] = np.nan
    with pytest.raises(InputError, match="case 33333 are not a number"):
        made.sets(broken)
    broken[33_333] = [0.5, 0.5, 0.5]
    with pytest.raises(InputError, match=r"case 33333 sum to 1\.5"):
        made.sets(broken)
