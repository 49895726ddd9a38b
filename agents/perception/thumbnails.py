"""Small images of drawn scenes, for a generator to learn from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from surefoot.agents.perception.images import (
    LabelledImage,
    crossing_images,
    rng_of,
    tabletop_images,
)
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress, silent
from surefoot.core.seeds import seeds_of
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.actions import RING

_FINE = 2
"""Each pixel is the mean of a square of rendered ones with this side."""
_NAME, _RECIPE = "thumbnails.npy", "thumbnails.json"
_BLOCK = 200


class Thumbnails(BaseModel):
    """What is rendered; the same gives the same pixels."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: Literal["tabletop", "crossing"] = "tabletop"
    """Whose camera looks."""
    count: int = Field(default=3000, ge=1)
    """Images."""
    size: int = Field(default=32, ge=8)
    """Pixels across."""
    split: Literal["train", "calibration", "test"] = "train"
    """Split of the scenes' seeds."""
    views: tuple[str, ...] = ("front-high",)
    """Viewpoints of the table; those of the vehicle are always all three."""


def render_thumbnails(
    recipe: Thumbnails, folder: Path, progress: Progress = silent
) -> NDArray[np.uint8]:
    """Renders small images, resuming after those that exist.

    Args:
        recipe: What is rendered.
        folder: Where they are kept.
        progress: Called with the images done and all images.

    Returns:
        uint8 ``[count, size, size, 3]``.

    Raises:
        InputError: The folder holds others, or a viewpoint is unknown.
    """
    if unknown := [v for v in recipe.views if v not in RING.names]:
        raise InputError(f"no viewpoint '{unknown[0]}'; there are {', '.join(RING.names)}")
    folder.mkdir(parents=True, exist_ok=True)
    path, text = folder / _RECIPE, recipe.model_dump_json(indent=2) + "\n"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != json.loads(text):
        raise InputError("other images lie here; choose another folder", file=str(folder))
    write_atomic(path, text)
    if (folder / _NAME).is_file():
        found: NDArray[np.uint8] = np.load(folder / _NAME)
        return found
    images = []
    for image in islice(_small(recipe), recipe.count):
        images.append(image)
        if len(images) % _BLOCK == 0:
            progress(len(images), recipe.count)
    whole = np.stack(images)
    with (folder / ".thumbnails.tmp").open("wb") as file:
        np.save(file, whole)
    (folder / ".thumbnails.tmp").replace(folder / _NAME)
    progress(recipe.count, recipe.count)
    return whole


def _small(recipe: Thumbnails) -> Iterator[NDArray[np.uint8]]:
    simulation = Simulation()
    try:
        for image in _images(simulation, recipe):
            rgb = image.developed().astype(np.float64)
            blocks = rgb.reshape(recipe.size, _FINE, recipe.size, _FINE, 3).mean((1, 3))
            yield np.round(blocks).astype(np.uint8)
    finally:
        simulation.close()


def _images(simulation: Simulation, recipe: Thumbnails) -> Iterator[LabelledImage]:
    fine = _FINE * recipe.size
    for seed in seeds_of(recipe.split, recipe.count):
        rng = rng_of(recipe.env, seed)
        if recipe.env == "tabletop":
            yield from tabletop_images(simulation, seed, list(recipe.views), rng, fine)
        else:
            for some in crossing_images(simulation, seed, rng=rng, size=fine):
                yield from some
