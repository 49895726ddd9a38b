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


@train.command("perception")
def perception(
    out: Annotated[Path, typer.Option(help="Folder for pictures, state, curve and model.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the pictures, if not in --out.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps that answer questions.")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, pictures and order.")] = 0,
    minutes: Annotated[
        float, typer.Option(min=0, help="Stop after this time, to go on later; 0 for no limit.")
    ] = 0.0,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 for the library's choice.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 2,
) -> None:
    """Train the small image-text model on rendered pictures; goes on where it was stopped.

    First the missing pictures are rendered (2.1 GB), then the model is trained on them.
    """
    import torch

    from surefoot.agents.perception.dataset import DataRecipe, render_dataset
    from surefoot.models.training.perception import PerceptionRecipe, Progress, train_perception

    if threads:
        torch.set_num_threads(threads)

    recipe = PerceptionRecipe(steps=steps, seed=seed)
    total = recipe.seeing + recipe.steps

    def tell(done: Progress) -> None:
        kinds = ", ".join(f"{kind} {share:.3f}" for kind, share in done.accuracy.items())
        note(f"step {done.step} of {total}: loss {done.loss:.4f}, "
             f"hints {done.hints:.4f}, validation {done.validation:.4f}; {kinds}")  # fmt: skip

    with resumable():
        pictures = data or out / "pictures"
        render_dataset(DataRecipe(seed=seed), pictures, processes)
        folder = train_perception(recipe, pictures, out, minutes=minutes, report=tell)
    note(f"model: {folder}")
