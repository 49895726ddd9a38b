"""False alarms and delays of the drift alarms over seeded streams, beside MAPIE's own update.

Each stream has 400 calibration cases, then 300 like them, then 700 changed ones. Scores are
standard normal and shift by a number of standard deviations; losses change their rate.
"""

from __future__ import annotations

import sys
import time
from functools import partial

import numpy as np
from mapie.exchangeability_testing import RiskMonitoring
from mapie.risk_control.risks import BinaryRisk

from surefoot.calibration.monitoring.drift import (
    Alarm,
    DetectionStudy,
    ExchangeabilityMonitor,
    RiskMonitor,
    detection_study,
)
from surefoot.calibration.monitoring.recalibration import watch
from surefoot.calibration.quantiles import conformal_quantile

STREAMS, PAST, CALM, CHANGED = int(sys.argv[1]) if len(sys.argv) > 1 else 200, 400, 300, 700


def scores(seed: int, shift: float) -> Alarm | None:
    """Monitors normal scores that shift after the calm cases."""
    drawn = np.random.default_rng(seed).normal(size=PAST + CALM + CHANGED)
    drawn[PAST + CALM :] += shift
    return ExchangeabilityMonitor(drawn[:PAST], seed=seed).replay(drawn[PAST:])


def losses(seed: int, risk: float) -> Alarm | None:
    """Monitors losses at 10 % that change after the calm cases."""
    drawn = np.random.default_rng(seed).random(PAST + CALM + CHANGED)
    changed = np.append(drawn[: PAST + CALM] < 0.1, drawn[PAST + CALM :] < risk)
    return RiskMonitor(changed[:PAST]).replay(changed[PAST:])


def show(name: str, found: DetectionStudy) -> None:
    """Prints a row."""
    false, hit, delay = found.false_alarms, found.detected, found.delay
    told = f"{name:34} false {false.successes:3}/{false.n}"
    if hit is not None and delay is not None:
        told += f"  caught {hit.successes:3}/{hit.n}  median delay {delay.value:.0f}"
        told += f" [{delay.low:.0f}, {delay.high:.0f}]"
    print(told)


def main() -> None:
    """Prints all rows."""
    show("scores, nothing changes", detection_study(lambda s: scores(s, 0), STREAMS, None))
    for shift in (0.25, 0.5, 1.0, 2.0):
        shifted = partial(scores, shift=shift)
        show(f"scores shift by {shift}", detection_study(shifted, STREAMS, CALM))
    some = min(STREAMS, 50)
    show("losses 10 %, nothing changes", detection_study(lambda s: losses(s, 0.1), some, None))
    for risk in (0.3, 0.5):
        changed = partial(losses, risk=risk)
        show(f"losses 10 % -> {risk:.0%}", detection_study(changed, some, CALM))
    static, mended = [], []
    for seed in range(STREAMS):
        rng = np.random.default_rng(seed)
        past, stream = rng.normal(size=PAST), rng.normal(size=CALM + CHANGED)
        stream[CALM:] += 1
        tail = slice(CALM + 300, None)
        static.append((stream[tail] <= conformal_quantile(past, 0.1)).mean())
        mended.append(watch(past, stream, 0.1, seed=seed).covered[tail].mean())
    print(
        f"coverage from 300 cases after a shift by 1.0: static {np.mean(static):.3f}, "
        f"re-calibrated on 200 {np.mean(mended):.3f}"
    )
    speed()


def speed() -> None:
    """Prints the time of one case at a time, for the risk monitor and MAPIE's."""
    past = np.random.default_rng(0).random(400) < 0.1
    new = np.random.default_rng(1).random(300) < 0.1
    start = time.perf_counter()
    RiskMonitor(past).replay(new)
    mine = time.perf_counter() - start
    loss = BinaryRisk(lambda y, _: y == 1, lambda y, _: np.ones(len(y), dtype=bool), False)
    theirs = RiskMonitoring(loss, reference_data=(past.astype(int), past.astype(int)), warn=False)
    start = time.perf_counter()
    for case in new.astype(int):
        theirs.update(np.array([case]), np.array([case]))
    other = time.perf_counter() - start
    print(
        f"300 losses one at a time: {mine:.3f} s, MAPIE's RiskMonitoring {other:.3f} s "
        f"(ratio {other / mine:.0f})"
    )


if __name__ == "__main__":
    main()
