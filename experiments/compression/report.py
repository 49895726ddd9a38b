"""The study's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.results.figures import number, percent
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted
from surefoot.sparsity.report.pareto import ParetoPoint, pareto_plot


def render_study(summary: Mapping[str, Any]) -> str:
    """Returns the page.

    Args:
        summary: What ``summary.json`` holds.
    """
    study = summary["study"]
    rows = [r for r in summary["frontier"] if "tasks" in r]
    points = [
        ParetoPoint(r["recipe"], r["token_p50"], 100 * (1 - r["tasks"]["rate"])) for r in rows
    ]
    plot = (
        pareto_plot(
            points,
            title="Unsolved tasks against the time of a token",
            x="ms a token, median",
            y="unsolved tasks, %",
        )
        if points
        else ""
    )
    return render_page(
        "compression_study.html.j2",
        package="surefoot.experiments.compression",
        title="Compression of the shipped models",
        meta={
            "models": ", ".join(study["models"]),
            "calibration": f"{study['samples']} texts, seeds {', '.join(map(str, study['seeds']))}",
            "tasks": f"about {study['tasks']} unseen ones for each model, the same for all",
            "versions": ", ".join(f"{k} {v}" for k, v in current_versions().items()),
        },
        grid=[_grid(row) for row in summary["grid"]],
        orders=summary["orders"],
        ranks=[_rank(row) for row in summary["ranks"]],
        optimizers=[_optimizer(row) for row in summary["optimizers"]],
        frontier=[_frontier(row) for row in summary["frontier"]],
        plot=trusted(plot),
        dense=summary["dense"],
    )


def points(found: Mapping[str, Any] | None) -> str:
    """Writes a difference in points with its interval."""
    if found is None:
        return "–"
    low, high = found["interval"]
    return f"{100 * found['points']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def _grid(row: Mapping[str, Any]) -> dict[str, Any]:
    head = [row["model"], row["pattern"], row["pruner"], row["allocation"]]
    if row["refused"]:
        return {"head": head, "cells": [], "refused": row["refused"]}
    return {
        "head": head,
        "refused": "",
        "cells": [
            number(row["sparsity"], 3),
            number(row["error"], 3),
            number(row["loss"], 3),
            percent(row["solved"]),
            points(row["against_dense"]),
            points(row["against_uniform"]),
        ],
    }


def _rank(row: Mapping[str, Any]) -> dict[str, Any]:
    head = [row["model"], row["reduction"], row["method"], row["recovery"]]
    if row["refused"]:
        return {"head": head, "cells": [], "refused": row["refused"]}
    trained = "–" if row["trained"] is None else f"{row['trained']:,.0f}"
    return {
        "head": head,
        "refused": "",
        "cells": [
            number(row["parameters"], 3),
            trained,
            number(row["loss"], 3),
            percent(row["solved"]),
            points(row["against_dense"]),
        ],
    }


def _optimizer(row: Mapping[str, Any]) -> dict[str, Any]:
    held = ", ".join(f"{h:.3f}" for h in row["held_seeds"])
    total = sum(v for v in (row["memory"] or {}).values() if isinstance(v, int))
    return {
        "head": [row["way"]],
        "cells": [
            f"{row['held']:.3f} ({held})",
            percent(row["solved"]),
            points(row["against_adamw"]),
            f"{row['trainable']:,}",
            f"{total / 2**20:.2f}",
            f"{row['looks']:.0f}",
            f"{row['seconds']:.0f}",
        ],
    }


def _frontier(row: Mapping[str, Any]) -> dict[str, Any]:
    cells = [
        row["label"],
        f"{row['bytes'] / 2**20:.2f}",
        f"{row['load_mib']:.0f}",
        f"{row['prompt_p50']:.2f}, {row['prompt_p95']:.2f}",
        f"{row['token_p50']:.2f}, {row['token_p95']:.2f}",
        f"{row['speed']:.2f}",
    ]
    for part in ("tasks", "episodes"):
        found = row.get(part)
        cells += [percent(found), f"{found['p']:.2g}" if found else "–"]
    return {"head": [row["recipe"]], "cells": cells, "front": row["front"]}
