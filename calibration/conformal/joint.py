"""Joint sets over all facts of a scene: the true world is among the possible ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import Floats, Sets, check_alpha
from surefoot.calibration.conformal.facts import FactArrays
from surefoot.calibration.conformal.scores import (
    Regularisation,
    Score,
    sets_within,
    true_scores,
)
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError


class JointMethod(StrEnum):
    """Method of covering the facts of a scene jointly.

    Attributes:
        MAX: The score of a scene is its worst fact's; exact for any dependence among facts.
        BONFERRONI: Every fact at ``alpha`` divided by the number of facts of its scene;
            cautious where misses come together.
        PER_FACT: Every fact at ``alpha``. A baseline that fails: each fact is covered, but all
            facts of a scene are covered jointly far less often.
    """

    MAX = "max"
    BONFERRONI = "bonferroni"
    PER_FACT = "none"


@dataclass(frozen=True, slots=True, eq=False)
class JointConformal:
    """Sets for every fact such that all facts of a scene are covered jointly.

    With ``MAX``, for a new scene that is exchangeable with the calibration scenes (its number of
    facts and options included), P(every fact's truth is in its set) is at least ``1 - alpha``.
    So a plan that works in every world of the sets works in the true one with that probability.

    ``BONFERRONI`` takes its quantile over all facts of all scenes. Facts of one scene depend on
    each other, so the finite-sample correction is not exact there: a baseline, no guarantee.

    Attributes:
        scores: ``[n]`` worst score of each scene for ``MAX``, else ``[m]`` of each fact.
        n: Number of calibration scenes.
        alpha: Allowed fraction of scenes with a miss.
        method: Joint method.
        score: The nonconformity score.
        regularisation: Regularisation of RAPS.

    Source: the max over parts is KnowNo's sequence score (Ren et al. 2023, section 3.3) over
    facts in place of steps.
    """

    scores: Floats
    n: int
    alpha: float
    method: JointMethod = JointMethod.MAX
    score: Score = Score.LAC
    regularisation: Regularisation = Regularisation()  # noqa: RUF009 - it is frozen

    @classmethod
    def calibrate(
        cls,
        facts: FactArrays,
        labels: ArrayLike,
        alpha: float,
        method: JointMethod = JointMethod.MAX,
        score: Score = Score.LAC,
        *,
        regularisation: Regularisation | None = None,
    ) -> JointConformal:
        """Calibrates on scenes; scenes without facts count as covered.

        Args:
            facts: The facts of the calibration scenes.
            labels: ``[m]`` true option of each fact.
            alpha: Allowed fraction of scenes with a miss.
            method: Joint method.
            score: The nonconformity score.
            regularisation: Regularisation of RAPS.

        Raises:
            InputError: Malformed input.

        >>> seen = FactArrays.ragged([[[0.9, 0.1]], [[0.6, 0.4], [0.2, 0.8]], [[0.7, 0.3]]])
        >>> found = JointConformal.calibrate(seen, [0, 0, 1, 0], alpha=0.25)
        >>> found.sets(FactArrays.ragged([[[0.7, 0.3], [0.55, 0.45]]])).tolist()
        [[True, False], [False, False]]
        """
        wanted = facts.check_labels(labels)
        kind, extra = Score(score), regularisation or Regularisation()
        scores = true_scores(facts.probabilities, wanted, kind, regularisation=extra)
        if JointMethod(method) is JointMethod.MAX:
            scores = facts.worst(scores)
        return cls(scores, facts.n, check_alpha(alpha), JointMethod(method), kind, extra)

    def threshold(self, size: int = 1) -> float:
        """Returns the threshold for the facts of a scene with ``size`` facts."""
        share = max(size, 1) if self.method is JointMethod.BONFERRONI else 1
        return conformal_quantile(self.scores, self.alpha / share)

    def sets(self, facts: FactArrays) -> Sets:
        """Returns the set ``[m, K]`` of each fact; padding is in none.

        Raises:
            InputError: Malformed input.
        """
        limits: float | Floats = self.threshold()
        if self.method is JointMethod.BONFERRONI:
            sizes, index = np.unique(facts.sizes, return_inverse=True)
            each = np.array([self.threshold(int(size)) for size in sizes])[index]
            limits = np.repeat(each, facts.sizes) if facts.scenes is None else each[facts.scenes]
        found = sets_within(
            facts.probabilities, limits, self.score, regularisation=self.regularisation
        )
        return facts.keep_options(found)


def all_covered(facts: FactArrays, sets: Sets, labels: ArrayLike) -> NDArray[np.bool_]:
    """Returns for each scene ``[n]`` whether every fact's truth is in its set.

    Args:
        facts: The facts.
        sets: ``[m, K]``.
        labels: ``[m]`` true options.

    Raises:
        InputError: Malformed input.
    """
    wanted = facts.check_labels(labels)
    if sets.shape != facts.probabilities.shape:
        raise InputError(f"sets of shape {list(sets.shape)} do not belong to these facts")
    missed = ~sets[np.arange(len(wanted)), wanted]
    return np.asarray(facts.worst(missed.astype(np.float64)) <= 0)


@dataclass(frozen=True, slots=True)
class PossibleWorlds:
    """The worlds that are compatible with sets: one option for every fact.

    Attributes:
        count: Exact number of worlds; 0 if a fact's set is empty.
        listed: The worlds as tuples of option numbers, generated lazily; empty if there are more
            than the cap.
    """

    count: int
    listed: Iterator[tuple[int, ...]] | None


def worlds(sets: ArrayLike, cap: int = 10_000) -> PossibleWorlds:
    """Lists the worlds that are compatible with the sets of one scene's facts.

    Args:
        sets: ``[F, K]`` of one scene.
        cap: Largest number of worlds that are listed.

    Raises:
        InputError: The sets are not a table.

    >>> found = worlds([[True, False], [True, True]])
    >>> found.count, list(found.listed)
    (2, [(0, 0), (0, 1)])
    """
    table = np.asarray(sets, dtype=np.bool_)
    if table.ndim != 2:
        raise InputError(f"need one row of options per fact, not the shape {list(table.shape)}")
    left = [np.flatnonzero(row).tolist() for row in table]
    count = prod(len(options) for options in left)
    return PossibleWorlds(count, product(*left) if count <= cap else None)
