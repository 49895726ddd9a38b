"""``surefoot train restoring``: how informative restored images are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.cli.shifts import read_shift
from surefoot.core.extras import require_extras


def train_restoring(
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write; in runs/ by default.")
    ] = None,
    env: Annotated[str, typer.Option(help="tabletop or crossing.")] = "tabletop",
    restorer: Annotated[
        str, typer.Option(help="median, 'non-local means' or 'dense prior' (slow).")
    ] = "median",
    perception: Annotated[
        str, typer.Option(help="Vision model, such as hf:FOLDER or openai:NAME.")
    ] = "local-perception",
    scenes: Annotated[
        int, typer.Option("--num-scenes", min=1, help="Scenes of the split train.")
    ] = 100,
    start: Annotated[
        int,
        typer.Option(
            "--first-seed", help="First seed; the shipped model saw none from 8000000 on."
        ),
    ] = 8_000_000,
    views: Annotated[
        int, typer.Option("--num-views", min=2, help="Views drawn per table scene.")
    ] = 4,
    perturb: Annotated[
        list[str] | None,
        typer.Option(help="As for 'surefoot run'; noise of severity 0.8 by default."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
) -> None:
    """Learn how a model answers on restored images; an interrupted run resumes."""
    require_extras("sim", "local")
    from surefoot.agents.sensing.mending import RestoringConfig, learn_restoring
    from surefoot.core.config import check_config
    from surefoot.results.parallel import usable_cpus

    out = out or Path(f"runs/restoring-{env}.json")
    given = {
        "env": env,
        "perception": perception,
        "restorer": restorer,
        "scenes": scenes,
        "start": start,
        "views": views,
    }
    if perturb:
        given["perturb"] = read_shift(env, perturb)
    config = check_config(RestoringConfig, given)
    with resumable(), Bar(f"{env} scenes") as bar:
        found = learn_restoring(config, out, workers=workers or usable_cpus(), progress=bar)
    for kind, rate in found.repeats.items():
        typer.echo(f"{kind:24} repeats the raw image's answer in {100 * rate:.0f} %")
    typer.echo(f"{'seconds per image':24} {found.seconds:.3f}")
    note(f"restoring: {out}")
