"""The figures of the o1 study: stacked bars by domain, and the radar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from surefoot.pddl.benchmark.profile import axes_chart
from surefoot.pddl.grading.axes import outcome_shares
from surefoot.pddl.grading.published import PublishedCell
from surefoot.pddl.grading.summary import Cell
from surefoot.results.charts import BarRow, Category, stacked_bars

CLASSES = (
    Category("feasible", "✓", "green"),
    Category("IR", "IR", "orange"),
    Category("IP", "IP", "blue"),
    Category("MG", "MG", "purple"),
)
"""The segments of the paper's bars."""

Published = Callable[[str, str], PublishedCell | None]
"""Finds the published figures of a domain and a model."""


def bars_figure(cells: Sequence[Cell], published: Published | None) -> str:
    """Draws success and error classes by domain, with the published bar below where there is one.

    Args:
        cells: What was measured.
        published: Finds published figures; ``None`` where there are none.
    """
    rows: list[BarRow] = []
    for cell in cells:
        rows.append(BarRow(cell.domain, cell.model, outcome_shares(cell)))
        known = published(cell.domain, cell.model) if published is not None else None
        if known is not None:
            counts = {
                "feasible": round(known.success),
                **{k: round(v) for k, v in known.labels.items()},
            }
            rows.append(BarRow(cell.domain, "  published", counts, figure="published, %"))
    return stacked_bars(rows, CLASSES, title="Feasible plans and error classes by domain")


def radar_figure(rows: Sequence[Mapping[str, Any]], title: str) -> str:
    """Draws the radar of rows with a value by axis; titles are for screen readers too."""
    return f"<h3>{title}</h3>{axes_chart(rows, title)}"
