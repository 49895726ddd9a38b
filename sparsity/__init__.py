"""Models made smaller and faster: one folder a family of methods.

Nothing of it knows a planner or a robot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.engine.calibration import Calibration
    from surefoot.sparsity.engine.finishing import CompressOptions
    from surefoot.sparsity.engine.run import compress
    from surefoot.sparsity.export.loading import load_compressed, merge_factors
    from surefoot.sparsity.recipe import CompressionRecipe, read_recipe, shipped_recipes

_PLACES = {
    "Calibration": "engine.calibration",
    "CompressionRecipe": "recipe",
    "CompressOptions": "engine.finishing",
    "compress": "engine.run",
    "load_compressed": "export.loading",
    "merge_factors": "export.loading",
    "read_recipe": "recipe",
    "shipped_recipes": "recipe",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "Calibration",
    "CompressOptions",
    "CompressionRecipe",
    "compress",
    "load_compressed",
    "merge_factors",
    "read_recipe",
    "shipped_recipes",
]

__getattr__ = lazily(__name__, _PLACES)
