"""IMP and receptive fields: does pruning make them local, and does that take non-Gaussian data?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.imp_receptive_fields.config import ReceptiveFieldsConfig
from surefoot.experiments.imp_receptive_fields.report import render_study
from surefoot.experiments.imp_receptive_fields.summary import case_summary, perception_summary
from surefoot.experiments.imp_receptive_fields.work import (
    KINDS,
    CommitteeJob,
    perception_job,
    run_job,
)
from surefoot.experiments.parts import all_found, run_part
from surefoot.models.shipped import model_folder
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME

NAME = "imp-receptive-fields"
"""Name of the study."""

TRAINED = "trained"
"""Key of the trained model's diagnosis."""


def run_study(study: ReceptiveFieldsConfig, out: Path, told: Told) -> Path:
    """Runs the study, or goes on with it.

    Returns:
        The report's path.

    Raises:
        InputError: Nothing is to be done, or the model cannot be used.
        HarnessError: A training was lost.
    """
    if not (study.cases and study.seeds and study.compared):
        raise InputError("the study needs at least one case, one seed and one compared round")
    if len(set(study.seeds)) < len(study.seeds):
        raise InputError("a seed is named twice; it would count as two")
    if study.perception is not None:
        model_folder(study.perception.model)
    out.mkdir(parents=True, exist_ok=True)
    text = study.model_dump_json()

    def part(name: str, work: dict[str, Any], function: Any) -> dict[str, Any]:
        records = run_part(NAME, name, out, study, work, function, told, study.workers)
        return all_found(name, out, work, records)

    jobs = [
        CommitteeJob(text, case, kind, seed)
        for seed in study.seeds
        for case in study.cases
        for kind in KINDS
    ]
    found = part("trainings", {j.key: j for j in jobs}, run_job)
    eyes: dict[str, Any] = {}
    if study.perception is not None:
        models = {TRAINED: (text, -1)} | {str(s): (text, s) for s in study.seeds}
        eyes = part("perception", models, perception_job)
    runs = {
        case: {kind: [found[f"{case}/{kind}/{s}"] for s in study.seeds] for kind in KINDS}
        for case in study.cases
    }
    summary = {
        "study": study.model_dump(mode="json"),
        "cases": {case: case_summary(some) for case, some in runs.items()},
        "perception": perception_summary(study, eyes),
    }
    weights = {
        case: {kind: some[kind][0]["weights"] for kind in KINDS} for case, some in runs.items()
    }
    drawn = {k: eyes[k] for k in (TRAINED, str(study.seeds[0])) if k in eyes}
    write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
    write_atomic(out / REPORT_NAME, render_study(summary, weights, drawn))
    return out / REPORT_NAME


EXPERIMENT = Experiment(
    NAME,
    "IMP receptive fields: pruning makes fields local; kurtosis and cavity, not locality alone, "
    "tell data from their Gaussian clone",
    ReceptiveFieldsConfig,
    run_study,
)
"""The study of receptive fields."""
