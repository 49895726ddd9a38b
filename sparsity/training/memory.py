"""Memory of a training: estimated from shapes, and summed over real tensors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from surefoot.core.errors import InputError
from surefoot.sparsity.training.adapters import BASE_GROUP
from surefoot.sparsity.training.galore import GaLore
from surefoot.sparsity.training.moments import moment_nbytes
from surefoot.sparsity.training.optimizer import QUANTIZE_FROM, AdamW8bit
from surefoot.sparsity.training.packing import GROUP, packed_nbytes

Layout = Literal["full", "adamw8bit", "galore", "qgalore", "lora", "qlora"]
"""Memory layout of weights, averages and projections."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes by use.

    Attributes:
        weights: Parameters and buffers.
        gradients: Gradients.
        states: Running averages of the optimizer.
        projections: Bases of subspaces.
    """

    weights: int
    gradients: int
    states: int
    projections: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.gradients + self.states + self.projections

    @property
    def persistent(self) -> int:
        """Weights, states and projections, as counted in the papers' tables."""
        return self.total - self.gradients


@dataclass(frozen=True, slots=True)
class Shapes:
    """Sizes of a model's parameters.

    Attributes:
        matrices: Shapes [out, in] of the linear layers that are projected, quantized or adapted.
        others: Number of values of each other parameter.
        buffers: Bytes of buffers.
    """

    matrices: tuple[tuple[int, int], ...]
    others: tuple[int, ...]
    buffers: int = 0


def llama_shapes(hidden: int, intermediate: int, layers: int, vocabulary: int = 32000) -> Shapes:
    """Returns the sizes of a LLaMA without grouped queries and with an untied head.

    Args:
        hidden: Width.
        intermediate: Width within the feed-forward part.
        layers: Blocks.
        vocabulary: Tokens.
    """
    attention = [(hidden, hidden)] * 4
    forward = [(intermediate, hidden)] * 2 + [(hidden, intermediate)]
    norms = (hidden,) * (2 * layers + 1)
    return Shapes(tuple((attention + forward) * layers), (vocabulary * hidden,) * 2 + norms)


def shapes_of(model: nn.Module, targets: Collection[str]) -> Shapes:
    """Returns the sizes of a model's parameters, shared ones counted once.

    Args:
        model: The model, before it is prepared for a training.
        targets: Names of its linear layers that are projected, quantized or adapted.
    """
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        if name.removesuffix(".weight") in targets:
            matrices.append((parameter.shape[0], parameter.shape[1]))
        else:
            others.append(parameter.numel())
    return Shapes(tuple(matrices), tuple(others), sum(b.nbytes for b in model.buffers()))


def estimate(
    shapes: Shapes,
    layout: Layout,
    rank: int = 0,
    *,
    weight_bytes: int = 4,
    state_bytes: int = 4,
    overhead: bool = True,
) -> Memory:
    """Returns the estimated bytes of a training with this package.

    Args:
        shapes: Sizes of the parameters.
        layout: How they are trained.
        rank: Rank of projections or adapters; matrices whose shorter side is not longer are not
            projected.
        weight_bytes: Bytes per floating-point weight.
        state_bytes: Bytes per value of an average or a basis that is not quantized.
        overhead: Whether to count scales, minima, the counters of torch's AdamW and that small
            tensors keep 32-bit averages. The tables of GaLore and Q-GaLore are without
            it and use two bytes for weights and states.

    Raises:
        InputError: The layout is unknown, or it needs a rank.
    """
    if layout not in get_args(Layout) or (rank < 1 and layout not in ("full", "adamw8bit")):
        raise InputError(
            f"layout is one of {', '.join(get_args(Layout))}, with a rank of at least 1 but for "
            f"the first two; not {layout}, {rank}"
        )
    sizes = [m * n for m, n in shapes.matrices]
    whole = sum(sizes) + sum(shapes.others)
    if layout in ("lora", "qlora"):
        adapters = [rank * side for shape in shapes.matrices for side in shape]
        frozen = weight_bytes * whole
        if layout == "qlora":
            packed = sum(_packed(size, 4, BASE_GROUP, overhead) for size in sizes)
            frozen = packed + weight_bytes * sum(shapes.others)
        return Memory(
            frozen + weight_bytes * sum(adapters) + shapes.buffers,
            weight_bytes * sum(adapters),
            sum(_averages(size, state_bytes, overhead) for size in adapters),
            0,
        )
    projects = layout in ("galore", "qgalore")
    low = [max(s) * rank if projects and rank < min(s) else s[0] * s[1] for s in shapes.matrices]
    bases = [min(s) * rank for s in shapes.matrices if projects and rank < min(s)]
    states = [*low, *shapes.others]
    weights = weight_bytes * whole
    if layout == "qgalore":
        weights = sum(_packed(size, 8, GROUP, overhead) for size in sizes)
        weights += weight_bytes * sum(shapes.others)
    if layout in ("adamw8bit", "qgalore"):
        averages = sum(_averages_8bit(size, overhead) for size in states)
    elif layout == "galore":
        averages = sum(2 * state_bytes * size for size in states)
    else:
        averages = sum(_averages(size, state_bytes, overhead) for size in states)
    packs = layout == "qgalore"
    projections = sum(
        _packed(size, 4, GROUP, overhead) if packs else state_bytes * size for size in bases
    )
    return Memory(weights + shapes.buffers, weight_bytes * whole, averages, projections)


def measure(model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> Memory:
    """Sums the bytes of the current tensors of a training, shared ones counted once.

    Args:
        model: The model in training.
        optimizer: Its optimizer.
    """
    parameters = list(model.parameters())
    weights = sum(p.nbytes for p in parameters) + sum(b.nbytes for b in model.buffers())
    gradients = sum(p.grad.nbytes for p in parameters if p.grad is not None)
    if isinstance(optimizer, AdamW8bit):
        projections = optimizer.projection_nbytes() if isinstance(optimizer, GaLore) else 0
        return Memory(weights, gradients, optimizer.state_nbytes(), projections)
    kept: list[Any] = [] if optimizer is None else list(optimizer.state.values())
    states = sum(v.nbytes for state in kept for v in state.values() if isinstance(v, Tensor))
    return Memory(weights, gradients, states, 0)


def _packed(numel: int, bits: int, group: int, overhead: bool) -> int:
    return packed_nbytes(numel, bits, group) if overhead else -(-numel * bits // 8)


def _averages(numel: int, state_bytes: int, overhead: bool) -> int:
    """Returns the bytes of both averages and the counter of torch's AdamW."""
    return 2 * state_bytes * numel + (4 if overhead else 0)


def _averages_8bit(numel: int, overhead: bool) -> int:
    if not overhead:
        return 2 * numel
    return 2 * moment_nbytes(numel, 8 if numel >= QUANTIZE_FROM else 32)
