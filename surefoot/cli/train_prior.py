"""``surefoot train prior``: a small generator of scenes, dense and as tickets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surefoot.cli.console import note, resumable
from surefoot.core.extras import require_extras

if TYPE_CHECKING:
    pass


def train_prior(
    out: Annotated[Path, typer.Option(help="Folder of images, state and generators.")] = Path(
        "runs/train/prior"
    ),
    env: Annotated[
        str, typer.Option(help="Environment whose camera is used: tabletop or crossing.")
    ] = ("tabletop"),
    views: Annotated[
        str, typer.Option(help="Viewpoints of the table, with commas; see 'surefoot list'.")
    ] = "front-high",
    images: Annotated[
        int, typer.Option("--num-images", min=1, help="Images to learn from.")
    ] = 3000,
    size: Annotated[int, typer.Option(help="Image width in pixels: 16, 32 or 64.")] = 32,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each training.")] = 4000,
    rounds: Annotated[
        int,
        typer.Option(
            "--num-rounds", min=0, help="Rounds of pruning; 0 for the dense generator only."
        ),
    ] = 0,
    share: Annotated[
        float,
        typer.Option(
            "--fraction",
            min=0.01,
            max=0.99,
            help="Fraction of unpruned weights that is pruned per round.",
        ),
    ] = 0.3,
    controls: Annotated[
        bool,
        typer.Option(
            "--controls", help="Also train a random mask of equal sparsity for every ticket."
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, max=2**62, help="Seed of weights, codes and order.")
    ] = 0,
    minutes: Annotated[
        float,
        typer.Option(
            min=0, help="Stop after this many minutes; the same command resumes. 0 for no limit."
        ),
    ] = 0.0,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for the library's choice.")] = 1,
) -> None:
    """Train a generator of scenes as a prior for restoring; an interrupted run resumes."""
    require_extras("sim", "local")
    import torch

    from surefoot.agents.perception.thumbnails import Thumbnails, render_thumbnails
    from surefoot.core.config import check_config
    from surefoot.sparsity.lottery.priors.networks import PairShape
    from surefoot.sparsity.lottery.priors.tickets import (
        OutOfTimeError,
        generator_folder,
        prior_controls,
        prior_tickets,
    )
    from surefoot.sparsity.lottery.priors.training import PairSettings

    if threads:
        torch.set_num_threads(threads)
    shape = check_config(PairShape, {"size": size})
    shape.levels()
    recipe = check_config(
        Thumbnails,
        {
            "env": env,
            "count": images,
            "size": size,
            "views": tuple(v.strip() for v in views.split(",") if v.strip()),
        },
    )
    settings = PairSettings(shape=shape, steps=steps, seed=seed)

    def show(done: int, total: int, part: str = "") -> None:
        note(f"step {done} of {total}, {part}")

    with resumable():
        drawn = render_thumbnails(
            recipe,
            out / "pictures",
            lambda done, total, part="": note(f"{done} of {total} images"),
        )
        begun = time.monotonic()
        try:
            found = prior_tickets(
                drawn,
                settings,
                rounds,
                share,
                out,
                minutes=minutes,
                progress=show,
            )
            beside: tuple[Path, ...] = ()
            if controls:
                left = minutes and max(1e-9, minutes - (time.monotonic() - begun) / 60)
                beside = prior_controls(drawn, settings, found, out, minutes=left, progress=show)
        except OutOfTimeError:
            note("time is up; run the same command again to resume")
            return
    for number, ticket in enumerate(found):
        note(f"{100 * ticket.sparsity:.1f} % zeros: {generator_folder(out, number)}")
    for place in beside:
        note(f"random masks: {place}")
