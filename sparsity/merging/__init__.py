"""Merging of models: checks, similarity, operators, search and mixtures (Model-GLUE)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.merging.checks import MergeSource, Zoo, open_source, open_zoo
    from surefoot.sparsity.merging.clustering import Families, cluster, find_families
    from surefoot.sparsity.merging.evaluating import Evaluation
    from surefoot.sparsity.merging.evolutionary import EvolutionarySettings
    from surefoot.sparsity.merging.heuristic import HeuristicSettings
    from surefoot.sparsity.merging.operators import METHODS, merge_tensors
    from surefoot.sparsity.merging.recipe import MergeRecipe, make_recipe
    from surefoot.sparsity.merging.search import SearchResult, read_search, search_merge
    from surefoot.sparsity.merging.similarity import similarity_matrix, similarity_of
    from surefoot.sparsity.merging.streaming import merge_models

_PLACES = {
    "Evaluation": "evaluating",
    "EvolutionarySettings": "evolutionary",
    "Families": "clustering",
    "HeuristicSettings": "heuristic",
    "METHODS": "operators",
    "MergeRecipe": "recipe",
    "SearchResult": "search",
    "MergeSource": "checks",
    "Zoo": "checks",
    "cluster": "clustering",
    "find_families": "clustering",
    "make_recipe": "recipe",
    "merge_models": "streaming",
    "merge_tensors": "operators",
    "open_source": "checks",
    "open_zoo": "checks",
    "read_search": "search",
    "search_merge": "search",
    "similarity_matrix": "similarity",
    "similarity_of": "similarity",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "METHODS",
    "Evaluation",
    "EvolutionarySettings",
    "Families",
    "HeuristicSettings",
    "MergeRecipe",
    "MergeSource",
    "SearchResult",
    "Zoo",
    "cluster",
    "find_families",
    "make_recipe",
    "merge_models",
    "merge_tensors",
    "open_source",
    "open_zoo",
    "read_search",
    "search_merge",
    "similarity_matrix",
    "similarity_of",
]

__getattr__ = lazily(__name__, _PLACES)
