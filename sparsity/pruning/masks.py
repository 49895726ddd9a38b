"""Masks from scores: the lowest scores go, and exactly so many of them as the pattern says."""

from __future__ import annotations

from typing import Literal

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.patterns import Pattern, SemiStructured

Granularity = Literal["tensor", "row"]


def keep_mask(scores: torch.Tensor, pattern: Pattern, granularity: Granularity) -> torch.Tensor:
    """Returns which weights stay.

    Args:
        scores: ``[out, in]``, at least 0; low ones go.
        pattern: How many go.
        granularity: Whether unstructured weights are compared over the whole ``tensor``, or
            within each ``row`` (an output).

    Returns:
        ``[out, in]`` bool, True where a weight stays. Of equal scores the earlier one goes.
        Unstructured, round(sparsity · numel) go in all; by row each loses the same number, and
        what that leaves over goes from the rows where the next score is lowest.

    Raises:
        InputError: Rows cannot be cut into groups of m, or the granularity is unknown.
    """
    if granularity not in ("tensor", "row"):
        raise InputError(f"unknown granularity '{granularity}'; take tensor or row")
    if isinstance(pattern, SemiStructured):
        check_groups(scores.shape[1], pattern)
        groups = scores.reshape(scores.shape[0], -1, pattern.m)
        return keep_highest(groups, pattern.n).reshape(scores.shape)
    gone = round(pattern.sparsity * scores.numel())
    if granularity == "tensor":
        return keep_highest(scores.reshape(1, -1), scores.numel() - gone).reshape(scores.shape)
    each, left_over = divmod(gone, scores.shape[0])
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
    """Returns a mask of the ``count`` highest scores along the last axis; of equals the later."""
    order = scores.argsort(dim=-1, stable=True)
    keep = torch.ones_like(scores, dtype=torch.bool)
    return keep.scatter_(-1, order[..., : scores.shape[-1] - count], False)


def check_groups(width: int, pattern: SemiStructured) -> None:
    """Raises InputError if rows of this width cannot be cut into groups of m."""
    if width % pattern.m:
        raise InputError(
            f"rows of {width} weights cannot be cut into groups of {pattern.m} for "
            f"{pattern}; leave this layer out or take another pattern"
        )
