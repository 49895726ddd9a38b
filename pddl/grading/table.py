"""The table of cells that the commands print."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot.pddl.grading.published import published_cell
from surefoot.pddl.grading.summary import Cell

_LABELS = ("IR", "IP", "MG", "LO")
_PLAIN_WIDTH = 160
"""Columns where standard output is no terminal: nothing is folded in a pipe or a file."""


def print_table(cells: Sequence[Cell]) -> None:
    """Prints cells to standard output, with the published rate where there is one.

    ``4+1?`` in the last column: four plans proven optimal, one that may or may not be.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("domain", no_wrap=True)
    table.add_column("model", overflow="fold", min_width=10)
    published = any(published_cell(c.domain, c.model) for c in cells)
    skipped = any(c.not_run for c in cells)
    doubtful = any(c.doubtful for c in cells)
    heads = [
        "n",
        *(["not run"] if skipped else []),
        *(["doubtful"] if doubtful else []),
        "valid",
        "95 %",
    ]
    for head in (*heads, *(["paper"] if published else []), *_LABELS, "optimal"):
        table.add_column(head, justify="right", no_wrap=True)
    last = ""
    for cell in cells:
        interval = cell.interval
        paper = published_cell(cell.domain, cell.model)
        table.add_row(
            Text(cell.domain if cell.domain != last else ""),
            Text(cell.model),
            str(cell.n),
            *([str(cell.not_run or "")] if skipped else []),
            *([str(cell.doubtful or "")] if doubtful else []),
            f"{100 * cell.valid / cell.n:.0f} %" if cell.n else "",
            f"{100 * interval.low:.0f}-{100 * interval.high:.0f}" if interval else "",
            *([f"{paper.success:.0f} %" if paper else ""] if published else []),
            *(str(cell.labels[label] or "") for label in _LABELS),
            f"{cell.optimal}{f'+{cell.unknown_optimality}?' if cell.unknown_optimality else ''}",
        )
        last = cell.domain
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    console.print(table)
