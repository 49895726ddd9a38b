"""Models made smaller and faster: one folder a family of methods.

Nothing of it knows a planner or a robot.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surefoot.sparsity.engine.calibration import Calibration
    from surefoot.sparsity.engine.finishing import Options
    from surefoot.sparsity.engine.run import compress
    from surefoot.sparsity.export.loading import load_compressed, merge_factors
    from surefoot.sparsity.recipe import CompressionRecipe, read_recipe, shipped_recipes

_PLACES = {
    "Calibration": "engine.calibration",
    "CompressionRecipe": "recipe",
    "Options": "engine.finishing",
    "compress": "engine.run",
    "load_compressed": "export.loading",
    "merge_factors": "export.loading",
    "read_recipe": "recipe",
    "shipped_recipes": "recipe",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "Calibration",
    "CompressionRecipe",
    "Options",
    "compress",
    "load_compressed",
    "merge_factors",
    "read_recipe",
    "shipped_recipes",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
