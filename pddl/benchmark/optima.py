"""Bounds on optimal costs that one contestant proves count for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from surefoot.pddl.benchmark.cases import BenchCase
from surefoot.pddl.benchmark.summary import Episode
from surefoot.pddl.grading.records import AnswerOutcome, AnswerRecord, paper_label

_ASKED = ("planner", "style", "shot", "answer", "renaming", "renaming_seed", "mode")
"""What may differ between episodes about the same task; names do not change costs."""


def with_common_bounds(episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    """Judges optimality by everything that is known of a task, from any contestant.

    A search's proven lower bound and any contestant's valid plan join the bounds that were known
    before, so that ``valid`` and ``suboptimal`` mean the same for every contestant.
    """
    found = tuple(episodes)
    lowers: dict[str, float] = {}
    uppers: dict[str, float] = {}
    for e in found:
        place = _place(e.case)
        for lower in (e.graded.lower, *(a.get("lower") for a in e.attempts)):
            if lower is not None:
                lowers[place] = max(lower, lowers.get(place, lower))
        costs = [e.graded.upper, e.graded.cost if e.solved else None]
        for upper in (c for c in costs if c is not None):
            uppers[place] = min(upper, uppers.get(place, upper))
    return tuple(
        replace(e, graded=_judged(e.graded, lowers.get(p), uppers.get(p)))
        for e in found
        for p in (_place(e.case),)
    )


def _place(case: BenchCase) -> str:
    return repr({k: v for k, v in case.to_json().items() if k not in _ASKED})


def _judged(record: AnswerRecord, lower: float | None, upper: float | None) -> AnswerRecord:
    record = replace(record, lower=lower, upper=upper)
    # Bounds only get tighter: what was known not to be optimal stays so.
    cost = record.cost
    if record.kind is not AnswerOutcome.VALID or cost is None or upper is None or cost <= upper:
        return record
    detail = f"cost {cost:g}, a plan of cost {upper:g} is known"
    worse = AnswerOutcome.SUBOPTIMAL
    return replace(record, kind=worse, paper=paper_label(worse), detail=detail)
