"""Alarms: false ones are as rare as promised, true ones come soon, calibrations are mended."""

from __future__ import annotations

import numpy as np
import pytest
from mapie.exchangeability_testing import OnlineMartingaleTest, RiskMonitoring
from mapie.risk_control.risks import BinaryRisk

from surefoot.calibration.metrics.coverage import beta_law
from surefoot.calibration.monitoring.drift import (
    Alarm,
    ExchangeabilityMonitor,
    RiskMonitor,
    detection_study,
)
from surefoot.calibration.monitoring.recalibration import watch
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError


def normal_stream(seed: int, change: int | None, n: int = 400, by: float = 1.0) -> Alarm | None:
    scores = np.random.default_rng(seed).normal(size=300 + n)
    if change is not None:
        scores[300 + change :] += by
    return ExchangeabilityMonitor(scores[:300], seed=seed).replay(scores[300:])


def test_the_martingale_is_mapies() -> None:
    rng = np.random.default_rng(0)
    past, new = rng.normal(size=50), rng.normal(size=60) + 0.5
    mine = ExchangeabilityMonitor(past, seed=3)
    mine.replay(new)
    theirs = OnlineMartingaleTest(random_state=3, warn=False)
    for i, score in enumerate(new):
        p = theirs.compute_p_value(score, np.concatenate([past, new[:i]]))
        theirs.update_simple_jumper_martingale(p)
    assert mine.values.tolist() == theirs.martingale_value_history


def test_the_risk_monitor_is_mapies_one_case_at_a_time() -> None:
    rng = np.random.default_rng(0)
    past, new = rng.random(400) < 0.1, rng.random(300) < 0.4
    mine = RiskMonitor(past)
    alarm = mine.replay(new)
    loss = BinaryRisk(lambda y, _: y == 1, lambda y, _: np.ones(len(y), dtype=bool), False)
    theirs = RiskMonitoring(loss, reference_data=(past.astype(int), past.astype(int)), warn=False)
    theirs.update(new.astype(int), new.astype(int))
    assert mine.limit == theirs.threshold
    np.testing.assert_allclose(mine.values, theirs.online_risk_lower_bound_sequence_history)
    first = int((theirs.online_risk_lower_bound_sequence_history > theirs.threshold).argmax()) + 1
    assert alarm is not None
    assert alarm.step == first


def test_false_alarms_are_rarer_than_the_level_and_changes_are_caught_soon() -> None:
    calm = detection_study(lambda seed: normal_stream(seed, None), 100, None)
    # P(more than 11 of 100) is below 0.001 at a rate of 5 %.
    assert calm.false_alarms.successes <= 11
    assert calm.detected is None
    found = detection_study(lambda seed: normal_stream(seed, 150), 60, 150, seed=1000)
    assert found.detected is not None
    assert found.detected.value > 0.95
    assert found.delay is not None
    assert 10 < found.delay.value < 60
    assert found.delay.low <= found.delay.value <= found.delay.high
    small = detection_study(lambda seed: normal_stream(seed, 150, by=0.5), 30, 150, seed=2000)
    assert small.delay is None or small.delay.value > found.delay.value


def test_ties_raise_no_alarm() -> None:
    def coin(seed: int) -> Alarm | None:
        scores = np.random.default_rng(seed).integers(0, 2, 500).astype(float)
        return ExchangeabilityMonitor(scores[:200], seed=seed).replay(scores[200:])

    assert detection_study(coin, 60, None).false_alarms.successes <= 8


def test_risk_is_caught_when_it_does_harm_and_only_then() -> None:
    def risky(seed: int, risk: float) -> Alarm | None:
        rng = np.random.default_rng(seed)
        return RiskMonitor(rng.random(500) < 0.1, tolerance=0.05).replay(rng.random(400) < risk)

    assert detection_study(lambda s: risky(s, 0.12), 12, None).false_alarms.successes == 0
    found = detection_study(lambda s: risky(s, 0.4), 12, 0)
    assert found.detected is not None
    assert found.detected.successes == 12


def test_recalibration_after_an_alarm_brings_coverage_back() -> None:
    """Static coverage is lost for good; the mended one follows its beta law again."""
    static, mended, counts, false = [], [], [], 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        calibration = rng.normal(size=300)
        stream = rng.normal(size=900)
        stream[200:] += 1.5
        found = watch(calibration, stream, 0.1, window=150, seed=seed)
        static.append((stream[500:] <= conformal_quantile(calibration, 0.1)).mean())
        mended.append(found.covered[500:].mean())
        if found.alarms[0].step <= 200:
            false += 1
        elif len(found.alarms) == 1:
            counts.append(int(found.covered[-400:].sum()))
    assert np.mean(static) < 0.5
    assert false <= 20
    assert abs(np.mean(mended) - 0.9) < 0.015
    assert beta_law(150, 0.1, 400).p_value(counts) > 1e-3


def test_sets_are_full_while_a_window_fills_unless_told_otherwise() -> None:
    rng = np.random.default_rng(0)
    stream = np.append(rng.normal(size=100), rng.normal(size=300) + 3)
    past = rng.normal(size=200)
    careful = watch(past, stream, 0.1, window=100)
    end = careful.alarms[0].step
    assert np.isinf(careful.thresholds[end : end + 100]).all()
    assert careful.covered[end : end + 100].all()
    assert careful.recalibrated[0] == end + 100
    keeps = watch(past, stream, 0.1, window=100, cautious=False)
    assert keeps.thresholds[end] == conformal_quantile(past, 0.1)
    short = watch(past, stream[: end + 50], 0.1, window=100)
    assert short.recalibrated == ()
    assert np.isinf(short.thresholds[end:]).all()


def test_an_empty_calibration_or_stream_is_no_error() -> None:
    assert watch([], [0.1, 0.2], 0.1).covered.all()
    assert watch([0.1] * 20, [], 0.1).alarms == ()
    assert ExchangeabilityMonitor().replay([]) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: ExchangeabilityMonitor([float("nan")]),
        lambda: ExchangeabilityMonitor([], level=1.0),
        lambda: ExchangeabilityMonitor([]).update(float("nan")),
        lambda: RiskMonitor([]),
        lambda: RiskMonitor([0.5]),
        lambda: RiskMonitor([0, 1], tolerance=float("nan")),
        lambda: RiskMonitor([0, 1]).update(2),  # type: ignore[arg-type]
        lambda: watch([0.1], [0.1], 0.1, window=0),
        lambda: watch([0.1], [0.1], 1.5),
        lambda: detection_study(lambda seed: None, 0, None),
    ],
)
def test_bad_input_is_one_clear_line(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        call()
