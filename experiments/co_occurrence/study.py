"""Word co-occurrence: do the two phases of learning show, and what does attention add?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.co_occurrence.config import CoOccurrenceConfig
from surefoot.experiments.co_occurrence.report import check_rows, render_study
from surefoot.experiments.parts import all_found, run_part
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME
from surefoot.sparsity.dynamics.predictions import check_predictions, end_of_first_phase
from surefoot.sparsity.dynamics.training import simulate

NAME = "co-occurrence"
"""Name of the study."""


@dataclass(frozen=True, slots=True)
class CoOccurrenceJob:
    """One training.

    Attributes:
        study: The study as JSON.
        case: Name of the case.
        frozen: Whether attention does not learn.
        seed: The seed.
    """

    study: str
    case: str
    frozen: bool
    seed: int

    @property
    def key(self) -> str:
        """Its name."""
        return f"{self.case}/{'frozen' if self.frozen else 'learned'}/{self.seed}"


def train(job: CoOccurrenceJob) -> dict[str, Any]:
    """Runs one training; returns its trace, the predictions held against it, and a warning."""
    case = CoOccurrenceConfig.model_validate_json(job.study).cases[job.case]
    flow = case.flow.model_copy(update={"seed": job.seed, "frozen": job.frozen})
    data = case.data(job.seed)
    trace = simulate(data, flow)
    return {
        "trace": trace.to_json(),
        "turn": end_of_first_phase(trace),
        "checks": [c.to_json() for c in check_predictions(trace, flow.rate)],
        "warning": data.assumption,
        "repeated": data.repeated,
        "signals": list(data.names[:3]) or ["word 1", "word 2", "word 3"],
    }


def run_study(study: CoOccurrenceConfig, out: Path, told: Told) -> Path:
    """Runs the study, or goes on with it.

    Returns:
        The report's path.

    Raises:
        InputError: A data set cannot be used, or a training went astray.
        HarnessError: A training was lost.
    """
    if not study.cases or not study.seeds:
        raise InputError("the study needs at least one case and one seed")
    if len(set(study.seeds)) < len(study.seeds):
        raise InputError("a seed is named twice; it would count as two")
    for case in study.cases.values():
        case.data(study.seeds[0])
    out.mkdir(parents=True, exist_ok=True)
    text = study.model_dump_json()
    jobs = [
        CoOccurrenceJob(text, name, frozen, seed)
        for name in study.cases
        for frozen in (False, True)
        for seed in study.seeds
    ]
    work = {j.key: j for j in jobs}
    records = run_part(NAME, "trainings", out, study, work, train, told, study.workers)
    found = all_found("trainings", out, work, records)
    cases = {
        name: {
            kind: [found[f"{name}/{kind}/{seed}"] for seed in study.seeds]
            for kind in ("learned", "frozen")
        }
        for name in study.cases
    }
    summary = {
        "study": study.model_dump(mode="json"),
        "cases": {
            name: {
                "warning": kinds["learned"][0]["warning"],
                "checks": check_rows(kinds["learned"], kinds["frozen"]),
                "final_loss": {
                    kind: [run["trace"]["loss"][-1] for run in runs] for kind, runs in kinds.items()
                },
            }
            for name, kinds in cases.items()
        },
    }
    write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
    write_atomic(out / REPORT_NAME, render_study(summary, cases))
    return out / REPORT_NAME


EXPERIMENT = Experiment(
    NAME,
    "Word co-occurrence: perceptron first, attention later; with attention frozen the loss is as "
    "low",
    CoOccurrenceConfig,
    run_study,
)
