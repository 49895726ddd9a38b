"""The study's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.experiments.know_where_uncertain.config import ARMS
from surefoot.results.charts import ForestRow, forest_plot
from surefoot.results.figures import number, percent
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted
from surefoot.results.statistics import Interval

PUBLISHED = {"variability": -0.40, "success": 0.05}
"""Headline of the paper's abstract: variability up to -40 %, success +5 %."""

_COLUMNS = (
    ("success", "success"),
    ("goal", "goal reached"),
    ("all_rules", "all rules kept"),
    ("called_rules", "called-for rules kept"),
    ("acted", "acted"),
    ("violation_given_act", "violation given act"),
    ("covered", "first set covers"),
    ("help_decisions", "help by decision"),
)


def render_study(summary: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
    """
    blocks = []
    for title, part in (("twin", summary["stages"]), ("full physics", summary["physics"])):
        for stage, found in part.items():
            blocks.append(
                {
                    "title": f"{stage}, {title}",
                    "forest": trusted(_forest(stage, found["arms"])),
                    "rows": [_arm(row) for row in found["arms"]],
                    "rules": [_rule(row) for row in found.get("rules", [])],
                    "rule_arms": list(found["rules"][0]["arms"]) if found.get("rules") else [],
                }
            )
    study = summary["study"]
    return render_page(
        "know_where_uncertain.html.j2",
        package="surefoot.experiments.know_where_uncertain",
        title="Know where you're uncertain",
        meta={
            "perception": study["perception"],
            "planner": f"{study['planner']}, refined: {study['refined']}",
            "joint sets": f"alpha {study['alpha']}, calibrated on {study['calibration']} episodes",
            "pictures": f"{study['shifted']:.0%} damaged, severity {study['mildest']} to "
            f"{study['worst']}",
            "versions": ", ".join(f"{k} {v}" for k, v in current_versions().items()),
        },
        columns=[title for _, title in _COLUMNS],
        blocks=blocks,
        arms=[(arm.name, arm.what) for arm in ARMS],
        variability=[_variable(row) for row in summary.get("variability", [])],
        injection=_injection(summary.get("injection")),
        published=PUBLISHED,
    )


def _forest(stage: str, rows: list[Mapping[str, Any]]) -> str:
    found = [
        ForestRow(
            stage,
            row["arm"],
            row["success"]["successes"],
            row["success"]["n"],
            Interval(*row["success"]["interval"]) if row["success"]["interval"] else None,
        )
        for row in rows
    ]
    return forest_plot(found, title=f"Success on the {stage}, with Wilson intervals at 95 %")


def _arm(row: Mapping[str, Any]) -> dict[str, Any]:
    change = ""
    if "difference" in row:
        low, high = row["difference95"]
        change = (
            f"{100 * row['difference']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}], "
            f"p {row['p']:.2g}"
        )
    return {
        "arm": row["arm"],
        "n": row["n"],
        "cells": [percent(row[key]) for key, _ in _COLUMNS],
        "change": change,
        "looks": number(row["looks"]),
        "asked": number(row["asked"]),
        "repairs": number(row["repairs"]),
        "seconds": number(row["seconds"]),
        "outcomes": ", ".join(f"{n} {o.replace('_', ' ')}" for o, n in row["outcomes"].items()),
    }


def _rule(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rule": row["rule"],
        "cells": [f"{percent(c)} of {c['n']}" for c in row["arms"].values()],
    }


def _variable(row: Mapping[str, Any]) -> dict[str, Any]:
    cells = []
    for what in ("success", "rules"):
        found = row[what]
        cells.append(f"{found['sd']:.3f}")
        for key in ("sd_change", "variance_change"):
            interval = found[f"{key}95"]
            if found[key] is None or interval is None:
                cells.append("–")
            else:
                low, high = interval
                cells.append(f"{100 * found[key]:+.0f} [{100 * low:+.0f}, {100 * high:+.0f}]")
    return {"arm": row["arm"], "scenes": row["scenes"], "cells": cells}


def _injection(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    areas = {}
    for key, area in found["auroc"].items():
        if area is None:
            areas[key] = "–"
        else:
            low, high = area["interval95"]
            areas[key] = f"{area['value']:.3f} [{low:.3f}, {high:.3f}]"
    return {"cells": found["cells"], "auroc": areas}
