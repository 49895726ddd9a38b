"""Metrics of probabilities and confidences, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_flags, check_labels, check_probabilities
from surefoot.calibration.metrics.intervals import (
    Estimate,
    Rate,
    bootstrap,
    check_confidence,
    mean,
    rate,
)
from surefoot.core.errors import InputError

LEAST = 1e-15
"""Probabilities below are raised to this in the log loss, which would be infinite."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a reliability diagram.

    Attributes:
        low: Lower end; belongs to the bin only if it is 0.
        high: Upper end; belongs to the bin.
        confidence: Mean confidence of its cases.
        correct: Fraction of its cases that are right.
    """

    low: float
    high: float
    confidence: float
    correct: Rate


def reliability(confidence: ArrayLike, correct: ArrayLike, bins: int = 10) -> tuple[Bin, ...]:
    """Sorts cases by confidence into bins of equal width; empty bins are left out.

    Args:
        confidence: ``[n]`` probabilities that the answer is right.
        correct: ``[n]`` whether it is.
        bins: Number of bins.

    Raises:
        InputError: The shapes do not fit, or a confidence is no number in [0, 1].
    """
    sure, right = _pair(confidence, correct)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.digitize(sure, edges, right=True) - 1, 0, bins - 1)
    return tuple(
        Bin(
            float(edges[b]),
            float(edges[b + 1]),
            float(sure[place == b].mean()),
            rate(right[place == b]),
        )
        for b in np.unique(place)
    )


def ece(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    bins: int = 10,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    draws: int = 400,
) -> Estimate:
    """Expected calibration error in bins of equal width, by MAPIE.

    MAPIE counts edges, not bins: its ``num_bins=10`` makes nine bins and one for the value 0
    alone; here ten are ten. The estimate is too large (positive even for perfect confidences),
    that of a resample by about as much again, so that the interval is the pivotal one, which
    takes this off; it is made to hold the estimate.

    Raises:
        InputError: As :func:`reliability`; or there is no case.

    Source: Naeini, Cooper, Hauskrecht (2015).
    """
    from mapie.metrics.calibration import expected_calibration_error

    sure, right = _pair(confidence, correct)

    def error(cases: NDArray[np.intp]) -> float:
        found = expected_calibration_error(
            right[cases].astype(int), sure[cases], num_bins=bins + 1, split_strategy="uniform"
        )
        return float(found)

    found = bootstrap(error, sure.size, clusters=clusters, seed=seed, draws=draws)
    low, high = 2 * found.value - found.high, 2 * found.value - found.low
    return Estimate(found.value, min(found.value, max(0.0, low)), max(found.value, high), found.n)


def brier(
    probabilities: ArrayLike, labels: ArrayLike, clusters: ArrayLike | None = None
) -> Estimate:
    """Brier score: squared distance to the truth, summed over the labels (0 to 2).

    Args:
        probabilities: ``[n, K]``.
        labels: ``[n]`` true labels.
        clusters: As in :func:`~.intervals.mean`.

    Source: Brier (1950), Mon. Weather Rev. 78, 1.

    >>> brier([[0.8, 0.2]], [0]).value
    0.08
    """
    given = check_probabilities(probabilities)
    true = check_labels(labels, *given.shape)
    own = given[np.arange(true.size), true]
    return mean(np.round((given**2).sum(axis=1) - 2 * own + 1, 15), clusters)


def log_loss(
    probabilities: ArrayLike, labels: ArrayLike, clusters: ArrayLike | None = None
) -> Estimate:
    """Mean of minus the natural logarithm of the truth's probability, at least :data:`LEAST`."""
    given = check_probabilities(probabilities)
    true = check_labels(labels, *given.shape)
    own = given[np.arange(true.size), true]
    return mean(-np.log(np.clip(own, LEAST, 1)), clusters)


def auroc(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    draws: int = 400,
) -> Estimate:
    """Probability that a right answer is more confident than a wrong one, by MAPIE.

    Raises:
        InputError: As :func:`reliability`; or all answers are right, or all wrong.
    """
    from mapie.metrics.uncertainty import auroc as area
    from scipy.stats import rankdata

    sure, right = _pair(confidence, correct)
    if right.all() or not right.any():
        every = "right" if right.size and right.all() else "wrong"
        raise InputError(f"AUROC needs right and wrong answers; all {right.size} are {every}")

    def ranked(cases: NDArray[np.intp]) -> float | None:
        some = right[cases]
        above, below = int(some.sum()), int((~some).sum())
        if not above or not below:
            return None
        # The same area as a sum of ranks (Mann and Whitney): MAPIE's checks take longer.
        ranks = float(rankdata(sure[cases])[some].sum())
        return (ranks - above * (above + 1) / 2) / (above * below)

    found = bootstrap(ranked, sure.size, clusters=clusters, seed=seed, draws=draws)
    return replace(found, value=area(right, sure))


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Risk–coverage curve: the most confident cases first.

    Attributes:
        coverage: ``[m]`` fraction of the cases that are answered, increasing to 1.
        risk: ``[m]`` fraction of wrong ones among them.
        threshold: ``[m]`` least confidence that is answered.
        aurc: Area under the curve; 0 is best.
        auarc: Area under the accuracy–rejection curve, 1 - ``aurc``.
    """

    coverage: Floats
    risk: Floats
    threshold: Floats
    aurc: Estimate
    auarc: Estimate


def risk_coverage(
    confidence: ArrayLike,
    correct: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    draws: int = 400,
) -> RiskCoverage:
    """Measures the risk of the k most confident answers for every k.

    Equal confidences come in all orders at once: their mean counts. (MAPIE's ``auarc`` takes
    them in the order of the rows, so that sorting the data changes it; without ties
    both agree.) The curve has a point only where a threshold can be put.

    Raises:
        InputError: As :func:`reliability`; or there is no case.

    Source: El-Yaniv, Wiener (2010), JMLR 11; Nadeem, Zucker, Hanczar (2009) for the AUARC.
    """
    sure, right = _pair(confidence, correct)

    def area(cases: NDArray[np.intp]) -> float:
        return _aurc(sure[cases], right[cases])

    aurc = bootstrap(area, sure.size, clusters=clusters, seed=seed, draws=draws)
    order = np.argsort(-sure, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    wrong = np.cumsum(~right[order])
    auarc = Estimate(1 - aurc.value, 1 - aurc.high, 1 - aurc.low, aurc.n)
    return RiskCoverage(
        (ends + 1) / sure.size, wrong[ends] / (ends + 1), sure[order][ends], aurc, auarc
    )


def _aurc(sure: Floats, right: NDArray[np.bool_]) -> float:
    order = np.argsort(-sure, kind="stable")
    last = np.append(np.diff(sure[order]) != 0, True)
    ends = np.flatnonzero(last)
    sizes = np.diff(ends, prepend=-1)
    wrong = np.add.reduceat((~right[order]).astype(float), ends - sizes + 1)
    share = np.repeat(wrong / sizes, sizes)
    return float((np.cumsum(share) / np.arange(1, sure.size + 1)).mean())


def _pair(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    sure = check_confidence(confidence)
    return sure, check_flags(correct, sure.size, "correct answers")
