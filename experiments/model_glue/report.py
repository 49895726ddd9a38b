"""The study's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.experiments.compression.report import points
from surefoot.results.figures import percent
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page
from surefoot.sparsity.merging.gates import GATES
from surefoot.sparsity.merging.mixture import LEVELS

PUBLISHED = 0.0561
"""Average gain over the best single model (Zhao et al. 2024, abstract)."""

KINDS = {
    "single": "Planners as they are",
    "reference": "What they are measured against",
    "merge": "Merges with equal weights",
    "search": "Searches",
    "mixture": "Mixtures",
}
"""Tables of the page, by kind of row."""


def render_study(summary: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
    """
    study = summary["study"]
    rows = summary["rows"]
    return render_page(
        "model_glue.html.j2",
        package="surefoot.experiments.model_glue",
        title="Model-GLUE: a zoo of planners made one",
        meta={
            "base": study["base"],
            "specialists": f"{', '.join(study['domains'])}; {study['steps']} steps each",
            "seeds": ", ".join(map(str, study["seeds"])),
            "tasks": f"{summary['tasks']['search']} guide searches, {summary['tasks']['choose']} "
            f"others choose, {summary['tasks']['test']} are the test; none was learned from",
            "versions": ", ".join(f"{k} {v}" for k, v in current_versions().items()),
        },
        domains=study["domains"],
        lead=_lead(summary),
        tables=[
            {"title": title, "rows": [_row(r, study["domains"]) for r in rows if r["kind"] == kind]}
            for kind, title in KINDS.items()
            if any(r["kind"] == kind for r in rows)
        ],
        published=f"{100 * PUBLISHED:.2f}",
        families=summary["families"],
        searches=[_search(s) for s in summary["searches"]],
        routing=[_routing(r, study["domains"]) for r in summary["routing"]],
        levels=LEVELS,
        gates=GATES,
        chosen=summary["chosen"],
    )


def _lead(summary: Mapping[str, Any]) -> dict[str, str] | None:
    """Returns the figures of the first paragraph, on the chosen way."""
    rows = {r["name"]: r for r in summary["rows"]}
    way, best = rows.get("best way, chosen"), rows["best single, chosen"]
    if way is None:
        return None
    relative = way["relative"]
    base = rows.get("base")
    low = way["against_best"]["interval"][0]
    return {
        "way": percent(way["test"]),
        "best": percent(best["test"]),
        "points": points(way["against_best"]),
        "relative": "–" if relative is None else f"{100 * relative:+.1f} %",
        "base": percent(base["test"]) if base else "–",
        "against_base": points(way["against_base"]),
        "verdict": "is shown here" if low > 0 else "is not shown here",
        "oracle": percent(rows["any of the planners (oracle of each task)"]["test"]),
        "routed": percent(rows["each task to its domain's planner"]["test"]),
    }


def _row(row: Mapping[str, Any], domains: list[str]) -> dict[str, Any]:
    relative = row["relative"]
    return {
        "name": row["name"],
        "cells": [
            percent(row["search"]),
            percent(row["choose"]),
            percent(row["test"]),
            points(row["against_best"]),
            "–" if relative is None else f"{100 * relative:+.1f}",
            points(row["against_base"]),
            *(
                "–" if row["domains"][d] is None else f"{100 * row['domains'][d]:.0f}"
                for d in domains
            ),
        ],
    }


def _search(found: Mapping[str, Any]) -> dict[str, Any]:
    weights = "; ".join(
        f"{group}: {', '.join(f'{w:.2f}' for w in values)}"
        for group, values in found["weights"].items()
    )
    return {
        "name": found["name"],
        "cells": [
            str(found["seed"]),
            str(found["candidates"]),
            f"{100 * found['best']:.1f}",
            f"{100 * found['single']:.1f}",
            weights,
        ],
    }


def _routing(row: Mapping[str, Any], domains: list[str]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "cells": [
            f"{100 * row['own']:.0f}",
            f"{row['parameters']['active']:,}",
            f"{row['parameters']['total']:,}",
            *(f"{100 * row['right'][d]:.0f}" for d in domains),
        ],
    }
