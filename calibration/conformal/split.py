"""Split conformal sets: one threshold with a guarantee for exchangeable cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
from surefoot.calibration.quantiles import conformal_quantile, p_values
from surefoot.core.errors import InputError

Seed = int | np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class SplitConformal:
    """A calibrated threshold on a nonconformity score.

    For a new case that is exchangeable with the calibration cases, P(truth in the set) is at
    least ``1 - alpha``, on average over calibrations. Given one calibration of distinct scores,
    the coverage is drawn from Beta(k, n + 1 - k) with k = rank(n, alpha): about 0.9 ± 0.015
    (standard deviation) for n = 400, so one calibration may well lie below.

    Too few cases for ``alpha``, none among them, give the full set. ``alpha`` = 0 gives the full
    set too; ``alpha`` = 1 the empty one.

    Attributes:
        scores: ``[n]`` scores of the calibration cases.
        alpha: Allowed miss rate.
        threshold: Labels that score at most this are in the set; may be infinite.
        score: The nonconformity score.
        randomised: Whether APS or RAPS is used in the randomised form.
        regularisation: Regularisation of RAPS.

    Source: Vovk, Gammerman, Shafer (2005); Papadopoulos et al. (2002).
    """

    scores: Floats
    alpha: float
    threshold: float
    score: Score = Score.LAC
    randomised: bool = False
    regularisation: Regularisation = Regularisation()  # noqa: RUF009 - it is frozen

    @classmethod
    def calibrate(
        cls,
        probabilities: ArrayLike,
        labels: ArrayLike,
        alpha: float,
        score: Score = Score.LAC,
        *,
        randomise: Seed | None = None,
        regularisation: Regularisation | None = None,
    ) -> SplitConformal:
        """Calibrates on cases that the model was not trained on.

        Args:
            probabilities: ``[n, K]``; ``n`` may be 0.
            labels: ``[n]`` true labels.
            alpha: Allowed miss rate.
            score: The nonconformity score.
            randomise: Seed or generator for the randomised form of APS and RAPS; none for the
                deterministic one.
            regularisation: Regularisation of RAPS, fixed beforehand.

        Raises:
            InputError: Malformed input.

        >>> sure = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]]
        >>> found = SplitConformal.calibrate(sure, [0, 0, 1, 0], alpha=0.2)
        >>> round(found.threshold, 3), found.sets([[0.7, 0.3], [0.5, 0.5]]).tolist()
        (0.4, [[True, False], [False, False]])
        """
        array = check_probabilities(probabilities)
        wanted = check_labels(labels, *array.shape)
        kind, extra = Score(score), regularisation or Regularisation()
        uniform = _draw(randomise, len(array))
        scores = true_scores(array, wanted, kind, uniform=uniform, regularisation=extra)
        return cls.from_scores(
            scores, alpha, kind, randomised=uniform is not None, regularisation=extra
        )

    @classmethod
    def from_scores(
        cls,
        scores: ArrayLike,
        alpha: float,
        score: Score = Score.LAC,
        *,
        randomised: bool = False,
        regularisation: Regularisation | None = None,
    ) -> SplitConformal:
        """Calibrates on scores ``[n]`` of true labels that are known already."""
        array = check_scores(scores)
        return cls(
            array,
            check_alpha(alpha),
            conformal_quantile(array, alpha),
            Score(score),
            randomised,
            regularisation or Regularisation(),
        )

    @property
    def n(self) -> int:
        """Number of calibration cases."""
        return len(self.scores)

    def sets(self, probabilities: ArrayLike, *, randomise: Seed | None = None) -> Sets:
        """Returns the set ``[n, K]`` of each case.

        Args:
            probabilities: ``[n, K]``.
            randomise: Seed or generator; needed by the randomised form, refused by the other.

        Raises:
            InputError: Malformed input.
        """
        array = check_probabilities(probabilities)
        uniform = self._uniform(randomise, len(array))
        return sets_within(
            array, self.threshold, self.score, uniform=uniform, regularisation=self.regularisation
        )

    def p_values(self, probabilities: ArrayLike, *, randomise: Seed | None = None) -> Floats:
        """Returns the p-value ``[n, K]`` of every label: the set at ``alpha`` is those above it.

        Raises:
            InputError: Malformed input.
        """
        array = check_probabilities(probabilities)
        uniform = self._uniform(randomise, len(array))
        return p_values(
            self.scores,
            label_scores(array, self.score, uniform=uniform, regularisation=self.regularisation),
        )

    def to_json(self) -> str:
        """Writes the calibration as strict JSON."""
        return json.dumps(
            {
                "score": self.score,
                "alpha": self.alpha,
                "n": self.n,
                "threshold": _number(self.threshold),
                "randomised": self.randomised,
                "penalty": self.regularisation.penalty,
                "free": self.regularisation.free,
                "scores": [_number(float(s)) for s in self.scores],
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> SplitConformal:
        """Reads a calibration that :meth:`to_json` wrote.

        Raises:
            InputError: The text is none, or its threshold does not belong to its scores.
        """
        try:
            data: dict[str, Any] = json.loads(text)
            found = cls.from_scores(
                [float(s) for s in data["scores"]],
                float(data["alpha"]),
                Score(data["score"]),
                randomised=bool(data["randomised"]),
                regularisation=Regularisation(float(data["penalty"]), int(data["free"])),
            )
            stated = float(data["threshold"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"this is no split conformal calibration: {error!r}") from error
        if found.threshold != stated:
            raise InputError(
                f"the calibration states the threshold {stated:.6g}, but its scores give "
                f"{found.threshold:.6g}; calibrate anew"
            )
        return found

    def _uniform(self, randomise: Seed | None, n: int) -> Floats | None:
        if self.randomised != (randomise is not None):
            raise InputError(
                "this calibration is randomised; give a seed or a generator"
                if self.randomised
                else "this calibration is not randomised; give no seed"
            )
        return _draw(randomise, n)


def choose_regularisation(
    probabilities: ArrayLike,
    labels: ArrayLike,
    alpha: float,
    penalties: Sequence[float] = (0.001, 0.01, 0.1, 0.2, 0.5),
) -> Regularisation:
    """Chooses the penalty of RAPS, on cases that are used neither for calibration nor for tests.

    Free are as many ranks as sets of one size would need; of the penalties, the one with the
    smallest sets on these cases is taken, the smaller one where they tie.

    Args:
        probabilities: ``[n, K]``.
        labels: ``[n]`` true labels.
        alpha: Miss rate that will be allowed.
        penalties: Penalties to try.

    Raises:
        InputError: Malformed input, or no penalty.

    Source: Angelopoulos, Bates, Malik, Jordan (2021), appendix E.
    """
    array = check_probabilities(probabilities)
    if not penalties:
        raise InputError("give at least one penalty to try")
    ranks = SplitConformal.calibrate(array, labels, alpha, Score.TOP_K)
    free = int(np.clip(ranks.threshold, 1, array.shape[1]))
    tried = [Regularisation(penalty, free) for penalty in sorted(penalties)]
    return min(
        tried,
        key=lambda extra: int(
            SplitConformal.calibrate(array, labels, alpha, Score.RAPS, regularisation=extra)
            .sets(array)
            .sum()
        ),
    )


def _draw(randomise: Seed | None, n: int) -> Floats | None:
    return None if randomise is None else np.random.default_rng(randomise).random(n)


def _number(value: float) -> float | str:
    # Strict JSON has no infinity.
    return value if np.isfinite(value) else str(value)
