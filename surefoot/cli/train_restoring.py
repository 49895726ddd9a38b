"""``surefoot train restoring``: what restoring a picture is known to tell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.cli.shifts import read_shift
from surefoot.core.extras import require_extras


def train_restoring(
    out: Annotated[Path, typer.Option(help="The file to write, .json.")],
    env: Annotated[str, typer.Option(help="tabletop or crossing.")] = "tabletop",
    restorer: Annotated[
        str, typer.Option(help="median, 'non-local means' or 'dense prior' (slow).")
    ] = "median",
    perception: Annotated[
        str, typer.Option(help="Model that is shown the pictures, such as hf:FOLDER.")
    ] = "local-perception",
    scenes: Annotated[int, typer.Option(min=1, help="Scenes of the split train.")] = 100,
    start: Annotated[
        int, typer.Option(help="Seeds begin here; the shipped model has seen none from 8000000.")
    ] = 8_000_000,
    views: Annotated[int, typer.Option(min=2, help="Views of each table, drawn.")] = 4,
    perturb: Annotated[
        list[str] | None,
        typer.Option(help="As for 'surefoot run'; noise of severity 0.8 without it."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
) -> None:
    """Learn how a model answers on restored pictures; goes on where it was stopped."""
    require_extras("sim", "local")
    from surefoot.agents.sensing.mending import RestoringConfig, learn_restoring
    from surefoot.core.config import check_config
    from surefoot.results.parallel import usable_cpus

    told = {
        "env": env,
        "perception": perception,
        "restorer": restorer,
        "scenes": scenes,
        "start": start,
        "views": views,
    }
    if perturb:
        told["perturb"] = read_shift(env, perturb)
    config = check_config(RestoringConfig, told)
    with resumable(), Bar(f"{env} scenes") as bar:
        found = learn_restoring(config, out, workers=workers or usable_cpus(), progress=bar)
    for kind, share in found.repeats.items():
        typer.echo(f"{kind:24} repeats the raw picture's answer in {100 * share:.0f} %")
    typer.echo(f"{'seconds for a picture':24} {found.seconds:.3f}")
    note(f"restoring: {out}")
