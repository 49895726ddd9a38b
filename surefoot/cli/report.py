"""``surefoot report``: a leaderboard over run folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import note
from surefoot.core.files import write_atomic
from surefoot.results.manifest import current_versions


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders of grade or bench.")],
    out: Annotated[Path | None, typer.Option(help="HTML file to write as well.")] = None,
) -> None:
    """Compare the contestants of several runs."""
    from surefoot.cli.bench_table import print_quiz
    from surefoot.pddl.benchmark.leaderboard import make_leaderboard, render_leaderboard
    from surefoot.pddl.grading.table import print_table

    board = make_leaderboard(runs)
    if board.totals or not board.quiz:
        print_table([*board.cells, *board.totals])
    if board.quiz:
        print_quiz(board.quiz)
    for run, missing in board.unfinished.items():
        note(f"{run}: {missing} planned episodes have no record")
    if out is not None:
        meta = {"runs": ", ".join(map(str, runs)), **current_versions()}
        write_atomic(out, render_leaderboard(board, meta))
        note(f"report: {out}")
