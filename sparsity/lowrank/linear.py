"""A linear layer that holds two factors instead of its weight matrix."""

from __future__ import annotations

import torch
from torch import nn

from surefoot.core.errors import InputError
from surefoot.sparsity.lowrank.factors import factorize
from surefoot.sparsity.statistics import InputStatistics


class FactoredLinear(nn.Module):
    """Computes x ↦ U (V x) + bias.

    Args:
        left: U, ``[out, rank]``.
        right: V, ``[rank, in]``.
        bias: ``[out]`` or None.

    Attributes:
        U: Parameter ``[out, rank]``.
        V: Parameter ``[rank, in]``.
        bias: Parameter ``[out]`` or None.
    """

    def __init__(
        self, left: torch.Tensor, right: torch.Tensor, bias: torch.Tensor | None = None
    ) -> None:
        super().__init__()
        if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
            raise InputError(f"{list(left.shape)} and {list(right.shape)} are not factors")
        if bias is not None and bias.shape != left.shape[:1]:
            raise InputError(f"a bias {list(bias.shape)} does not fit {left.shape[0]} outputs")
        self.U = nn.Parameter(left.detach().clone())
        self.V = nn.Parameter(right.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    @classmethod
    def from_linear(
        cls, linear: nn.Linear, rank: int, statistics: InputStatistics | None = None
    ) -> FactoredLinear:
        """Factorizes a linear layer by :func:`factorize` without changing it.

        Raises:
            InputError: See :func:`factorize`.
        """
        left, right = factorize(linear.weight, rank, statistics)
        return cls(left, right, linear.bias)

    @property
    def in_features(self) -> int:
        """Number of input channels."""
        return self.V.shape[1]

    @property
    def out_features(self) -> int:
        """Number of outputs."""
        return self.U.shape[0]

    @property
    def rank(self) -> int:
        """Number of columns of U."""
        return self.U.shape[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns ``[..., out]`` for inputs ``[..., in]``."""
        return nn.functional.linear(nn.functional.linear(x, self.V), self.U, self.bias)

    @torch.no_grad()
    def merge(self) -> nn.Linear:
        """Returns an equivalent dense layer."""
        dense = nn.Linear(
            self.in_features,
            self.out_features,
            self.bias is not None,
            device=self.U.device,
            dtype=self.U.dtype,
        )
        dense.weight.copy_(self.U.float() @ self.V.float())
        if self.bias is not None:
            dense.bias.copy_(self.bias)
        return dense

    def extra_repr(self) -> str:
        """Returns the shape for ``repr``."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"rank={self.rank}, bias={self.bias is not None}"
        )
