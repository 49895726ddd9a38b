"""The five axes of the o1 study's radar (arXiv 2409.19924), from graded answers.

The first three formulas follow from the paper's own figures: they equal the domain means of
success, 1 - IR and 1 - MG. Those of the last two are not published; ours are stated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from surefoot.pddl.grading.records import AnswerRecord
from surefoot.pddl.grading.summary import Cell, make_cells


class Axis(StrEnum):
    """An axis; each value is a mean over domains, so that every domain weighs the same."""

    PLAN = "feasible plan"
    """Share of valid plans."""
    STEPS = "feasible steps"
    """Share of answers that break no rule of the domain (not IR)."""
    UNDERSTANDING = "problem understanding"
    """Share of answers that do not pursue another goal (not MG)."""
    OPTIMALITY = "optimality"
    """Share of answers whose plan is proven to be of least cost, among all answers."""
    GENERALIZATION = "generalization"
    """Share of valid plans for renamed tasks."""


def axes_of(
    records: Iterable[AnswerRecord], renamed: Iterable[AnswerRecord] = ()
) -> dict[str, float | None]:
    """Returns a model's value on every axis.

    Args:
        records: Its answers to tasks in their own names.
        renamed: Its answers to renamed tasks.

    Returns:
        Values in [0, 1] by axis; ``None`` where nothing was graded.
    """
    cells = [c for c in make_cells(records) if c.n]
    others = [c for c in make_cells(renamed) if c.n]
    return {
        Axis.PLAN: _mean([c.valid / c.n for c in cells]),
        Axis.STEPS: _mean([1 - c.labels["IR"] / c.n for c in cells]),
        Axis.UNDERSTANDING: _mean([1 - c.labels["MG"] / c.n for c in cells]),
        Axis.OPTIMALITY: _mean([c.optimal / c.n for c in cells]),
        Axis.GENERALIZATION: _mean([c.valid / c.n for c in others]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def outcome_shares(cell: Cell) -> Mapping[str, int]:
    """Returns a cell's counts as the paper's bars stack them: success, IR, IP, MG."""
    return {"feasible": cell.valid, **{k: cell.labels[k] for k in ("IR", "IP", "MG")}}
