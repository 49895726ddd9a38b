"""Compression of language models: one subpackage per family of methods.

Nothing in here depends on planners or robots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.engine.calibration import Calibration
    from surefoot.sparsity.engine.finishing import CompressOptions
    from surefoot.sparsity.engine.run import compress
    from surefoot.sparsity.export.loading import load_compressed, merge_factors
    from surefoot.sparsity.merging.checks import open_zoo
    from surefoot.sparsity.merging.recipe import MergeRecipe
    from surefoot.sparsity.merging.streaming import merge_models
    from surefoot.sparsity.recipe import CompressionRecipe, read_recipe, shipped_recipes
    from surefoot.sparsity.training.recover import recover
    from surefoot.sparsity.training.settings import RecoverSettings

_PLACES = {
    "Calibration": "engine.calibration",
    "CompressionRecipe": "recipe",
    "CompressOptions": "engine.finishing",
    "MergeRecipe": "merging.recipe",
    "RecoverSettings": "training.settings",
    "compress": "engine.run",
    "load_compressed": "export.loading",
    "merge_factors": "export.loading",
    "merge_models": "merging.streaming",
    "open_zoo": "merging.checks",
    "read_recipe": "recipe",
    "recover": "training.recover",
    "shipped_recipes": "recipe",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "Calibration",
    "CompressOptions",
    "CompressionRecipe",
    "MergeRecipe",
    "RecoverSettings",
    "compress",
    "load_compressed",
    "merge_factors",
    "merge_models",
    "open_zoo",
    "read_recipe",
    "recover",
    "shipped_recipes",
]

__getattr__ = lazily(__name__, _PLACES)
