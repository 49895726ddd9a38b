"""Masks from scores: prunes exactly the number of lowest scores that the pattern requires."""

from __future__ import annotations

from typing import Literal

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.patterns import Pattern, SemiStructured

Granularity = Literal["tensor", "row"]


def keep_mask(scores: torch.Tensor, pattern: Pattern, granularity: Granularity) -> torch.Tensor:
    """Returns a mask of the kept weights.

    Args:
        scores: ``[out, in]``, at least 0; low ones are pruned.
        pattern: How many are pruned.
        granularity: Whether unstructured weights are compared over the whole ``tensor``, or
            within each ``row`` (an output).

    Returns:
        ``[out, in]`` bool, True for kept weights. Among equal scores the earlier one is pruned.
        Unstructured, round(sparsity · numel) are pruned in total; by row, each loses the same
        number and the remainder comes from the rows where the next score is lowest.

    Raises:
        InputError: Rows cannot be divided into groups of m, or the granularity is unknown.
    """
    if granularity not in ("tensor", "row"):
        raise InputError(f"unknown granularity '{granularity}'; use tensor or row")
    if isinstance(pattern, SemiStructured):
        check_groups(scores.shape[1], pattern)
        groups = scores.reshape(scores.shape[0], -1, pattern.m)
        return keep_highest(groups, pattern.n).reshape(scores.shape)
    pruned = round(pattern.sparsity * scores.numel())
    if granularity == "tensor":
        return keep_highest(scores.reshape(1, -1), scores.numel() - pruned).reshape(scores.shape)
    each, left_over = divmod(pruned, scores.shape[0])
    order = scores.argsort(dim=1, stable=True)
    keep = torch.ones_like(scores, dtype=torch.bool)
    keep.scatter_(1, order[:, :each], False)
    if left_over:
        following = order[:, each]
        next_scores = scores.gather(1, following[:, None])[:, 0]
        rows = next_scores.argsort(stable=True)[:left_over]
        keep[rows, following[rows]] = False
    return keep


def keep_highest(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Returns a mask of the ``count`` highest scores along the last axis; ties to the later."""
    order = scores.argsort(dim=-1, stable=True)
    keep = torch.ones_like(scores, dtype=torch.bool)
    return keep.scatter_(-1, order[..., : scores.shape[-1] - count], False)


def check_groups(width: int, pattern: SemiStructured) -> None:
    """Raises InputError if rows of this width cannot be divided into groups of m."""
    if width % pattern.m:
        raise InputError(
            f"rows of {width} weights cannot be divided into groups of {pattern.m} for "
            f"{pattern}; exclude this layer or use another pattern"
        )
