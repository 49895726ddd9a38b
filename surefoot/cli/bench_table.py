"""The table of answered questions that ``bench`` and ``report`` print."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot.pddl.benchmark.quiz_report import quiz_row
from surefoot.pddl.benchmark.quiz_summary import QuizCell

_PLAIN_WIDTH = 160
"""Columns where standard output is no terminal, as in the table of plans."""


def print_quiz(cells: Sequence[QuizCell]) -> None:
    """Prints accuracy by kind, and by form over all kinds, beside chance."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("questions", no_wrap=True)
    table.add_column("form", no_wrap=True)
    table.add_column("contestant", overflow="fold", min_width=10)
    for head in ("n", "right", "rate [95 %]", "chance", "not readable"):
        table.add_column(head, justify="right", no_wrap=True)
    for cell in sorted(cells, key=lambda c: not c.kind):
        if cell.kind and cell.form:
            continue
        row = quiz_row(cell)
        numbers = (row[n] for n in ("n", "right", "rate", "chance", "unread"))
        table.add_row(row["kind"], row["form"], Text(cell.contestant), *numbers)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    console.print(table)
