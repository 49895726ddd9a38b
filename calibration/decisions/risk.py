"""Thresholds with a bound on the risk among the acts: learn then test, and expected risk.

To act where the confidence is at least a threshold, and to know P(violation | act) <= alpha with
confidence 1 - delta: test for each threshold, by the exact binomial tail, whether its risk is
above alpha, and keep those where that is refuted, with the family-wise error controlled at delta.

Source: Angelopoulos, Bates, Candes, Jordan, Lei (2021), Learn then Test, arXiv 2110.01052.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_alpha, check_flags, check_scores
from surefoot.core.errors import InputError

_SPARE = 3


class Procedure(StrEnum):
    """Procedures that test several thresholds at one delta."""

    FIXED_SEQUENCE = "fixed_sequence"
    """From the strictest on, until one is not refuted; each at delta."""
    HOLM = "holm"
    """Step down from the smallest p-value; in any order."""
    BONFERRONI = "bonferroni"
    """Each at delta over their number."""


@dataclass(frozen=True, slots=True)
class RiskThreshold:
    """The smallest threshold whose risk is proven, or the finding that there is none.

    Attributes:
        threshold: Act where the confidence is at least this; None to never act.
        alpha: Bound of the risk.
        delta: Probability, over calibration cases, with which the bound may fail; None for a bound
            on the expected risk.
        method: Procedure that found it.
        n: Number of calibration cases.
        acts: Number of these cases on which it acts.
        violations: Number of violations among the acts.
        p_value: Of the hypothesis that its risk is above alpha; None if not tested.
        tested: Number of thresholds that could be tested.
    """

    threshold: float | None
    alpha: float
    delta: float | None
    method: str
    n: int
    acts: int
    violations: int
    p_value: float | None
    tested: int

    @property
    def abstains(self) -> bool:
        """Whether no threshold is good enough, so that one never acts."""
        return self.threshold is None

    def act(self, confidence: ArrayLike) -> NDArray[np.bool_]:
        """Returns on which cases to act; on none where there is no threshold.

        Args:
            confidence: ``[m]``.

        Raises:
            InputError: A confidence is NaN.
        """
        values = check_scores(confidence, "confidences")
        if self.threshold is None:
            return np.zeros(len(values), dtype=np.bool_)
        return np.asarray(values >= self.threshold)


def risk_p_values(violations: ArrayLike, acts: ArrayLike, alpha: float) -> Floats:
    """Returns the p-value of "the risk is above alpha" for every threshold.

    P(Binomial(acts, alpha) <= violations), exact; 1 where nothing is acted on.

    Args:
        violations: Violations among the acts, of any shape.
        acts: Acts, of the same shape.
        alpha: The bound, from 0 to 1; with 0 nothing can be shown (all are 1 but where alpha is 1,
            where all are 0).

    Raises:
        InputError: ``alpha`` lies outside of [0, 1].

    >>> risk_p_values([0, 0], [21, 22], 0.1).round(4).tolist()
    [0.1094, 0.0985]
    """
    from scipy.stats import binom

    bad, total = np.asarray(violations), np.asarray(acts)
    if check_alpha(alpha) == 1:
        return np.zeros(bad.shape)
    return np.where(total == 0, 1.0, binom.cdf(bad, np.maximum(total, 1), alpha))


def refuted(
    p_values: ArrayLike, delta: float, method: Procedure, starts: int = 1
) -> NDArray[np.intp]:
    """Returns which hypotheses are refuted, with a family-wise error of at most ``delta``.

    Args:
        p_values: ``[m]``, for the fixed sequence in an order that was set without their data.
        delta: From 0 to 1, both excluded.
        method: How.
        starts: For the fixed sequence: number of evenly spaced starting points, each with its part
            of delta. With one start, a first threshold that few cases reach ends the procedure.

    Returns:
        Positions, ascending.

    Raises:
        InputError: ``delta`` or ``starts`` is out of range.

    MAPIE's ``control_fwer`` does the work (its names: fixed_sequence, bonferroni_holm, bonferroni).

    >>> refuted([0.01, 0.04, 0.2, 0.01], 0.05, Procedure.FIXED_SEQUENCE).tolist()
    [0, 1]
    """
    from mapie.risk_control import control_fwer
    from mapie.risk_control.fwer_control import FWERFixedSequenceTesting

    values = check_scores(p_values, "p-values")
    _check_delta(delta)
    if starts < 1:
        raise InputError(f"starts is {starts}; it must be at least 1")
    if not len(values):
        return np.empty(0, dtype=np.intp)
    procedure = {
        Procedure.FIXED_SEQUENCE: FWERFixedSequenceTesting(n_starts=min(starts, len(values))),
        Procedure.HOLM: "bonferroni_holm",
        Procedure.BONFERRONI: "bonferroni",
    }[method]
    return np.asarray(control_fwer(values, delta, fwer_method=procedure), dtype=np.intp)


def risk_threshold(
    confidence: ArrayLike,
    violated: ArrayLike,
    alpha: float,
    delta: float = 0.1,
    *,
    method: Procedure = Procedure.FIXED_SEQUENCE,
    grid: Sequence[float] | None = None,
    starts: int = 1,
) -> RiskThreshold:
    """Finds the smallest threshold with P(violation | act) <= alpha, with confidence 1 - delta.

    Guarantee: with probability at least 1 - delta over the calibration cases, either there is no
    threshold or its risk among the acts is at most alpha. The cases are independent and from the
    distribution of the new ones. The test is exact for the number of acts that a threshold has.

    * With a ``grid`` that was set before, nothing is assumed about the confidences.
    * Without one, the fixed sequence walks down all confidences that occur. It starts where
      enough cases lie above to bear three violations (fewer in small samples); that place depends
      on n, alpha and delta only. It assumes that being stricter never turns a risk at most
      alpha into one above. Where equal confidences straddle the start, it assumes further that
      the risk at a confidence does not grow with it.

    What is bounded is the risk of one act on a new case, not of a policy that looks again until it
    may act (see :mod:`surefoot.calibration.decisions.router`), and only where confidence and
    violation come from the same planner and world as in calibration.

    Args:
        confidence: ``[n]`` of any scale, high is good; n may be 0.
        violated: ``[n]`` whether acting would have been a violation.
        alpha: Bound of the risk; with 0, nothing can be shown; with 1, all is allowed.
        delta: From 0 to 1, both excluded.
        method: Procedure that tests several thresholds; Holm and Bonferroni need a grid.
        grid: Thresholds to try, in any order, chosen without the calibration cases.
        starts: See :func:`refuted`; for a grid only.

    Raises:
        InputError: A confidence is NaN, other lengths, a number out of range, or no grid where
            one is needed.

    >>> confidence = [i / 100 for i in range(100)]
    >>> found = risk_threshold(confidence, [c < 0.3 for c in confidence], alpha=0.2)
    >>> round(found.threshold, 3), found.acts, found.violations
    (0.18, 81, 11)
    >>> risk_threshold([0.9, 0.8], [False, False], alpha=0.1).abstains
    True
    """
    values = check_scores(confidence, "confidences")
    bad = check_flags(violated, len(values), "violations")
    check_alpha(alpha)
    _check_delta(delta)
    if grid is None:
        if method is not Procedure.FIXED_SEQUENCE or starts != 1:
            raise InputError(f"{method.value} with {starts} starts needs a grid of thresholds")
        return _walk_down(values, bad, alpha, delta)
    strict_first = np.sort(check_scores(grid, "grid"))[::-1]
    acts, violations = _counts(values, bad, strict_first)
    p_values = risk_p_values(violations, acts, alpha)
    kept = refuted(p_values, delta, method, starts)
    name = method.value
    if not len(kept):
        return RiskThreshold(None, alpha, delta, name, len(values), 0, 0, None, len(p_values))
    at = int(kept[-1])
    return RiskThreshold(
        float(strict_first[at]),
        alpha,
        delta,
        name,
        len(values),
        int(acts[at]),
        int(violations[at]),
        float(p_values[at]),
        len(p_values),
    )


def expected_risk_threshold(
    confidence: ArrayLike, violated: ArrayLike, alpha: float
) -> RiskThreshold:
    """Finds the smallest threshold with P(act and violation) <= alpha.

    Conformal risk control of the loss "acted and violated": the smallest threshold with
    (violations among its acts + 1) / (n + 1) <= alpha.

    Guarantee: over calibration and new case together, P(act and violation) <= alpha, and at least
    alpha - 1 / (n + 1) where there are enough violations and no ties. P(violation | act) is not
    bounded: it is that divided by P(act).

    Args:
        confidence: ``[n]`` of any scale, high is good; n may be 0.
        violated: ``[n]`` whether acting would have been a violation.
        alpha: Bound; with 1, all is allowed.

    Raises:
        InputError: A confidence is NaN, other lengths, or a number out of range.

    Source: Angelopoulos, Bates, Fisch, Lei, Schuster (2024), Conformal Risk Control, theorem 1.

    >>> expected_risk_threshold([0.9, 0.8, 0.7, 0.6], [False, True, False, True], 0.4).acts
    3
    """
    values = check_scores(confidence, "confidences")
    bad = check_flags(violated, len(values), "violations")
    n = len(values)
    allowed = int(np.floor(check_alpha(alpha) * (n + 1) * (1 + 1e-12) + 1e-12)) - 1
    name = "expected_risk"
    if alpha == 1:
        allowed = n
    if allowed < 0:
        return RiskThreshold(None, alpha, None, name, n, 0, 0, None, 0)
    of_bad = np.sort(values[bad])[::-1]
    # Just above the violation that is one too many; with fewer violations, everything.
    edge = np.nextafter(of_bad[allowed], np.inf) if allowed < len(of_bad) else -np.inf
    acts = values >= edge
    return RiskThreshold(
        float(edge), alpha, None, name, n, int(acts.sum()), int((acts & bad).sum()), None, n
    )


def least_acts(alpha: float, delta: float, violations: int = 0) -> int | None:
    """Returns the least number of acts with the given violations that refutes a risk above alpha.

    Args:
        alpha: Bound of the risk.
        delta: Level of the test.
        violations: Violations among the acts.

    Returns:
        The number; None for an alpha of 0, for which no number is enough.

    >>> least_acts(0.1, 0.1), least_acts(0.1, 0.1, violations=3)
    (22, 65)
    """
    if check_alpha(alpha) == 0:
        return None
    _check_delta(delta)
    low, high = violations, violations + 1
    while risk_p_values(violations, high, alpha) > delta:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if risk_p_values(violations, middle, alpha) > delta:
            low = middle
        else:
            high = middle
    return high


def _walk_down(values: Floats, bad: NDArray[np.bool_], alpha: float, delta: float) -> RiskThreshold:
    n = len(values)
    # A threshold just above each value that occurs, then one below all: what lies above a value
    # is a sample of its size from there on, which what lies at it and above is not.
    below = np.append(np.unique(values)[::-1], -np.inf)
    edges = np.where(np.isinf(below), below, np.nextafter(below, np.inf))
    acts, violations = _counts(values, bad, edges)
    tested = np.flatnonzero(acts >= _first_test(n, alpha, delta))
    p_values = risk_p_values(violations[tested], acts[tested], alpha)
    stops = np.flatnonzero(p_values > delta)
    passed = int(stops[0]) if len(stops) else len(tested)
    name = Procedure.FIXED_SEQUENCE.value
    if not passed:
        return RiskThreshold(None, alpha, delta, name, n, 0, 0, None, len(tested))
    at = tested[passed - 1]
    return RiskThreshold(
        float(edges[at]),
        alpha,
        delta,
        name,
        n,
        int(acts[at]),
        int(violations[at]),
        float(p_values[passed - 1]),
        len(tested),
    )


def _first_test(n: int, alpha: float, delta: float) -> int:
    """Returns how many acts to start with: enough for three violations, at most half of all."""
    if alpha == 1:
        return 0
    for spare in range(_SPARE, 0, -1):
        needed = least_acts(alpha, delta, spare)
        if needed is None:
            return n + 1
        if needed <= n / 2:
            return needed
    return least_acts(alpha, delta) or n + 1


def _counts(
    values: Floats, bad: NDArray[np.bool_], edges: Floats
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns how many cases lie at each edge or above, and how many of these are bad."""
    ordered, of_bad = np.sort(values), np.sort(values[bad])
    acts = len(ordered) - np.searchsorted(ordered, edges, side="left")
    return acts, len(of_bad) - np.searchsorted(of_bad, edges, side="left")


def _check_delta(delta: float) -> None:
    if not 0 < float(delta) < 1:
        raise InputError(f"delta is {delta}; it must lie between 0 and 1")
