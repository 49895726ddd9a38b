"""Feasibility, optimality and generalization: the o1 study with recorded and live planners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from surefoot.experiments.base import ExperimentConfig, Study
from surefoot.experiments.o1_planning.paper_figures import bars_figure, radar_figure
from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_planner
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.profile import axes_rows
from surefoot.pddl.benchmark.run import BenchRun, bench_run
from surefoot.pddl.benchmark.summary import cells_of
from surefoot.pddl.grading.axes import Axis, axes_of
from surefoot.pddl.grading.published import (
    RADAR_SOURCE,
    SOURCE,
    published_axes,
    published_cell,
    published_domains,
)
from surefoot.pddl.grading.run import GradedRun, grade_run
from surefoot.pddl.grading.summary import Cell
from surefoot.pddl.reference import lookup
from surefoot.results.manifest import current_versions
from surefoot.results.page import render_page, trusted
from surefoot.results.run_folder import REPORT_NAME, check_out

RECORDED = "recorded"
"""Folder of the recorded answers' run within the study."""


class StudyBench(BaseModel):
    """One bench of the study."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: BenchConfig
    """What is run."""
    settings: ModelOptions = ModelOptions()
    """Settings of its planners."""


class O1PlanningConfig(ExperimentConfig):
    """The study."""

    recorded: Path | None = None
    """Folder of recorded answers and their tasks; without it this part is left out."""
    benches: dict[str, StudyBench] = Field(default_factory=dict)
    """Benches of live planners by name of their run folder."""

    @field_validator("benches")
    @classmethod
    def _folders(cls, value: dict[str, StudyBench]) -> dict[str, StudyBench]:
        for name in value:
            if name == RECORDED or not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"'{name}' cannot be the folder of a bench")
        return value


class O1PlanningStudy(Study[O1PlanningConfig]):
    """Grades recorded answers and benches live planners."""

    name = "o1-planning"
    claim = (
        "Language models are judged on feasibility, optimality and generalization of their plans "
        "(arXiv 2409.19924)"
    )

    def check(self) -> None:
        """Checks that no folder of a part holds other work."""
        for name in (RECORDED, *self.config.benches):
            check_out(self.out / name)

    def results(self) -> tuple[dict[str, Any], str]:
        """Grades and benches what is not finished; returns the summary and the report."""
        config = self.config
        graded: GradedRun | None = None
        if config.recorded is not None:
            graded = grade_run(
                config.recorded,
                config.recorded,
                self.out / RECORDED,
                lookup,
                workers=config.workers,
                progress=self.progress_of(RECORDED),
            )
        runs: dict[str, BenchRun] = {}
        for name, bench in config.benches.items():
            planners = {p: make_planner(p, bench.settings) for p in bench.config.planners}
            runs[name] = bench_run(
                bench.config,
                self.out / name,
                planners,
                lookup,
                settings=bench.settings.content(),
                execution=bench.settings.execution(),
                progress=self.progress_of(name),
            )
        summary = summarize_study(graded, runs)
        return summary, _render(graded, runs, summary)


def summarize_study(graded: GradedRun | None, runs: dict[str, BenchRun]) -> dict[str, Any]:
    """Puts measured and published figures side by side; plain JSON data."""
    return {
        "recorded": None
        if graded is None
        else {
            "axes": recorded_axes(graded),
            **graded.summary(),
        },
        "benches": {
            name: {
                "axes": axes_rows(run.episodes),
                "totals": run.summary["totals"],
                "unanswered": len(run.unanswered),
            }
            for name, run in runs.items()
        },
        "published": {"bars": SOURCE, "radar": RADAR_SOURCE},
    }


def recorded_axes(graded: GradedRun) -> list[dict[str, Any]]:
    """Returns each model's axis values as measured, and as published where they are."""
    rows: list[dict[str, Any]] = []
    for model in dict.fromkeys(r.model for r in graded.records):
        own = [r for r in graded.records if r.model == model]
        rows.append({"contestant": model, "published": published_axes(model), **axes_of(own)})
    return rows


def _render(graded: GradedRun | None, runs: dict[str, BenchRun], summary: dict[str, Any]) -> str:
    benches = []
    for name, run in runs.items():
        cells, totals = cells_of(run.episodes)
        axes = summary["benches"][name]["axes"]
        benches.append(
            {
                "name": name,
                "link": f"{name}/{REPORT_NAME}",
                "unanswered": len(run.unanswered),
                "bars": trusted(bars_figure([*_as_all(totals), *cells], None)),
                "radar": trusted(radar_figure(axes, "Five axes")),
                "table": _axes_table(axes),
            }
        )
    recorded = None
    if graded is not None:
        axes = summary["recorded"]["axes"]
        shown = [r["published"] and {"contestant": r["contestant"], **r["published"]} for r in axes]
        missing = set(published_domains()) - {r.domain for r in graded.records}
        recorded = {
            "missing": ", ".join(sorted(missing)),
            "link": f"{RECORDED}/{REPORT_NAME}",
            "bars": trusted(bars_figure(graded.cells, published_cell)),
            "radar": trusted(radar_figure(axes, "Measured")),
            "published_radar": trusted(radar_figure([r for r in shown if r], "Published")),
            "table": _axes_table(axes),
        }
    return render_page(
        "o1_planning.html.j2",
        package="surefoot.experiments.o1_planning",
        title="On the planning abilities of o1: recorded and live",
        meta=current_versions(),
        recorded=recorded,
        benches=benches,
        axes=[str(a) for a in Axis],
        sources=[SOURCE, RADAR_SOURCE],
    )


def _as_all(totals: Sequence[Cell]) -> list[Cell]:
    from dataclasses import replace

    return [replace(c, domain="all domains") for c in totals]


def _axes_table(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    def text(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.0f}"

    return [
        {
            "contestant": r["contestant"],
            "cells": [
                text(r[a]) + (f" ({text(r['published'][a])})" if r.get("published") else "")
                for a in Axis
            ],
        }
        for r in rows
    ]


EXPERIMENT = O1PlanningStudy.experiment(O1PlanningConfig)
