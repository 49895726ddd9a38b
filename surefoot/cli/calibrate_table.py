"""The table that ``surefoot calibrate`` prints."""

from __future__ import annotations

import json

import typer

from surefoot.calibration.reports.outcome import CalibrationRun
from surefoot.calibration.reports.report import acts_text, number_text, percent, rate_text

_PLAIN_WIDTH = 160


def print_figures(run: CalibrationRun, *, as_json: bool) -> None:
    """Prints the figures of a calibration on standard output."""
    if as_json:
        typer.echo(json.dumps(run.summary(), indent=2))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    lines: list[str] = []
    if (facts := run.facts) is not None:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("sets for", no_wrap=True)
        for head in ("facts covered [95 %]", "scenes covered", "labels", "singletons", "empty"):
            table.add_column(head, justify="right")
        for row in facts.rows:
            cells = (
                row.name,
                rate_text(row.coverage),
                rate_text(row.joint),
                number_text(row.sizes.mean),
                rate_text(row.sizes.singletons),
                rate_text(row.sizes.empty),
            )
            table.add_row(*map(Text, cells), style="bold" if row.chosen else "")
        console.print(table)
        data, alpha = run.artefact.data, run.artefact.settings.alpha
        lines.append(
            f"calibrated on {data['facts']} facts of {data['scenes']} scenes, measured on "
            f"{facts.n} facts of {facts.scenes} others; target {percent(1 - alpha)}"
        )
        for found in facts.resplits:
            low, high = found.law.band()
            lines.append(
                f"{len(found.counts)} re-splits, {found.name}: mean "
                f"{percent(float(found.coverage.mean()))}, {rate_text(found.inside)} inside the "
                f"beta band {percent(low)} to {percent(high)}"
            )
        lines += [f"{name}: {number_text(value)}" for name, value in facts.scores.items()]
    if (plans := run.plans) is not None:
        lines.append(f"plans: {acts_text(run.artefact)}")
        lines.append(
            f"test plans: {plans.n}; acted on {rate_text(plans.acted)}; "
            f"violations among acts {rate_text(plans.violations)}"
        )
        lines += [f"plans, {name}: {number_text(value)}" for name, value in plans.scores.items()]
    for line in lines:
        console.print(Text(line))
