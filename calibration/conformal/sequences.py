"""Sets along an episode that are correct at all of its steps with a stated probability.

The steps of an episode are the facts of a scene (:class:`~surefoot.calibration.conformal.facts
.Facts`). What several acceptable answers mean is a choice, stated in :class:`Acceptance`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import (
    Floats,
    Sets,
    check_alpha,
    check_probabilities,
)
from surefoot.calibration.conformal.facts import FactArrays
from surefoot.calibration.conformal.scores import Score, label_scores, sets_within
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError


class Acceptance(StrEnum):
    """When a set covers a step that has several acceptable answers.

    Attributes:
        ANY: It holds an acceptable answer. The score of the step is that of the acceptable
            answer that the model trusts most, so that is the one which is guaranteed to be in
            the set; where the set has one member, it is acceptable.
        ALL: It contains every acceptable answer. Larger sets, needed if another party picks from
            the set by another rule than the model's confidence.

    ``ANY`` is KnowNo's convention (Ren et al. 2023, appendix): the label calibrated on is the
    acceptable one of highest confidence (A3, equation A9), over many steps the one branch of
    acceptable sequences that takes it at every step (A4, equations A16 and A17). What is asked
    at a step depends on what was done before, so two things are needed: calibration episodes
    executed that branch; and in use the single member of a set is executed, and the person who is
    asked picks the acceptable member of highest confidence (KnowNo shows the members ranked). As
    long as no step is missed, use and calibration then see the same episodes, and a missed step is
    what ``alpha`` bounds. For episodes recorded under another policy, mark as acceptable only the
    answer that was taken: then that answer is what is guaranteed to be in the sets.
    """

    ANY = "any"
    ALL = "all"


class SequenceMethod(StrEnum):
    """Method of covering the steps of an episode jointly.

    Attributes:
        WORST_STEP: The score of an episode is its worst step's: with LAC one minus the smallest
            confidence in an acceptable answer over time. Exact.
        BONFERRONI: Every step at ``alpha`` / horizon; a baseline, see
            :class:`~surefoot.calibration.conformal.joint.JointConformal`.
        PER_STEP: Every step at ``alpha``: a baseline that fails.
    """

    WORST_STEP = "worst-step"
    BONFERRONI = "bonferroni"
    PER_STEP = "per-step"


@dataclass(frozen=True, slots=True, eq=False)
class SequenceConformal:
    """A threshold with which the sets of all steps of an episode are jointly correct.

    For a new episode that is exchangeable with the calibration episodes, P(every step is
    covered) is at least ``1 - alpha``. The sets are causal: each needs its own step's
    probabilities only, and the set of sequences is their product (KnowNo, section 3.3 and
    equations A2 to A5).

    Attributes:
        scores: ``[n]`` scores of the calibration episodes (of steps for the baselines).
        n: Number of calibration episodes.
        alpha: Allowed fraction of episodes with a miss.
        acceptance: Condition that covers a step.
        method: Joint method.
        horizon: Steps of an episode at most; used by ``BONFERRONI``.
        score: The nonconformity score.
        threshold: Labels that score at most this are in the set of a step.
    """

    scores: Floats
    n: int
    alpha: float
    acceptance: Acceptance
    method: SequenceMethod
    horizon: int
    score: Score
    threshold: float

    @classmethod
    def calibrate(
        cls,
        steps: FactArrays,
        acceptable: ArrayLike,
        alpha: float,
        *,
        acceptance: Acceptance = Acceptance.ANY,
        method: SequenceMethod = SequenceMethod.WORST_STEP,
        horizon: int | None = None,
        score: Score = Score.LAC,
    ) -> SequenceConformal:
        """Calibrates on whole episodes.

        Args:
            steps: Steps of the calibration episodes, each episode a scene.
            acceptable: ``[m, K]`` which answers are acceptable at each step (or ``[n, T, K]``
                of dense steps). A step without one can only be covered by giving up: its score
                is infinite.
            alpha: Allowed fraction of episodes with a miss.
            acceptance: Condition that covers a step.
            method: Joint method.
            horizon: Steps of an episode at most; the longest calibration episode unless given.
            score: The nonconformity score.

        Raises:
            InputError: Malformed input.

        >>> steps = FactArrays.dense([[[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]]] * 4)
        >>> good = [[[1, 0, 0], [1, 1, 0]]] * 4
        >>> found = SequenceConformal.calibrate(steps, good, alpha=0.2)
        >>> round(found.threshold, 3), found.sets([[0.65, 0.3, 0.05]]).tolist()
        (0.4, [[True, False, False]])
        """
        how, kind, joined = Acceptance(acceptance), Score(score), SequenceMethod(method)
        level, longest = check_alpha(alpha), int(steps.sizes.max(initial=1))
        limit = longest if horizon is None else horizon
        if limit < longest:
            raise InputError(f"an episode has {longest} steps, more than the horizon {limit}")
        scores = step_scores(steps, acceptable, how, kind)
        if joined is SequenceMethod.WORST_STEP:
            scores = steps.worst(scores)
        share = limit if joined is SequenceMethod.BONFERRONI else 1
        threshold = conformal_quantile(scores, level / share)
        return cls(scores, steps.n, level, how, joined, limit, kind, threshold)

    def sets(self, probabilities: ArrayLike) -> Sets:
        """Returns the sets ``[n, K]`` of steps, from those steps' probabilities ``[n, K]`` only.

        Raises:
            InputError: Malformed input.
        """
        return sets_within(check_probabilities(probabilities), self.threshold, self.score)


def step_scores(
    steps: FactArrays,
    acceptable: ArrayLike,
    acceptance: Acceptance = Acceptance.ANY,
    score: Score = Score.LAC,
) -> Floats:
    """Returns the nonconformity ``[m]`` of what must be in the set of each step.

    Args:
        steps: The steps.
        acceptable: ``[m, K]``, or ``[n, T, K]`` of dense steps.
        acceptance: Condition that covers a step.
        score: The nonconformity score.

    Raises:
        InputError: Malformed input.
    """
    good = _acceptable(steps, acceptable)
    found = label_scores(steps.probabilities, score)
    if acceptance is Acceptance.ANY:
        return np.asarray(np.where(good, found, np.inf).min(axis=1))
    most = np.where(good, found, -np.inf).max(axis=1)
    return np.where(good.any(axis=1), most, np.inf)


def steps_covered(
    steps: FactArrays, sets: Sets, acceptable: ArrayLike, acceptance: Acceptance = Acceptance.ANY
) -> NDArray[np.bool_]:
    """Returns for each episode ``[n]`` whether every step is covered, as ``acceptance`` says.

    A step without an acceptable answer is not covered by any set.

    Raises:
        InputError: Malformed input.
    """
    good = _acceptable(steps, acceptable)
    if sets.shape != good.shape:
        raise InputError(f"sets of shape {list(sets.shape)} do not belong to these steps")
    if acceptance is Acceptance.ANY:
        covered = (sets & good).any(axis=1)
    else:
        covered = (sets | ~good).all(axis=1) & good.any(axis=1)
    missed: Floats = np.asarray(~covered, dtype=np.float64)
    return np.asarray(steps.worst(missed) <= 0)


def simple_sets(probabilities: ArrayLike, mass: float) -> Sets:
    """Returns the fewest most probable labels whose probabilities sum to at least ``mass``.

    KnowNo's baseline "Simple Set", which trusts the model's own probabilities. Its coverage is
    as stated only if they are calibrated. For an episode of T steps at ``1 - alpha``, the
    mass per step is ``1 - alpha / T``.

    Args:
        probabilities: ``[n, K]``.
        mass: In [0, 1].

    Raises:
        InputError: Malformed input.

    >>> simple_sets([[0.6, 0.3, 0.1]], 0.8).tolist()
    [[True, True, False]]
    """
    array = check_probabilities(probabilities)
    needed = 1 - check_alpha(1 - mass)
    above = label_scores(array, Score.APS) - array
    return np.asarray(above < needed - 1e-12)


def _acceptable(steps: FactArrays, acceptable: ArrayLike) -> NDArray[np.bool_]:
    good = np.asarray(acceptable)
    shape = steps.probabilities.shape
    if good.ndim < 2 or good.shape[-1] != shape[1] or good.size != shape[0] * shape[1]:
        raise InputError(
            f"need acceptable answers of shape {list(shape)}, not {list(np.shape(acceptable))}"
        )
    if good.dtype != np.bool_ and not np.isin(good, (0, 1)).all():
        raise InputError("acceptable answers must be true or false")
    return steps.keep_options(good.reshape(shape).astype(np.bool_))
