"""The report of a calibration as one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.calibration.metrics.intervals import Estimate, Rate
from surefoot.calibration.reports.analysis import BAND, FactAnalysis, PlanAnalysis, Resplits
from surefoot.calibration.reports.artefact import Artefact
from surefoot.results.charts import ForestRow, forest_plot
from surefoot.results.figures import with_interval
from surefoot.results.histogram import HistogramBar, histogram
from surefoot.results.lines import Curve, line_chart
from surefoot.results.page import render_page, trusted

if TYPE_CHECKING:
    from surefoot.calibration.metrics.probability import Bin, RiskCoverage
    from surefoot.calibration.reports.outcome import CalibrationRun

_BARS = 24
"""Approximate number of bars of a coverage histogram."""
_POINTS = 200
"""Largest number of points of a curve."""


def render_report(run: CalibrationRun, source: str) -> str:
    """Renders the page.

    Args:
        run: The calibration and its figures.
        source: Source of the records.
    """
    artefact = run.artefact
    return render_page(
        "calibration.html.j2",
        package="surefoot.calibration.reports",
        title=f"Calibration of {artefact.origin.model or 'a model without a name'}",
        meta=_meta(artefact, source),
        alpha=f"{artefact.settings.alpha:g}",
        target=percent(1 - artefact.settings.alpha),
        facts=None if run.facts is None else _facts(artefact, run.facts),
        plans=None if run.plans is None else _plans(artefact, run.plans),
    )


def percent(value: float) -> str:
    """Writes a rate, such as ``90.0 %``."""
    return f"{value * 100:.1f}\u2009%"


def rate_text(found: Rate | Estimate | None) -> str:
    """Writes a rate with its interval, such as ``91.2 % [88.0, 93.7]``."""
    if found is None:
        return "none"
    low, high = (
        (found.interval.low, found.interval.high)
        if isinstance(found, Rate)
        else (found.low, found.high)
    )
    if not np.isfinite([low, high]).all():
        return f"{percent(found.value)} [too few]"
    low, high = max(0.0, low), min(1.0, high)
    return f"{percent(found.value)} [{low * 100:.1f}, {high * 100:.1f}]"


def number_text(found: Estimate) -> str:
    """Writes a number with its interval, such as ``1.72 [1.65, 1.79]``."""
    if not np.isfinite([found.low, found.high]).all():
        return f"{found.value:.3f} [too few]"
    return with_interval(found.value, found.low, found.high, ".3f")


def acts_text(artefact: Artefact) -> str:
    """Describes from which confidence on plans are executed, or that none is."""
    acts = artefact.acts
    assert acts is not None
    bound, sure = percent(acts.alpha), percent(1 - artefact.settings.delta)
    if acts.threshold is None:
        return (
            f"never act: on {acts.n} calibration plans no confidence shows that at most {bound} "
            f"of the acts are violations, with confidence {sure}"
        )
    start = (
        "always act" if acts.threshold <= 0 else f"act from a confidence of {acts.threshold:.4g}"
    )
    return (
        f"{start}: {acts.violations} violations in {acts.acts} acts of {acts.n} calibration plans; "
        f"at most {bound} of new acts are violations, with confidence {sure}"
    )


def _meta(artefact: Artefact, source: str) -> dict[str, str]:
    data, wanted = artefact.data, artefact.settings
    meta = {"records": source, "model": artefact.origin.model}
    if artefact.origin.renderer:
        meta["renderer"] = artefact.origin.renderer
    return meta | {
        "label set": artefact.origin.labels or "not named",
        "calibrated on": f"{data['scenes']} scenes with {data['facts']} facts and "
        f"{data['plans']} plans",
        "SHA-256 of these records": str(data["sha256"]),
        "score": str(wanted.score),
        "alpha, delta, seed": f"{wanted.alpha:g}, {wanted.delta:g}, {wanted.seed}",
        "versions": ", ".join(f"{k} {v}" for k, v in artefact.versions.items()),
        "created": artefact.created,
    }


def _facts(artefact: Artefact, found: FactAnalysis) -> dict[str, Any]:
    capital, alarm = found.drift
    chosen = next(row for row in found.rows if row.chosen)
    return {
        "n": found.n,
        "scenes": found.scenes,
        "rows": [
            {
                "name": row.name,
                "chosen": row.chosen,
                "coverage": rate_text(row.coverage),
                "joint": rate_text(row.joint),
                "size": number_text(row.sizes.mean),
                "singletons": rate_text(row.sizes.singletons),
                "empty": rate_text(row.sizes.empty),
            }
            for row in found.rows
        ],
        "resplits": [_resplit(r, artefact.settings.alpha) for r in found.resplits],
        "sizes": trusted(
            histogram(
                [
                    HistogramBar(i - 0.5, i + 0.5, c, label=str(i))
                    for i, c in enumerate(chosen.sizes.counts)
                ],
                title="Number of sets by number of labels",
                x="labels in the set",
                y="sets",
            )
        ),
        "chosen": chosen.name,
        "asking": {
            "asks, of facts": rate_text(found.asking.help_step),
            "asks somewhere, of scenes": rate_text(found.asking.help_trial),
            "overask: asks where one answer is acceptable": rate_text(found.asking.overask),
            "overstep: wrong where one label is left": rate_text(found.asking.overstep),
            "exact set": rate_text(found.asking.exact_set),
            "set with an answer that is not acceptable": rate_text(found.asking.non_compliant),
        },
        "reliability": trusted(_reliability({"model": found.bins})),
        "bins": _bins(found.bins),
        "scores": {name: number_text(value) for name, value in found.scores.items()},
        "curve": trusted(_curve(found.curve, None, "wrong answers")),
        "groups": trusted(
            forest_plot(
                [
                    ForestRow(
                        name or "no group",
                        "covered",
                        r.successes,
                        r.n,
                        r.interval,
                        1 - artefact.settings.alpha,
                    )
                    for name, r in found.groups.items()
                ],
                title="Coverage by group with Wilson intervals",
                reference_name="target",
            )
        ),
        "slab": None
        if found.slab is None
        else {
            "coverage": rate_text(found.slab.coverage),
            "share": percent(found.slab.share),
            "searched": percent(found.slab.searched.value),
        },
        "drift": f"largest capital {capital:.3g} (alarm above 20)"
        + (": no alarm" if alarm is None else f": alarm at test scene {alarm}"),
    }


def _resplit(found: Resplits, alpha: float) -> dict[str, Any]:
    counts, law = found.counts, found.law
    n_test = law.n_test or 1
    low, high = law.quantiles([0.001, 0.999]) * n_test
    first, last = int(min(counts.min(), low)), int(max(counts.max(), high))
    width = max(1, round((last - first + 1) / _BARS))
    weights = law.counts()
    bars = [
        HistogramBar(
            max(0.0, (end - width + 0.5) / n_test),
            min(1.0, (end + 0.5) / n_test),
            int(((counts > end - width) & (counts <= end)).sum()),
            float(weights[max(0, end - width + 1) : end + 1].sum() * len(counts)),
        )
        for end in range(last, first - 1, -width)
    ][::-1]
    band = law.band(BAND)
    chart = histogram(
        bars,
        title=f"Coverage over re-splits: {found.name}",
        x="coverage of the test scenes",
        y="re-splits",
        counted="re-splits",
        law="beta-binomial law",
        band=band,
        mark=1 - alpha,
    )
    return {
        "name": found.name,
        "chart": trusted(chart),
        "n_cal": law.n_cal,
        "n_test": n_test,
        "count": len(counts),
        "mean": percent(float(found.coverage.mean())),
        "law": percent(law.mean),
        "band": f"{percent(band[0])} to {percent(band[1])}",
        "inside": rate_text(found.inside),
        "p_value": f"{law.p_value(counts):.3g}",
        "ties": percent(found.ties) if found.ties else "",
    }


def _reliability(series: dict[str, tuple[Bin, ...]]) -> str:
    curves = [Curve("confidence = fraction correct", [(0.0, 0.0), (1.0, 1.0)])]
    curves += [
        Curve(
            name,
            [(b.confidence, b.correct.value) for b in bins],
            [b.correct.interval for b in bins],
        )
        for name, bins in series.items()
    ]
    return line_chart(
        curves,
        title="Reliability diagram with Wilson intervals",
        x="mean confidence of a bin",
        y="fraction correct",
        top=1.0,
    )


def _bins(bins: tuple[Bin, ...]) -> list[dict[str, str]]:
    return [
        {
            "range": f"{b.low:.1f} to {b.high:.1f}",
            "n": str(b.correct.n),
            "confidence": percent(b.confidence),
            "right": rate_text(b.correct),
        }
        for b in bins
    ]


def _curve(found: RiskCoverage, alpha: float | None, wrong: str) -> str:
    pick = np.unique(np.linspace(0, len(found.risk) - 1, _POINTS).astype(int))
    points = [(float(found.coverage[i]), float(found.risk[i])) for i in pick]
    curves = [Curve("most confident first", [(0.0, points[0][1]), *points])]
    top = max(float(found.risk.max()), 0.05)
    if alpha is not None:
        curves.append(Curve("bound", [(0.0, alpha), (1.0, alpha)]))
        top = max(top, alpha)
    return line_chart(
        curves,
        title="Risk against coverage",
        x="fraction answered or acted on",
        y=f"fraction of {wrong}",
        top=min(1.0, float(np.ceil(top * 5) / 5)),
        steps=True,
    )


def _plans(artefact: Artefact, found: PlanAnalysis) -> dict[str, Any]:
    series = {"planner": found.bins, "after Venn–Abers": found.calibrated}
    return {
        "n": found.n,
        "satisfied": rate_text(found.satisfied),
        "acts": acts_text(artefact),
        "abstains": artefact.acts is not None and artefact.acts.abstains,
        "acted": rate_text(found.acted),
        "violations": rate_text(found.violations),
        "reliability": trusted(_reliability(series)),
        "scores": {name: number_text(value) for name, value in found.scores.items()},
        "curve": trusted(_curve(found.curve, artefact.settings.alpha, "violations")),
    }
