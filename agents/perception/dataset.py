"""Renders the images that the local perception model learns from, shard by shard.

A shard is ``NAME.npy``, uint8 ``[n, size, size, 3]``, ``NAME.jsonl``, one line per image with its
questions, and for some ``NAME.marks.npy``, bool ``[n, rows, columns, marks]``, what each patch
shows. Name and recipe fix its content, so that shards can be made in any order and by several
processes; those that are there are not made again.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.images import (
    SIZE,
    LabelledImage,
    crossing_images,
    rng_of,
    tabletop_images,
)
from surefoot.agents.perception.marks import marks_of
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.core.seeds import seeds_of
from surefoot.envs.perturbations.catalogue import image_perturbations
from surefoot.envs.perturbations.pipeline import Pipeline

RECIPE_NAME = "data.json"

_SEEDS_A_SHARD = 1000
_HELD_OUT = 9_000_000


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """What is rendered; the same recipe gives the same pixels.

    All seeds are of the split ``train`` (see
    :func:`~surefoot.core.seeds.seeds_of`); those of validation are others than
    those learned from.

    Attributes:
        tabletop: Shards of the table to learn from.
        crossing: Shards of the crossing to learn from.
        validation: Shards of each environment to watch the training by.
        marked: Number of shards of each for which what each patch shows is saved too.
        pictures: Images in a shard.
        size: Width and height in pixels.
        views: Images of each state of the table.
        damaged: Fraction of images with one mild image perturbation.
        mildest: Least severity of these.
        worst: Greatest severity of these.
        seed: Shifts all scene seeds.
    """

    tabletop: int = 56
    crossing: int = 56
    validation: int = 1
    marked: int = 56
    pictures: int = 480
    size: int = SIZE
    views: int = 3
    damaged: float = 0.35
    mildest: float = 0.05
    worst: float = 0.35
    seed: int = 0


def render_dataset(recipe: DataRecipe, folder: Path, processes: int = 1) -> list[str]:
    """Renders the shards that are missing.

    Args:
        recipe: What to render.
        folder: Where to.
        processes: Processes that render at the same time.

    Returns:
        The names of all shards, in order.

    Raises:
        InputError: The folder holds other data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / RECIPE_NAME, json.dumps(asdict(recipe), indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise InputError("other data lies here; choose another folder", file=str(folder))
    write_atomic(path, text)
    counts = {"tabletop": recipe.tabletop, "crossing": recipe.crossing}
    names = [f"validation-{env}-{i:03}" for env in counts for i in range(recipe.validation)]
    names += [f"train-{env}-{i:03}" for env, count in counts.items() for i in range(count)]
    missing = [n for n in names if not (folder / f"{n}.jsonl").is_file()]
    if processes > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            jobs = [pool.submit(render_shard, recipe, folder, name) for name in missing]
            for job in jobs:
                job.result()
    else:
        for name in missing:
            render_shard(recipe, folder, name)
    return names


def render_shard(recipe: DataRecipe, folder: Path, name: str) -> None:
    """Renders one shard; the file with the questions is written last."""
    found = list(islice(_draw(recipe, name), recipe.pictures))
    part, _, number = name.split("-")
    if part == "train" and int(number) < recipe.marked:
        _save(folder / f"{name}.marks.npy", np.stack([image.marks() for image, _ in found]))
    _save(folder / f"{name}.npy", np.stack([image.developed(damage) for image, damage in found]))
    lines = [
        json.dumps(
            {
                "env": image.env,
                "view": image.view,
                "seed": image.seed,
                "moment": image.moment,
                "damage": damage.specs(),
                "asked": [
                    asdict(a.question) | {"truth": a.truth, "marks": marks_of(a.question)}
                    for a in image.asked
                ],
            }
        )
        for image, damage in found
    ]
    write_atomic(folder / f"{name}.jsonl", "\n".join(lines) + "\n")


def _save(path: Path, array: NDArray[Any]) -> None:
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)


def mild_damage(recipe: DataRecipe, rng: Random) -> Pipeline:
    """Draws what goes wrong with an image to learn from: mostly nothing, else one thing."""
    if rng.random() >= recipe.damaged:
        return Pipeline()
    severity = rng.uniform(recipe.mildest, recipe.worst)
    return Pipeline.build([{"name": rng.choice(image_perturbations()), "severity": severity}])


def _draw(recipe: DataRecipe, name: str) -> Iterator[tuple[LabelledImage, Pipeline]]:
    """Yields images with their damage: one per image of the table, one per moment else."""
    from surefoot.envs.simulation.client import Simulation

    part, env, number = name.split("-")
    start = 100_000_000 * recipe.seed + _SEEDS_A_SHARD * int(number)
    start += _HELD_OUT if part == "validation" else 0
    simulation = Simulation()
    try:
        for seed in seeds_of("train", _SEEDS_A_SHARD // 2, start):
            rng = rng_of(env, seed)
            if env == "tabletop":
                for image in tabletop_images(simulation, seed, recipe.views, rng, recipe.size):
                    yield image, mild_damage(recipe, rng)
            else:
                for images in crossing_images(simulation, seed, rng=rng, size=recipe.size):
                    damage = mild_damage(recipe, rng)
                    yield from ((image, damage) for image in images)
    finally:
        simulation.close()
