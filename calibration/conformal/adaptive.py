"""Sets that adapt online as labels arrive, for streams that change in an unknown way.

The guarantee is a long-run average over one arbitrary stream: not coverage of the next case, and
nothing about the miss rate among the cases of one kind.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import (
    Floats,
    Sets,
    check_alpha,
    check_probabilities,
    check_scores,
)
from surefoot.calibration.conformal.scores import Regularisation, Score, sets_within
from surefoot.calibration.quantiles import rank
from surefoot.core.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class AdaptiveReplay:
    """Result of an adaptive method on recorded streams.

    Attributes:
        thresholds: Threshold before each label was known; shape of the scores.
        missed: Whether the truth scored above it; same shape.
        final: Adapted value after the last label (the level of ACI, the quantile of tracking);
            one per stream.
    """

    thresholds: Floats
    missed: NDArray[np.bool_]
    final: Floats


class AdaptiveLevel:
    """Adaptive conformal inference (ACI): after a miss the level falls, after a hit it rises.

    level' = level + gamma (alpha - missed); the threshold is the conformal quantile at ``level``
    of the past scores. A level of 0 or less gives the full set, of 1 or more the empty one.

    After T labels, |miss rate - alpha| <= (max(level_1, 1 - level_1) + gamma) / (T gamma),
    for any stream.

    Source: Gibbs, Candès (2021), equation 2 and proposition 4.1.

    >>> online = AdaptiveLevel(alpha=0.1, gamma=0.05, scores=[0.1, 0.2, 0.3, 0.4] * 5)
    >>> online.threshold()
    0.4
    >>> online.update(0.9), round(online.level, 3), online.threshold()
    (True, 0.055, 0.9)
    """

    def __init__(
        self,
        alpha: float,
        gamma: float = 0.02,
        scores: Iterable[float] = (),
        *,
        window: int | None = None,
    ) -> None:
        """Starts from calibration scores.

        Args:
            alpha: Allowed miss rate, and the initial level.
            gamma: Step size, above 0: large values adapt fast and oscillate.
            scores: True labels' scores known so far, oldest first.
            window: Number of last scores to keep; all by default.

        Raises:
            InputError: An argument is out of range.
        """
        if not 0 < gamma < float("inf"):
            raise InputError(f"gamma is {gamma}; it must be above 0")
        if window is not None and window < 1:
            raise InputError(f"the window is {window}; it must hold at least one score")
        self.alpha = self.start = self.level = check_alpha(alpha)
        self.gamma = gamma
        past = check_scores(list(scores))
        self._recent = deque(past.tolist(), maxlen=window)
        self._sorted = sorted(self._recent)

    def threshold(self) -> float:
        """Returns the threshold for the next case."""
        if self.level >= 1:
            return float("-inf")
        wanted = rank(len(self._sorted), max(self.level, 0.0))
        return self._sorted[wanted - 1] if wanted <= len(self._sorted) else float("inf")

    def sets(
        self,
        probabilities: ArrayLike,
        score: Score = Score.LAC,
        *,
        regularisation: Regularisation | None = None,
    ) -> Sets:
        """Returns the current sets ``[n, K]``."""
        return _sets(probabilities, self.threshold(), score, regularisation)

    def update(self, true_score: float) -> bool:
        """Adds the score of the case's true label; returns whether its set missed it.

        Raises:
            InputError: The score is NaN.
        """
        value = float(check_scores([true_score])[0])
        # At a level of 0 or less nothing is missed, at 1 or more everything.
        missed = value > self.threshold() or self.level >= 1
        self.level += self.gamma * (self.alpha - missed)
        if self._recent.maxlen is not None and len(self._recent) == self._recent.maxlen:
            del self._sorted[bisect_left(self._sorted, self._recent[0])]
        self._recent.append(value)
        insort(self._sorted, value)
        return missed

    def bound(self, steps: int) -> float:
        """Returns how far the miss rate over ``steps`` labels can lie from ``alpha``."""
        return (max(self.start, 1 - self.start) + self.gamma) / (steps * self.gamma)

    def replay(self, scores: ArrayLike) -> AdaptiveReplay:
        """Runs over one recorded stream ``[T]`` of true labels' scores, and keeps the final state.

        Raises:
            InputError: A score is NaN.
        """
        values = check_scores(scores)
        thresholds, missed = np.empty(len(values)), np.empty(len(values), dtype=np.bool_)
        for step, value in enumerate(values.tolist()):
            thresholds[step] = self.threshold()
            missed[step] = self.update(value)
        return AdaptiveReplay(thresholds, missed, np.array([self.level]))


class QuantileTracker:
    """Quantile tracking: the threshold itself moves, up after a miss and down after a hit.

    threshold' = threshold + eta (missed - alpha). For scores in [0, B], a first threshold in
    [0, B] and T labels, |miss rate - alpha| <= (B + eta) / (eta T), for any stream.

    With labels that come only sometimes (intermittent quantile tracking), a step is taken when
    one comes, divided by the probability ``p`` that it would: then the bound holds for the
    expected miss rate over all cases, labelled or not, with eta / p_min for eta in the
    numerator, as long as whether a label comes does not depend on whether the set missed.

    Source: Angelopoulos, Candès, Tibshirani (2023), section 2 and proposition 1; Zhao et al.
    (2025), ConformalDAgger, section 3.

    >>> online = QuantileTracker(alpha=0.1, eta=0.05, threshold=0.5)
    >>> online.update(0.9), round(online.threshold, 3)
    (True, 0.545)
    >>> online.update(0.2, probability=0.5), round(online.threshold, 3)
    (False, 0.535)
    """

    def __init__(
        self, alpha: float, eta: float = 0.05, threshold: float = 1.0, *, largest: float = 1.0
    ) -> None:
        """Starts at a threshold.

        Args:
            alpha: Allowed miss rate.
            eta: Step, above 0, in units of the score.
            threshold: To begin with, in [0, largest]; that of a split calibration, or the
                largest score.
            largest: Largest possible score (B), 1 for LAC and APS.

        Raises:
            InputError: An argument is out of range.
        """
        if not (0 < eta < float("inf") and 0 < largest < float("inf")):
            raise InputError("the step and the largest score must be finite and above 0")
        if not 0 <= threshold <= largest:
            raise InputError(
                f"the first threshold is {threshold}; it must lie in [0, {largest:g}] "
                "(start an infinite one at the largest score)"
            )
        self.alpha = check_alpha(alpha)
        self.eta, self.threshold, self.largest = eta, float(threshold), largest

    def sets(
        self,
        probabilities: ArrayLike,
        score: Score = Score.LAC,
        *,
        regularisation: Regularisation | None = None,
    ) -> Sets:
        """Returns the current sets ``[n, K]``."""
        return _sets(probabilities, self.threshold, score, regularisation)

    def update(self, true_score: float, *, probability: float = 1.0) -> bool:
        """Adds the score of the case's true label; returns whether its set missed it.

        Args:
            true_score: In [0, largest].
            probability: Probability with which this label was to be observed. A case without a
                label needs no call.

        Raises:
            InputError: The score or the probability is out of range.
        """
        found = self.replay([true_score], probability=probability)
        return bool(found.missed[0])

    def bound(self, steps: int, *, probability: float = 1.0) -> float:
        """Returns how far the miss rate over ``steps`` cases can lie from ``alpha``.

        Args:
            steps: Number of cases.
            probability: Smallest chance of a label; below 1 the bound is on the expectation.
        """
        return (self.largest + self.eta / probability) / (self.eta * steps)

    def replay(
        self,
        scores: ArrayLike,
        *,
        observed: ArrayLike | None = None,
        probability: ArrayLike = 1.0,
    ) -> AdaptiveReplay:
        """Runs over recorded streams of true labels' scores, all streams at once.

        A single stream moves the tracker on; several start from where it is and leave it.

        Args:
            scores: ``[T]`` or ``[S, T]``, in [0, largest].
            observed: Whether the label came, same shape; none: always. ``missed`` of the result
                tells of all cases.
            probability: Chance with which labels come, in (0, 1]; a number, or one per case.

        Raises:
            InputError: A score or a probability is out of range, or shapes differ.
        """
        given = np.asarray(scores, dtype=np.float64)
        if given.ndim not in (1, 2):
            raise InputError("need scores of one stream [T], or of several [S, T]")
        values = np.atleast_2d(given)
        if not ((values >= 0) & (values <= self.largest)).all():
            raise InputError(f"scores must lie in [0, {self.largest:g}]")
        seen = np.ones(given.shape, np.bool_) if observed is None else np.asarray(observed)
        chance = np.broadcast_to(np.asarray(probability, dtype=np.float64), given.shape)
        if seen.shape != given.shape or not ((chance > 0) & (chance <= 1)).all():
            raise InputError("need for each score whether it came, with a chance in (0, 1]")
        gain = np.atleast_2d(np.where(seen, self.eta / chance, 0.0))
        thresholds, missed = np.empty(values.shape), np.empty(values.shape, dtype=np.bool_)
        now = np.full(len(values), self.threshold)
        for step in range(values.shape[1]):
            thresholds[:, step] = now
            missed[:, step] = values[:, step] > now
            now = now + gain[:, step] * (missed[:, step] - self.alpha)
        if given.ndim == 1:
            self.threshold = float(now[0])
        return AdaptiveReplay(thresholds.reshape(given.shape), missed.reshape(given.shape), now)


def _sets(
    probabilities: ArrayLike,
    threshold: float,
    score: Score,
    regularisation: Regularisation | None,
) -> Sets:
    array = check_probabilities(probabilities)
    return sets_within(array, threshold, Score(score), regularisation=regularisation)
