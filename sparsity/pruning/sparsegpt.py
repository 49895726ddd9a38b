"""SparseGPT: prunes column by column and updates later weights to compensate."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.masks import check_groups, keep_highest
from surefoot.sparsity.pruning.patterns import Pattern, SemiStructured

BLOCK = 128
"""Columns whose mask is chosen at once, as in the paper."""

DAMPING = 0.01
"""Damping of the Hessian, relative to its mean diagonal, as in the paper."""

_ESCALATION = (1.0, 10.0, 100.0)
"""Factors of the damping in the successive attempts in fp64."""

_LEAST_EIGENVALUE = 1e-6
"""Lower bound of eigenvalues relative to the largest, if no Cholesky factorization succeeds."""


@dataclass(frozen=True, slots=True)
class InverseRoot:
    """Upper Cholesky factor U of the inverse of a damped Hessian, H⁻¹ = Uᵀ U.

    Attributes:
        upper: ``[in, in]``.
        live: ``[in]`` bool, False for channels that were always 0.
        damping: Added damping, relative to the mean diagonal.
        solver: ``cholesky-fp32``, ``cholesky-fp64`` or ``eigh``.
    """

    upper: torch.Tensor
    live: torch.Tensor
    damping: float
    solver: str


def inverse_root(gram: torch.Tensor, damping: float = DAMPING) -> InverseRoot:
    """Inverts the Hessian of a layer with increasingly robust methods until one succeeds.

    First Cholesky in fp32, then in fp64, then in fp64 with 10 and 100 times the damping, then
    eigenvalues clamped to a millionth of the largest. Channels that were always 0 get the mean
    diagonal of the others. Scaling the Gram matrix only scales U.

    Args:
        gram: ``[in, in]``, Σ x xᵀ, finite and symmetric.
        damping: Relative to the mean diagonal, above 0.

    Raises:
        InputError: The matrix is not finite, is zero, or the damping is not above 0.
    """
    if not damping > 0:
        raise InputError(f"damping must be above 0, not {damping:g}")
    if not bool(gram.isfinite().all()):
        raise InputError("the Gram matrix is not finite; look at the calibration inputs")
    hessian = gram.double()
    live = hessian.diagonal() > 0
    if not bool(live.any()):
        raise InputError("all calibration inputs are zero; SparseGPT needs other inputs")
    hessian = hessian / hessian.diagonal()[live].mean()
    hessian.diagonal()[~live] = 1.0
    mean = float(hessian.diagonal().mean())
    tries = [(torch.float32, damping)]
    tries += [(torch.float64, damping * factor) for factor in _ESCALATION]
    for dtype, added in tries:
        upper = _cholesky_of_inverse(_damped(hessian, added * mean).to(dtype))
        if upper is not None:
            return InverseRoot(upper.float(), live, added, f"cholesky-fp{torch.finfo(dtype).bits}")
    values, vectors = torch.linalg.eigh(_damped((hessian + hessian.T) / 2, damping * mean))
    values = values.clamp(min=_LEAST_EIGENVALUE * float(values[-1]))
    inverse = (vectors / values) @ vectors.T
    upper = torch.linalg.cholesky((inverse + inverse.T) / 2, upper=True)
    return InverseRoot(upper.float(), live, damping, "eigh")


def _damped(hessian: torch.Tensor, added: float) -> torch.Tensor:
    """Returns the Hessian with a number added to its diagonal."""
    damped = hessian.clone()
    damped.diagonal().add_(added)
    return damped


def _cholesky_of_inverse(hessian: torch.Tensor) -> torch.Tensor | None:
    """Returns U with H⁻¹ = Uᵀ U, or None where a factorization fails."""
    lower, failed = torch.linalg.cholesky_ex(hessian)
    if int(failed):
        return None
    upper: torch.Tensor
    upper, failed = torch.linalg.cholesky_ex(torch.cholesky_inverse(lower), upper=True)
    if int(failed) or not bool(upper.isfinite().all()):
        return None
    return upper


def sparsegpt(
    weight: torch.Tensor, root: InverseRoot, pattern: Pattern, block_size: int = BLOCK
) -> tuple[torch.Tensor, torch.Tensor]:
    """Prunes a weight matrix and updates the kept weights.

    Args:
        weight: ``[out, in]`` fp32; not changed.
        root: Inverse root of the layer's Hessian.
        pattern: How many weights are pruned. Unstructured ones are compared over all outputs of a
            block of columns, and each block gets its part of the budget.
        block_size: Columns per block; with n:m rounded down to a multiple of m.

    Returns:
        The new weights, and a bool mask that is True for kept ones.

    Source: SparseGPT (Frantar and Alistarh 2023), algorithm 1. Unlike in the released code,
    weights of channels that were always 0 are pruned first, but only as many as required.
    """
    new = weight.clone()
    rows, width = new.shape
    keep = torch.ones_like(new, dtype=torch.bool)
    upper = root.upper.to(new.device)
    diagonal = upper.diagonal()
    weights = root.live.to(new) / diagonal  # weight of the error per channel
    if isinstance(pattern, SemiStructured):
        check_groups(width, pattern)
        block_size = max(block_size // pattern.m, 1) * pattern.m
    pruned = 0
    for first in range(0, width, block_size):
        last = min(first + block_size, width)
        part, kept = new[:, first:last], keep[:, first:last]
        errors = torch.zeros_like(part)
        if not isinstance(pattern, SemiStructured):
            budget = round(pattern.sparsity * rows * last) - pruned
            scores = (part * weights[first:last]).square().reshape(1, -1)
            kept[:] = keep_highest(scores, part.numel() - budget).reshape(part.shape)
            pruned += budget
        for column in range(last - first):
            at = first + column
            if isinstance(pattern, SemiStructured) and column % pattern.m == 0:
                group = slice(column, column + pattern.m)
                scores = (part[:, group] * weights[at : at + pattern.m]).square()
                kept[:, group] = keep_highest(scores, pattern.n)
            old = part[:, column].clone()
            errors[:, column] = torch.where(kept[:, column], 0.0, old) / diagonal[at]
            part[:, column:] -= errors[:, column, None] * upper[at, at:last]
            part[:, column] = torch.where(kept[:, column], old, 0.0)
        new[:, last:] -= errors @ upper[first:last, last:]
    return new, keep
