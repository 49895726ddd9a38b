"""Low-rank adapters beside frozen weights, in full (LoRA) or in 4 bits (as QLoRA)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from surefoot.core.errors import InputError
from surefoot.sparsity.training.int8 import product
from surefoot.sparsity.training.packing import GroupedCodes, quantize

BASE_GROUP = 64
"""Values per group of a frozen weight in 4 bits (QLoRA, arXiv 2305.14314, section 3)."""


class Int4Linear(nn.Module):
    """A frozen linear layer with two weights per byte.

    Args:
        linear: The layer whose weights are rounded to the nearest codes.
        group: Values per group.

    Raises:
        InputError: A weight is not finite.
    """

    codes: Tensor
    scales: Tensor
    minima: Tensor

    def __init__(self, linear: nn.Linear, group: int = BASE_GROUP) -> None:
        super().__init__()
        found = quantize(linear.weight, 4, group)
        self.out_features, self.in_features = found.shape
        self._group, self._dtype = group, linear.weight.dtype
        self.register_buffer("codes", found.codes)
        self.register_buffer("scales", found.scales)
        self.register_buffer("minima", found.minima)
        self.bias = linear.bias

    @property
    def grouped(self) -> GroupedCodes:
        """The weight as codes [out, in]."""
        shape = (self.out_features, self.in_features)
        return GroupedCodes(
            self.codes, self.scales.float(), self.minima.float(), shape, 4, self._group
        )

    @property
    def weight(self) -> Tensor:
        """The dequantized weight, [out, in]; recomputed at every call."""
        return self.grouped.dequantize(self._dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Computes x W^T + b.

        Args:
            x: [..., in].

        Returns:
            [..., out].
        """
        y = product(x, self.grouped)
        return y if self.bias is None else y + self.bias.to(y.dtype)


class LoRALinear(nn.Module):
    """A frozen linear layer plus a trainable product of two thin matrices: x (W + s B A)^T + b.

    Args:
        linear: The layer; its parameters are frozen.
        rank: Rank of the product.
        scale: Its factor s, alpha / rank in the paper's terms.
        bits: Bits of the frozen weight: 4, or 32 to leave it unchanged.
        generator: Draws A, on the CPU; B is initialised with zeros.

    Attributes:
        A: [rank, in].
        B: [out, rank].

    Raises:
        InputError: The rank or the number of bits is invalid.

    Source: Hu et al., arXiv 2106.09685, section 4.1; frozen weights in 4 bits: Dettmers et al.,
    arXiv 2305.14314 (there with codes spaced for normal weights, here uniformly).
    """

    def __init__(
        self,
        linear: nn.Linear,
        rank: int,
        *,
        scale: float = 2.0,
        bits: int = 32,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        out, width = linear.weight.shape
        if not 1 <= rank <= min(out, width) or bits not in (4, 32):
            raise InputError(
                f"adapters of a layer [{out}, {width}] have a rank in 1..{min(out, width)} and "
                f"frozen weights of 4 or 32 bits, not {rank}, {bits}"
            )
        linear.requires_grad_(False)
        self.base = linear if bits == 32 else Int4Linear(linear)
        self.in_features, self.out_features, self.rank, self.scale = width, out, rank, scale
        bound = 1 / math.sqrt(width)
        drawn = torch.empty(rank, width).uniform_(-bound, bound, generator=generator)
        self.A = nn.Parameter(drawn.to(linear.weight))
        self.B = nn.Parameter(linear.weight.new_zeros(out, rank))

    def forward(self, x: Tensor) -> Tensor:
        """Computes x (W + s B A)^T + b.

        Args:
            x: [..., in].

        Returns:
            [..., out].
        """
        linear = torch.nn.functional.linear
        y: Tensor = self.base(x)
        return y + self.scale * linear(linear(x, self.A), self.B)

    @torch.no_grad()
    def merge(self) -> nn.Linear:
        """Returns an equivalent linear layer with weight W + s B A."""
        weight = self.base.weight + self.scale * (self.B @ self.A)
        made = nn.Linear(
            self.in_features,
            self.out_features,
            self.base.bias is not None,
            device="meta",
            dtype=weight.dtype,
        )
        made.weight = nn.Parameter(weight)
        if self.base.bias is not None:
            made.bias = nn.Parameter(self.base.bias.detach().clone())
        return made.train(self.training)


def lora_rank_for(shapes: Iterable[tuple[int, int]], budget: int) -> int:
    """Returns the largest rank whose adapters fit a budget of parameters.

    Args:
        shapes: Shape [out, in] of each layer that gets an adapter.
        budget: Trainable parameters.

    Raises:
        InputError: Even rank 1 has more.
    """
    shapes = list(shapes)
    each = sum(out + width for out, width in shapes)
    rank = min([budget // each if each else 0, *(min(s) for s in shapes)])
    if rank < 1:
        raise InputError(f"adapters of rank 1 need {each} parameters, the budget is {budget}")
    return rank
