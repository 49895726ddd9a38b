"""Times conformal sets: Surefoot's and MAPIE's on the same cases in one run.

- 100,000 cases of 10 labels, every score: calibrate on all of them, then the sets of all of
  them. LAC and top-k sets are compared and must agree. APS and RAPS are timed in the form that
  each side takes by default (MAPIE's includes the label at the threshold always, and tunes RAPS).
- the facts of 100,000 scenes, 20 each: a joint calibration on all scenes and the sets of all
  facts, from raw arrays; both times hold the check of the input, which is given alone too. MAPIE
  has no joint sets; beside it stands its calibration and sets per fact, on the same facts (which
  do not cover jointly).

Prints the best of several runs in milliseconds of processor time, one thread, and the ratios.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from mapie.classification import SplitConformalClassifier
from timing import timed

from surefoot.calibration.conformal.facts import FactArrays
from surefoot.calibration.conformal.joint import JointConformal
from surefoot.calibration.conformal.scores import Score
from surefoot.calibration.conformal.split import SplitConformal

CASES, LABELS, SCENES, FACTS, ALPHA, SEED = 100_000, 10, 100_000, 20, 0.1, 0
OURS, THEIRS = 15, 3


class Given:
    """A classifier whose inputs are its probabilities, as MAPIE needs one."""

    def __init__(self, classes: int) -> None:
        self.classes_ = np.arange(classes)

    def __sklearn_is_fitted__(self) -> bool:
        """Says that nothing needs fitting."""
        return True

    def fit(self, *_: Any) -> Given:
        """Does nothing."""
        return self

    def predict_proba(self, x: Any) -> Any:
        """Returns the inputs."""
        return x

    def predict(self, x: Any) -> Any:
        """Returns the most probable label."""
        return x.argmax(1)


def mapie(probabilities: Any, labels: Any, score: str) -> tuple[float, float, Any]:
    """Times MAPIE: milliseconds to conformalize and to predict sets, and the sets."""

    def conformalize() -> Any:
        # An object can be conformalized once only.
        return SplitConformalClassifier(
            Given(probabilities.shape[1]),
            confidence_level=1 - ALPHA,
            conformity_score=score,
            prefit=True,
            random_state=SEED,
        ).conformalize(probabilities, labels)

    first, made = timed(conformalize, THEIRS)
    second, (_, sets) = timed(lambda: made.predict_set(probabilities), THEIRS)
    return first, second, sets[:, :, 0]


def answers(rng: np.random.Generator, shape: tuple[int, ...], classes: int) -> tuple[Any, Any]:
    """Returns probabilities of a model that is right more often than not, and the truth."""
    labels = rng.integers(0, classes, shape)
    logits = rng.standard_normal((*shape, classes)) + 2 * (np.arange(classes) == labels[..., None])
    raised = np.exp(1.5 * logits)
    return raised / raised.sum(axis=-1, keepdims=True), labels


def main() -> None:
    """Prints the tables."""
    rng = np.random.default_rng(SEED)
    probabilities, labels = answers(rng, (CASES,), LABELS)
    print(f"{CASES:,} cases x {LABELS} labels, alpha {ALPHA}; milliseconds of processor time")
    print(f"{'score':8}{'calibrate':>10}{'sets':>8}{'MAPIE':>10}{'its sets':>10}{'ratio':>8}")
    for score in Score:

        def calibrate(kind: Score = score) -> SplitConformal:
            return SplitConformal.calibrate(probabilities, labels, ALPHA, kind)

        first, made = timed(calibrate, OURS)
        second, sets = timed(lambda made=made: made.sets(probabilities), OURS)
        their_first, their_second, their_sets = mapie(
            probabilities, labels, score.replace("-", "_")
        )
        if score in (Score.LAC, Score.TOP_K):
            assert (sets == their_sets).all(), score
        ratio = (their_first + their_second) / (first + second)
        print(
            f"{score:8}{first:10.2f}{second:8.2f}{their_first:10.1f}{their_second:10.1f}"
            f"{ratio:8.1f}",
            flush=True,
        )
    print(f"\n{SCENES:,} scenes x {FACTS} facts, max over the facts of a scene (LAC)")
    print(
        f"{'options':8}{'check':>7}{'calibrate':>10}{'sets':>8}{'both':>8}"
        f"{'MAPIE per fact':>16}{'ratio':>8}"
    )
    for classes in (2, 4, 6, 10):
        seen, truth = answers(rng, (SCENES, FACTS), classes)

        def calibrate_joint(seen: Any = seen, truth: Any = truth) -> JointConformal:
            return JointConformal.calibrate(FactArrays.dense(seen), truth, ALPHA)

        check, _ = timed(lambda seen=seen: FactArrays.dense(seen), OURS)
        first, made = timed(calibrate_joint, OURS)
        second, _ = timed(lambda made=made, seen=seen: made.sets(FactArrays.dense(seen)), OURS)
        flat = seen.reshape(-1, classes)
        theirs = sum(mapie(flat, truth.ravel(), "lac")[:2])
        print(
            f"{classes:<8}{check:7.1f}{first:10.1f}{second:8.1f}{first + second:8.1f}{theirs:16.0f}"
            f"{theirs / (first + second):8.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
