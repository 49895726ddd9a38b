"""Groupwise quantization: packed 4-bit codes, 8-bit codes, and stochastic rounding.

A group consists of consecutive values of the flattened tensor. It has codes, a scale and the real
value of code 0. That value replaces the zero point and is unbounded: a group entirely on one side
of zero keeps its resolution, unlike with a zero point that has to be one of the codes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from surefoot.core.errors import InputError

GROUP = 256
"""Values per group (Q-GaLore, arXiv 2407.08296, section 3.1)."""

BITS = (4, 8)
"""Supported bits per code."""


@dataclass(frozen=True, slots=True)
class GroupedCodes:
    """A tensor as codes with a scale and a minimum per group.

    Attributes:
        codes: uint8, flat; one per value for 8 bits, one per pair of values for 4 bits.
        scales: float32 [groups], the distance between neighbouring codes.
        minima: float32 [groups], the value of code 0.
        shape: Shape of the tensor.
        bits: Bits per code, 4 or 8.
        group: Values per group; the last one may be shorter.
    """

    codes: Tensor
    scales: Tensor
    minima: Tensor
    shape: tuple[int, ...]
    bits: int
    group: int

    @property
    def numel(self) -> int:
        """Values in the tensor."""
        return count(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of codes, scales and minima together."""
        return self.codes.nbytes + self.scales.nbytes + self.minima.nbytes

    def dequantize(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Returns the dequantized values in the tensor's shape."""
        flat = _read(self.codes, self.bits, self.numel)
        rows = _rows(flat, self.group).to(torch.float32)
        values = torch.addcmul(self.minima.unsqueeze(1), rows, self.scales.unsqueeze(1))
        return values.flatten()[: self.numel].view(self.shape).to(dtype)

    def to(self, device: torch.device | str) -> GroupedCodes:
        """Returns the same on another device."""
        return replace(
            self,
            codes=self.codes.to(device),
            scales=self.scales.to(device),
            minima=self.minima.to(device),
        )

    def clone(self) -> GroupedCodes:
        """Returns an independent copy."""
        return replace(
            self, codes=self.codes.clone(), scales=self.scales.clone(), minima=self.minima.clone()
        )

    def copy_(self, other: GroupedCodes) -> None:
        """Copies another's values.

        Raises:
            InputError: The other has another shape, width or group.
        """
        if (self.shape, self.bits, self.group) != (other.shape, other.bits, other.group):
            raise InputError(
                f"codes of shape {list(other.shape)}, {other.bits} bits, groups of {other.group} "
                f"do not fit shape {list(self.shape)}, {self.bits} bits, groups of {self.group}"
            )
        self.codes.copy_(other.codes)
        self.scales.copy_(other.scales)
        self.minima.copy_(other.minima)


def count(shape: tuple[int, ...]) -> int:
    """Returns the number of values of a shape."""
    number = 1
    for side in shape:
        number *= side
    return number


def packed_nbytes(numel: int, bits: int, group: int = GROUP) -> int:
    """Returns the bytes of ``numel`` values as codes with scales and minima."""
    return -(-numel * bits // 8) + 8 * -(-numel // group)


def pack_nibbles(codes: Tensor) -> Tensor:
    """Packs two 4-bit codes per byte, the first into the lower half.

    Args:
        codes: uint8 [n] in 0..15.

    Returns:
        uint8 [ceil(n / 2)].
    """
    if codes.numel() % 2:
        codes = torch.nn.functional.pad(codes, (0, 1))
    return codes[0::2] | (codes[1::2] << 4)


def unpack_nibbles(packed: Tensor, numel: int) -> Tensor:
    """Inverts :func:`pack_nibbles`.

    Args:
        packed: uint8 [ceil(numel / 2)].
        numel: Codes to return.
    """
    return torch.stack([packed & 15, packed >> 4], 1).flatten()[:numel]


def stochastic_round(values: Tensor, generator: torch.Generator) -> Tensor:
    """Rounds down or up at random so that the expected result is the value.

    Args:
        values: Floating point, any shape.
        generator: Random generator on the values' device.

    Source: Q-GaLore, arXiv 2407.08296, section 3.4.
    """
    noise = torch.empty_like(values).uniform_(generator=generator)
    whole = values.floor()
    return whole.add_(
        (values - whole).sub_(noise).ceil_()
    )  # 1 where the fraction exceeds the noise


def quantize(
    values: Tensor, bits: int, group: int = GROUP, generator: torch.Generator | None = None
) -> GroupedCodes:
    """Quantizes a tensor over the range of each group.

    Args:
        values: Floating point, any shape.
        bits: 4 or 8.
        group: Values per group.
        generator: For stochastic rounding; by default values are rounded to the nearest code. Both
            ends of a range are codes, so they are exact either way.

    Returns:
        The codes; with rounding to nearest the error is at most half a scale.

    Raises:
        InputError: The bits or group are invalid, or a value is not finite.
    """
    if bits not in BITS or group < 1:
        raise InputError(
            f"codes have 4 or 8 bits and groups at least one value, not {bits}, {group}"
        )
    rows = _rows(values.detach().flatten(), group).to(torch.float32)
    low, high = rows.amin(1), rows.amax(1)  # aminmax is slower
    scales, minima = _grid(low, high, bits, 0.0)
    steps = (rows - minima.unsqueeze(1)) / scales.unsqueeze(1)
    codes = _write(_whole(steps, bits, generator), values.numel(), bits)
    return GroupedCodes(codes, scales, minima, tuple(values.shape), bits, group)


def add_(
    weight: GroupedCodes,
    update: Tensor,
    generator: torch.Generator | None,
    headroom: float = 1 / 32,
) -> None:
    """Adds to a quantized tensor in place.

    A group keeps its scale and minimum as long as the new values fit into its range and fill at
    least half of it, so that unchanged values keep their codes and rounding noise comes only from
    the update. Otherwise it gets a new range.

    Args:
        weight: The quantized tensor.
        update: Floating point, of the weight's shape.
        generator: For stochastic rounding; by default values are rounded to the nearest code.
        headroom: Fraction of the values' range by which a new range is extended at either end.

    Raises:
        InputError: A value is not finite.
    """
    top = 2**weight.bits - 1
    flat = _read(weight.codes, weight.bits, weight.numel)
    steps = _rows(update.detach().flatten(), weight.group, edge=0.0).to(torch.float32)
    steps = (steps / weight.scales.unsqueeze(1)).add_(_rows(flat, weight.group))
    low, high = steps.amin(1), steps.amax(1)
    fits = (low >= 0) & (high <= top) & (2 * (high - low) >= top)
    scales, minima = _grid(
        torch.addcmul(weight.minima, low, weight.scales),
        torch.addcmul(weight.minima, high, weight.scales),
        weight.bits,
        headroom,
    )
    factor = torch.where(fits, 1.0, weight.scales / scales)
    shift = torch.where(fits, 0.0, (weight.minima - minima) / scales)
    weight.scales.copy_(torch.where(fits, weight.scales, scales))
    weight.minima.copy_(torch.where(fits, weight.minima, minima))
    steps.mul_(factor.unsqueeze(1)).add_(shift.unsqueeze(1))
    weight.codes.copy_(_write(_whole(steps, weight.bits, generator), weight.numel, weight.bits))


def _rows(flat: Tensor, group: int, edge: float | None = None) -> Tensor:
    """Returns values as [groups, group]; a short last group is padded with its last value."""
    short = -flat.numel() % group
    if short:
        last = flat[-1:] if edge is None else flat.new_full((1,), edge)
        flat = torch.cat([flat, last.expand(short)])
    return flat.view(-1, group)


def _grid(low: Tensor, high: Tensor, bits: int, headroom: float) -> tuple[Tensor, Tensor]:
    """Returns scales and minima of ranges."""
    margin = (high - low) * headroom
    scales = (high - low + 2 * margin) / (2**bits - 1)
    if not bool(torch.isfinite(scales).all()):
        raise InputError(
            "values that are not finite cannot be quantized; look for NaN in weights or gradients"
        )
    return torch.where(scales > 0, scales, torch.ones_like(scales)), low - margin


def _whole(steps: Tensor, bits: int, generator: torch.Generator | None) -> Tensor:
    """Rounds to codes, uint8."""
    whole = steps.round_() if generator is None else stochastic_round(steps, generator)
    return whole.clamp_(0, 2**bits - 1).to(torch.uint8)


def _read(codes: Tensor, bits: int, numel: int) -> Tensor:
    return unpack_nibbles(codes, numel) if bits == 4 else codes


def _write(codes: Tensor, numel: int, bits: int) -> Tensor:
    flat = codes.flatten()[:numel]
    return pack_nibbles(flat) if bits == 4 else flat.contiguous()
