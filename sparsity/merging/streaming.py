"""Merges models on disk, tensor by tensor, without loading whole models."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic, write_error
from surefoot.core.progress import Note, Progress, silent, unnoted
from surefoot.results.manifest import current_versions
from surefoot.sparsity.export.writing import (
    SETTINGS,
    SHARD_BYTES,
    write_companions,
    write_config,
    write_weights,
)
from surefoot.sparsity.merging.checks import MergeSource, Zoo
from surefoot.sparsity.merging.operators import NEED_BASE, check_numbers, merge_tensors
from surefoot.sparsity.merging.recipe import MergeRecipe

if TYPE_CHECKING:
    import torch


MERGE_NAME = "merge.json"
"""File in a merged model's folder with everything needed to repeat the merge."""


def merge_models(
    zoo: Zoo,
    recipe: MergeRecipe,
    out: Path,
    *,
    progress: Progress = silent,
    note: Note = unnoted,
    shard_bytes: int = SHARD_BYTES,
) -> Path:
    """Merges models into a new folder.

    The result of one model, or of models with equal weights, is that model, unless there is one
    model with a base and a method that changes its differences; a note says so.

    Args:
        zoo: The models, checked.
        recipe: How they are merged.
        out: Folder for the result; must be new or empty. It is written atomically.
        progress: Called after every tensor.
        note: Called with each line worth showing to the user.
        shard_bytes: Largest size of a weight file, bytes.

    Returns:
        ``out``.

    Raises:
        InputError: The recipe does not fit the models, or the folder is not new.
        WriteError: The result cannot be written.
    """
    check_recipe(zoo, recipe)
    check_new(out, *(s.checkpoint.folder for s in zoo.sources))
    trivial = trivial_result(zoo, recipe)
    for line in zoo.notes:
        note(line)
    if trivial:
        note(trivial)
    tensors = _copied(zoo, progress) if trivial else merged(zoo, recipe, progress)
    partial = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    try:
        partial.mkdir(parents=True)
        write_weights(tensors, partial, shard_bytes=shard_bytes)
        first = zoo.sources[0] if trivial else zoo.first
        write_companions(zoo.sources[0].checkpoint, partial)
        write_atomic(
            partial / MERGE_NAME, json.dumps(record(zoo, recipe, trivial), indent=2) + "\n"
        )
        config = first.checkpoint.config
        write_config({k: v for k, v in config.items() if k != SETTINGS}, partial)
        os.replace(partial, out)
    except OSError as error:
        raise write_error(error, out) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def merged(
    zoo: Zoo, recipe: MergeRecipe, progress: Progress = silent
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields the tensors of a merge one by one.

    Args:
        zoo: The models.
        recipe: How they are merged.
        progress: Called after every tensor.

    Raises:
        InputError: An integer tensor differs between models, or a result is not finite.
    """
    for number, key in enumerate(zoo.keys):
        progress(number, len(zoo.keys), "merge")
        weights = recipe.weights_for(key, zoo.layers)
        base = zoo.base.checkpoint.tensor(key) if zoo.base is not None else None
        if not _is_float(zoo.first, key):
            yield key, _common(zoo, key)
            continue
        sources = zoo.sources
        if recipe.method == "linear":  # tensors with weight 0 are not read
            sources = tuple(s for s, w in zip(sources, weights, strict=True) if w)
            weights = tuple(w for w in weights if w)
        found = merge_tensors(
            recipe.method,
            (s.checkpoint.tensor(key) for s in sources),
            base,
            weights,
            density=recipe.density,
            scale=recipe.scale,
            seed=recipe.seed,
            name=key,
        )
        if not bool(found.isfinite().all()):
            raise InputError(
                f"'{key}' is not finite after merging: a model is damaged, or weights and scale "
                f"are too large for {str(found.dtype).removeprefix('torch.')}"
            )
        yield key, found
    progress(len(zoo.keys), len(zoo.keys), "merge")


def trivial_result(zoo: Zoo, recipe: MergeRecipe) -> str:
    """Returns why the result of a merge is its first model, ``""`` if it is not."""
    if len(zoo.sources) == 1 and (zoo.base is None or recipe.method not in NEED_BASE):
        return "there is only one model, so it is the result"
    if len(zoo.sources) > 1 and zoo.identical:
        return "all models hold the same weights, so they are the result"
    return ""


def check_recipe(zoo: Zoo, recipe: MergeRecipe) -> None:
    """Checks that a recipe fits models.

    Raises:
        InputError: It has another number of weights, lacks its base, or a number is out of range.
    """
    count = len(zoo.sources)
    if recipe.count != count:
        raise InputError(f"{count} models need {count} weights, and {recipe.count} were given")
    if recipe.method in NEED_BASE and zoo.base is None and not trivial_result(zoo, recipe):
        raise InputError(f"'{recipe.method}' adds differences to a base; give one with --base")
    for weights in recipe.weights.values():
        check_numbers(recipe.method, weights, recipe.density, recipe.scale)


def check_new(out: Path, *models: Path) -> None:
    """Checks that a folder can be created.

    Args:
        out: The folder.
        *models: Folders that it must not lie in.

    Raises:
        InputError: It lies in a model's folder, or is not empty.
    """
    check_outside(out, *models)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("--out exists already; choose another", file=str(out))


def check_outside(out: Path, *models: Path) -> None:
    """Checks that a folder is outside of the models' folders.

    Raises:
        InputError: It is not.
    """
    here = out.resolve()
    for model in models:
        if here == model.resolve() or model.resolve() in here.parents:
            raise InputError("--out lies in a model's folder; choose another", file=str(out))


def record(zoo: Zoo, recipe: MergeRecipe, trivial: str = "") -> dict[str, Any]:
    """Returns the record of a merge."""
    return {
        "recipe": recipe.model_dump(mode="json"),
        "models": [s.name for s in zoo.sources],
        "hashes": zoo.hashes(),
        "trivial": trivial,
        "versions": current_versions(),
    }


def _copied(zoo: Zoo, progress: Progress) -> Iterator[tuple[str, torch.Tensor]]:
    for number, key in enumerate(zoo.keys):
        progress(number, len(zoo.keys), "copy")
        yield key, zoo.sources[0].checkpoint.tensor(key)


def _is_float(source: MergeSource, key: str) -> bool:
    return source.checkpoint.dtype(key).is_floating_point


def _common(zoo: Zoo, key: str) -> torch.Tensor:
    import torch

    found = [s.checkpoint.tensor(key) for s in zoo.sources]
    if any(not torch.equal(found[0], other) for other in found[1:]):
        raise InputError(f"'{key}' holds integers that differ between the models")
    return found[0]
