"""Compression: do the papers' orders carry over to small local policies, and what is gained?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.compression.config import CompressionStudyConfig
from surefoot.experiments.compression.frontier import DENSE, run_frontier
from surefoot.experiments.compression.optimizers import WAYS, TrainJob, train_job
from surefoot.experiments.compression.report import render_study
from surefoot.experiments.compression.summary import (
    frontier_rows,
    grid_rows,
    optimizer_rows,
    orders,
    rank_rows,
    share,
)
from surefoot.experiments.compression.work import (
    PruneJob,
    RankJob,
    dense_job,
    prune_job,
    rank_job,
)
from surefoot.experiments.parts import found_in, run_part
from surefoot.models.shipped import model_folder
from surefoot.results.figures import percent
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME
from surefoot.sparsity.recipe import read_recipe

NAME = "compression"
"""Name of the study."""


def run_study(study: CompressionStudyConfig, out: Path, told: Told) -> Path:
    """Runs the study, or goes on with it; every part is a run folder of its own.

    Returns:
        The report's path.

    Raises:
        InputError: A model, recipe or folder cannot be used.
    """
    for model in (*study.models, *study.ranked):
        model_folder(model)
    for way in study.optimizers:
        if way not in WAYS:
            raise InputError(f"no way to train '{way}'; there are {', '.join(WAYS)}")
    for name in study.frontier:
        read_recipe(name)
    out.mkdir(parents=True, exist_ok=True)
    text = study.model_dump_json()
    models = list(dict.fromkeys((*study.models, *study.ranked)))

    def part(name: str, work: Any, function: Any) -> dict[str, Any]:
        return found_in(run_part(NAME, name, out, study, work, function, told, study.workers))

    dense = part("dense", {m: (text, m) for m in models}, dense_job)
    cells = [
        PruneJob(text, model, pruner, allocation, pattern, seed)
        for model in study.models
        for pattern in study.patterns
        for pruner in study.pruners
        for allocation in study.allocations
        for seed in study.seeds
    ]
    factored = [
        RankJob(text, model, method, reduction, seed)
        for model in study.ranked
        for reduction in study.reductions
        for method in ("welore", "svd")
        for seed in study.seeds
    ]
    trained = [TrainJob(text, way, seed) for way in study.optimizers for seed in study.seeds]
    grid = grid_rows(part("zeros", {c.key: c for c in cells}, prune_job), dense, study.seed)
    ranks = rank_rows(part("ranks", {j.key: j for j in factored}, rank_job), dense, study.seed)
    ways = optimizer_rows(part("optimizers", {j.key: j for j in trained}, train_job), study.seed)
    frontier = run_frontier(study, out / "frontier", told) if study.frontier else {}
    summary = {
        "study": study.model_dump(mode="json"),
        "dense": {m: percent(share([d["tasks"]], study.seed)) for m, d in dense.items()},
        "grid": grid,
        "orders": orders(grid),
        "ranks": ranks,
        "optimizers": ways,
        "frontier": frontier_rows(frontier, DENSE) if frontier else [],
    }
    write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
    write_atomic(out / REPORT_NAME, render_study(summary))
    return out / REPORT_NAME


EXPERIMENT = Experiment(
    NAME,
    "AlphaPruning, WeLore, Q-GaLore on small local policies: which orders of the papers hold",
    CompressionStudyConfig,
    run_study,
)
