"""Compression: do the papers' orders carry over to small local policies, and what is gained?"""

from __future__ import annotations

from typing import Any

from surefoot.core.errors import InputError
from surefoot.experiments.base import Study
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
from surefoot.models.shipped import model_folder
from surefoot.results.figures import percent
from surefoot.sparsity.recipe import read_recipe


class CompressionStudy(Study[CompressionStudyConfig]):
    """Prunes, factors, trains and drives small local policies."""

    name = "compression"
    claim = (
        "AlphaPruning, WeLore, Q-GaLore on small local policies: which orders of the papers hold"
    )

    def check(self) -> None:
        """Checks that models, ways to train and recipes exist."""
        for model in (*self.config.models, *self.config.ranked):
            model_folder(model)
        for way in self.config.optimizers:
            if way not in WAYS:
                raise InputError(f"no way to train '{way}'; there are {', '.join(WAYS)}")
        for name in self.config.frontier:
            read_recipe(name)

    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all parts; returns the summary and the report."""
        config, text = self.config, self.text
        models = list(dict.fromkeys((*config.models, *config.ranked)))
        dense = self.part("dense", {m: (text, m) for m in models}, dense_job)
        cells = [
            PruneJob(text, model, pruner, allocation, pattern, seed)
            for model in config.models
            for pattern in config.patterns
            for pruner in config.pruners
            for allocation in config.allocations
            for seed in config.seeds
        ]
        factored = [
            RankJob(text, model, method, reduction, seed)
            for model in config.ranked
            for reduction in config.reductions
            for method in ("welore", "svd")
            for seed in config.seeds
        ]
        trained = [TrainJob(text, way, seed) for way in config.optimizers for seed in config.seeds]
        zeros = self.part("zeros", {c.key: c for c in cells}, prune_job)
        ranks = self.part("ranks", {j.key: j for j in factored}, rank_job)
        ways = self.part("optimizers", {j.key: j for j in trained}, train_job)
        grid = grid_rows(zeros, dense, config.seed)
        summary = {
            "study": config.to_json(),
            "dense": {m: percent(share([d["tasks"]], config.seed)) for m, d in dense.items()},
            "grid": grid,
            "orders": orders(grid),
            "ranks": rank_rows(ranks, dense, config.seed),
            "optimizers": optimizer_rows(ways, config.seed),
            "frontier": self._frontier(),
        }
        return summary, render_study(summary)

    def _frontier(self) -> list[dict[str, Any]]:
        if not self.config.frontier:
            return []
        found = run_frontier(self.config, self.out / "frontier", self.progress)
        return frontier_rows(found, DENSE)


EXPERIMENT = CompressionStudy.experiment(CompressionStudyConfig)
