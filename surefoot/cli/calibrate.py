"""``surefoot calibrate``: from recorded predictions to sets and thresholds with a guarantee."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from surefoot.cli.console import note
from surefoot.core.errors import InputError

_Name = TypeVar("_Name", bound=StrEnum)
_METHODS = "lac, aps, raps or top-k"


def calibrate(
    run: Annotated[
        Path,
        typer.Argument(
            help="A folder with predictions.jsonl, that file, or a bench of scored questions.",
            show_default=False,
        ),
    ],
    alpha: Annotated[
        float, typer.Option(help="Allowed rate of misses, and of violations among acts.")
    ] = 0.1,
    method: Annotated[str, typer.Option(help=f"Nonconformity score: {_METHODS}.")] = "lac",
    joint: Annotated[
        str,
        typer.Option(help="How the facts of a scene are covered jointly: max, bonferroni or none."),
    ] = "max",
    groups: Annotated[
        bool,
        typer.Option("--groups/--no-groups", help="Also calibrate a threshold per group of facts."),
    ] = True,
    delta: Annotated[
        float, typer.Option(help="Probability with which the bound on violations may fail.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split and all draws.")] = 0,
    resplits: Annotated[
        int,
        typer.Option(
            "--num-resplits",
            min=1,
            max=100_000,
            help="Number of random re-splits for measuring coverage.",
        ),
    ] = 200,
    model: Annotated[
        str | None, typer.Option(help="Model whose records are used, if there are several.")
    ] = None,
    renderer: Annotated[
        str | None, typer.Option(help="Renderer whose records are used, if there are several.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Label set whose records are used, if there are several.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder, or .json file, to write to; default: the run's folder."),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print all figures as JSON instead of the table.")
    ] = False,
) -> None:
    """Calibrate on one half of a run's scenes and measure on the other."""
    from surefoot.calibration.conformal.joint import JointMethod
    from surefoot.calibration.conformal.scores import Score
    from surefoot.calibration.reports.artefact import Settings
    from surefoot.calibration.reports.run import calibrate_run
    from surefoot.cli.calibrate_bench import read_run_predictions
    from surefoot.cli.calibrate_table import print_figures

    if not 0 <= alpha <= 1:
        raise InputError(f"--alpha is {alpha}; it must lie in [0, 1]")
    if not 0 < delta < 1:
        raise InputError(f"--delta is {delta}; it must lie between 0 and 1")
    settings = Settings(
        alpha,
        delta,
        _one_of(Score, method, "--method"),
        _one_of(JointMethod, joint, "--joint"),
        groups,
        seed,
    )
    records = read_run_predictions(run).only(model=model, renderer=renderer, labels=labels)
    place = out or (run if run.is_dir() else run.parent)
    done = calibrate_run(records, settings, place, resplits=resplits)
    print_figures(done, as_json=json_output)
    note(f"calibration: {done.artefact_path}")
    note(f"report: {done.report_path}")


def _one_of(kind: type[_Name], value: str, option: str) -> _Name:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(kind)
        raise InputError(f"{option} is '{value}'; choose one of: {known}") from None
