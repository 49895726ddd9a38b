"""Measures what conformal sets cover, and what the naive ways cover, on simulated worlds.

Each row: target .90; calibration on 200 (shift: 400) cases, test on 250, over 300 random splits
or draws of simulated worlds with known truth (`tests/calibration/simulators.py`). Prints the mean
coverage, its standard deviation over splits, and the mean size of a set.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from surefoot.calibration.conformal.adaptive import AdaptiveLevel, QuantileTracker
from surefoot.calibration.conformal.facts import FactArrays
from surefoot.calibration.conformal.groups import GroupConformal
from surefoot.calibration.conformal.joint import JointConformal, JointMethod, all_covered
from surefoot.calibration.conformal.sequences import (
    SequenceConformal,
    SequenceMethod,
    simple_sets,
    steps_covered,
)
from surefoot.calibration.conformal.shift import WeightedConformal
from surefoot.calibration.conformal.split import SplitConformal

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.calibration import simulators as sim

N_CAL, N_TEST, SPLITS, ALPHA, SEED = 200, 250, 300, 0.1, 0
Trial = Callable[[np.random.Generator], tuple[float, float]]


def hit(sets: Any, labels: Any) -> float:
    """Returns the share of cases whose truth is in the set."""
    return float(sets[np.arange(len(labels)), labels].mean())


def joint(method: JointMethod) -> Trial:
    """Facts of scenes: 8 dependent facts of 6 options."""

    def trial(rng: np.random.Generator) -> tuple[float, float]:
        cal, test = sim.scenes(rng, N_CAL), sim.scenes(rng, N_TEST)
        made = JointConformal.calibrate(
            FactArrays.dense(cal.probabilities), cal.labels, ALPHA, method
        )
        facts = FactArrays.dense(test.probabilities)
        sets = made.sets(facts)
        return float(all_covered(facts, sets, test.labels).mean()), float(sets.sum(1).mean())

    return trial


def sequence(method: SequenceMethod | None) -> Trial:
    """Episodes of 5 steps of 5 options; without a method, KnowNo's Simple Set."""

    def trial(rng: np.random.Generator) -> tuple[float, float]:
        cal, test = (sim.sequences(rng, n, signal=2.0) for n in (N_CAL, N_TEST))
        # An over-confident model.
        cal, test = (
            sim.Episodes(sim.softmax(2 * np.log(e.probabilities)), e.acceptable)
            for e in (cal, test)
        )
        steps = FactArrays.dense(test.probabilities)
        if method is None:
            sets = simple_sets(steps.probabilities, 1 - ALPHA / 5)
        else:
            made = SequenceConformal.calibrate(
                FactArrays.dense(cal.probabilities), cal.acceptable, ALPHA, method=method
            )
            sets = made.sets(steps.probabilities)
        return float(steps_covered(steps, sets, test.acceptable).mean()), float(sets.sum(1).mean())

    return trial


def hard_group(grouped: bool) -> Trial:
    """The coverage of the harder of two equally large groups."""

    def trial(rng: np.random.Generator) -> tuple[float, float]:
        near, far, test = (
            sim.classifier(rng, n, signal=s) for n, s in ((N_CAL, 3.0), (N_CAL, 0.8), (N_TEST, 0.8))
        )
        both = np.concatenate([near.probabilities, far.probabilities])
        labels = np.concatenate([near.labels, far.labels])
        if grouped:
            kinds = np.repeat(["near", "far"], N_CAL)
            made = GroupConformal.calibrate(both, labels, kinds, ALPHA)
            sets = made.sets(test.probabilities, ["far"] * N_TEST)
        else:
            sets = SplitConformal.calibrate(both, labels, ALPHA).sets(test.probabilities)
        return hit(sets, test.labels), float(sets.sum(1).mean())

    return trial


def shift(weighted: bool) -> Trial:
    """A covariate shift by one standard deviation, with known likelihood ratios."""

    def trial(rng: np.random.Generator) -> tuple[float, float]:
        cal, test = sim.covariate_shift(rng, 400), sim.covariate_shift(rng, N_TEST, shift=1.0)
        if weighted:
            made = WeightedConformal.calibrate(cal.probabilities, cal.labels, cal.ratio, ALPHA)
            sets = made.sets(test.probabilities, test.ratio)
        else:
            plain = SplitConformal.calibrate(cal.probabilities, cal.labels, ALPHA)
            sets = plain.sets(test.probabilities)
        return hit(sets, test.labels), float(sets.sum(1).mean())

    return trial


def drift(how: str) -> Trial:
    """A stream of 1,500 cases that gets worse after a third; coverage over the whole stream."""

    def trial(rng: np.random.Generator) -> tuple[float, float]:
        cal, late = sim.classifier(rng, N_CAL, signal=2.5), sim.stream(rng, 1500, 500)
        past = 1 - cal.probabilities[np.arange(N_CAL), cal.labels]
        now = 1 - late.probabilities[np.arange(1500), late.labels]
        start = SplitConformal.from_scores(past, ALPHA).threshold
        if how == "static":
            limits = np.full(1500, start)
        elif how == "level":
            limits = AdaptiveLevel(ALPHA, 0.02, past, window=N_CAL).replay(now).thresholds
        else:
            limits = QuantileTracker(ALPHA, 0.05, start).replay(now).thresholds
        sets = 1 - late.probabilities <= limits[:, None]
        return hit(sets, late.labels), float(sets.sum(1).mean())

    return trial


ROWS: list[tuple[str, Trial]] = [
    ("8 facts jointly: each at .90", joint(JointMethod.PER_FACT)),
    ("  Bonferroni", joint(JointMethod.BONFERRONI)),
    ("  worst fact of a scene", joint(JointMethod.MAX)),
    ("5 steps jointly: Simple Set, not calibrated", sequence(None)),
    ("  each at .90", sequence(SequenceMethod.PER_STEP)),
    ("  Bonferroni", sequence(SequenceMethod.BONFERRONI)),
    ("  worst step of an episode", sequence(SequenceMethod.WORST_STEP)),
    ("the harder of two groups: one threshold", hard_group(False)),
    ("  a threshold per group", hard_group(True)),
    ("known shift: unweighted", shift(False)),
    ("  weighted", shift(True)),
    ("unknown shift: static", drift("static")),
    ("  adaptive level (ACI), gamma .02", drift("level")),
    ("  quantile tracking, eta .05", drift("tracking")),
]


def main() -> None:
    """Prints the table."""
    print(f"{'':46}{'coverage':>9}{'sd':>7}{'size':>7}")
    for name, trial in ROWS:
        rng = np.random.default_rng(SEED)
        found = np.array([trial(rng) for _ in range(SPLITS)])
        print(
            f"{name:46}{found[:, 0].mean():9.3f}{found[:, 0].std():7.3f}{found[:, 1].mean():7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
