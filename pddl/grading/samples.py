"""Several samples of a model for one task: pass@k, and how much they differ within tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from math import fsum, sqrt
from typing import Any

from surefoot.pddl.grading.records import SOLVED, UNGRADED, AnswerOutcome, AnswerRecord
from surefoot.results.power import cluster_bootstrap
from surefoot.results.statistics import Interval, pass_at_k, wilson

KS = (1, 2, 5, 10)
"""Numbers of samples that pass@k is shown for, up to the largest number drawn."""

_SEED = 0
"""Seed of the bootstrap; fixed, so that a run's figures can be repeated."""


@dataclass(frozen=True, slots=True)
class PassAtK:
    """Estimate of the probability that one of k samples is valid, a mean over tasks.

    Attributes:
        k: Number of samples.
        rate: The estimate.
        interval: Interval at 95 %: a bootstrap over tasks; where all tasks are at 0 or all at 1,
            in which a bootstrap sees no variance, Wilson's with a trial per task. ``None`` of a
            single task.
        tasks: Tasks with at least k samples.
        left_out: Tasks with fewer.
    """

    def __str__(self) -> str:
        text = f"{100 * self.rate:.0f} %"
        if self.interval is not None:
            text += f" [{100 * self.interval.low:.0f}, {100 * self.interval.high:.0f}]"
        return text + (f" on {self.tasks} tasks" if self.left_out else "")

    k: int
    rate: float
    interval: Interval | None
    tasks: int
    left_out: int


@dataclass(frozen=True, slots=True)
class SampleRow:
    """The samples of one model.

    Attributes:
        model: Model name.
        tasks: Tasks with a graded sample.
        fewest: Fewest samples of a task.
        most: Most samples of a task.
        passes: Estimates for the numbers of :data:`KS` that some task has.
        always: Cases (tasks, each under its own and every other set of names) that every sample
            solves.
        sometimes: Cases that some samples solve and others do not.
        never: Cases that no sample solves.
        within_sd: Standard deviation of a sample's success within a task, from 0 (all samples of
            every task agree) to 0.5 and slightly above; ``None`` if no task has two samples.
        doubtful: Samples that are left out, since their reading is not sure enough.
    """

    model: str
    tasks: int
    fewest: int
    most: int
    passes: tuple[PassAtK, ...]
    always: int
    sometimes: int
    never: int
    within_sd: float | None
    doubtful: int = 0

    @property
    def number(self) -> str:
        """How many samples a task has, such as ``5`` or ``3-5``."""
        return str(self.most) if self.fewest == self.most else f"{self.fewest}-{self.most}"

    def __str__(self) -> str:
        passes = ", ".join(f"pass@{p.k} {p}" for p in self.passes)
        tasks = "1 task" if self.tasks == 1 else f"{self.tasks} tasks"
        return (
            f"{self.model}: {tasks}, {self.number} samples each: {passes}; all samples "
            f"valid {self.always}, some {self.sometimes}, none {self.never}"
            + (f"; doubtful and left out {self.doubtful}" if self.doubtful else "")
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the row as it stands in ``summary.json``."""
        passes = [
            {
                **{name: value for name, value in asdict(p).items() if name != "interval"},
                "interval95": [p.interval.low, p.interval.high] if p.interval else None,
            }
            for p in self.passes
        ]
        return {**asdict(self), "passes": passes}


def sample_rows(
    records: Sequence[AnswerRecord], cases: Sequence[Hashable] | None = None
) -> list[SampleRow]:
    """Counts the samples of every model that has several for some task.

    Args:
        records: Graded answers; those that say nothing about the model are left out.
        cases: What each record is a sample of, where that is more than its task (such as the
            task under other names). Intervals are clustered by task all the same.

    Returns:
        A row per model, in order of first appearance; none if no task has several samples.
    """
    places = [r.task for r in records] if cases is None else cases
    sampled = {r.model for r in records if r.sample}
    counts: dict[str, dict[tuple[str, Hashable], list[int]]] = {}
    for record, place in zip(records, places, strict=True):
        if record.model in sampled and record.kind not in UNGRADED:
            by_case = counts.setdefault(record.model, {})
            count = by_case.setdefault((record.task, place), [0, 0])
            count[0] += record.kind in SOLVED
            count[1] += 1
    unclear = Counter(r.model for r in records if r.kind is AnswerOutcome.DOUBTFUL)
    return [_row(model, by_case, unclear[model]) for model, by_case in counts.items()]


def _row(model: str, counts: dict[tuple[str, Hashable], list[int]], doubtful: int) -> SampleRow:
    pairs = [(solved, n) for solved, n in counts.values()]
    most = max(n for _, n in pairs)
    spread = [c * (n - c) / (n * (n - 1)) for c, n in pairs if n > 1]
    return SampleRow(
        model,
        len({task for task, _ in counts}),
        min(n for _, n in pairs),
        most,
        tuple(_passes(counts, k) for k in KS if k <= most),
        sum(c == n for c, n in pairs),
        sum(0 < c < n for c, n in pairs),
        sum(c == 0 for c, _ in pairs),
        sqrt(fsum(spread) / len(spread)) if spread else None,
        doubtful,
    )


def _passes(counts: dict[tuple[str, Hashable], list[int]], k: int) -> PassAtK:
    by_task: dict[str, list[float]] = {}
    for (task, _), (solved, n) in counts.items():
        if n >= k:
            by_task.setdefault(task, []).append(pass_at_k(n, solved, k))
    values = [value for found in by_task.values() for value in found]
    interval = None
    if len(by_task) > 1 and set(values) in ({0.0}, {1.0}):
        interval = wilson(round(values[0]) * len(by_task), len(by_task))
    elif len(by_task) > 1:
        interval = Interval(*cluster_bootstrap(list(by_task.values()), _SEED))
    rate = fsum(values) / len(values)
    return PassAtK(k, rate, interval, len(by_task), len({t for t, _ in counts}) - len(by_task))


def solved_fractions(
    outcomes: Iterable[tuple[str, Hashable, bool]],
) -> dict[str, dict[Hashable, float]]:
    """Returns how often each model solves each case, from whether each sample does.

    Args:
        outcomes: Model, case and whether the plan is valid.
    """
    found: dict[str, dict[Hashable, list[bool]]] = {}
    for model, case, solved in outcomes:
        found.setdefault(model, {}).setdefault(case, []).append(solved)
    return {
        model: {case: sum(samples) / len(samples) for case, samples in cases.items()}
        for model, cases in found.items()
    }
