"""Merge recipes as data, so that merges can be stored, repeated and searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ALL = "all"
"""Group of all tensors."""

GROUPS = ("first-half", "second-half", "outside")
"""Groups of tensors with separate weights: the two halves of the blocks, and everything outside of
blocks (embeddings, head and last norm)."""

_BLOCK = re.compile(r"(?:^|\.)(?:layers|h|blocks|block)\.(\d+)\.")


class MergeRecipe(BaseModel):
    """A merge: the same recipe and models give the same weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["linear", "task-arithmetic", "ties", "dare-linear", "dare-ties"] = "linear"
    """The operator; see :func:`~surefoot.sparsity.merging.operators.merge_tensors`."""
    weights: dict[str, tuple[float, ...]]
    """One weight per model: under ``all``, or for each of ``first-half``, ``second-half`` and
    ``outside``."""
    density: float = Field(default=1.0, gt=0, le=1)
    """Fraction of the differences that TIES and DARE keep."""
    scale: float = 1.0
    """Factor of the differences added to the base."""
    seed: int = 0
    """Seed of DARE."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if set(self.weights) not in ({ALL}, set(GROUPS)):
            raise ValueError(f"weights are given for '{ALL}', or for each of {', '.join(GROUPS)}")
        if len({len(w) for w in self.weights.values()}) != 1:
            raise ValueError("every group needs a weight for each model")
        return self

    @property
    def count(self) -> int:
        """Number of models."""
        return len(next(iter(self.weights.values())))

    def weights_for(self, key: str, layers: int) -> tuple[float, ...]:
        """Returns the weights of a tensor.

        Args:
            key: Its name in the files.
            layers: Number of blocks of the model.
        """
        return self.weights[ALL] if ALL in self.weights else self.weights[group_of(key, layers)]

    def hash(self) -> str:
        """Returns a hash that identifies the recipe."""
        return sha256(self.model_dump_json().encode()).hexdigest()


def make_recipe(
    method: str,
    count: int,
    *,
    weights: Sequence[float] | None = None,
    **settings: Any,
) -> MergeRecipe:
    """Makes a recipe with one weight per model.

    Args:
        method: The operator.
        count: Number of models.
        weights: Their weights; 1 each by default.
        **settings: ``density``, ``scale`` and ``seed``.

    Raises:
        InputError: A number is out of range, or the number of weights is wrong.
    """
    from surefoot.core.config import check_config
    from surefoot.core.errors import InputError
    from surefoot.sparsity.merging.operators import check_numbers

    given = tuple(weights) if weights is not None else (1.0,) * count
    if len(given) != count:
        raise InputError(f"{count} models need {count} weights, and {len(given)} were given")
    numbers = {k: settings[k] for k in ("density", "scale") if k in settings}
    check_numbers(method, given, **numbers)
    return check_config(MergeRecipe, {"method": method, "weights": {ALL: given}, **settings})


def read_recipe(path: Path) -> tuple[MergeRecipe, dict[str, Any] | None]:
    """Reads a recipe, or the record of a merged model.

    Args:
        path: JSON with a recipe, or ``merge.json``.

    Returns:
        The recipe, and the hashes of the models that it was made for, if given.

    Raises:
        InputError: The file is not a recipe.
    """
    from surefoot.core.config import check_config
    from surefoot.sparsity.engine.checkpoint import read_json

    data = read_json(path, "no recipe here")
    inner = data.get("recipe")
    hashes = data.get("hashes")
    recipe = check_config(MergeRecipe, inner if isinstance(inner, dict) else data, file=path)
    return recipe, hashes if isinstance(hashes, dict) else None


def group_of(key: str, layers: int) -> str:
    """Returns the group of a tensor by the index of its block.

    Args:
        key: Its name in the files.
        layers: Number of blocks; if odd, the first half is larger.
    """
    found = _BLOCK.search(key)
    if found is None:
        return GROUPS[2]
    return GROUPS[0] if 2 * int(found[1]) < layers else GROUPS[1]
