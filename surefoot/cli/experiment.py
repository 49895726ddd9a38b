"""``surefoot experiment``: the studies of the papers' claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import Bar, note, resumable


def experiment(
    name: Annotated[
        str, typer.Argument(help="Name of the study; see 'surefoot list experiments'.")
    ],
    config: Annotated[
        Path | None, typer.Option(help="YAML file in place of the study's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; runs/NAME by default.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting over the file as NAME=VALUE, such as recorded=FOLDER."),
    ] = None,
) -> None:
    """Run a study of a paper's claim, or resume it, and write its report."""
    from surefoot.core.config import read_settings
    from surefoot.experiments import EXPERIMENTS, read_study
    from surefoot.experiments.parts import check_place

    study = EXPERIMENTS.get(name)
    resolved = read_study(study, config, read_settings(settings or []))
    folder = out or Path("runs") / name
    check_place(study.name, folder)
    with resumable(), Bar(name) as bar:
        report = study.run(resolved, folder, bar)
    note(f"report: {report}")
