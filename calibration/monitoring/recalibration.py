"""Recalibration: monitors a stream, and recalibrates on the cases after an alarm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_alpha, check_scores
from surefoot.calibration.monitoring.drift import Alarm, ExchangeabilityMonitor
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True)
class WatchedStream:
    """A stream of cases with recalibrated thresholds.

    Attributes:
        thresholds: ``[n]`` the threshold in force for each case (set before its truth was
            seen); infinity, which means full sets, while a new window fills.
        covered: ``[n]`` whether the case's score lies within it.
        alarms: Alarms; their steps count from the stream's beginning.
        recalibrated: Numbers of cases after which a new threshold was in force.
    """

    thresholds: Floats
    covered: NDArray[np.bool_]
    alarms: tuple[Alarm, ...]
    recalibrated: tuple[int, ...]


def watch(
    calibration: ArrayLike,
    stream: ArrayLike,
    alpha: float,
    *,
    window: int = 200,
    level: float = 0.05,
    cautious: bool = True,
    seed: int = 0,
) -> WatchedStream:
    """Runs a threshold over a stream, with an exchangeability alarm and re-calibration.

    After an alarm the next ``window`` scores make the new calibration; then monitoring begins
    again with them as its reference. They come after the alarm on purpose: the cases before it
    raised it, so they are a biased sample. If the distribution is stable from the alarm on,
    coverage is again at least ``1 - alpha`` after the window, by exchangeability.

    Args:
        calibration: ``[m]`` nonconformity scores of the true labels.
        stream: ``[n]`` the same of the cases to come, in their order.
        alpha: Allowed miss rate.
        window: Number of cases of a re-calibration, at least 1.
        level: Allowed probability of a false alarm of each period between calibrations.
        cautious: Whether sets are full while a window fills (else the old threshold stays).
        seed: Seed that breaks ties.

    Raises:
        InputError: A score is NaN, or an option is out of range.
    """
    check_alpha(alpha)
    if window < 1:
        raise InputError(f"window is {window}; a calibration needs at least one case")
    reference = check_scores(calibration, "calibration scores")
    scores = check_scores(stream, "scores of the stream")
    thresholds = np.empty(scores.size)
    alarms: list[Alarm] = []
    mended: list[int] = []
    threshold = conformal_quantile(reference, alpha)
    begin = 0
    while begin < scores.size:
        monitor = ExchangeabilityMonitor(reference, level=level, seed=seed + len(alarms))
        end = begin
        while end < scores.size and monitor.alarm is None:
            monitor.update(float(scores[end]))
            end += 1
        thresholds[begin:end] = threshold
        if monitor.alarm is None:
            break
        alarms.append(Alarm(end, monitor.alarm.value, monitor.alarm.limit))
        begin = min(end + window, scores.size)
        thresholds[end:begin] = np.inf if cautious else threshold
        if begin - end < window:
            break
        reference = scores[end:begin]
        threshold = conformal_quantile(reference, alpha)
        mended.append(begin)
    return WatchedStream(thresholds, scores <= thresholds, tuple(alarms), tuple(mended))
