"""IMP and receptive fields: does pruning make them local, and does that take non-Gaussian data?"""

from __future__ import annotations

from typing import Any

from surefoot.core.errors import InputError
from surefoot.experiments.base import Study
from surefoot.experiments.imp_receptive_fields.config import ReceptiveFieldsConfig
from surefoot.experiments.imp_receptive_fields.report import render_study
from surefoot.experiments.imp_receptive_fields.summary import case_summary, perception_summary
from surefoot.experiments.imp_receptive_fields.work import (
    KINDS,
    CommitteeJob,
    perception_job,
    run_job,
)
from surefoot.models.shipped import model_folder

TRAINED = "trained"
"""Key of the trained model's diagnosis."""


class ReceptiveFieldsStudy(Study[ReceptiveFieldsConfig]):
    """Prunes committees in rounds, and diagnoses a shipped perception model."""

    name = "imp-receptive-fields"
    claim = (
        "IMP receptive fields: pruning makes fields local; kurtosis and cavity, not locality "
        "alone, tell data from their Gaussian clone"
    )
    complete = True

    def check(self) -> None:
        """Checks that there is something to train and that the perception model exists."""
        config = self.config
        if not (config.cases and config.seeds and config.compared):
            raise InputError("the study needs at least one case, one seed and one compared round")
        if len(set(config.seeds)) < len(config.seeds):
            raise InputError("a seed is named twice; it would count as two")
        if config.perception is not None:
            model_folder(config.perception.model)

    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all trainings and diagnoses; returns the summary and the report."""
        config, text = self.config, self.text
        jobs = [
            CommitteeJob(text, case, kind, seed)
            for seed in config.seeds
            for case in config.cases
            for kind in KINDS
        ]
        found = self.part("trainings", {j.key: j for j in jobs}, run_job)
        diagnosed: dict[str, Any] = {}
        if config.perception is not None:
            models = {TRAINED: (text, -1)} | {str(s): (text, s) for s in config.seeds}
            diagnosed = self.part("perception", models, perception_job)
        runs = {
            case: {kind: [found[f"{case}/{kind}/{s}"] for s in config.seeds] for kind in KINDS}
            for case in config.cases
        }
        summary = {
            "study": config.to_json(),
            "cases": {case: case_summary(some) for case, some in runs.items()},
            "perception": perception_summary(config, diagnosed),
        }
        weights = {
            case: {kind: some[kind][0]["weights"] for kind in KINDS} for case, some in runs.items()
        }
        drawn = {k: diagnosed[k] for k in (TRAINED, str(config.seeds[0])) if k in diagnosed}
        return summary, render_study(summary, weights, drawn)


EXPERIMENT = ReceptiveFieldsStudy.experiment(ReceptiveFieldsConfig)
