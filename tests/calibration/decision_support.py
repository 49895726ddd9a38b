"""Views of one fact with known truth, and the law that coverage over calibrations must follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom, kstest

from surefoot.calibration.quantiles import rank


def look(
    rng: np.random.Generator,
    n: int,
    *,
    views: int = 6,
    classes: int = 6,
    clear: float = 3.5,
    mislead: float = 0.04,
    common: float = 0.5,
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Softmax of each view of n facts, and the truths.

    How well a view shows the fact varies (up to ``clear``); a share of views shows it as its
    lookalike, sharply; a share of the noise is common to all views of a fact.
    """
    truth = rng.integers(classes, size=n)
    lookalike = (truth + rng.integers(1, classes, size=n)) % classes
    logits = np.sqrt(common) * rng.normal(size=(n, 1, classes))
    logits = logits + np.sqrt(1 - common) * rng.normal(size=(n, views, classes))
    lies = rng.random((n, views)) < mislead
    shown = np.where(lies, lookalike[:, None], truth[:, None])
    strength = np.where(lies, 6.0, clear) * rng.random((n, views))
    logits += strength[..., None] * (shown[..., None] == np.arange(classes))
    odds = np.exp(logits - logits.max(axis=2, keepdims=True))
    return odds / odds.sum(axis=2, keepdims=True), truth


def beta_law_p_value(
    covered: NDArray[np.intp], n_cal: int, n_test: int, alpha: float, seed: int = 0
) -> float:
    """P-value of covered counts (one a calibration) against their beta-binomial law."""
    k = rank(n_cal, alpha)
    law = betabinom(n_test, k, n_cal + 1 - k)
    spread = np.random.default_rng(seed).random(len(covered))  # randomised: counts are discrete
    position = law.cdf(covered - 1) + spread * law.pmf(covered)
    return float(kstest(position, "uniform").pvalue)
