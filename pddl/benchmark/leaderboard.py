"""One table over several runs: graded answers and benches side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.optima import with_common_bounds
from surefoot.pddl.benchmark.quiz_report import quiz_row
from surefoot.pddl.benchmark.quiz_summary import (
    QuizCell,
    QuizEpisode,
    is_quiz,
    quiz_cells,
    quiz_comparisons,
    quiz_names,
)
from surefoot.pddl.benchmark.report import comparison_row
from surefoot.pddl.benchmark.summary import Episode, compare, named
from surefoot.pddl.grading.doubtful import doubtful_cases
from surefoot.pddl.grading.records import SOLVED, UNGRADED, AnswerRecord
from surefoot.pddl.grading.samples import solved_fractions
from surefoot.pddl.grading.summary import Cell, make_cells, model_totals
from surefoot.results.charts import ForestRow, forest_plot
from surefoot.results.page import render_page, trusted
from surefoot.results.run_folder import read_run


@dataclass(frozen=True)
class Leaderboard:
    """Contestants of several runs.

    Attributes:
        totals: Counts by contestant, best rate first.
        cells: Counts by contestant and domain.
        comparisons: Pairs on their common tasks, with the number of tasks that would tell
            them apart.
        quiz: Counts of right answers to questions, by contestant, kind and form.
        quiz_comparisons: Pairs on their common questions.
        unfinished: Planned episodes without a record, by run.
    """

    totals: tuple[Cell, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[dict[str, Any], ...]
    quiz: tuple[QuizCell, ...]
    quiz_comparisons: tuple[dict[str, Any], ...]
    unfinished: dict[str, int]


def make_leaderboard(folders: Sequence[Path]) -> Leaderboard:
    """Reads runs and counts their contestants together.

    A contestant whose name occurs in several runs is named with its run.

    Raises:
        InputError: A folder is no run of ``grade`` or ``bench``, or two runs hold different
            tasks under the same name.
    """
    rows: list[tuple[str, AnswerRecord, Any]] = []
    unfinished: dict[str, int] = {}
    hashes: dict[Any, tuple[str, str]] = {}
    quizzes: list[tuple[str, QuizEpisode]] = []
    for folder in folders:
        run = read_run(folder)
        command = run.manifest.command
        name = folder.resolve().name
        missing = len(run.manifest.keys) - len(run.records)
        if missing:
            unfinished[name] = missing
        if command == "grade":
            records = [AnswerRecord.from_json(r) for r in run.records.values()]
            places: list[Any] = [(r.task, "") for r in records]
        elif command == "bench":
            lines = run.records.values()
            episodes = with_common_bounds(Episode.from_json(r) for r in lines if not is_quiz(r))
            records = named(episodes)
            places = [
                (e.case.task, f"{e.case.renaming} {e.case.renaming_seed} {e.case.job}")
                for e in episodes
            ]
            quizzes += [(name, QuizEpisode.from_json(r)) for r in lines if is_quiz(r)]
        else:
            raise InputError(f"a run of '{command}', not of grade or bench", file=str(folder))
        for record, place in zip(records, places, strict=True):
            known = hashes.setdefault((command, *place), (record.task_sha256, name))
            if known[0] != record.task_sha256:
                raise InputError(
                    f"'{record.task}' is another task in {known[1]} than in {name}; "
                    "compare runs of the same tasks",
                    file=str(folder),
                )
            rows.append((name, record, place))
    owners: dict[str, set[str]] = {}
    for name, record, _ in rows:
        owners.setdefault(record.model, set()).add(name)
    records = [
        replace(r, model=f"{r.model} ({name})") if len(owners[r.model]) > 1 else r
        for name, r, _ in rows
    ]
    outcomes = solved_fractions(
        (record.model, place, record.kind in SOLVED)
        for record, (_, _, place) in zip(records, rows, strict=True)
        if record.kind not in UNGRADED
    )
    unclear = doubtful_cases(
        (record, place) for record, (_, _, place) in zip(records, rows, strict=True)
    )
    totals = sorted(model_totals(records), key=lambda c: -(c.valid / c.n if c.n else -1))
    quiz, pairs = _quiz(quizzes)
    return Leaderboard(
        tuple(totals),
        tuple(make_cells(records)),
        tuple(compare(outcomes, unclear)),
        quiz,
        pairs,
        unfinished,
    )


def _quiz(
    answered: Sequence[tuple[str, QuizEpisode]],
) -> tuple[tuple[QuizCell, ...], tuple[dict[str, Any], ...]]:
    """Counts the questions of several runs.

    Raises:
        InputError: Two runs hold different questions under the same name.
    """
    hashes: dict[Any, tuple[str, str]] = {}
    for run, e in answered:
        place = (e.case.task, e.case.question, e.case.renaming, e.case.renaming_seed)
        known = hashes.setdefault(place, (e.asked["sha256"], run))
        if known[0] != e.asked["sha256"]:
            raise InputError(
                f"'{e.case.task} {e.case.question}' is another question in {known[1]} than in "
                f"{run}; compare runs of the same questions"
            )
    runs: dict[str, list[QuizEpisode]] = {}
    for run, e in answered:
        runs.setdefault(run, []).append(e)
    names = {run: quiz_names(found) for run, found in runs.items()}
    owners: dict[str, set[str]] = {}
    for run, found in names.items():
        for name in found:
            owners.setdefault(name, set()).add(run)
    told = [n if len(owners[n]) == 1 else f"{n} ({run})" for run in runs for n in names[run]]
    episodes = [e for found in runs.values() for e in found]
    return tuple(quiz_cells(episodes, told)), tuple(quiz_comparisons(episodes, told))


def render_leaderboard(board: Leaderboard, meta: dict[str, str]) -> str:
    """Builds the page: a complete HTML document that loads nothing."""
    rows = [
        ForestRow(group, c.model, c.valid, c.n, c.interval)
        for group, cells in (("all domains", board.totals), *_by_domain(board.cells))
        for c in cells
    ]
    return render_page(
        "leaderboard.html.j2",
        package="surefoot.pddl.benchmark",
        title="Leaderboard",
        meta=meta,
        unfinished=board.unfinished,
        totals=board.totals,
        doubtful=any(cell.doubtful for cell in board.totals),
        forest=trusted(forest_plot(rows, title="Share of valid plans with Wilson intervals")),
        comparisons=[comparison_row(c) for c in board.comparisons],
        quiz=[quiz_row(c) for c in board.quiz if not (c.kind and c.form)],
        quiz_comparisons=[comparison_row(c, "questions") for c in board.quiz_comparisons],
    )


def _by_domain(cells: Sequence[Cell]) -> list[tuple[str, list[Cell]]]:
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.domain, []).append(cell)
    return list(groups.items())
