"""Weighted conformal sets: new cases have another distribution, with known likelihood ratios."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from surefoot.calibration.arrays import (
    Floats,
    Sets,
    check_alpha,
    check_labels,
    check_probabilities,
    check_scores,
)
from surefoot.calibration.conformal.scores import (
    Regularisation,
    Score,
    label_scores,
    sets_within,
    true_scores,
)
from surefoot.core.errors import InputError

_SLACK = 1e-12  # of a product such as 10 x 0.9, relative


@dataclass(frozen=True, slots=True, eq=False)
class WeightedConformal:
    """Conformal sets under covariate shift with known likelihood ratios.

    The inputs of new cases come from another distribution, the truth given the input does not
    change. With ``weights`` = density of the new inputs / density of the calibration inputs (up
    to one common factor), P(truth in the set) is at least ``1 - alpha`` for new cases. Where the
    weight of the new case itself exceeds the share ``alpha`` of all weights, its set is full:
    the calibration holds too little of its kind.

    Attributes:
        scores: ``[n]`` calibration scores, sorted.
        cumulated: ``[n]`` sum of their weights up to each.
        effective_n: Effective sample size, (sum w)^2 / sum w^2; 0 if all weights are 0.
        alpha: Allowed miss rate.
        score: The nonconformity score.
        regularisation: Regularisation of RAPS.

    Source: Tibshirani, Foygel Barber, Candès, Ramdas (2019), equation 7 and corollary 1.
    """

    scores: Floats
    cumulated: Floats
    effective_n: float
    alpha: float
    score: Score = Score.LAC
    regularisation: Regularisation = Regularisation()  # noqa: RUF009 - it is frozen

    @classmethod
    def calibrate(
        cls,
        probabilities: ArrayLike,
        labels: ArrayLike,
        weights: ArrayLike,
        alpha: float,
        score: Score = Score.LAC,
        *,
        regularisation: Regularisation | None = None,
    ) -> WeightedConformal:
        """Calibrates on weighted cases.

        Args:
            probabilities: ``[n, K]``.
            labels: ``[n]`` true labels.
            weights: ``[n]`` likelihood ratios of the calibration cases, at least 0.
            alpha: Allowed miss rate.
            score: The nonconformity score.
            regularisation: Regularisation of RAPS.

        Raises:
            InputError: Malformed input.

        >>> rows, labels = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], [0, 0, 1, 0]
        >>> found = WeightedConformal.calibrate(rows, labels, [1, 1, 1, 1], alpha=0.2)
        >>> found.thresholds([1, 2]).round(3).tolist()
        [0.4, inf]
        """
        array = check_probabilities(probabilities)
        wanted = check_labels(labels, *array.shape)
        mass = _check_weights(weights, len(array))
        kind, extra = Score(score), regularisation or Regularisation()
        scores = true_scores(array, wanted, kind, regularisation=extra)
        order = np.argsort(scores)
        return cls(
            scores[order],
            np.cumsum(mass[order]),
            effective_sample_size(mass),
            check_alpha(alpha),
            kind,
            extra,
        )

    def thresholds(self, weights: ArrayLike) -> Floats:
        """Returns the threshold ``[n]`` for new cases of these likelihood ratios ``[n]``.

        Raises:
            InputError: A weight is negative or not finite.
        """
        mass = _check_weights(weights, np.size(weights))
        if self.alpha == 1:
            return np.full(len(mass), -np.inf)
        total = (self.cumulated[-1] if len(self.cumulated) else 0.0) + mass
        needed = (1 - self.alpha) * total * (1 - _SLACK)
        at = np.searchsorted(self.cumulated, needed, side="left")
        # Nothing is known of a case where all weights are 0.
        at = np.where(total > 0, at, len(self.scores))
        return np.append(self.scores, np.inf)[at]

    def sets(self, probabilities: ArrayLike, weights: ArrayLike) -> Sets:
        """Returns the sets ``[n, K]`` of new cases with likelihood ratios ``[n]``.

        Raises:
            InputError: Malformed input.
        """
        array = check_probabilities(probabilities)
        limits = self.thresholds(_check_weights(weights, len(array)))
        return sets_within(array, limits, self.score, regularisation=self.regularisation)

    def p_values(self, probabilities: ArrayLike, weights: ArrayLike) -> Floats:
        """Returns the weighted p-value ``[n, K]`` of every label; 1 where all weights are 0.

        Raises:
            InputError: Malformed input.
        """
        array = check_probabilities(probabilities)
        mass = _check_weights(weights, len(array))[:, None]
        found = label_scores(array, self.score, regularisation=self.regularisation)
        before = np.append(0.0, self.cumulated)
        total = before[-1] + mass
        as_large = total - before[np.searchsorted(self.scores, found, side="left")]
        return np.where(total > 0, as_large / np.where(total > 0, total, 1), 1.0)


def effective_sample_size(weights: ArrayLike) -> float:
    """Returns how many equally weighted cases tell as much: (sum w)^2 / sum w^2 (Kish 1965).

    Raises:
        InputError: A weight is negative or not finite.

    >>> effective_sample_size([1, 1, 2])
    2.6666666666666665
    """
    mass = _check_weights(weights, np.size(weights))
    if not mass.any():
        return 0.0
    mass = mass / mass.max()
    return float(mass.sum() ** 2 / (mass @ mass))


def _check_weights(weights: ArrayLike, n: int) -> Floats:
    mass = check_scores(weights, "weights")
    if mass.shape != (n,):
        raise InputError(f"there are {n} cases, but weights of shape {list(mass.shape)}")
    if n and (mass.min() < 0 or not np.isfinite(mass).all()):
        raise InputError("weights must be finite and at least 0")
    return mass
