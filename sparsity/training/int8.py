"""Trainable linear layers whose weights exist only in 8 bits.

The parameter of such a layer is a tensor that has the shape and data type of the weight but holds
its codes. Autograd accepts it as a leaf, so its gradient is in ``grad`` like that of any other
parameter: it accumulates over micro-batches and is clipped by the usual functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from surefoot.core.errors import InputError
from surefoot.sparsity.training.packing import GROUP, GroupedCodes, add_, quantize

_PARTS = ("codes", "scales", "minima")


class Int8Weight(Tensor):
    """A weight as 8-bit codes, without a floating-point copy.

    Reading operations see the dequantized weight. It is changed by :meth:`add_` of
    :mod:`~surefoot.sparsity.training.packing` through :meth:`add_rounded_` and by ``copy_``.

    Args:
        grouped: The codes.
        dtype: Apparent data type of the weight and its gradient.
    """

    grouped: GroupedCodes

    @staticmethod
    def __new__(cls, grouped: GroupedCodes, dtype: torch.dtype) -> Int8Weight:
        """Makes the wrapper tensor, which has no storage."""
        made: Int8Weight = torch.Tensor._make_wrapper_subclass(
            cls, grouped.shape, dtype=dtype, device=grouped.codes.device, requires_grad=False
        )
        made.grouped = grouped
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @property
    def nbytes(self) -> int:  # type: ignore[override]
        """Bytes of codes, scales and minima together."""
        return self.grouped.nbytes

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"Int8Weight(shape={list(self.shape)}, dtype={self.dtype}, nbytes={self.nbytes})"

    def read(self, dtype: torch.dtype | None = None) -> Tensor:
        """Returns the dequantized weight as a plain tensor."""
        return self.grouped.dequantize(dtype or self.dtype)

    def add_rounded_(self, update: Tensor, generator: torch.Generator | None) -> None:
        """Adds to the weight in place; with stochastic rounding if a generator is given."""
        add_(self.grouped, update, generator)

    def __tensor_flatten__(self) -> tuple[list[str], tuple[Any, ...]]:
        return list(_PARTS), (self.dtype, self.grouped.group)

    def __getattr__(self, name: str) -> Any:
        if name in _PARTS:
            return getattr(self.grouped, name)
        raise AttributeError(name)

    @staticmethod
    def __tensor_unflatten__(
        parts: Mapping[str, Tensor], known: tuple[Any, ...], size: Sequence[int], stride: Any
    ) -> Int8Weight:
        dtype, group = known
        codes, scales, minima = (parts[part] for part in _PARTS)
        return Int8Weight(GroupedCodes(codes, scales, minima, tuple(size), 8, group), dtype)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        aten = torch.ops.aten
        if func is aten.detach.default:
            return Int8Weight(args[0].grouped, args[0].dtype)
        if func is aten.clone.default:
            return Int8Weight(args[0].grouped.clone(), args[0].dtype)
        if func is aten._to_copy.default:
            device = kwargs.get("device") or args[0].device
            dtype = kwargs.get("dtype") or args[0].dtype
            grouped = args[0].grouped.to(device)
            return Int8Weight(grouped.clone() if grouped is args[0].grouped else grouped, dtype)
        if func is aten.copy_.default and isinstance(args[0], Int8Weight):
            target, source = args[0].grouped, args[1]
            is_codes = isinstance(source, Int8Weight)
            target.copy_(source.grouped if is_codes else quantize(source, 8, target.group))
            return args[0]
        if func._schema.is_mutable and isinstance(args[0], Int8Weight):
            raise InputError(
                f"{func} cannot write to an 8-bit weight; use QGaLore, or copy_ a whole weight"
            )
        plain = tree_map(lambda a: a.read() if isinstance(a, Int8Weight) else a, (args, kwargs))
        return func(*plain[0], **plain[1])


class _Product(torch.autograd.Function):
    """x W^T where W is dequantized in both passes, so that no copy is kept between them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, codes: GroupedCodes, weight: Tensor | None) -> Tensor:
        ctx.save_for_backward(x if weight is not None else None)
        ctx.codes = codes
        return torch.nn.functional.linear(x, codes.dequantize(x.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, Tensor | None]:
        (x,), grad = ctx.saved_tensors, grads[0]
        of_x, of_weight = None, None
        if ctx.needs_input_grad[0]:
            of_x = grad @ ctx.codes.dequantize(grad.dtype)
        if ctx.needs_input_grad[2]:
            of_weight = grad.flatten(0, -2).T @ x.flatten(0, -2)
        return of_x, None, of_weight


def product(x: Tensor, codes: GroupedCodes, weight: Tensor | None = None) -> Tensor:
    """Computes x W^T with a quantized weight without saving a copy for autograd.

    Args:
        x: [..., in].
        codes: Weight [out, in].
        weight: The parameter that receives the weight's gradient, if any.

    Returns:
        [..., out].
    """
    made: Tensor = _Product.apply(x, codes, weight)  # type: ignore[no-untyped-call]
    return made


class Int8Linear(nn.Module):
    """A linear layer with 8-bit weights and no other copy.

    Args:
        weight: Weight as codes [out, in].
        bias: Bias [out] in floating point, if any.
        dtype: Data type of the weight's gradient.

    Source: Q-GaLore, arXiv 2407.08296, section 3.1.
    """

    def __init__(self, weight: GroupedCodes, bias: Tensor | None, dtype: torch.dtype) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.weight = nn.Parameter(Int8Weight(weight, dtype))
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    @classmethod
    def from_linear(cls, linear: nn.Linear, group: int = GROUP) -> Int8Linear:
        """Rounds a linear layer's weight to the nearest codes.

        Raises:
            InputError: A weight is not finite.
        """
        return cls(quantize(linear.weight, 8, group), linear.bias, linear.weight.dtype)

    def to_linear(self, dtype: torch.dtype | None = None) -> nn.Linear:
        """Returns an ordinary linear layer with the dequantized weights."""
        weight = self.codes.read(dtype)
        made = nn.Linear(
            self.in_features,
            self.out_features,
            self.bias is not None,
            device="meta",
            dtype=weight.dtype,
        )
        made.weight = nn.Parameter(weight)
        if self.bias is not None:
            made.bias = nn.Parameter(self.bias.detach().to(weight.dtype, copy=True))
        return made.train(self.training)

    @property
    def codes(self) -> Int8Weight:
        """The weight, typed as 8-bit weight."""
        weight: Any = self.weight
        return weight  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Computes x W^T + b.

        Args:
            x: [..., in].

        Returns:
            [..., out].
        """
        y = product(x, self.codes.grouped, self.weight)
        return y if self.bias is None else y + self.bias.to(y.dtype)

    def extra_repr(self) -> str:
        """Returns the shape for ``repr``."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bits=8"

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for part in _PARTS:
            destination[f"{prefix}weight.{part}"] = getattr(self.codes.grouped, part)
        if self.bias is not None:
            destination[f"{prefix}bias"] = self.bias if keep_vars else self.bias.detach()

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        places: dict[str, Tensor] = {
            f"{prefix}weight.{part}": getattr(self.codes.grouped, part) for part in _PARTS
        }
        if self.bias is not None:
            places[f"{prefix}bias"] = self.bias
        for key, place in places.items():
            if key not in state_dict:
                missing_keys.append(key)
            elif state_dict[key].shape != place.shape:
                error_msgs.append(
                    f"{key} has shape {list(state_dict[key].shape)}, not {list(place.shape)}"
                )
            else:
                with torch.no_grad():
                    place.copy_(state_dict[key])
        unexpected_keys.extend(
            k for k in state_dict if strict and k.startswith(prefix) and k not in places
        )
