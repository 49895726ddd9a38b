"""Evaluation of a calibration on test cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.calibration.arrays import Floats, Sets
from surefoot.calibration.conformal.joint import JointConformal, JointMethod
from surefoot.calibration.conformal.scores import true_scores
from surefoot.calibration.metrics.coverage import (
    CoverageLaw,
    Sizes,
    Slab,
    beta_law,
    covered,
    group_coverage,
    joint_coverage,
    set_sizes,
    worst_slab,
)
from surefoot.calibration.metrics.help import Help, help_rates
from surefoot.calibration.metrics.intervals import Estimate, Rate, mean, rate
from surefoot.calibration.metrics.probability import (
    Bin,
    RiskCoverage,
    auroc,
    brier,
    ece,
    log_loss,
    reliability,
    risk_coverage,
)
from surefoot.calibration.monitoring.drift import ExchangeabilityMonitor
from surefoot.calibration.quantiles import conformal_quantile
from surefoot.calibration.reports.artefact import Artefact, as_facts, one_per_scene
from surefoot.calibration.reports.tables import FactTable, PlanTable
from surefoot.core.errors import InputError

BAND = 0.9
"""Probability of the band in which coverage over re-splits should lie."""


@dataclass(frozen=True, slots=True)
class SetRow:
    """Sets of one kind on the test cases.

    Attributes:
        name: Name of the method.
        chosen: Whether the artefact returns these.
        coverage: Fraction of facts that are covered; the interval clusters by scene.
        joint: Fraction of scenes whose facts are all covered.
        sizes: Sizes of the sets.
    """

    name: str
    chosen: bool
    coverage: Estimate
    joint: Rate
    sizes: Sizes

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "sets": self.name,
            "chosen": self.chosen,
            "coverage": self.coverage.to_json(),
            "joint_coverage": self.joint.to_json(),
            "size": self.sizes.mean.to_json(),
            "singletons": self.sizes.singletons.to_json(),
            "empty": self.sizes.empty.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Resplits:
    """Coverage over many random halves of all scenes, compared with its law.

    Attributes:
        name: What is covered.
        law: The law for scores without ties.
        counts: ``[r]`` covered test cases by re-split.
        ties: Fraction of scores that occur more than once; coverage may then be larger.
    """

    name: str
    law: CoverageLaw
    counts: NDArray[np.intp]
    ties: float

    @property
    def coverage(self) -> Floats:
        """``[r]`` coverage by re-split."""
        return self.counts / (self.law.n_test or 1)

    @property
    def inside(self) -> Rate:
        """Re-splits whose coverage lies in the law's central band of 90 %."""
        low, high = self.law.band(BAND)
        return rate((self.coverage >= low) & (self.coverage <= high))

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "covered": self.name,
            "n_cal": self.law.n_cal,
            "n_test": self.law.n_test,
            "resplits": len(self.counts),
            "mean": float(self.coverage.mean()),
            "law_mean": self.law.mean,
            "band": list(self.law.band(BAND)),
            "inside_band": self.inside.to_json(),
            "p_value": self.law.p_value(self.counts),
            "tied_scores": self.ties,
        }


@dataclass(frozen=True, slots=True)
class FactAnalysis:
    """Facts of the test scenes.

    Attributes:
        n: Number of facts.
        scenes: Number of scenes.
        rows: Kinds of sets.
        groups: Coverage within each group, by the artefact's own sets.
        slab: The slab of worst coverage; ``None`` with too few cases.
        resplits: Coverage over re-splits: of one fact per scene, and of whole scenes.
        bins: Reliability of the likeliest answer.
        scores: ECE, Brier score and so on, by name.
        curve: Risk against coverage of the likeliest answer.
        asking: Rates of the policy 'act if one label is left, else ask' with the artefact's sets; a
            trial is a scene.
        drift: Largest capital of the exchangeability martingale over the test scenes in the
            order of their first records, and the scene that raised an alarm, if any.
    """

    n: int
    scenes: int
    rows: tuple[SetRow, ...]
    groups: Mapping[str, Rate]
    slab: Slab | None
    resplits: tuple[Resplits, ...]
    bins: tuple[Bin, ...]
    scores: Mapping[str, Estimate]
    curve: RiskCoverage
    asking: Help
    drift: tuple[float, int | None]


@dataclass(frozen=True, slots=True)
class PlanAnalysis:
    """Plans of the test scenes.

    Attributes:
        n: Number of plans.
        satisfied: Rate of plans that satisfy all rules.
        scores: AUROC, ECE before and after calibration and so on, by name.
        bins: Reliability of the planner's own confidence.
        calibrated: Reliability of the Venn–Abers probability.
        curve: Risk against coverage of acting on the most confident plans.
        acted: Fraction of plans that are acted on.
        violations: Violations among them; ``None`` if none is acted on.
    """

    n: int
    satisfied: Rate
    scores: Mapping[str, Estimate]
    bins: tuple[Bin, ...]
    calibrated: tuple[Bin, ...]
    curve: RiskCoverage
    acted: Rate
    violations: Rate | None


def analyse_facts(
    artefact: Artefact, calibration: FactTable, test: FactTable, resplits: int
) -> FactAnalysis:
    """Evaluates an artefact's sets on test facts.

    Args:
        artefact: Calibrated on ``calibration``.
        calibration: Its facts, for the re-splits and the comparison of methods.
        test: Facts of other scenes.
        resplits: Number of re-splits.

    Raises:
        InputError: There are no calibration or no test facts.
    """
    if not len(calibration) or not len(test):
        raise InputError("facts are needed on both sides of the split")
    seed, clusters = artefact.settings.seed, test.scenes
    sure, right = test.confidence, test.correct
    draws = _draws(len(test))
    scores = {
        "accuracy": mean(right.astype(float), clusters),
        "ECE": ece(sure, right, clusters=clusters, seed=seed, draws=draws),
        "Brier score": brier(test.probabilities, test.labels, clusters),
        "log loss": log_loss(test.probabilities, test.labels, clusters),
    }
    curve = risk_coverage(sure, right, clusters=clusters, seed=seed, draws=draws)
    if 0 < right.sum() < right.size:
        scores["AUROC"] = auroc(sure, right, clusters=clusters, seed=seed, draws=draws)
    scores |= {"AUARC": curve.auarc, "AURC": curve.aurc}
    sets = artefact.sets(test)
    hits = covered(sets, test.acceptable)
    slab = None
    if len(test) >= 100:
        slab = worst_slab(test.features(), hits, seed=seed)
    return FactAnalysis(
        n=len(test),
        scenes=test.n_scenes,
        rows=_rows(artefact, calibration, test),
        groups=group_coverage(hits, test.groups),
        slab=slab,
        resplits=_resplits(artefact, calibration, test, resplits),
        bins=reliability(sure, right),
        scores=scores,
        curve=curve,
        asking=help_rates(sets, test.acceptable, trials=clusters),
        drift=_drift(artefact, calibration, test),
    )


def analyse_plans(artefact: Artefact, test: PlanTable) -> PlanAnalysis:
    """Evaluates an artefact's threshold and probabilities on test plans, one per scene.

    Raises:
        InputError: There are no test plans, or the artefact was calibrated without plans.
    """
    if artefact.satisfaction is None or artefact.acts is None or not len(test):
        raise InputError("plans are needed on both sides of the split")
    seed = artefact.settings.seed
    one = one_per_scene(test.scenes, seed)
    sure, fine = test.confidence[one], test.satisfied[one]
    probability = np.clip(artefact.satisfaction.probability(sure), 0, 1)
    curve = risk_coverage(sure, fine, seed=seed)
    scores: dict[str, Estimate] = {}
    if 0 < fine.sum() < fine.size:
        scores["AUROC"] = auroc(sure, fine, seed=seed)
    scores |= {
        "AUARC": curve.auarc,
        "ECE": ece(sure, fine, seed=seed),
        "ECE, Venn–Abers": ece(probability, fine, seed=seed),
        "Brier score": mean(2 * (sure - fine) ** 2),
        "Brier score, Venn–Abers": mean(2 * (probability - fine) ** 2),
    }
    acts = artefact.acts.act(sure)
    return PlanAnalysis(
        len(one),
        rate(fine),
        scores,
        reliability(sure, fine),
        reliability(probability, fine),
        curve,
        rate(acts),
        rate(~fine[acts]) if acts.any() else None,
    )


def _draws(n: int) -> int:
    """Number of bootstrap resamples: fewer for many cases, where each one is slow."""
    return max(100, min(400, 4_000_000 // n))


def _rows(artefact: Artefact, calibration: FactTable, test: FactTable) -> tuple[SetRow, ...]:
    wanted, facts = artefact.settings, as_facts(test)
    assert artefact.split is not None
    kinds: dict[str, Sets] = {
        "each fact": facts.keep_options(artefact.split.sets(test.probabilities))
    }
    if artefact.groups is not None:
        found = artefact.groups.sets(test.probabilities, test.groups)
        kinds["each fact, by group"] = facts.keep_options(found)
    chosen = list(kinds)[-1]
    for method, name in {
        JointMethod.MAX: "all facts of a scene (max)",
        JointMethod.BONFERRONI: "all facts of a scene (Bonferroni)",
    }.items():
        joint = artefact.joint
        if joint is None or joint.method is not method:
            joint = JointConformal.calibrate(
                as_facts(calibration), calibration.labels, wanted.alpha, method, wanted.score
            )
        else:
            chosen = name
        kinds[name] = joint.sets(facts)
    rows = []
    for name, sets in kinds.items():
        hits = covered(sets, test.acceptable)
        rows.append(
            SetRow(
                name,
                name == chosen,
                mean(hits.astype(float), test.scenes),
                joint_coverage(hits, test.scenes),
                set_sizes(sets, test.scenes),
            )
        )
    return tuple(rows)


def _resplits(
    artefact: Artefact, calibration: FactTable, test: FactTable, resplits: int
) -> tuple[Resplits, ...]:
    """Splits all scenes anew; a split is a draw of ranks, so that the law is exact for each."""
    n_cal, n_test = calibration.n_scenes, test.n_scenes
    scenes = np.concatenate([calibration.scenes, test.scenes + n_cal])
    scores = np.concatenate([_scores(artefact, calibration), _scores(artefact, test)])
    worst = np.full(n_cal + n_test, -np.inf)
    np.maximum.at(worst, scenes, scores)
    rng = np.random.default_rng(artefact.settings.seed)
    order = np.argsort(scenes, kind="stable")
    sizes = np.bincount(scenes)
    starts = np.cumsum(sizes) - sizes
    law = beta_law(n_cal, artefact.settings.alpha, n_test)
    counts = np.empty((2, resplits), dtype=np.intp)
    for at in range(resplits):
        one = scores[order[starts + rng.integers(0, sizes)]]
        for kind, values in enumerate((one, worst)):
            mixed = rng.permutation(values)
            threshold = conformal_quantile(mixed[:n_cal], artefact.settings.alpha)
            counts[kind, at] = (mixed[n_cal:] <= threshold).sum()
    found = [Resplits("one fact of each scene", law, counts[0], _ties(scores))]
    if sizes.max() > 1:
        found.append(Resplits("all facts of a scene (max)", law, counts[1], _ties(worst)))
    return tuple(found)


def _scores(artefact: Artefact, table: FactTable) -> Floats:
    return true_scores(table.probabilities, table.labels, artefact.settings.score)


def _ties(scores: Floats) -> float:
    return float((np.unique(scores, return_counts=True)[1] - 1).sum() / len(scores))


def _drift(artefact: Artefact, calibration: FactTable, test: FactTable) -> tuple[float, int | None]:
    worst = [np.full(t.n_scenes, -np.inf) for t in (calibration, test)]
    for most, table in zip(worst, (calibration, test), strict=True):
        np.maximum.at(most, table.scenes, _scores(artefact, table))
    _, first = np.unique(test.scenes, return_index=True)
    monitor = ExchangeabilityMonitor(worst[0], seed=artefact.settings.seed)
    alarm = monitor.replay(worst[1][np.argsort(first)])
    return float(monitor.values.max(initial=1.0)), None if alarm is None else alarm.step
