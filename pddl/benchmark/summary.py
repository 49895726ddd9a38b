"""What a bench shows: rates with intervals, paired comparisons, rounds, drops and effort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from surefoot.pddl.benchmark.cases import BenchCase
from surefoot.pddl.benchmark.config import Mode
from surefoot.pddl.grading.doubtful import count_doubtful, doubtful_cases, left_out
from surefoot.pddl.grading.records import SOLVED, UNGRADED, AnswerOutcome, AnswerRecord
from surefoot.pddl.grading.samples import sample_rows, solved_fractions
from surefoot.pddl.grading.summary import Cell, make_cells, model_totals, valid_interval
from surefoot.pddl.renaming import NameLevel
from surefoot.results.power import cluster_bootstrap, pairs_needed
from surefoot.results.statistics import compare_paired


@dataclass(frozen=True, slots=True)
class Episode:
    """A finished episode.

    Attributes:
        case: What was asked.
        graded: Grade of the answer that counts; its ``model`` is the contestant's name.
        attempts: Outcome of each answer.
    """

    case: BenchCase
    graded: AnswerRecord
    attempts: tuple[dict[str, Any], ...]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Episode:
        """Reads a line of the run folder."""
        return cls(
            BenchCase(**data["case"]),
            AnswerRecord.from_json(data["graded"]),
            tuple(data["attempts"]),
        )

    @property
    def solved(self) -> bool:
        """Whether its plan is valid."""
        return self.graded.kind in SOLVED

    @property
    def counts(self) -> bool:
        """Whether it says anything about the planner."""
        return self.graded.kind not in UNGRADED

    @property
    def seconds(self) -> float:
        """Time of all its answers."""
        return float(sum(a["seconds"] for a in self.attempts))


def contestant(case: BenchCase, cases: Iterable[BenchCase]) -> str:
    """Names the contestants: the planner, and what differs between its episodes.

    Args:
        case: An episode.
        cases: All episodes of the same planner.
    """
    same = list(cases)
    parts = [case.planner]
    for name in ("style", "shot", "answer", "mode", "job"):
        if len({getattr(c, name) for c in same}) > 1:
            parts.append(getattr(case, name))
    if len({c.renaming for c in same}) > 1:
        parts.append("original" if case.renaming == NameLevel.NONE else case.renaming)
    return " ".join(parts)


def named(episodes: Sequence[Episode]) -> list[AnswerRecord]:
    """Returns the grades with the contestants' names in place of the models'."""
    from dataclasses import replace

    by_planner: dict[str, list[BenchCase]] = {}
    for e in episodes:
        by_planner.setdefault(e.case.planner, []).append(e.case)
    names: dict[tuple[str, ...], str] = {}
    found: list[AnswerRecord] = []
    for e in episodes:
        c = e.case
        kind = (c.planner, c.style, c.shot, c.answer, c.mode, c.renaming, c.job)
        if kind not in names:
            names[kind] = contestant(c, by_planner[c.planner])
        found.append(replace(e.graded, model=names[kind]))
    return found


def summarize(episodes: Sequence[Episode], *, planned: int, seed: int) -> dict[str, Any]:
    """Counts a bench.

    Args:
        episodes: Finished episodes.
        planned: Number of planned ones; the rest has no answer yet.
        seed: Seed of the bootstrap.

    Returns:
        Plain JSON data: ``cells``, ``totals``, ``comparisons`` (with the number of tasks
        that would tell the two apart), ``effort``, ``rounds`` and ``generalization``; and
        ``samples`` where tasks have several.
    """
    records = named(episodes)
    samples = sample_rows(records, [e.case.situation for e in episodes])
    return {
        **({"samples": [row.to_json() for row in samples]} if samples else {}),
        "planned": planned,
        "finished": len(episodes),
        "doubtful": count_doubtful(records),
        "cells": [cell.to_json() for cell in make_cells(records)],
        "totals": [cell.to_json() for cell in model_totals(records)],
        "comparisons": _comparisons(records, episodes),
        "effort": _effort(records, episodes),
        "rounds": _rounds(records, episodes),
        "generalization": _drops(records, episodes, seed),
    }


def cells_of(episodes: Sequence[Episode]) -> tuple[list[Cell], list[Cell]]:
    """Returns the counts by contestant and domain, and by contestant."""
    records = named(episodes)
    return make_cells(records), model_totals(records)


def _comparisons(records: Sequence[AnswerRecord], episodes: Sequence[Episode]) -> list[Any]:
    pairs = list(zip(records, episodes, strict=True))
    return compare(
        solved_fractions((r.model, e.case.situation, e.solved) for r, e in pairs if e.counts),
        doubtful_cases((r, e.case.situation) for r, e in pairs),
    )


def compare(
    outcomes: Mapping[str, Mapping[Any, float]], doubtful: Mapping[str, set[Any]] | None = None
) -> list[dict[str, Any]]:
    """Compares contestants in pairs, as it stands in ``summary.json``.

    Args:
        outcomes: For each contestant, whether it solves each task, or how often.
        doubtful: The tasks to which each contestant has a doubtful answer.

    Returns:
        Rows with ``pairs_needed``: how many tasks would tell the two apart, where these do
        not; ``None`` where they do, where no number within reach would, and of rates
        (``by_rate``), for which it is not computed.
    """
    rows = []
    for c in compare_paired(outcomes):
        need = None
        rates = {*outcomes[c.first].values(), *outcomes[c.second].values()}
        by_rate = not rates <= {0.0, 1.0}
        if c.adjusted >= 0.05 and not by_rate:
            need = pairs_needed(c.only_first / c.n, c.only_second / c.n)
        unclear = {}
        if doubtful is not None:
            unclear["doubtful"] = left_out(outcomes, doubtful, c.first, c.second)
        rows.append(
            {
                "first": c.first,
                "second": c.second,
                "n": c.n,
                "only_first": c.only_first,
                "only_second": c.only_second,
                "mcnemar_p": c.p_value,
                "holm_p": c.adjusted,
                "pairs_needed": need,
                **unclear,
                **({"by_rate": True} if by_rate else {}),
            }
        )
    return rows


def _effort(records: Sequence[AnswerRecord], episodes: Sequence[Episode]) -> list[dict[str, Any]]:
    rows = []
    for name, group in _by_contestant(records, episodes).items():
        solved = [(r, e) for r, e in group if e.solved]
        ratios = [r.cost / r.upper for r, _ in solved if r.cost is not None and r.upper]
        costs = [a["cost"] for _, e in group for a in e.attempts]
        rows.append(
            {
                "contestant": name,
                "answers": sum(len(e.attempts) for _, e in group),
                "cached": sum(bool(a["cached"]) for _, e in group for a in e.attempts),
                "prompt_tokens": sum(a["prompt_tokens"] for _, e in group for a in e.attempts),
                "completion_tokens": sum(
                    a["completion_tokens"] for _, e in group for a in e.attempts
                ),
                "cost": sum(costs) if costs and all(c is not None for c in costs) else None,
                "seconds_median": median(e.seconds for _, e in group),
                "seconds_to_solve": sorted(e.seconds for _, e in solved),
                "n": len(group),
                "cost_ratio_mean": sum(ratios) / len(ratios) if ratios else None,
                "cost_ratio_n": len(ratios),
            }
        )
    return rows


def _rounds(records: Sequence[AnswerRecord], episodes: Sequence[Episode]) -> list[dict[str, Any]]:
    rows = []
    for name, group in _by_contestant(records, episodes).items():
        counted = [e for _, e in group if e.counts]
        if not counted or counted[0].case.mode in ("", Mode.DIRECT):
            continue
        longest = max(len(e.attempts) for e in counted)
        solved = [
            sum(e.solved and len(e.attempts) <= n for e in counted) for n in range(1, longest + 1)
        ]
        tokens = [
            sum(a["completion_tokens"] for e in counted for a in e.attempts[:n])
            for n in range(1, longest + 1)
        ]
        rows.append(
            {
                "contestant": name,
                "mode": counted[0].case.mode,
                "n": len(counted),
                "doubtful": count_doubtful(e.graded for _, e in group),
                "solved_by_round": solved,
                "completion_tokens_by_round": tokens,
                "wilson95_last": list(_pair(e.graded for e in counted)),
            }
        )
    return rows


def _drops(records: Sequence[AnswerRecord], episodes: Sequence[Episode], seed: int) -> list[Any]:
    """Pairs every renamed episode with the same one in its own names."""
    base = {e.case.key: e for e in episodes if e.case.renaming == NameLevel.NONE and e.counts}
    groups: dict[tuple[str, str], dict[str, list[float]]] = {}
    tried: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    doubtful = {e.case.key for e in episodes if e.graded.kind is AnswerOutcome.DOUBTFUL}
    unclear: Counter[tuple[str, str]] = Counter()
    for record, e in zip(records, episodes, strict=True):
        if e.case.renaming == NameLevel.NONE:
            continue
        place = (record.model, e.case.renaming)
        other = base.get(e.case.original().key)
        unclear[place] += bool({e.case.key, e.case.original().key} & doubtful)
        if other is None or not e.counts:
            continue
        drop = float(other.solved) - float(e.solved)
        groups.setdefault(place, {}).setdefault(e.case.task, []).append(drop)
        tried.setdefault(place, []).append((other.solved, e.solved))
    rows = []
    for (name, level), by_task in groups.items():
        low, high = cluster_bootstrap(list(by_task.values()), seed)
        pairs = tried[name, level]
        rows.append(
            {
                "contestant": name,
                "level": level,
                "tasks": len(by_task),
                "pairs": len(pairs),
                "doubtful": unclear[name, level],
                "original": sum(a for a, _ in pairs) / len(pairs),
                "renamed": sum(b for _, b in pairs) / len(pairs),
                "drop": sum(a - b for a, b in pairs) / len(pairs),
                "bootstrap95": [low, high],
            }
        )
    return rows


def _by_contestant(
    records: Sequence[AnswerRecord], episodes: Sequence[Episode]
) -> dict[str, list[tuple[AnswerRecord, Episode]]]:
    groups: dict[str, list[tuple[AnswerRecord, Episode]]] = {}
    for record, e in zip(records, episodes, strict=True):
        groups.setdefault(record.model, []).append((record, e))
    return groups


def _pair(records: Iterable[AnswerRecord]) -> tuple[float, float]:
    interval = valid_interval(records)
    assert interval is not None
    return interval.low, interval.high
