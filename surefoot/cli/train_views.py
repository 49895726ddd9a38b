"""``surefoot train views``: what each view is known to tell, for choosing the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.cli.shifts import read_shift
from surefoot.core.extras import require_extras


def train_views(
    env: Annotated[str, typer.Option(help="crossing or tabletop.")],
    out: Annotated[Path, typer.Option(help="The file to write, .json.")],
    perception: Annotated[
        str, typer.Option(help="Model that is shown the pictures, such as hf:FOLDER.")
    ] = "local-perception",
    scenes: Annotated[int, typer.Option(min=1, help="Scenes of the split train.")] = 200,
    start: Annotated[
        int, typer.Option(help="Seeds begin here; the shipped model has seen none from 8000000.")
    ] = 8_000_000,
    views: Annotated[
        int, typer.Option(min=0, help="Views of each table, drawn; 0 for all 25.")
    ] = 10,
    perturb: Annotated[
        list[str] | None, typer.Option(help="As for 'surefoot run'; may be given repeatedly.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
) -> None:
    """Learn from pictures how a model answers from each view; goes on where it was stopped."""
    require_extras("sim", "local")
    from surefoot.agents.sensing.learning import ViewsConfig, learn_views
    from surefoot.core.config import check_config
    from surefoot.results.parallel import usable_cpus

    config = check_config(
        ViewsConfig,
        {
            "env": env,
            "perception": perception,
            "scenes": scenes,
            "start": start,
            "views": views,
            "perturb": read_shift(env, perturb),
        },
    )
    with resumable(), Bar(f"{env} scenes") as bar:
        learn_views(config, out, workers=workers or usable_cpus(), progress=bar)
    note(f"views: {out}")
