"""``surefoot train``: the project's own small models."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import note, resumable
from surefoot.core.extras import require_extras


class TrainMethod(StrEnum):
    """How a planner learns from verified plans."""

    SFT = "sft"
    DPO = "dpo"


class Adapter(StrEnum):
    """Which weights are learned."""

    LORA = "lora"
    FULL = "full"


_RATES = {
    (TrainMethod.SFT, Adapter.LORA): 1e-3,
    (TrainMethod.SFT, Adapter.FULL): 3e-4,
    (TrainMethod.DPO, Adapter.LORA): 3e-4,
    (TrainMethod.DPO, Adapter.FULL): 1e-4,
}
"""Learning rates that were seen to keep plans readable."""

Minutes = Annotated[
    float,
    typer.Option(
        min=0, help="Stop after this many minutes; the same command resumes. 0 for no limit."
    ),
]
Threads = Annotated[int, typer.Option(min=0, help="Threads; 0 for the library's choice.")]

train = typer.Typer(no_args_is_help=True, help="Train the project's own small models.")


@train.command("planner")
def planner(
    out: Annotated[Path, typer.Option(help="Folder of state, learning curve and model.")] = Path(
        "runs/train/planner"
    ),
    steps: Annotated[int, typer.Option(min=1, help="Steps of the whole schedule.")] = 4500,
    seed: Annotated[int, typer.Option(help="Seed of weights and data.")] = 0,
    minutes: Minutes = 0.0,
    threads: Threads = 0,
) -> None:
    """Train the small planner on generated plans; an interrupted run resumes."""
    require_extras("local")
    from surefoot.models.training.planner import PlannerRecipe, train_planner

    _use(threads)

    with resumable():
        folder = train_planner(
            PlannerRecipe(steps=steps, seed=seed), out, minutes=minutes, progress=_show
        )
    note(f"model: {folder}")


@train.command("perception")
def perception(
    out: Annotated[
        Path, typer.Option(help="Folder of images, state, learning curve and model.")
    ] = Path("runs/train/perception"),
    data: Annotated[
        Path | None, typer.Option(help="Folder of the images, if not in --out.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Folder of another training to start from.")
    ] = None,
    seeing: Annotated[
        int,
        typer.Option(
            "--pretraining-steps", min=0, help="Steps that pretrain the vision part, before those."
        ),
    ] = 2000,
    steps: Annotated[int, typer.Option(min=1, help="Steps that train on questions.")] = 3000,
    rate: Annotated[float, typer.Option(help="Peak learning rate of those.")] = 2e-3,
    tabletop: Annotated[
        int, typer.Option("--num-tabletop-shards", min=0, help="Shards of tabletop images.")
    ] = 56,
    crossing: Annotated[
        int, typer.Option("--num-crossing-shards", min=0, help="Shards of crossing images.")
    ] = 56,
    marked: Annotated[
        int,
        typer.Option("--num-marked-shards", min=0, help="Shards of each whose marks are kept."),
    ] = 56,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, images and order.")] = 0,
    minutes: Minutes = 0.0,
    threads: Threads = 0,
    processes: Annotated[int, typer.Option("--workers", min=1, help="Processes that render.")] = 2,
) -> None:
    """Train the small image-text model on rendered images; an interrupted run resumes.

    First the missing images are rendered (5 GB), then the model is trained on them.
    """
    require_extras("sim", "local")
    from surefoot.agents.perception.dataset import DataRecipe, render_dataset
    from surefoot.models.training.perception import (
        CurvePoint,
        PerceptionRecipe,
        train_perception,
    )

    _use(threads)

    recipe = PerceptionRecipe(
        seeing=seeing, steps=steps, rate=rate, start=str(start or ""), seed=seed
    )
    data_recipe = DataRecipe(tabletop, crossing, marked=marked, seed=seed)
    total = recipe.seeing + recipe.steps

    def show(done: CurvePoint) -> None:
        kinds = ", ".join(f"{kind} {rate:.3f}" for kind, rate in done.accuracy.items())
        note(
            f"step {done.step} of {total}: loss {done.loss:.4f}, "
            f"hints {done.hints:.4f}, validation {done.validation:.4f}; {kinds}"
        )

    with resumable():
        images = data or out / "pictures"
        render_dataset(data_recipe, images, processes)
        folder = train_perception(recipe, images, out, minutes=minutes, on_step=show)
    note(f"model: {folder}")


@train.command("agent-planner")
def agent_planner(
    out: Annotated[Path, typer.Option(help="Folder of state, learning curve and model.")] = Path(
        "runs/train/agent-planner"
    ),
    steps: Annotated[int, typer.Option(min=1, help="Steps of the whole schedule.")] = 2400,
    seed: Annotated[int, typer.Option(help="Seed of weights and data.")] = 0,
    careless: Annotated[
        float, typer.Option(min=0, max=1, help="Fraction of careless demonstrations.")
    ] = 0.35,
    minutes: Minutes = 0.0,
    threads: Threads = 0,
) -> None:
    """Train the agent's small planner on drawn scenes; an interrupted run resumes."""
    require_extras("local")
    from surefoot.agents.planning.learning.corpus import AgentRecipe
    from surefoot.agents.planning.prompts import STYLE
    from surefoot.models.training.planner import train_planner

    _use(threads)
    recipe = AgentRecipe(steps=steps, seed=seed, careless=careless)
    with resumable():
        folder = train_planner(recipe, out, style=STYLE, minutes=minutes, progress=_show)
    note(f"model: {folder}")


@train.command("zoo")
def zoo(
    out: Annotated[
        Path, typer.Option(help="Folder with one sub-folder per planner; runs/zoo by default.")
    ] = Path("runs/zoo"),
    base: Annotated[
        str, typer.Option(help="Model that specialists start from: local-planner, or a folder.")
    ] = "local-planner",
    domains: Annotated[str, typer.Option(help="Domains of the specialists, with commas.")] = "",
    steps: Annotated[int, typer.Option(min=1, help="Steps of each fine-tuning.")] = 400,
    stranger: Annotated[
        int,
        typer.Option(
            "--stranger-steps", min=0, help="Steps of the planner of another family; 0 for none."
        ),
    ] = 1200,
    seed: Annotated[int, typer.Option(help="Seed of data and order.")] = 0,
    minutes: Minutes = 0.0,
    threads: Threads = 0,
) -> None:
    """Train one planner per domain from one base, and one of another family, for merging."""
    require_extras("local")
    from surefoot.models.shipped import model_folder
    from surefoot.models.training.zoo import (
        DOMAINS,
        SpecialistRecipe,
        StrangerRecipe,
        ZooRecipe,
        train_zoo,
    )

    _use(threads)
    names = tuple(d.strip() for d in domains.split(",") if d.strip()) or DOMAINS
    other = StrangerRecipe(steps=stranger) if stranger else None
    recipe = ZooRecipe(names, SpecialistRecipe(steps=steps), other, seed)
    with resumable():
        found = train_zoo(model_folder(base), recipe, out, minutes=minutes, note=note)
    if found is None:
        note("time is up; run the same command again to go on")
        return
    for name, folder in found.items():
        note(f"{name}: {folder}")


def _use(threads: int) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


def _show(done: int, total: int, part: str = "") -> None:
    note(f"step {done} of {total}: {part}")


@train.command("refine")
def refine(
    out: Annotated[Path, typer.Option(help="Folder of plans, state and model.")] = Path(
        "runs/train/refine"
    ),
    base: Annotated[
        str, typer.Option(help="Model to refine: local-agent, or a folder.")
    ] = "local-agent",
    method: Annotated[
        TrainMethod, typer.Option(help="Supervised fine-tuning, or preferences.")
    ] = TrainMethod.SFT,
    adapter: Annotated[Adapter, typer.Option(help="Adapters, or all weights.")] = Adapter.FULL,
    scenes: Annotated[
        int, typer.Option("--num-scenes", min=1, help="Scenes to sample plans for.")
    ] = 600,
    k: Annotated[int, typer.Option("--num-plans", min=1, max=64, help="Plans per scene.")] = 8,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least certainty of perception (u_p).")
    ] = 0.9,
    hold_out: Annotated[
        bool, typer.Option(help="Hold out the verdicts on some rules for the gate.")
    ] = True,
    gate_scenes: Annotated[
        int, typer.Option("--num-gate-scenes", min=1, help="Fresh scenes for the gate.")
    ] = 400,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the fine-tuning.")] = 200,
    rate: Annotated[
        float | None, typer.Option(help="Learning rate; depends on method and adapter by default.")
    ] = None,
    beta: Annotated[
        float, typer.Option(min=0.001, help="Strength of DPO's tie to the base (beta).")
    ] = 0.5,
    anchor: Annotated[
        float, typer.Option(min=0, help="Weight of the chosen plans' cross-entropy in DPO.")
    ] = 2.0,
    seed: Annotated[int, typer.Option(help="Seed of adapters and order.")] = 0,
    minutes: Minutes = 0.0,
    threads: Threads = 0,
) -> None:
    """Refine a planner on its own verified plans; exit code 1 if it fails its gate."""
    require_extras("local")
    from surefoot.agents.planning.learning.refining import Refinement
    from surefoot.agents.planning.learning.refining import refine as run
    from surefoot.models.training.tuning import TuningRecipe

    _use(threads)
    if rate is None:
        rate = _RATES[method, adapter]
    tuning = TuningRecipe(
        method.value, adapter.value, steps, rate=rate, beta=beta, anchor=anchor, seed=seed
    )
    plan = Refinement(base, scenes, k, threshold, hold_out, gate_scenes, tuning)
    with resumable():
        found = run(plan, out, minutes=minutes, note=note)
    if found is None:
        note("time is up; run the same command again to go on")
        return
    note(
        f"obey the rules of the gate: {found.before} of {found.n} before, {found.after} after "
        f"(only before {found.together.lost}, only after {found.together.won}, "
        f"p = {found.together.p_value:.3g})"
    )
    for name in found.worse:
        change = found.rules[name]
        note(
            f"worse: {name} (only before {change.lost}, only after {change.won}, "
            f"p = {change.p_value:.3g})"
        )
    if not found.passed:
        note("not accepted: keep the planner that it was made from")
        raise typer.Exit(1)
    note(f"accepted: {out / 'model'}")
