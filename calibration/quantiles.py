"""Quantiles and p-values of nonconformity scores with the finite-sample correction."""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import ArrayLike

from surefoot.calibration.arrays import Floats, check_alpha, check_scores
from surefoot.core.errors import InputError


def rank(n: int, alpha: float) -> int:
    """Returns which of ``n`` sorted scores bounds a new one with probability ``1 - alpha``.

    That is ceil((n + 1)(1 - alpha)), counted from 1, with products such as 10 × 0.9 taken as
    exact; ``n + 1`` says that no score does, and 0 that none is needed.

    >>> rank(9, 0.1), rank(8, 0.1), rank(400, 0.1)
    (9, 9, 361)
    """
    # floor((n + 1) alpha) with slack: 0.1 is not a binary fraction, and 1 - 0.9 is below it.
    return n + 1 - floor((n + 1) * check_alpha(alpha) * (1 + 1e-12) + 1e-12)


def conformal_quantile(scores: ArrayLike, alpha: float) -> float:
    """Returns the threshold below which a new score lies with probability at least ``1 - alpha``.

    Args:
        scores: ``[n]`` nonconformity scores of calibration cases that are exchangeable with
            the new one; ``n`` may be 0.
        alpha: Allowed miss rate.

    Returns:
        The :func:`rank`-th smallest score; infinity where ``n`` is too small for ``alpha``
        (every label is then in the set), minus infinity for ``alpha`` = 1.

    Raises:
        InputError: A score is NaN, or ``alpha`` lies outside of [0, 1].

    Source: Vovk, Gammerman, Shafer (2005), section 2; Angelopoulos, Bates (2023), section 1.

    >>> conformal_quantile([0.1, 0.4, 0.2, 0.3], alpha=0.4)
    0.3
    """
    array = check_scores(scores)
    wanted = rank(len(array), alpha)
    if wanted > len(array):
        return float("inf")
    if wanted < 1:
        return float("-inf")
    return float(np.partition(array, wanted - 1)[wanted - 1])


def conditional_alpha(n: int, alpha: float, delta: float) -> float:
    """Returns the level at which to calibrate for a guarantee conditional on this calibration.

    Calibrated at ``alpha``, coverage is at least ``1 - alpha`` on average over calibrations, and
    a single one lies below about every other time. Calibrated at the level returned here, it is
    at least ``1 - alpha`` for all but a fraction ``delta`` of calibrations.

    Args:
        n: Number of calibration cases, at least 0.
        alpha: Miss rate that is allowed in use.
        delta: Probability with which the calibration may fail, in (0, 1).

    Returns:
        The largest v / (n + 1) with P(Beta(n + 1 - v, v) < 1 - alpha) <= delta; 0, and so full
        sets, where ``n`` is too small.

    Raises:
        InputError: An argument is out of range.

    Source: Vovk (2012), proposition 2a; KnowNo (Ren et al. 2023), equation A6.

    >>> round(conditional_alpha(400, 0.15, 0.01), 4), conditional_alpha(10, 0.1, 0.1)
    (0.1097, 0.0)
    """
    if n < 0 or not 0 < delta < 1:
        raise InputError(f"need at least 0 cases and delta in (0, 1), not {n} and {delta}")
    if check_alpha(alpha) == 1:
        return 1.0
    from scipy.special import betainc

    missed = np.arange(1, n + 1)
    fine = np.flatnonzero(betainc(n + 1 - missed, missed, 1 - alpha) <= delta)
    return float(missed[fine[-1]] / (n + 1)) if len(fine) else 0.0


def p_values(scores: ArrayLike, new: ArrayLike, *, corrected: bool = True) -> Floats:
    """Returns the conformal p-value of every new score: how unusually large it is.

    p = (#{calibration scores >= new} + 1) / (n + 1); ties are counted conservatively. Under
    exchangeability P(p <= a) <= a for every a.

    Args:
        scores: ``[n]`` calibration scores.
        new: Scores of any shape.
        corrected: Whether to add the new case itself (+1). Without, p is the plain fraction, and
            not valid: it can be 0.

    Returns:
        P-values in the shape of ``new``.

    Raises:
        InputError: A score is NaN, or there is no calibration score and no correction.

    >>> p_values([0.1, 0.2, 0.3], [0.25, 0.9]).tolist()
    [0.5, 0.25]
    """
    array = np.sort(check_scores(scores))
    asked = np.asarray(new, dtype=np.float64)
    check_scores(asked.ravel(), "new scores")
    if not corrected and not len(array):
        raise InputError("no calibration scores; give some, or use the corrected form")
    as_large = len(array) - np.searchsorted(array, asked, side="left")
    found = (as_large + corrected) / (len(array) + corrected)
    return np.asarray(found, dtype=np.float64)
