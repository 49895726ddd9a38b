"""The probability that a plan satisfies the rules, calibrated by a model checker's verdicts."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, check_flags
from surefoot.calibration.decisions.confidence import check_shares, decision_nonconformity, u_d

_MANY = 2_000


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Calibration of a planner's confidences by the verdicts on its calibration plans.

    Attributes:
        confidence: ``[n]`` P(yes) that the planner gave to its plans, as calibrated on.
        satisfied: ``[n]`` whether the checker found each plan to satisfy every rule.
        decimals: Number of decimals that confidences are rounded to; None for no rounding.
        calibrator: MAPIE's fitted Venn-Abers calibrator; None without calibration plans.
    """

    confidence: Floats
    satisfied: NDArray[np.bool_]
    decimals: int | None
    calibrator: Any

    @property
    def n(self) -> int:
        """Number of calibration plans."""
        return len(self.confidence)

    def interval(self, confidence: ArrayLike) -> Floats:
        """Returns the two Venn-Abers probabilities p0 <= p1 of every plan.

        p0 is what isotonic regression gives where the new plan is added as one that breaks a
        rule, p1 where it is added as one that satisfies all.

        Guarantee: one of the two is perfectly calibrated: with Y the plan's verdict (0 or 1),
        E[Y | p_Y] = p_Y, for exchangeable plans. Their width tells how much is not known; it is
        no confidence interval.

        Args:
            confidence: ``[m]`` P(yes).

        Returns:
            ``[m, 2]``; 0 and 1 without calibration plans.

        Raises:
            InputError: A confidence is NaN or lies outside of [0, 1].

        Source: Vovk, Petej, Fedorova (2015), arXiv 1511.00213, section 2.
        """
        said = _round(check_shares(confidence, "confidences"), self.decimals)
        if self.calibrator is None:
            return np.tile([0.0, 1.0], (len(said), 1))
        if not len(said):
            return np.empty((0, 2))
        _, both = self.calibrator.predict_proba(said[:, None], p0_p1_output=True)
        # Alone above all others, a plan that satisfies the rules makes a block of its own; MAPIE
        # 1.6 sometimes gives the slope of the block below there.
        both[said > self.confidence.max(), 1] = 1
        return np.asarray(both, dtype=np.float64)

    def probability(self, confidence: ArrayLike) -> Floats:
        """Returns one calibrated probability for every plan: p1 / (1 - p0 + p1).

        That merges :meth:`interval` with the least worst-case regret in log loss. It has no
        guarantee of its own; it lies between p0 and p1, and the tests measure its calibration.

        Args:
            confidence: ``[m]`` P(yes).

        Raises:
            InputError: A confidence is NaN or lies outside of [0, 1].

        Source: the same, section 4.
        """
        both = self.interval(confidence)
        return np.asarray(both[:, 1] / (1 - both[:, 0] + both[:, 1]))

    def u_d(self, confidence: ArrayLike) -> Floats:
        """Returns the corrected u_d: P(u_d >= t and the plan breaks a rule) <= 1 - t.

        See :func:`surefoot.calibration.decisions.confidence.u_d`, with the nonconformity of each
        calibration plan taken from its verdict.

        Args:
            confidence: ``[m]`` P(yes).

        Raises:
            InputError: A confidence is NaN or lies outside of [0, 1].
        """
        return u_d(decision_nonconformity(self.confidence, self.satisfied), confidence)

    def u_d_among_violations(self, confidence: ArrayLike) -> Floats:
        """Returns u_d by the violating plans alone: P(u_d >= t | the plan breaks a rule) <= 1 - t.

        Args:
            confidence: ``[m]`` P(yes).

        Returns:
            ``[m]``; 0 where no calibration plan breaks a rule.

        Raises:
            InputError: A confidence is NaN or lies outside of [0, 1].
        """
        return u_d(self.confidence[~self.satisfied], confidence)


def calibrate_satisfaction(
    confidence: ArrayLike, satisfied: ArrayLike, *, decimals: int | None = None
) -> Satisfaction:
    """Calibrates P(plan satisfies the rules) with Venn-Abers predictors.

    Plans need no manual labels: the verdict of each is a model checker's (for example
    ``check_plan(...).holds`` of ``surefoot.verification``).

    Args:
        confidence: ``[n]`` P(yes) of the calibration plans, of which the calibrated model was not
            trained. n may be 0, and all verdicts may be the same.
        satisfied: ``[n]`` their verdicts.
        decimals: Rounds confidences to this many decimals, calibration and new ones alike, so
            that the guarantee stays. None: 3 from 2,000 plans on, where exact values cost time,
            and no rounding below.

    Raises:
        InputError: A confidence is NaN or lies outside of [0, 1], or other lengths.

    >>> found = calibrate_satisfaction([0.9, 0.8, 0.7, 0.2], [True, True, False, False])
    >>> found.interval([0.85]).round(3).tolist()
    [[0.5, 1.0]]
    """
    said = check_shares(confidence, "confidences")
    verdicts = check_flags(satisfied, len(said), "verdicts")
    if decimals is None and len(said) >= _MANY:
        decimals = 3
    said = _round(said, decimals)
    return Satisfaction(said, verdicts, decimals, _fit(said, verdicts))


def _round(values: Floats, decimals: int | None) -> Floats:
    return values if decimals is None else np.round(values, decimals)


def _fit(confidence: Floats, satisfied: NDArray[np.bool_]) -> Any:
    if not len(confidence):
        return None
    from mapie.calibration import VennAbersCalibrator

    # MAPIE's own rounding leaves new confidences as they are, so everything is rounded before.
    calibrator = VennAbersCalibrator(estimator=_AsItIs(), cv="prefit")
    with warnings.catch_warnings():  # it divides 0 by 0 on its way, and drops the result
        warnings.simplefilter("ignore", RuntimeWarning)
        return calibrator.fit(confidence[:, None], satisfied.astype(int))


class _AsItIs:
    """A fitted classifier whose only feature is the probability of class 1."""

    classes_ = np.array([0, 1])

    def fit(self, features: Floats, labels: NDArray[Any]) -> _AsItIs:
        return self

    def predict_proba(self, features: Floats) -> Floats:
        return np.column_stack([1 - features[:, 0], features[:, 0]])
