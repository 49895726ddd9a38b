"""The study's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.experiments.compression.report import points
from surefoot.experiments.read_me.config import WAYS
from surefoot.results.figures import percent
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page


def render_study(summary: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
    """
    study = summary["study"]
    tuning = study["refactor"]["tune"]
    return render_page(
        "read_me.html.j2",
        package="surefoot.experiments.read_me",
        title="Read-ME: planners taken apart into experts",
        meta={
            "seeds": ", ".join(map(str, study["seeds"])),
            "neurons on": f"{100 * study['refactor']['keep']:.0f} % of each layer",
            "tuning": f"{tuning['rounds']} rounds of {tuning['router_steps']} steps of the router "
            f"with {tuning['router_batch']} texts and {tuning['expert_steps']} of the experts with "
            f"{tuning['expert_batch']}",
            "tasks": f"about {study['tasks']} unseen ones for each model, the same for all",
            "versions": ", ".join(f"{k} {v}" for k, v in current_versions().items()),
        },
        ways=WAYS,
        dense=[
            {
                "model": model,
                "loss": f"{found['loss']:.4f}",
                "solved": percent(found["tasks"]),
                "parameters": f"{found['parameters']:,}",
            }
            for model, found in summary["dense"].items()
        ],
        rows=[_row(row) for row in summary["ways"]],
        routers=[_router(row) for row in summary["ways"] if row["agreement"]],
        policies=list(summary["caches"][0]["hits"]) if summary["caches"] else [],
        caches=summary["caches"],
    )


def share(found: Mapping[str, Any] | None) -> str:
    """Formats a mean fraction with its interval, clipped to 0 and 1, in per cent."""
    if found is None or found["interval"] is None:
        return spread(found, 1, 100)
    low, high = found["interval"]
    return spread({**found, "interval": [max(0.0, low), min(1.0, high)]}, 1, 100)


def spread(found: Mapping[str, Any] | None, digits: int = 4, factor: float = 1) -> str:
    """Formats a mean with its interval; a dash where there is none."""
    if found is None:
        return "–"
    text = f"{factor * found['mean']:.{digits}f}"
    if found["interval"] is None:
        return text
    low, high = (factor * v for v in found["interval"])
    return f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    sizes = row["parameters"]
    return {
        "head": [row["model"], row["way"]],
        "cells": [
            f"{sizes['active']:,.0f}",
            f"{sizes['total']:,.0f}",
            spread(row["before"]),
            spread(row["after"]),
            percent(row["tasks_before"]),
            percent(row["tasks_after"]),
            points(row["against_narrow"]),
        ],
    }


def _router(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "head": [row["model"], row["way"]],
        "cells": [
            str(row["experts"]),
            share(row["permanent"]),
            share(row["never"]),
            f"{100 * row['chance']:.0f}",
            share(row["agreement_before"]),
            share(row["agreement"]),
            share(row["repeats"]),
        ],
    }
