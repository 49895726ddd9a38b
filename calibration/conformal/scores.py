"""Nonconformity scores of labels: how badly a label fits the model's output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from surefoot.calibration.arrays import Floats, Labels, Sets, check_probabilities
from surefoot.core.errors import InputError

_BLOCK = 1 << 15  # numbers at a time, so that they stay in the processor's cache


class Score(StrEnum):
    """Nonconformity scores; the smaller, the more typical a label.

    Attributes:
        LAC: 1 - p(label). Smallest sets on average (Sadinle, Lei, Wasserman 2019).
        APS: Mass of the labels that are more probable, plus the label's own: sets grow where the
            model is unsure (Romano, Sesia, Candès 2020).
        RAPS: APS with a penalty for every label beyond the first few (Angelopoulos, Bates,
            Malik, Jordan 2021).
        TOP_K: Rank of the label, 1 for the most probable: sets of one size.
    """

    LAC = "lac"
    APS = "aps"
    RAPS = "raps"
    TOP_K = "top-k"


@dataclass(frozen=True, slots=True)
class Regularisation:
    """Penalty of RAPS: ``penalty`` for every rank beyond ``free``.

    Attributes:
        penalty: At least 0 (lambda in the paper).
        free: Number of ranks without penalty (k_reg in the paper).

    Both must be fixed before calibration, or chosen on data that is not used for it.
    """

    penalty: float = 0.01
    free: int = 1

    def __post_init__(self) -> None:
        if not (0 <= self.penalty < float("inf") and self.free >= 0):
            raise InputError("RAPS needs a penalty and a number of free ranks of at least 0")


def label_scores(
    probabilities: ArrayLike,
    score: Score = Score.LAC,
    *,
    uniform: ArrayLike | None = None,
    regularisation: Regularisation | None = None,
) -> Floats:
    """Returns the nonconformity of every label of every case.

    Labels that are equally probable get equal scores, whatever their order.

    Args:
        probabilities: ``[n, K]``, rows sum to 1.
        score: The nonconformity score.
        uniform: ``[n]`` one uniform random number per case for the randomised form of APS and
            RAPS, in which a label's own mass counts only in that part; the coverage is then
            exact. Without, it counts in full: sets are a little larger, but the same every
            time. Calibration and use must agree in the form.
        regularisation: Of RAPS; none stands for the default values.

    Returns:
        ``[n, K]``.

    Raises:
        InputError: The probabilities are malformed, or random numbers do not fit the score.

    >>> label_scores([[0.5, 0.3, 0.2]], Score.APS).round(2).tolist()
    [[0.5, 0.8, 1.0]]
    >>> label_scores([[0.5, 0.3, 0.2]], Score.TOP_K).tolist()
    [[1.0, 2.0, 3.0]]
    """
    return _scores(check_probabilities(probabilities), Score(score), uniform, regularisation)


def true_scores(
    probabilities: Floats,
    labels: Labels,
    score: Score = Score.LAC,
    *,
    uniform: ArrayLike | None = None,
    regularisation: Regularisation | None = None,
) -> Floats:
    """Returns the nonconformity ``[n]`` of each case's own label; arguments are checked ones.

    The numbers are those of :func:`label_scores`, to the last bit.
    """
    if score is Score.LAC and uniform is None:
        found = np.empty(len(labels))
        base = np.arange(min(len(labels), _BLOCK)) * probabilities.shape[1]
        for start in range(0, len(labels), _BLOCK):
            own = labels[start : start + _BLOCK]
            part = probabilities[start : start + _BLOCK].reshape(-1)
            np.subtract(1, part[base[: len(own)] + own], out=found[start : start + _BLOCK])
        return found
    if score is Score.TOP_K and uniform is None:
        mass = np.take_along_axis(probabilities, labels[:, None], axis=1)
        return np.asarray((probabilities > mass).sum(axis=1) + 1.0)
    rows = np.arange(len(labels))
    return _scores(probabilities, score, uniform, regularisation)[rows, labels]


def sets_within(
    probabilities: Floats,
    thresholds: float | Floats,
    score: Score = Score.LAC,
    *,
    uniform: ArrayLike | None = None,
    regularisation: Regularisation | None = None,
) -> Sets:
    """Returns which labels score at most the threshold; arguments are checked ones.

    Args:
        probabilities: ``[n, K]``.
        thresholds: One number, or ``[n]`` one per case; infinity keeps every label, minus
            infinity none.
        score: The nonconformity score.
        uniform: As in :func:`label_scores`.
        regularisation: As in :func:`label_scores`.

    Returns:
        ``[n, K]``.
    """
    limits = np.asarray(thresholds, dtype=np.float64)
    if score is Score.TOP_K and not limits.ndim and uniform is None:
        return _top(probabilities, float(limits))
    if score is not Score.LAC:
        found = _scores(probabilities, score, uniform, regularisation)
        return np.asarray(found <= (limits[:, None] if limits.ndim else limits))
    kept = np.empty(probabilities.shape, dtype=np.bool_)
    step = max(1, _BLOCK // probabilities.shape[1])
    buffer = np.empty((step, probabilities.shape[1]))
    for start in range(0, len(probabilities), step):
        part = probabilities[start : start + step]
        scored = np.subtract(1, part, out=buffer[: len(part)])
        limit = limits[start : start + step, None] if limits.ndim else limits
        np.less_equal(scored, limit, out=kept[start : start + step])
    return kept


def _top(array: Floats, limit: float) -> Sets:
    classes = array.shape[1]
    if not 1 <= limit < classes:
        return np.full(array.shape, limit >= 1)
    # A label ranks among the first k where it is at least as probable as the k-th.
    place = classes - int(limit)
    return np.asarray(array >= np.partition(array, place, axis=1)[:, place, None])


def _scores(
    array: Floats,
    score: Score,
    uniform: ArrayLike | None,
    regularisation: Regularisation | None,
) -> Floats:
    if uniform is not None and score not in (Score.APS, Score.RAPS):
        raise InputError(f"the score {score} has no randomised form")
    if score is Score.LAC:
        return np.asarray(1 - array)
    order = np.argsort(-array, axis=1)
    falling = np.take_along_axis(array, order, axis=1)
    # Of equally probable labels, each is placed where the first of them stands.
    new = np.ones(array.shape, dtype=np.bool_)
    new[:, 1:] = falling[:, 1:] < falling[:, :-1]
    first = np.maximum.accumulate(np.where(new, np.arange(array.shape[1]), 0), axis=1)
    if score is Score.TOP_K:
        placed = first + 1.0
    else:
        above = np.take_along_axis(np.cumsum(falling, axis=1) - falling, first, axis=1)
        placed = above + falling * _share(uniform, len(array))
        if score is Score.RAPS:
            extra = regularisation or Regularisation()
            placed += extra.penalty * np.maximum(first + 1 - extra.free, 0)
    found = np.empty_like(array)
    np.put_along_axis(found, order, placed, axis=1)
    return found


def _share(uniform: ArrayLike | None, n: int) -> float | Floats:
    if uniform is None:
        return 1.0
    share = np.asarray(uniform, dtype=np.float64)
    if share.shape != (n,) or not ((share >= 0) & (share <= 1)).all():
        raise InputError(f"need one random number in [0, 1] for each of the {n} cases")
    return share[:, None]
