"""Merge operators: linear, task arithmetic, TIES and DARE.

They work on one tensor at a time, so that no whole model has to be in memory.

Sources: linear, Wortsman et al. 2022 ("model soups"), section 2; task arithmetic, Ilharco et al.
2023, section 2; TIES, Yadav et al. 2023, section 3 and algorithm 1; DARE, Yu et al. 2024,
section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import sha256

import torch

from surefoot.core.errors import InputError

METHODS = ("linear", "task-arithmetic", "ties", "dare-linear", "dare-ties")
"""Names of the operators."""

NEED_BASE = METHODS[1:]
"""Operators that add differences to a base."""

NORMALISED = ("linear", "ties")
"""Operators that divide by the sum of the weights, so that only their ratios matter."""

_ROUNDING = 1e-9


def merge_tensors(
    method: str,
    tensors: Iterable[torch.Tensor],
    base: torch.Tensor | None,
    weights: Sequence[float],
    *,
    density: float = 1.0,
    scale: float = 1.0,
    seed: int = 0,
    name: str = "",
) -> torch.Tensor:
    """Merges one tensor of several models.

    With weights ``w_i``, scale ``s``, base ``b`` and differences ``d_i = t_i - b``:

    - ``linear``: ``sum w_i t_i / sum w_i``;
    - ``task-arithmetic``: ``b + s sum w_i d_i``;
    - ``ties``: of each ``d_i`` the ``density`` fraction of largest magnitude is kept, the sign of
      ``sum w_i d_i`` is elected, and ``s`` times the weighted mean of the entries of that sign is
      added to ``b``;
    - ``dare-linear``: each entry of ``d_i`` is kept with probability ``density`` and divided by
      it, then as task arithmetic;
    - ``dare-ties``: the same, then ``s`` times the weighted *sum* of the entries of the elected
      sign, as the entries are already rescaled.

    Args:
        method: One of :data:`METHODS`.
        tensors: Tensors of one shape; an iterator is consumed one by one where the method allows
            it.
        base: The same tensor of the base; not needed by ``linear``.
        weights: One weight per tensor.
        density: Fraction of the differences that TIES and DARE keep, in (0, 1].
        scale: Factor of the differences added to the base; unused by ``linear``.
        seed: Seed of DARE.
        name: Name of the tensor; with the seed and the index of the model it determines what DARE
            keeps, independently of the order in which tensors are merged.

    Returns:
        The merged tensor, of the data type of ``base``, or of the first tensor without one. It is
        computed in float32, or in float64 for float64 tensors.

    Raises:
        InputError: The method is unknown, lacks its base, or a number is out of range.
    """
    check_numbers(method, weights, density, scale)
    if method in NEED_BASE and base is None:
        raise InputError(f"'{method}' adds differences to a base; give one with --base")
    if method == "linear":
        return _linear(tensors, weights, base)
    assert base is not None
    work = _work_type(base)
    start = base.to(work)
    differences = (_difference(t, start, work) for t in tensors)
    if method == "ties":
        kept: Iterable[torch.Tensor] = (trim(d, density) for d in differences)
    elif method == "task-arithmetic":
        kept = differences
    else:
        kept = (
            drop_and_rescale(d, density, seed=seed, name=name, index=i)
            for i, d in enumerate(differences)
        )
    if method in ("ties", "dare-ties"):
        added = _elected(kept, weights, mean=method == "ties")
    else:
        added = _weighted_sum(kept, weights)
    return (start + scale * added).to(base.dtype)


def check_numbers(
    method: str, weights: Sequence[float], density: float = 1.0, scale: float = 1.0
) -> None:
    """Checks settings that do not depend on tensors.

    Raises:
        InputError: The method is unknown, there are no weights, one is not finite, those of a
            normalised method sum to 0, or the density or scale is out of range.
    """
    if method not in METHODS:
        raise InputError(f"unknown method '{method}'; known: {', '.join(METHODS)}")
    if not weights:
        raise InputError("there is no model to merge")
    if not all(math.isfinite(w) for w in weights):
        raise InputError("a weight is not a finite number")
    if method in NORMALISED and abs(sum(weights)) < _ROUNDING:
        raise InputError(f"the weights sum to 0, and '{method}' divides by their sum")
    if not 0 < density <= 1:
        raise InputError(f"density {density:g} is not in (0, 1]")
    if not math.isfinite(scale):
        raise InputError("the scale is not a finite number")


def trim(difference: torch.Tensor, density: float) -> torch.Tensor:
    """Keeps the entries of largest magnitude and sets the others to 0 (TIES, step 1).

    Of ``n`` entries ``floor(density n)`` are kept, at least one. The paper trims all tensors of a
    model jointly; this trims each tensor separately, like other merge tools.

    Args:
        difference: Of any shape.
        density: Fraction that is kept.
    """
    count = difference.numel()
    keep = max(1, math.floor(density * count + _ROUNDING))
    if keep >= count:
        return difference
    flat = difference.reshape(-1)
    found = torch.zeros_like(flat)
    largest = flat.abs().topk(keep, sorted=False).indices
    found[largest] = flat[largest]
    return found.reshape(difference.shape)


def drop_and_rescale(
    difference: torch.Tensor, density: float, *, seed: int = 0, name: str = "", index: int = 0
) -> torch.Tensor:
    """Keeps each entry with a probability and divides it by that, preserving the mean (DARE).

    Args:
        difference: Of any shape.
        density: Probability that an entry is kept.
        seed: Seed of the draw.
        name: Name of the tensor, part of the seed.
        index: Number of the model, part of the seed.
    """
    if density >= 1:
        return difference
    digest = sha256(f"{seed}:{index}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    drawn = torch.rand(difference.shape, generator=generator, dtype=torch.float32)
    return difference * (drawn < density) / density


def _work_type(tensor: torch.Tensor) -> torch.dtype:
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def _difference(tensor: torch.Tensor, start: torch.Tensor, work: torch.dtype) -> torch.Tensor:
    if tensor.shape != start.shape:
        raise InputError(f"tensors of shapes {[*tensor.shape]} and {[*start.shape]} do not merge")
    return tensor.to(work) - start


def _linear(
    tensors: Iterable[torch.Tensor], weights: Sequence[float], base: torch.Tensor | None
) -> torch.Tensor:
    total: torch.Tensor | None = None
    kind = base.dtype if base is not None else None
    for tensor, weight in zip(tensors, weights, strict=True):
        kind = kind or tensor.dtype
        part = tensor.to(_work_type(tensor)) * weight
        if total is not None and part.shape != total.shape:
            raise InputError(f"tensors of shapes {[*part.shape]} and {[*total.shape]} do not merge")
        total = part if total is None else total.add_(part)
    assert total is not None
    return (total / sum(weights)).to(kind)


def _weighted_sum(differences: Iterable[torch.Tensor], weights: Sequence[float]) -> torch.Tensor:
    total: torch.Tensor | None = None
    for difference, weight in zip(differences, weights, strict=True):
        total = weight * difference if total is None else total.add_(difference, alpha=weight)
    assert total is not None
    return total


def _elected(
    differences: Iterable[torch.Tensor], weights: Sequence[float], *, mean: bool
) -> torch.Tensor:
    """Sums entries with the sign of their sum (TIES, steps 2 and 3); a sum of 0 is positive."""
    parts = [w * d for d, w in zip(differences, weights, strict=True)]
    total = torch.zeros_like(parts[0])
    for part in parts:
        total += part
    positive = total >= 0
    shares = torch.zeros_like(total)
    total.zero_()
    for part, weight in zip(parts, weights, strict=True):
        agrees = torch.where(positive, part > 0, part < 0)
        total += part.mul_(agrees)
        if mean:
            shares.add_(agrees, alpha=weight)
    if mean:
        total /= shares.masked_fill_(shares == 0, 1.0)
    return total
