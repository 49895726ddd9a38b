"""Weight matrices as products of two thin ones: which of them, and of what rank."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surefoot.sparsity.lowrank.factors import factorize
    from surefoot.sparsity.lowrank.linear import FactoredLinear
    from surefoot.sparsity.lowrank.ranks import RankPlan, ranks_for, saves, uniform_ranks

_PLACES = {
    "FactoredLinear": "linear",
    "RankPlan": "ranks",
    "factorize": "factors",
    "ranks_for": "ranks",
    "saves": "ranks",
    "uniform_ranks": "ranks",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = ["FactoredLinear", "RankPlan", "factorize", "ranks_for", "saves", "uniform_ranks"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
