"""Prunes a weight matrix by magnitude, Wanda or SparseGPT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.masks import Granularity, keep_mask
from surefoot.sparsity.pruning.patterns import Pattern, pattern_of
from surefoot.sparsity.pruning.sparsegpt import BLOCK, DAMPING, inverse_root, sparsegpt
from surefoot.sparsity.statistics import InputStatistics

Method = Literal["magnitude", "wanda", "sparsegpt"]

METHODS: tuple[Method, ...] = ("magnitude", "wanda", "sparsegpt")


@dataclass(frozen=True, slots=True)
class PrunedMatrix:
    """A pruned weight matrix with figures.

    Attributes:
        weight: ``[out, in]`` in the dtype of the given one, 0 where pruned.
        mask: ``[out, in]`` bool, True for kept weights.
        damping: Damping that SparseGPT needed, relative to the Hessian's mean diagonal; else None.
        error: ‖(W - W')X‖_F / ‖WX‖_F over the calibration inputs, if their Gram matrix is known.
        solver: How SparseGPT inverted the Hessian; else None.
    """

    weight: torch.Tensor
    mask: torch.Tensor
    damping: float | None = None
    error: float | None = None
    solver: str | None = None

    @property
    def sparsity(self) -> float:
        """Fraction of pruned weights."""
        return 1 - int(self.mask.sum()) / self.mask.numel()


@torch.no_grad()
def prune(
    weight: torch.Tensor,
    statistics: InputStatistics | None,
    method: Method = "magnitude",
    pattern: Pattern | str | float = 0.5,
    *,
    granularity: Granularity | None = None,
    block_size: int = BLOCK,
    damping: float = DAMPING,
) -> PrunedMatrix:
    """Prunes the weight matrix of a linear layer; the given one is not changed.

    - ``magnitude``: prunes the smallest abs(W), compared over the whole tensor;
    - ``wanda``: prunes the smallest abs(W) · ‖x‖, compared within each row (Sun et al. 2024);
    - ``sparsegpt``: see :func:`sparsegpt`; the kept weights are updated.

    Args:
        weight: ``[out, in]``, finite.
        statistics: Input statistics; ``magnitude`` needs none, ``sparsegpt`` the Gram matrix.
        method: Pruning method.
        pattern: How many weights are pruned; may be ``"2:4"`` or a fraction.
        granularity: Set within which ``magnitude`` and ``wanda`` compare, if not the default.
        block_size: Columns per block of ``sparsegpt``.
        damping: Of ``sparsegpt``'s Hessian, in units of its mean diagonal.

    Raises:
        InputError: Statistics are missing or do not fit, a weight is not finite, the rows
            cannot be divided into groups of m, or an option is out of range or does not apply.
    """
    if method not in METHODS:
        raise InputError(f"unknown method '{method}'; use one of {', '.join(METHODS)}")
    if weight.ndim != 2 or not weight.numel() or not bool(weight.isfinite().all()):
        raise InputError(f"need a matrix of finite weights, not {list(weight.shape)}")
    wanted = pattern_of(pattern)
    old = weight.detach().float()
    gram = _gram(old, statistics, method)
    if method == "sparsegpt":
        if granularity is not None or block_size < 1:
            raise InputError("sparsegpt compares within blocks of at least one column only")
        assert gram is not None
        root = inverse_root(gram, damping)
        new, mask = sparsegpt(old, root, wanted, block_size)
        new = new.to(weight.dtype)
        return PrunedMatrix(new, mask, root.damping, output_error(old, new, gram), root.solver)
    scores = old.abs()
    if method == "wanda":
        assert statistics is not None
        scores = scores * statistics.norms().to(scores.device)
    mask = keep_mask(scores, wanted, granularity or ("row" if method == "wanda" else "tensor"))
    new = torch.where(mask, weight.detach(), torch.zeros_like(weight))
    return PrunedMatrix(new, mask, None, None if gram is None else output_error(old, new, gram))


def output_error(weight: torch.Tensor, new: torch.Tensor, gram: torch.Tensor) -> float:
    """Returns ‖(W - W')X‖_F / ‖WX‖_F from the Gram matrix of the inputs; 0 if WX is 0.

    Args:
        weight: W, ``[out, in]``.
        new: W', of the same shape.
        gram: X Xᵀ, ``[in, in]``.
    """
    old, inputs = weight.double(), gram.to(weight.device).double()
    off = old - new.double()
    lost = float(((off @ inputs) * off).sum())
    whole = float(((old @ inputs) * old).sum())
    return (max(lost, 0.0) / whole) ** 0.5 if whole > 0 else 0.0


def _gram(
    weight: torch.Tensor, statistics: InputStatistics | None, method: Method
) -> torch.Tensor | None:
    """Returns the Gram matrix, if any; checks that the method has the statistics it needs."""
    if statistics is None:
        if method == "magnitude":
            return None
        raise InputError(f"{method} needs calibration inputs; give some, or use magnitude")
    if statistics.width != weight.shape[1]:
        raise InputError(
            f"{statistics.name}: statistics of {statistics.width} channels do not fit weights "
            f"{list(weight.shape)}"
        )
    if method != "magnitude":
        statistics.check()
    if statistics.gram is None:
        if method == "sparsegpt":
            raise InputError(f"{statistics.name}: sparsegpt needs the Gram matrix of the inputs")
        return None
    return statistics.gram.to(weight.device) if statistics.rows else None
