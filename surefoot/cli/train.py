"""``surefoot train``: the project's own small models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import note, resumable

train = typer.Typer(no_args_is_help=True, help="Train the project's own small models.")


@train.command("planner")
def planner(
    out: Annotated[Path, typer.Option(help="Folder for state, curve and model.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps of the whole schedule.")] = 4500,
    seed: Annotated[int, typer.Option(help="Seed of weights and data.")] = 0,
    minutes: Annotated[
        float, typer.Option(min=0, help="Stop after this time, to go on later; 0 for no limit.")
    ] = 0.0,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for the library's choice.")] = 0,
) -> None:
    """Train the small planner on generated plans; goes on where it was stopped."""
    import torch

    from surefoot.models.training.planner import PlannerRecipe, train_planner

    if threads:
        torch.set_num_threads(threads)

    def tell(step: int, total: int, loss: float, validation: float) -> None:
        note(f"step {step} of {total}: loss {loss:.4f}, validation {validation:.4f}")

    with resumable():
        folder = train_planner(PlannerRecipe(steps=steps, seed=seed), out, minutes=minutes,
                               report=tell)  # fmt: skip
    note(f"model: {folder}")


@train.callback()
def _group() -> None:
    """Keeps ``planner`` a sub-command while it is the only one."""
