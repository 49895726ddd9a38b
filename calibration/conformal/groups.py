"""Mondrian conformal sets: the guarantee holds within every group, or for every true label."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surefoot.calibration.arrays import (
    Floats,
    Sets,
    check_alpha,
    check_labels,
    check_probabilities,
)
from surefoot.calibration.conformal.scores import (
    Regularisation,
    Score,
    label_scores,
    sets_within,
    true_scores,
)
from surefoot.calibration.conformal.split import SplitConformal
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.core.errors import InputError


class GroupStatus(StrEnum):
    """Calibration status of a group.

    Attributes:
        CALIBRATED: It has its own threshold.
        TOO_SMALL: It has too few calibration cases for ``alpha``: full sets.
        UNKNOWN: It has no calibration case: full sets.
    """

    CALIBRATED = "calibrated"
    TOO_SMALL = "too small"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class GroupConformal:
    """One threshold per group: P(truth in the set | group) is at least ``1 - alpha`` in each.

    The group must be known without the truth (kind of fact, camera, range of distances); for
    groups made of the true label there is :class:`ClassConformal`. Scores are deterministic.

    Attributes:
        groups: Calibration of each group, by its name as text.
        alpha: Allowed miss rate in every group.
        score: The nonconformity score.
        regularisation: Regularisation of RAPS.

    Source: Vovk, Gammerman, Shafer (2005), section 4.5.
    """

    groups: Mapping[str, SplitConformal]
    alpha: float
    score: Score = Score.LAC
    regularisation: Regularisation = Regularisation()  # noqa: RUF009 - it is frozen

    @classmethod
    def calibrate(
        cls,
        probabilities: ArrayLike,
        labels: ArrayLike,
        groups: ArrayLike,
        alpha: float,
        score: Score = Score.LAC,
        *,
        regularisation: Regularisation | None = None,
    ) -> GroupConformal:
        """Calibrates every group on its own cases.

        Args:
            probabilities: ``[n, K]``.
            labels: ``[n]`` true labels.
            groups: ``[n]`` names or numbers; the number 1 and the text "1" are one group.
            alpha: Allowed miss rate.
            score: The nonconformity score.
            regularisation: Regularisation of RAPS.

        Raises:
            InputError: Malformed input.

        >>> rows, kinds = [[0.9, 0.1]] * 6, ["place"] * 4 + ["holding"] * 2
        >>> found = GroupConformal.calibrate(rows, [0] * 6, kinds, alpha=0.2)
        >>> found.sets([[0.9, 0.1]] * 3, ["place", "holding", "lid"]).tolist()
        [[True, False], [True, True], [True, True]]
        >>> [str(found.status(kind)) for kind in ("place", "holding", "lid")]
        ['calibrated', 'too small', 'unknown']
        """
        array = check_probabilities(probabilities)
        wanted = check_labels(labels, *array.shape)
        names = _names(groups, len(array))
        kind, extra = Score(score), regularisation or Regularisation()
        scores = true_scores(array, wanted, kind, regularisation=extra)
        found, index = np.unique(names, return_inverse=True)
        return cls(
            {
                str(name): SplitConformal.from_scores(
                    scores[index == at], alpha, kind, regularisation=extra
                )
                for at, name in enumerate(found)
            },
            check_alpha(alpha),
            kind,
            extra,
        )

    def status(self, group: object) -> GroupStatus:
        """Returns whether a group has a threshold, or why it has none."""
        known = self.groups.get(str(group))
        if known is None:
            return GroupStatus.UNKNOWN
        return GroupStatus.TOO_SMALL if known.threshold == np.inf else GroupStatus.CALIBRATED

    def thresholds(self, groups: ArrayLike) -> Floats:
        """Returns the threshold ``[n]`` of each case; infinity where the set is the full one."""
        names = np.asarray(groups)
        found, index = np.unique(_names(names, len(names)), return_inverse=True)
        full = float("inf")
        each = [self.groups[g].threshold if g in self.groups else full for g in map(str, found)]
        return np.asarray(each, dtype=np.float64)[index]

    def sets(self, probabilities: ArrayLike, groups: ArrayLike) -> Sets:
        """Returns the set ``[n, K]`` of each case.

        Raises:
            InputError: Malformed input.
        """
        array = check_probabilities(probabilities)
        limits = self.thresholds(_names(groups, len(array)))
        return sets_within(array, limits, self.score, regularisation=self.regularisation)

    def to_json(self) -> str:
        """Writes the calibration as strict JSON."""
        return json.dumps(
            {
                "score": self.score,
                "alpha": self.alpha,
                "penalty": self.regularisation.penalty,
                "free": self.regularisation.free,
                "groups": {g: json.loads(c.to_json()) for g, c in self.groups.items()},
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> GroupConformal:
        """Reads a calibration that :meth:`to_json` wrote.

        Raises:
            InputError: The text is not such a calibration.
        """
        try:
            data = json.loads(text)
            return cls(
                {g: SplitConformal.from_json(json.dumps(c)) for g, c in data["groups"].items()},
                check_alpha(data["alpha"]),
                Score(data["score"]),
                Regularisation(float(data["penalty"]), int(data["free"])),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"this is no calibration of groups: {error!r}") from error


@dataclass(frozen=True, slots=True, eq=False)
class ClassConformal:
    """One threshold per label: P(truth in the set | truth = y) is at least ``1 - alpha``, all y.

    A label that was the truth in too few calibration cases is in every set.

    Attributes:
        thresholds: ``[K]``, one per label.
        counts: ``[K]`` calibration cases of each label.
        alpha: Allowed miss rate for every label.
        score: The nonconformity score.
        regularisation: Regularisation of RAPS.

    Source: Vovk (2012), Conditional validity of inductive conformal predictors.
    """

    thresholds: Floats
    counts: NDArray[np.intp]
    alpha: float
    score: Score = Score.LAC
    regularisation: Regularisation = Regularisation()  # noqa: RUF009 - it is frozen

    @classmethod
    def calibrate(
        cls,
        probabilities: ArrayLike,
        labels: ArrayLike,
        alpha: float,
        score: Score = Score.LAC,
        *,
        regularisation: Regularisation | None = None,
    ) -> ClassConformal:
        """Calibrates every label on the cases in which it is the truth; shapes as elsewhere.

        Raises:
            InputError: Malformed input.
        """
        array = check_probabilities(probabilities)
        wanted = check_labels(labels, *array.shape)
        kind, extra = Score(score), regularisation or Regularisation()
        scores = true_scores(array, wanted, kind, regularisation=extra)
        classes = range(array.shape[1])
        return cls(
            np.array([conformal_quantile(scores[wanted == y], alpha) for y in classes]),
            np.bincount(wanted, minlength=len(classes)),
            check_alpha(alpha),
            kind,
            extra,
        )

    def sets(self, probabilities: ArrayLike) -> Sets:
        """Returns the set ``[n, K]`` of each case.

        Raises:
            InputError: Malformed input, or another number of labels than calibrated.
        """
        array = check_probabilities(probabilities)
        if array.shape[1] != len(self.thresholds):
            raise InputError(
                f"calibrated for {len(self.thresholds)} labels, asked about {array.shape[1]}"
            )
        found = label_scores(array, self.score, regularisation=self.regularisation)
        return np.asarray(found <= self.thresholds)


def _names(groups: ArrayLike, n: int) -> NDArray[np.str_]:
    array = np.asarray(groups)
    if array.shape != (n,):
        raise InputError(f"there are {n} cases, but groups of shape {list(array.shape)}")
    return array.astype(np.str_)
