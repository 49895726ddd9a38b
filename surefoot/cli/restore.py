"""``surefoot restore``: denoising, inpainting and super-resolution with an untrained network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.core.extras import require_extras


def restore(
    image: Annotated[Path, typer.Argument(help="The image; grey or colour, alpha is kept.")],
    task: Annotated[str, typer.Option(help="denoise, inpaint or sr (enlarge).")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the restored image and its report; runs/restore/NAME by default."
        ),
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(help="Noise, where white is 255; estimated for denoise by default."),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            help="For inpaint: white where known; by default, transparent pixels are unknown."
        ),
    ] = None,
    scale: Annotated[int, typer.Option(help="For sr: factor 2, 4 or 8.")] = 4,
    sparsity: Annotated[
        float,
        typer.Option(
            help="Fraction of weights pruned in a ticket to search for; 0 for the dense network."
        ),
    ] = 0.0,
    ticket: Annotated[
        Path | None, typer.Option(help="Ticket of another restoration (its folder 'ticket').")
    ] = None,
    steps: Annotated[int, typer.Option(help="Most steps of the fit.")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    network: Annotated[str, typer.Option(help="skip or decoder.")] = "skip",
    stop: Annotated[
        str, typer.Option(help="Which step's image is kept: held-out, discrepancy or last.")
    ] = "held-out",
    truth: Annotated[Path | None, typer.Option(help="The true image, for comparison only.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting as NAME=VALUE, such as width=64, depth=5, patience=0."),
    ] = None,
) -> None:
    """Restore an image with an untrained network; an interrupted run resumes."""
    require_extras("local")
    import torch

    from surefoot.core.config import check_config, read_settings
    from surefoot.results.run_folder import REPORT_NAME
    from surefoot.sparsity.lottery.restoring.page import score_text
    from surefoot.sparsity.lottery.restoring.running import RESTORED
    from surefoot.sparsity.lottery.restoring.running import restore as run
    from surefoot.sparsity.lottery.restoring.settings import Inputs, RestoreSettings
    from surefoot.sparsity.lottery.restoring.stopping import RULES

    out = out or Path("runs/restore") / image.stem
    given = {
        "task": task,
        "sigma": sigma,
        "scale": scale,
        "sparsity": sparsity,
        "steps": steps,
        "seed": seed,
        "network": network,
        "stop": stop,
    }
    wanted = check_config(RestoreSettings, {**given, **read_settings(settings or [])})
    torch.set_num_threads(threads)
    inputs = Inputs(image=image, mask=mask, truth=truth, ticket=ticket)
    with resumable(), Bar(f"restore {image.name}") as bar:
        summary = run(inputs, wanted, out, progress=bar)
    if summary["trivial"]:
        note(summary["trivial"])
    else:
        done = summary["stop"]
        typer.echo(
            f"stopped by: {RULES[done['rule']]}, step {done['step']}, {done['seconds']:.1f} s"
        )
    for name, score in {"restored": summary["result"], **summary["peers"]}.items():
        if text := score_text(score):
            typer.echo(f"{name:40} {text}")
    note(f"image: {out / RESTORED}")
    note(f"report: {out / REPORT_NAME}")
