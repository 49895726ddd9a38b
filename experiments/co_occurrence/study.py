"""Word co-occurrence: do the two phases of learning show, and what does attention add?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from surefoot.core.errors import InputError
from surefoot.experiments.base import Study
from surefoot.experiments.co_occurrence.config import CoOccurrenceConfig
from surefoot.experiments.co_occurrence.report import check_rows, render_study
from surefoot.sparsity.dynamics.predictions import check_predictions, end_of_first_phase
from surefoot.sparsity.dynamics.training import simulate


@dataclass(frozen=True, slots=True)
class CoOccurrenceJob:
    """One training.

    Attributes:
        study: The study as JSON.
        case: Name of the case.
        frozen: Whether attention is frozen.
        seed: The seed.
    """

    study: str
    case: str
    frozen: bool
    seed: int

    @property
    def key(self) -> str:
        """The job's key."""
        return f"{self.case}/{'frozen' if self.frozen else 'learned'}/{self.seed}"


def train(job: CoOccurrenceJob) -> dict[str, Any]:
    """Runs one training; returns its trace, the tested predictions and a warning."""
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


class CoOccurrenceStudy(Study[CoOccurrenceConfig]):
    """Trains on every data set with attention learned and frozen, and tests the predictions."""

    name = "co-occurrence"
    claim = (
        "Word co-occurrence: perceptron first, attention later; with attention frozen the loss is "
        "as low"
    )
    complete = True

    def check(self) -> None:
        """Checks that there is something to train and that every data set can be drawn."""
        config = self.config
        if not config.cases or not config.seeds:
            raise InputError("the study needs at least one case and one seed")
        if len(set(config.seeds)) < len(config.seeds):
            raise InputError("a seed is named twice; it would count as two")
        for case in config.cases.values():
            case.data(config.seeds[0])

    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all trainings; returns the summary and the report."""
        config = self.config
        jobs = [
            CoOccurrenceJob(self.text, name, frozen, seed)
            for name in config.cases
            for frozen in (False, True)
            for seed in config.seeds
        ]
        found = self.part("trainings", {j.key: j for j in jobs}, train)
        cases = {
            name: {
                kind: [found[f"{name}/{kind}/{seed}"] for seed in config.seeds]
                for kind in ("learned", "frozen")
            }
            for name in config.cases
        }
        summary = {
            "study": config.to_json(),
            "cases": {
                name: {
                    "warning": kinds["learned"][0]["warning"],
                    "checks": check_rows(kinds["learned"], kinds["frozen"]),
                    "final_loss": {
                        kind: [run["trace"]["loss"][-1] for run in runs]
                        for kind, runs in kinds.items()
                    },
                }
                for name, kinds in cases.items()
            },
        }
        return summary, render_study(summary, cases)


EXPERIMENT = CoOccurrenceStudy.experiment(CoOccurrenceConfig)
