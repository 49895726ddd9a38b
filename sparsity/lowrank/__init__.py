"""Low-rank factorization of weight matrices, and the choice of ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

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

__getattr__ = lazily(__name__, _PLACES)
