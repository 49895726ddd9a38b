"""Anytime-valid alarms: exchangeability and risk.

Both bound the probability of any false alarm, ever, by their level: the martingale by Ville's
inequality, the risk by a confidence sequence. The arithmetic is MAPIE's, but taken piece by
piece: its ``OnlineMartingaleTest.update`` conformalizes an estimator anew at each call, and its
``RiskMonitoring.update`` computes the bound of the whole past again, which one case at a time is
quadratic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_flags, check_scores
from surefoot.calibration.metrics.intervals import Estimate, Rate, bootstrap, rate
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Alarm:
    """The first time step at which the evidence exceeded its limit.

    Attributes:
        step: Number of the case that raised it, counted from 1 since monitoring began.
        value: The evidence at that step.
        limit: The limit that it exceeded.
    """

    step: int
    value: float
    limit: float


class ExchangeabilityMonitor:
    """Tests whether new scores have the distribution of the reference scores.

    Each score gets a conformal p-value among all before it (ties broken at random); the simple
    jumper bets that p-values are not uniform. If all scores are exchangeable, the probability
    that its capital ever exceeds ``1 / level`` is at most ``level``.

    Args:
        reference: ``[n]`` scores of the calibration; may be empty. No bets are made on them.
        level: Allowed probability of a false alarm, in (0, 1).
        jump_size: Rate at which the jumper changes its bet, in (0, 1).
        seed: Seed that breaks ties.

    Raises:
        InputError: A score is NaN, or a level is out of range.

    Source: Vovk, Gammerman, Shafer (2022), Algorithmic Learning in a Random World, section 8.2;
        Vovk et al. (2021), Retrain or not retrain. MAPIE's plug-in martingale is left out: its
        cost grows faster than the number of cases (303 s at 4,000).
    """

    def __init__(
        self,
        reference: ArrayLike = (),
        *,
        level: float = 0.05,
        jump_size: float = 0.01,
        seed: int = 0,
    ) -> None:
        from mapie.exchangeability_testing import OnlineMartingaleTest

        if not 0 < level < 1 or not 0 < jump_size < 1:
            raise InputError("level and jump_size must lie between 0 and 1")
        past = check_scores(reference, "reference scores")
        self._test = OnlineMartingaleTest(
            test_level=level, jump_size=jump_size, random_state=seed, warn=False
        )
        self._past = np.concatenate([past, np.empty(max(64, past.size))])
        self._first = self._size = past.size
        self.limit = 1 / level
        self.alarm: Alarm | None = None

    @property
    def values(self) -> Floats:
        """``[n]`` the capital after each new score; it begins at 1."""
        return np.asarray(self._test.martingale_value_history, dtype=np.float64)

    def update(self, score: float) -> Alarm | None:
        """Adds the next score; returns the alarm once there is one.

        Raises:
            InputError: The score is NaN.
        """
        value = float(check_scores([score], "new scores")[0])
        p = self._test.compute_p_value(value, self._past[: self._size])
        capital = self._test.update_simple_jumper_martingale(p)
        if self._size == self._past.size:
            self._past = np.concatenate([self._past, np.empty(self._size)])
        self._past[self._size] = value
        self._size += 1
        if self.alarm is None and capital > self.limit:
            self.alarm = Alarm(self._size - self._first, capital, self.limit)
        return self.alarm

    def replay(self, scores: ArrayLike) -> Alarm | None:
        """Processes all scores in turn, also after an alarm."""
        for score in check_scores(scores, "new scores"):
            self.update(float(score))
        return self.alarm


class RiskMonitor:
    """Tests whether a loss has become more frequent than the reference allows.

    The limit is an upper bound of the reference's risk (Hoeffding, half of the level) plus a
    tolerance; the evidence is a lower bound of the mean loss so far that holds at all times at
    once (empirical Bernstein, the other half). It is about the average since monitoring began:
    after a long stable period a change is detected late, or never; restart from time to time.

    Args:
        reference: ``[n]`` losses of the calibration: 1 where a set missed or a plan failed.
        level: Allowed probability of a false alarm, in (0, 1).
        tolerance: Tolerated increase of the risk over the reference's, at least 0.

    Raises:
        InputError: A loss is neither 0 nor 1, there is none, or a level is out of range.

    Source: Podkopaev, Ramdas (2022), Tracking the risk of a deployed model, section 3;
        Howard et al. (2021), Time-uniform confidence sequences, theorem 4.
    """

    def __init__(
        self, reference: ArrayLike, *, level: float = 0.05, tolerance: float = 0.05
    ) -> None:
        from mapie.exchangeability_testing.bounds import (
            GammaExponentialMixtureBound,
            hoeffding_bound,
        )

        if not 0 < level < 1 or not tolerance >= 0:
            raise InputError("level must lie between 0 and 1, and tolerance must not be negative")
        losses = np.asarray(reference)
        losses = check_flags(losses, losses.size, "losses")
        if not losses.size:
            raise InputError("there are no reference losses to compare with")
        self.limit = hoeffding_bound(losses.astype(float), level / 2, "upper") + tolerance
        # MAPIE's RiskMonitoring gives half of the level to each side, and its bound halves it
        # again; the same is done here, so that both agree.
        self._level = level / 4
        self._bound = GammaExponentialMixtureBound(v_opt=1, c=1, alpha_opt=self._level)
        self._sum = self._variance = 0.0
        self._values: list[float] = []
        self.alarm: Alarm | None = None

    @property
    def values(self) -> Floats:
        """``[n]`` the lower bound of the mean loss after each case; never decreasing."""
        return np.asarray(self._values, dtype=np.float64)

    def update(self, loss: bool) -> Alarm | None:
        """Adds the next loss; returns the alarm once there is one.

        Raises:
            InputError: It is neither 0 nor 1.
        """
        new = float(check_flags([loss], 1, "losses")[0])
        n = len(self._values)
        self._variance += (new - (self._sum / n if n else 0.5)) ** 2
        self._sum += new
        radius = self._bound(v=self._variance, alpha=self._level) / (n + 1)
        lower = max(self._sum / (n + 1) - radius, self._values[-1] if n else 0.0)
        self._values.append(lower)
        if self.alarm is None and lower > self.limit:
            self.alarm = Alarm(n + 1, lower, self.limit)
        return self.alarm

    def replay(self, losses: ArrayLike) -> Alarm | None:
        """Processes all losses in turn, also after an alarm."""
        array = np.asarray(losses)
        for loss in check_flags(array, array.size, "losses"):
            self.update(bool(loss))
        return self.alarm


@dataclass(frozen=True, slots=True)
class DetectionStudy:
    """Performance of an alarm on streams with a known change.

    Attributes:
        false_alarms: Streams with an alarm before the change (the whole of a stream without).
        detected: Streams with an alarm after it, among those without a false one; ``None``
            where nothing changes, or every alarm was false.
        delay: Median number of cases from the change to the alarm, among the detected.
        delays: ``[m]`` all of them.
    """

    false_alarms: Rate
    detected: Rate | None
    delay: Estimate | None
    delays: NDArray[np.intp]

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "false_alarms": self.false_alarms.to_json(),
            "detected": self.detected and self.detected.to_json(),
            "median_delay": self.delay and self.delay.to_json(),
        }


def detection_study(
    run: Callable[[int], Alarm | None], streams: int, change_at: int | None, seed: int = 0
) -> DetectionStudy:
    """Measures false alarms and delays over seeded streams.

    Args:
        run: Monitors the stream of a seed to its end and returns its alarm.
        streams: Number of streams; their seeds are ``seed``, ``seed + 1``, ...
        change_at: Number of cases before the change; ``None`` if nothing changes.
        seed: First seed.

    Raises:
        InputError: There is no stream.
    """
    steps = [None if (alarm := run(seed + i)) is None else alarm.step for i in range(streams)]
    early = [s is not None and (change_at is None or s <= change_at) for s in steps]
    false_alarms = rate(early, "streams")
    rest = [s for s, wrong in zip(steps, early, strict=True) if not wrong]
    delays = np.array([s - (change_at or 0) for s in rest if s is not None], dtype=np.intp)
    detected = None if change_at is None or not rest else rate([s is not None for s in rest])
    delay = None
    if delays.size:
        delay = bootstrap(lambda cases: float(np.median(delays[cases])), delays.size, seed=seed)
    return DetectionStudy(false_alarms, detected, delay, delays)
