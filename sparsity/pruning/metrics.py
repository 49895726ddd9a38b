"""Metrics for the allocation: tail exponents of spectra, or outliers of Wanda's scores."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import fsum
from typing import Literal

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.tails import TailFit

Level = Literal["matrix", "block", "mixed"]

LEVELS: tuple[Level, ...] = ("matrix", "block", "mixed")


def alpha_metrics(
    fits: Sequence[TailFit | float],
    blocks: Sequence[Hashable],
    level: Level = "block",
) -> tuple[float, ...]:
    """Turns tail exponents of matrices into the metrics of :func:`allocate`.

    - ``matrix``: the exponent of each matrix;
    - ``block``: the mean exponent of the matrix's block (the released default);
    - ``mixed``: the mean of the two, so that matrices of a block differ half as much as with
      ``matrix``. The paper compares a mixed form that the released code lacks; this is our
      interpretation.

    Args:
        fits: Fits of each matrix by :func:`tail_exponent`, or just the exponents.
        blocks: The block of each matrix.
        level: Level at which exponents are averaged.

    Raises:
        InputError: The lengths differ, there is no matrix, or the level is unknown.

    Source: AlphaPruning (Lu et al. 2024) and released code.
    """
    if level not in LEVELS:
        raise InputError(f"unknown level '{level}'; use one of {', '.join(LEVELS)}")
    if not fits or len(fits) != len(blocks):
        raise InputError("need at least one fit, and one block for each")
    alphas = [fit.alpha if isinstance(fit, TailFit) else float(fit) for fit in fits]
    if level == "matrix":
        return tuple(alphas)
    members: dict[Hashable, list[float]] = {}
    for alpha, block in zip(alphas, blocks, strict=True):
        members.setdefault(block, []).append(alpha)
    means = {block: fsum(values) / len(values) for block, values in members.items()}
    if level == "block":
        return tuple(means[block] for block in blocks)
    return tuple((a + means[block]) / 2 for a, block in zip(alphas, blocks, strict=True))


def outlier_percentage(
    weights: Sequence[torch.Tensor], norms: Sequence[torch.Tensor], multiple: float = 5.0
) -> float:
    """Returns the percentage of a block's scores that exceed ``multiple`` times their mean.

    Args:
        weights: Matrices ``[out, in]`` of one block or layer.
        norms: Norms of the input channels of each, ``[in]``, as from ``InputStatistics.norms``.
        multiple: M of the paper.

    Returns:
        In [0, 100].

    Raises:
        InputError: The lengths or shapes differ, or there is no matrix.

    Source: OWL (Yin et al. 2024), the layerwise outlier distribution.
    """
    if not weights or len(weights) != len(norms):
        raise InputError("need at least one matrix, and the input norms of each")
    for weight, norm in zip(weights, norms, strict=True):
        if weight.ndim != 2 or norm.shape != weight.shape[1:]:
            raise InputError(
                f"norms {list(norm.shape)} are not one per column of {list(weight.shape)}"
            )
    scores = [
        weight.detach().float().abs() * norm.to(weight.device)
        for weight, norm in zip(weights, norms, strict=True)
    ]
    count = sum(score.numel() for score in scores)
    mean = fsum(float(score.sum(dtype=torch.float64)) for score in scores) / count
    return 100 * sum(int((score > multiple * mean).sum()) for score in scores) / count


def owl_scores(
    weights: Sequence[torch.Tensor],
    norms: Sequence[torch.Tensor],
    blocks: Sequence[Hashable],
    multiple: float = 5.0,
) -> tuple[float, ...]:
    """Returns for each matrix the percentage of outliers in its block.

    To hold only one block in memory, call :func:`outlier_percentage` for each block instead.

    Args:
        weights: Matrices ``[out, in]``.
        norms: ``[in]`` of each.
        blocks: The block of each matrix; distinct blocks give percentages per matrix.
        multiple: M of the paper.

    Raises:
        InputError: See :func:`outlier_percentage`.
    """
    if not len(weights) == len(norms) == len(blocks):
        raise InputError("need for each matrix its input norms and its block")
    shares = {
        block: outlier_percentage(
            [w for w, of in zip(weights, blocks, strict=True) if of == block],
            [x for x, of in zip(norms, blocks, strict=True) if of == block],
            multiple,
        )
        for block in set(blocks)
    }
    return tuple(shares[block] for block in blocks)
