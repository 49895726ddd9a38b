"""Learn then test: the risk among the acts holds, and there is a result where none can be shown."""

from __future__ import annotations

from math import floor

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, binomtest

from surefoot.calibration.decisions.risk import (
    Procedure,
    RiskThreshold,
    expected_risk_threshold,
    least_acts,
    refuted,
    risk_p_values,
    risk_threshold,
)
from surefoot.core.errors import InputError
from surefoot.results.statistics import holm

pytestmark = pytest.mark.quick

GRID = np.linspace(0, 0.99, 100).tolist()
ALPHA, DELTA = 0.1, 0.1


def cases(rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A violation at confidence c has probability (1 - c) / 2; the risk above t is (1 - t) / 4."""
    confidence = rng.random(n)
    return confidence, rng.random(n) < (1 - confidence) / 2


def risk_above(threshold: float) -> float:
    return (1 - min(1, max(0, threshold))) / 4


def fails_more_often_than(share: float, failures: int, of: int) -> bool:
    return binomtest(failures, of, share, alternative="greater").pvalue < 1e-3


def smallest_by_eye(confidence: NDArray[np.float64], bad: NDArray[np.bool_]) -> float:
    """The naive way: the smallest threshold whose share of violations is at most alpha."""
    order = np.argsort(-confidence)
    share = np.cumsum(bad[order]) / np.arange(1, len(bad) + 1)
    fine = np.flatnonzero(share <= ALPHA)
    return float(confidence[order][fine[-1]]) if len(fine) else 2.0


@pytest.mark.parametrize(
    ("method", "grid", "starts"),
    [
        (Procedure.FIXED_SEQUENCE, None, 1),
        (Procedure.FIXED_SEQUENCE, GRID, 1),
        (Procedure.FIXED_SEQUENCE, GRID, 5),
        (Procedure.HOLM, GRID, 1),
        (Procedure.BONFERRONI, GRID, 1),
    ],
)
def test_the_risk_among_the_acts_is_controlled(
    method: Procedure, grid: list[float] | None, starts: int
) -> None:
    rng = np.random.default_rng(21)
    repetitions = 300
    failures = naive = 0
    acts = []
    for _ in range(repetitions):
        confidence, bad = cases(rng, 500)
        found = risk_threshold(
            confidence, bad, ALPHA, DELTA, method=method, grid=grid, starts=starts
        )
        failures += found.threshold is not None and risk_above(found.threshold) > ALPHA
        naive += risk_above(smallest_by_eye(confidence, bad)) > ALPHA
        acts.append(0.0 if found.threshold is None else 1 - max(0.0, found.threshold))
    assert not fails_more_often_than(DELTA, failures, repetitions)
    assert fails_more_often_than(DELTA, naive, repetitions)  # so the difference is seen
    if grid is None:
        assert np.mean(acts) > 0.15  # of the 0.4 that one could act on if all were known
        assert failures > 0.02 * repetitions  # nor is it idle


def test_with_ties_and_few_levels_of_confidence() -> None:
    rng = np.random.default_rng(22)
    failures = 0
    for _ in range(300):
        confidence, bad = cases(rng, 400)
        # Rounded down: acting above a level is acting from the next one on.
        found = risk_threshold(np.floor(confidence * 10) / 10, bad, ALPHA, DELTA)
        if found.threshold is not None:
            edge = (np.floor(found.threshold * 10 + 1e-9) + 1) / 10
            failures += risk_above(edge) > ALPHA + 1e-9
    assert not fails_more_often_than(DELTA, failures, 300)


def test_the_grid_needs_no_order_of_risk() -> None:
    """Overconfident at the top, risky at the bottom, fine between."""
    rng = np.random.default_rng(23)
    grid = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5]

    def rate(c: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(c >= 0.95, 0.16, np.where(c >= 0.8, 0.05, 0.14))

    fine = np.linspace(0, 1, 100_001)
    true_risk = {t: float(rate(fine[fine >= t]).mean()) for t in grid}
    assert true_risk[0.95] > ALPHA  # already the first is a risk
    assert sorted(t for t in grid if true_risk[t] <= ALPHA) == [0.7, 0.8]
    for method, starts in ((Procedure.FIXED_SEQUENCE, 3), (Procedure.HOLM, 1)):
        failures = 0
        for _ in range(300):
            confidence = rng.random(600)
            bad = rng.random(600) < rate(confidence)
            found = risk_threshold(
                confidence, bad, ALPHA, DELTA, method=method, grid=grid, starts=starts
            )
            failures += found.threshold is not None and true_risk[found.threshold] > ALPHA
        assert not fails_more_often_than(DELTA, failures, 300)


def test_p_values_are_the_exact_tail() -> None:
    for n in (1, 7, 40):
        for k in range(n + 1):
            exact = sum(binom.pmf(i, n, 0.2) for i in range(k + 1))
            assert risk_p_values(k, n, 0.2) == pytest.approx(exact)
    assert risk_p_values([0, 0], [0, 5], 0).tolist() == [1, 1]
    assert risk_p_values([0, 5], [0, 5], 1).tolist() == [0, 0]
    assert least_acts(0.1, 0.1) == 22
    assert 0.9**22 <= 0.1 < 0.9**21
    assert least_acts(0, 0.1) is None
    needed = least_acts(0.05, 0.1, 3)
    assert needed is not None
    assert binom.cdf(3, needed, 0.05) <= 0.1 < binom.cdf(3, needed - 1, 0.05)


def test_the_procedures_are_those_of_their_names() -> None:
    rng = np.random.default_rng(24)
    for _ in range(100):
        p_values = rng.random(12) ** 4
        assert refuted(p_values, 0.05, Procedure.HOLM).tolist() == [
            i for i, p in enumerate(holm(p_values.tolist())) if p <= 0.05
        ]
        assert refuted(p_values, 0.05, Procedure.BONFERRONI).tolist() == [
            i for i, p in enumerate(p_values) if p <= 0.05 / 12
        ]
        first = int(np.argmax(np.append(p_values, 1) > 0.05))
        assert refuted(p_values, 0.05, Procedure.FIXED_SEQUENCE).tolist() == list(range(first))
    assert refuted([], 0.05, Procedure.HOLM).tolist() == []
    assert refuted([0.01, 0.9, 0.01, 0.01], 0.05, Procedure.FIXED_SEQUENCE, 2).tolist() == [0, 2, 3]


@pytest.mark.filterwarnings("ignore")
def test_beside_mapie_on_the_same_grid() -> None:
    from mapie.risk_control import BinaryClassificationController

    rng = np.random.default_rng(25)
    same = none_found = 0
    for _ in range(40):
        confidence, bad = cases(rng, 800)
        theirs = {}
        for name in ("bonferroni", "bonferroni_holm"):
            controller = BinaryClassificationController(
                lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
                "precision",
                target_level=1 - ALPHA,
                confidence_level=1 - DELTA,
                fwer_method=name,
            )
            controller.calibrate(confidence[:, None], (~bad).astype(int))
            valid = controller.valid_predict_params
            theirs[name] = float(np.min(valid)) if len(valid) else None
        ours = risk_threshold(confidence, bad, ALPHA, DELTA, method=Procedure.BONFERRONI, grid=GRID)
        if ours.threshold is None or theirs["bonferroni"] is None:
            assert ours.threshold == theirs["bonferroni"]
        else:
            # MAPIE rounds the count of violations up from a share, at times by one.
            assert ours.threshold <= theirs["bonferroni"] <= ours.threshold + 0.05
            same += ours.threshold == theirs["bonferroni"]
        none_found += theirs["bonferroni_holm"] is None
    assert same >= 10
    # Where a threshold has no acts, its p-value is NaN there, and Holm stops at it.
    sparse = np.minimum(cases(rng, 800)[0], 0.9)
    calm = np.zeros(800, dtype=bool)
    controller = BinaryClassificationController(
        lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]), "precision", target_level=1 - ALPHA
    )
    controller.calibrate(sparse[:, None], (~calm).astype(int))
    assert len(controller.valid_predict_params) == 0
    assert risk_threshold(sparse, calm, ALPHA, method=Procedure.HOLM, grid=GRID).threshold == 0


def test_abstention_is_a_result() -> None:
    rng = np.random.default_rng(26)
    hopeless = risk_threshold(rng.random(500), rng.random(500) < 0.5, ALPHA, DELTA)
    assert hopeless.abstains
    assert hopeless.threshold is None
    assert hopeless.p_value is None
    assert not hopeless.act([0.1, 1.0, np.inf]).any()
    for n in (0, 1, 9, 21):
        assert risk_threshold(np.ones(n), np.zeros(n, dtype=bool), ALPHA, DELTA).abstains
    few = risk_threshold(np.arange(22), np.zeros(22, dtype=bool), ALPHA, DELTA)
    assert (few.acts, few.threshold) == (22, -np.inf)
    assert risk_threshold([0.5] * 30, [False] * 30, ALPHA, DELTA).acts == 30  # all tied


def test_both_ends_of_alpha() -> None:
    confidence, bad = cases(np.random.default_rng(27), 100)
    assert risk_threshold(confidence, bad, 0).abstains
    assert risk_threshold(confidence, np.zeros(100, dtype=bool), 0).abstains
    everything = risk_threshold(confidence, bad, 1)
    assert everything.act(confidence).all()
    assert risk_threshold([], [], 1).threshold == -np.inf
    assert risk_threshold(confidence, bad, 1, grid=GRID).threshold == 0
    assert expected_risk_threshold(confidence, bad, 0).abstains
    assert expected_risk_threshold(confidence, bad, 1).acts == 100
    assert expected_risk_threshold([], [], 0.5).abstains


def test_bad_input_is_one_clear_line() -> None:
    for call in (
        lambda: risk_threshold([np.nan], [True], ALPHA),
        lambda: risk_threshold([0.5], [True, False], ALPHA),
        lambda: risk_threshold([0.5], [True], 1.5),
        lambda: risk_threshold([0.5], [True], ALPHA, 0),
        lambda: risk_threshold([0.5], [True], ALPHA, method=Procedure.HOLM),
        lambda: risk_threshold([0.5], [True], ALPHA, starts=2),
        lambda: risk_threshold([0.5], [True], ALPHA, grid=[0.5], starts=0),
        lambda: expected_risk_threshold([0.5], [3], ALPHA),
    ):
        with pytest.raises(InputError):
            call()


def test_the_expected_risk_is_of_acting_and_violating_together() -> None:
    rng = np.random.default_rng(28)
    n, alpha = 39, 0.1
    joint, acted = [], []
    for _ in range(4_000):
        confidence, bad = cases(rng, n + 1)
        found: RiskThreshold = expected_risk_threshold(confidence[:n], bad[:n], alpha)
        act = found.act(confidence[n:])[0]
        acted.append(act)
        joint.append(act and bad[n])
    exact = floor(alpha * (n + 1)) / (n + 1)  # by ranks, where enough violations occur
    assert np.mean(joint) == pytest.approx(exact, abs=3.3 * np.sqrt(exact * (1 - exact) / 4_000))
    assert np.mean(joint) / np.mean(acted) > 1.2 * alpha  # among the acts it is more
