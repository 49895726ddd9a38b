"""The outcome of a calibration: the artefact and its figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from surefoot.calibration.reports.analysis import FactAnalysis, PlanAnalysis
from surefoot.calibration.reports.artefact import Artefact


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationRun:
    """A calibration with its evaluation.

    Attributes:
        artefact: The calibration to use.
        facts: Figures of facts; ``None`` without records of facts.
        plans: Figures of plans; ``None`` without records of plans.
        artefact_path: Path of the artefact.
        report_path: Path of the report.
    """

    artefact: Artefact
    facts: FactAnalysis | None
    plans: PlanAnalysis | None
    artefact_path: Path
    report_path: Path

    def summary(self) -> dict[str, Any]:
        """Returns all figures as plain JSON data."""
        data: dict[str, Any] = {
            **asdict(self.artefact.origin),
            "settings": asdict(self.artefact.settings),
            "data": dict(self.artefact.data),
        }
        if (facts := self.facts) is not None:
            data["facts"] = {
                "n_test": facts.n,
                "test_scenes": facts.scenes,
                "sets": [row.to_json() for row in facts.rows],
                "groups": {name: found.to_json() for name, found in facts.groups.items()},
                "worst_slab": None if facts.slab is None else facts.slab.coverage.to_json(),
                "resplits": [found.to_json() for found in facts.resplits],
                "scores": {name: found.to_json() for name, found in facts.scores.items()},
                "asking": facts.asking.to_json(),
                "drift": {"capital": facts.drift[0], "alarm": facts.drift[1]},
            }
        if (plans := self.plans) is not None:
            acts = self.artefact.acts
            assert acts is not None
            threshold = acts.threshold
            data["plans"] = {
                "n_test": plans.n,
                "satisfied": plans.satisfied.to_json(),
                "scores": {name: found.to_json() for name, found in plans.scores.items()},
                "abstains": acts.abstains,
                "threshold": None if threshold is None else max(threshold, 0.0),
                "acted": plans.acted.to_json(),
                "violations": plans.violations and plans.violations.to_json(),
            }
        return data
