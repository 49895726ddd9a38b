"""Model-GLUE: is a zoo of specialised planners worth more joined than its best member alone?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surefoot.core.errors import HarnessError, InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Experiment, Told
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
from surefoot.experiments.parts import found_in, run_part
from surefoot.models.shipped import model_folder
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME
from surefoot.sparsity.merging.evolutionary import load_optuna

NAME = "model-glue"
"""Name of the study."""

_LONG = 6 * 3600.0
"""Seconds for a training or a search, which go on where they were stopped."""


def run_study(study: ModelGlueConfig, out: Path, told: Told) -> Path:
    """Runs the study, or goes on with it.

    Returns:
        The report's path.

    Raises:
        InputError: A model or a setting cannot be used.
        HarnessError: A planner could not be trained.
    """
    _check(study)
    out.mkdir(parents=True, exist_ok=True)
    text = study.model_dump_json()

    def part(name: str, names: Any, function: Any) -> dict[str, Any]:
        jobs = [ModelGlueJob(text, out, seed, n) for seed in study.seeds for n in names]
        work = {job.key: job for job in jobs}
        return found_in(
            run_part(NAME, name, out, study, work, function, told, study.workers, timeout_s=_LONG)
        )

    names = study.recipe(0).names
    if not study.zoos:
        trained = part("training", names, train_job)
        if missing := {f"{n}/{s}" for n in names for s in study.seeds} - set(trained):
            raise HarnessError(
                f"the planner {min(missing)} was not trained; see training/ in {out}"
            )
    families = part("families", ["families"], family_job)
    singles = part("singles", ["base", *names], single_job)
    ways: dict[str, Records] = {
        "merge": part("merges", study.merges, merge_job),
        "mixture": part("mixtures", study.mixtures, mixture_job),
        "search": part("searches", [*study.heuristics, *study.evolutions], search_job),
    }
    summary = {
        "study": study.model_dump(mode="json"),
        "tasks": {name: len(tasks) for name, tasks in task_sets(study).items()},
        "families": [{"seed": int(k.rpartition("/")[2]), **f} for k, f in families.items()],
        "rows": rows_of(singles, ways, study.domains, study.seeds, study.seed),
        "chosen": [
            {"seed": seed, **found}
            for seed, found in zip(
                study.seeds, chosen_names(singles, ways, study.domains, study.seeds), strict=True
            )
        ],
        "searches": _searches(study, singles, ways["search"]),
        "routing": routing_rows(ways["mixture"], study.domains, study.seeds),
    }
    write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
    write_atomic(out / REPORT_NAME, render_study(summary))
    return out / REPORT_NAME


def _check(study: ModelGlueConfig) -> None:
    if len(study.domains) < 2 or not study.seeds:
        raise InputError("the study needs at least two domains and one seed")
    if study.zoos and len(study.zoos) != len(study.seeds):
        raise InputError(f"{len(study.seeds)} seeds need as many zoos, not {len(study.zoos)}")
    ways = [*study.merges, *study.heuristics, *study.evolutions, *study.mixtures]
    if len(set(ways)) < len(ways):
        raise InputError("two ways to join the zoo have the same name; give each another")
    if study.evolutions:
        load_optuna()
    model_folder(study.base)
    if study.zoos:
        for seed in study.seeds:
            for folder in members(study, Path(), seed).values():
                model_folder(str(folder))
    task_sets(study)


def _searches(study: ModelGlueConfig, singles: Records, found: Records) -> list[dict[str, Any]]:
    """Returns what each search found, beside the best that it began with."""
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


EXPERIMENT = Experiment(
    NAME,
    "Model-GLUE: a zoo of specialised planners merged, searched and mixed, against its best member",
    ModelGlueConfig,
    run_study,
)
