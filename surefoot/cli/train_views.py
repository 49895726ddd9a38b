"""``surefoot train views``: how informative each view is, for choosing the next one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.cli.shifts import read_shift
from surefoot.core.extras import require_extras


def train_views(
    env: Annotated[str, typer.Option(help="crossing or tabletop.")],
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write; in runs/ by default.")
    ] = None,
    perception: Annotated[
        str, typer.Option(help="Vision model, such as hf:FOLDER or openai:NAME.")
    ] = "local-perception",
    scenes: Annotated[
        int, typer.Option("--num-scenes", min=1, help="Scenes of the split train.")
    ] = 200,
    start: Annotated[
        int,
        typer.Option(
            "--first-seed", help="First seed; the shipped model saw none from 8000000 on."
        ),
    ] = 8_000_000,
    views: Annotated[
        int, typer.Option("--num-views", min=0, help="Views drawn per table scene; 0 for all 25.")
    ] = 10,
    perturb: Annotated[
        list[str] | None, typer.Option(help="As for 'surefoot run'; may be given repeatedly.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
) -> None:
    """Learn how a model answers from each view; an interrupted run resumes."""
    require_extras("sim", "local")
    from surefoot.agents.sensing.learning import ViewsConfig, learn_views
    from surefoot.core.config import check_config
    from surefoot.results.parallel import usable_cpus

    out = out or Path(f"runs/views-{env}.json")
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
