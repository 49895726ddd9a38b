"""Pruning of weight matrices, and the allocation of sparsity among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.pruning.allocation import allocate, allocate_by_outliers
    from surefoot.sparsity.pruning.masks import keep_mask
    from surefoot.sparsity.pruning.methods import PrunedMatrix, output_error, prune
    from surefoot.sparsity.pruning.metrics import alpha_metrics, outlier_percentage, owl_scores
    from surefoot.sparsity.pruning.patterns import (
        Pattern,
        SemiStructured,
        Unstructured,
        pattern_of,
        patterns_for,
        sparsity_of,
    )
    from surefoot.sparsity.pruning.tails import TailFit, common_window, tail_exponent

_PLACES = {
    "Pattern": "patterns",
    "PrunedMatrix": "methods",
    "SemiStructured": "patterns",
    "TailFit": "tails",
    "Unstructured": "patterns",
    "allocate": "allocation",
    "allocate_by_outliers": "allocation",
    "alpha_metrics": "metrics",
    "common_window": "tails",
    "keep_mask": "masks",
    "outlier_percentage": "metrics",
    "output_error": "methods",
    "owl_scores": "metrics",
    "pattern_of": "patterns",
    "patterns_for": "patterns",
    "prune": "methods",
    "sparsity_of": "patterns",
    "tail_exponent": "tails",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "Pattern",
    "PrunedMatrix",
    "SemiStructured",
    "TailFit",
    "Unstructured",
    "allocate",
    "allocate_by_outliers",
    "alpha_metrics",
    "common_window",
    "keep_mask",
    "outlier_percentage",
    "output_error",
    "owl_scores",
    "pattern_of",
    "patterns_for",
    "prune",
    "sparsity_of",
    "tail_exponent",
]

__getattr__ = lazily(__name__, _PLACES)
