"""The study's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surefoot.experiments.imp_receptive_fields.work import CLONE, DATA, ORDERS
from surefoot.results.lines import Curve, ceiling, line_chart
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted
from surefoot.results.statistics import Interval
from surefoot.sparsity.lottery.receptive.page import filter_image

_PLOTS = (
    ("locality", "Locality"),
    ("participation", "Inverse participation ratio × D"),
    ("kurtosis", "Excess kurtosis within classes"),
    ("kept", "Cavity of weights that stay"),
    ("accuracy", "Accuracy"),
)
_SHOWN = 20
"""Units of a committee that are drawn."""


def render_study(
    summary: Mapping[str, Any],
    weights: Mapping[str, Mapping[str, Any]],
    eyes: Mapping[str, Mapping[str, Any]],
) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
        weights: The first seed's weights by case, kind and what they are of.
        eyes: Diagnoses of the model with eyes, ``trained`` and by seed.
    """
    study = summary["study"]
    return render_page(
        "imp_receptive_fields.html.j2",
        package="surefoot.experiments.imp_receptive_fields",
        title="What pruning does to receptive fields",
        meta={
            "seeds": ", ".join(map(str, study["seeds"])),
            "rounds": f"{study['rounds']}, "
            f"{100 * study['share']:.0f} % of the remaining weights each",
            "versions": ", ".join(f"{k} {v}" for k, v in current_versions().items()),
        },
        failing=failing(summary),
        count=len(next(iter(summary["cases"].values()))["claims"]),
        cases=[_case(name, case, weights[name]) for name, case in summary["cases"].items()],
        perception=_perception(summary["perception"]),
        eyes=[
            (name, [trusted(filter_image(np.array(w))) for w in found["weights"]])
            for name, found in eyes.items()
        ],
    )


def failing(summary: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Says which claims fail in most seeds, each with the cases in which it does.

    Args:
        summary: What ``summary.json`` holds.
    """
    found: dict[str, list[str]] = {}
    for name, case in summary["cases"].items():
        for claim in case["claims"]:
            if 2 * claim["holds"] < claim["n"]:
                found.setdefault(claim["name"], []).append(
                    f"{name}, {claim['holds']} of {claim['n']} seeds"
                )
    return list(found.items())


def _case(
    name: str, case: Mapping[str, Any], weights: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "claims": [
            {
                **c,
                "found": ", ".join(f"{v:.3g}" for v in c["median"]),
                "seeds": f"{c['holds']} of {c['n']}",
            }
            for c in case["claims"]
        ],
        "rows": [
            [r["kind"], "dense" if not r["round"] else r["order"], f"{100 * r['left']:.0f}"]
            + [
                _mean(r[m])
                for m in (
                    "accuracy",
                    "locality",
                    "shuffled",
                    "participation",
                    "kurtosis",
                    "kept",
                    "pruned",
                )
            ]
            for r in case["rows"]
        ],
        "plots": [(title, trusted(_plot(case, measure))) for measure, title in _PLOTS],
        "going": trusted(_going(case)),
        "fields": [
            (f"{kind}, {of}", trusted(_strip(np.array(found))))
            for kind, some in weights.items()
            for of, found in some.items()
        ],
    }


def _mean(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "–"
    if found["interval"] is None:
        return f"{found['mean']:.2f}"
    low, high = found["interval"]
    return f"{found['mean']:.2f} [{low:.2f}, {high:.2f}]"


def _span(found: Mapping[str, Any]) -> Interval:
    low, high = found["interval"] or (found["mean"], found["mean"])
    return Interval(low, high)


def _plot(case: Mapping[str, Any], measure: str) -> str:
    curves = []
    for kind in (DATA, CLONE):
        for order in ORDERS:
            rows = [r for r in case["rows"] if (r["kind"], r["order"]) == (kind, order)]
            points = [(float(r["round"]), r[measure]["mean"]) for r in rows if r[measure]]
            spans = [_span(r[measure]) for r in rows if r[measure]]
            curves.append(Curve(f"{kind}, {order}", points, spans))
    if measure == "locality":
        rows = [r for r in case["rows"] if (r["kind"], r["order"]) == (DATA, ORDERS[0])]
        points = [(float(r["round"]), r["shuffled"]["mean"]) for r in rows]
        curves.append(Curve("data, imp, places dealt out anew", points))
    top, bottom = _ends(curves)
    return line_chart(
        curves,
        title=measure,
        x="round of pruning",
        y=measure,
        top=top,
        bottom=bottom,
    )


def _ends(curves: Sequence[Curve]) -> tuple[float, float]:
    """Returns round ends, top and bottom, of an axis that holds zero and every interval."""
    values = [v for c in curves for i in c.intervals for v in (i.low, i.high)]
    high, low = max(0.0, *values), -min(0.0, *values)
    # What is a twentieth of the other side is noise about zero.
    return (
        ceiling(high) if high > 0.05 * low else 0.0,
        -ceiling(low) if low > 0.05 * high else 0.0,
    )


def _going(case: Mapping[str, Any]) -> str:
    curves = [
        Curve(
            kind,
            [(float(i + 1), v["mean"]) for i, v in enumerate(values)],
            [_span(v) for v in values],
        )
        for kind, values in case["going"].items()
    ]
    top, bottom = _ends(curves)
    return line_chart(
        curves,
        title="cavity by the round in which weights go",
        x="round in which weights go; the last: those that stay",
        y="cavity",
        top=top,
        bottom=bottom,
    )


def _strip(weights: Any) -> str:
    """Draws weights of units as rows, units with like peaks beside each other."""
    peak = np.abs(weights).argmax(1)
    rows = weights[np.argsort(peak)][:_SHOWN]
    most = np.abs(rows).max(1, keepdims=True)
    return filter_image((rows / np.where(most > 0, most, 1))[None])


def _perception(found: Mapping[str, Any] | None) -> list[list[str]]:
    return [
        [name, f"{v['trained']:.2f}", f"{v['drawn']:.2f} ({v['low']:.2f} to {v['high']:.2f})"]
        for name, v in (found or {}).items()
    ]
