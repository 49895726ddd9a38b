"""Counts graded answers by model and domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.pddl.grading.records import SOLVED, UNGRADED, AnswerOutcome, AnswerRecord, PaperLabel
from surefoot.results.statistics import Interval, clustered_wilson, wilson


@dataclass(frozen=True, slots=True)
class Cell:
    """All answers of one model to one domain's tasks.

    Attributes:
        model: Model name.
        domain: Domain name.
        n: Answers graded (without those not run, doubtful ones, harness errors and
            unsupported tasks).
        not_run: Empty answers.
        harness_errors: Answers whose grading failed.
        valid: Valid plans, optimal or not.
        optimal: Valid plans proven to be of least cost.
        unknown_optimality: Valid plans that may or may not be of least cost.
        labels: Counts of IR, IP, MG and LO.
        errors: Counts by raw kind.
        interval: Interval of ``valid / n`` at 95 %, see :func:`valid_interval`; ``None`` if
            nothing was graded.
        unsupported: Answers to tasks whose PDDL is not supported.
        doubtful: Answers whose reading is not sure enough to count.
    """

    model: str
    domain: str
    n: int
    not_run: int
    harness_errors: int
    valid: int
    optimal: int
    unknown_optimality: int
    labels: dict[str, int]
    errors: dict[str, int]
    interval: Interval | None
    unsupported: int = 0
    doubtful: int = 0

    def to_json(self) -> dict[str, Any]:
        """Returns the cell as it stands in ``summary.json``."""
        return {
            "model": self.model,
            "domain": self.domain,
            "n": self.n,
            "not_run": self.not_run,
            "harness_errors": self.harness_errors,
            "unsupported": self.unsupported,
            "doubtful": self.doubtful,
            "valid": self.valid,
            "optimal": self.optimal,
            "unknown_optimality": self.unknown_optimality,
            **self.labels,
            "errors": self.errors,
            "wilson95": [self.interval.low, self.interval.high] if self.interval else None,
        }


def proven_optimal(record: AnswerRecord) -> bool:
    """Whether a valid plan's cost equals a proven lower bound."""
    return record.kind in SOLVED and record.lower is not None and record.cost == record.lower


def valid_interval(records: Iterable[AnswerRecord]) -> Interval | None:
    """Returns the interval of the fraction of valid plans at 95 %.

    Wilson's; with several samples per task, clustered by task.

    Args:
        records: Answers of one model; those that say nothing about it are left out.

    Returns:
        The interval, ``None`` without answers.
    """
    graded = [r for r in records if r.kind not in UNGRADED]
    if not graded:
        return None
    if not any(r.sample for r in graded):
        return wilson(sum(r.kind in SOLVED for r in graded), len(graded))
    return clustered_wilson(counts_by_task(graded))


def counts_by_task(records: Iterable[AnswerRecord]) -> list[tuple[int, int]]:
    """Returns the number of valid plans and of all answers of each task, in order."""
    counts: dict[str, list[int]] = {}
    for record in records:
        count = counts.setdefault(record.task, [0, 0])
        count[0] += record.kind in SOLVED
        count[1] += 1
    return [(solved, n) for solved, n in counts.values()]


def make_cell(model: str, domain: str, records: Sequence[AnswerRecord]) -> Cell:
    """Counts one group of answers."""
    kinds = Counter(r.kind for r in records)
    graded = [r for r in records if r.kind not in UNGRADED]
    labels = Counter(r.paper for r in graded)
    solved = [r for r in graded if r.kind in SOLVED]
    open_cases = [r for r in solved if r.kind is AnswerOutcome.VALID and not proven_optimal(r)]
    return Cell(
        model,
        domain,
        len(graded),
        kinds[AnswerOutcome.NOT_RUN],
        kinds[AnswerOutcome.HARNESS_ERROR],
        len(solved),
        sum(map(proven_optimal, solved)),
        len(open_cases),
        {
            str(label): labels[label]
            for label in (PaperLabel.IR, PaperLabel.IP, PaperLabel.MG, PaperLabel.LO)
        },
        {str(kind): kinds[kind] for kind in AnswerOutcome if kinds[kind] and kind not in SOLVED},
        valid_interval(graded),
        kinds[AnswerOutcome.UNSUPPORTED],
        kinds[AnswerOutcome.DOUBTFUL],
    )


def make_cells(records: Iterable[AnswerRecord]) -> list[Cell]:
    """Groups answers by domain and model, in order of first appearance."""
    groups: dict[tuple[str, str], list[AnswerRecord]] = {}
    for record in records:
        groups.setdefault((record.domain, record.model), []).append(record)
    return [make_cell(model, domain, group) for (domain, model), group in groups.items()]


def model_totals(records: Iterable[AnswerRecord]) -> list[Cell]:
    """One cell per model over all domains, in order of first appearance."""
    groups: dict[str, list[AnswerRecord]] = {}
    for record in records:
        groups.setdefault(record.model, []).append(record)
    return [make_cell(model, "all", group) for model, group in groups.items()]
