"""Model-GLUE: is a zoo of specialised planners worth more joined than its best member alone?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from surefoot.core.errors import HarnessError, InputError
from surefoot.experiments.base import Study
from surefoot.experiments.model_glue.config import ModelGlueConfig
from surefoot.experiments.model_glue.report import render_study
from surefoot.experiments.model_glue.summary import (
    Records,
    by_name,
    chosen_names,
    rate,
    routing_rows,
    rows_of,
)
from surefoot.experiments.model_glue.work import (
    ModelGlueJob,
    family_job,
    members,
    merge_job,
    mixture_job,
    search_job,
    single_job,
    specialists,
    task_sets,
    train_job,
)
from surefoot.models.shipped import model_folder
from surefoot.sparsity.merging.evolutionary import load_optuna


class ModelGlueStudy(Study[ModelGlueConfig]):
    """Trains zoos of specialised planners and joins them in every way."""

    name = "model-glue"
    claim = (
        "Model-GLUE: a zoo of specialised planners merged, searched and mixed, against its best "
        "member"
    )
    timeout_s = 6 * 3600.0  # for a training or a search, which can be resumed

    def check(self) -> None:
        """Checks that the settings fit together and that all models exist."""
        config = self.config
        if len(config.domains) < 2 or not config.seeds:
            raise InputError("the study needs at least two domains and one seed")
        if config.zoos and len(config.zoos) != len(config.seeds):
            raise InputError(f"{len(config.seeds)} seeds need as many zoos, not {len(config.zoos)}")
        ways = [*config.merges, *config.heuristics, *config.evolutions, *config.mixtures]
        if len(set(ways)) < len(ways):
            raise InputError("two ways to join the zoo have the same name; give each another")
        if config.evolutions:
            load_optuna()
        model_folder(config.base)
        if config.zoos:
            for seed in config.seeds:
                for folder in members(config, Path(), seed).values():
                    model_folder(str(folder))
        task_sets(config)

    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all parts; returns the summary and the report."""
        config = self.config
        names = config.recipe(0).names
        if not config.zoos:
            trained = self._each("training", names, train_job)
            if missing := {f"{n}/{s}" for n in names for s in config.seeds} - set(trained):
                raise HarnessError(
                    f"the planner {min(missing)} was not trained; see training/ in {self.out}"
                )
        families = self._each("families", ["families"], family_job)
        singles = self._each("singles", ["base", *names], single_job)
        ways: dict[str, Records] = {
            "merge": self._each("merges", config.merges, merge_job),
            "mixture": self._each("mixtures", config.mixtures, mixture_job),
            "search": self._each("searches", [*config.heuristics, *config.evolutions], search_job),
        }
        chosen = chosen_names(singles, ways, config.domains, config.seeds)
        summary = {
            "study": config.to_json(),
            "tasks": {name: len(tasks) for name, tasks in task_sets(config).items()},
            "families": [{"seed": int(k.rpartition("/")[2]), **f} for k, f in families.items()],
            "rows": rows_of(singles, ways, config.domains, config.seeds, config.seed),
            "chosen": [
                {"seed": seed, **found} for seed, found in zip(config.seeds, chosen, strict=True)
            ],
            "searches": _searches(config, singles, ways["search"]),
            "routing": routing_rows(ways["mixture"], config.domains, config.seeds),
        }
        return summary, render_study(summary)

    def _each(
        self, name: str, names: Iterable[str], function: Callable[[ModelGlueJob], dict[str, Any]]
    ) -> dict[str, Any]:
        """Runs a part that has one case for each seed and name."""
        jobs = [
            ModelGlueJob(self.text, self.out, seed, n) for seed in self.config.seeds for n in names
        ]
        return self.part(name, {job.key: job for job in jobs}, function)


def _searches(study: ModelGlueConfig, singles: Records, found: Records) -> list[dict[str, Any]]:
    """Returns the result of each search beside the best planner that it began with."""
    alone = by_name(singles, study.seeds)
    own = [n for n in specialists(study, Path(), study.seeds[0]) if n in alone]
    rows = []
    for name, records in by_name(found, study.seeds).items():
        for i, record in enumerate(records):
            best: Mapping[str, Any] = record
            rows.append(
                {
                    "name": name,
                    "seed": study.seeds[i],
                    "candidates": best["candidates"],
                    "best": rate(best["search"]),
                    "weights": best["weights"],
                    "single": max(rate(alone[n][i]["search"]) for n in own),
                    "seconds": best["seconds"],
                }
            )
    return rows


EXPERIMENT = ModelGlueStudy.experiment(ModelGlueConfig)
