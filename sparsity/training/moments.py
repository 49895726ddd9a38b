"""Moving averages of Adam in 8 bits: one scale per block, nonuniform codes.

A value divided by the largest magnitude of its block is written as a power of ten and a fraction.
Small powers leave many bits for the fraction, so values near the largest have a fine resolution
while seven orders of magnitude are covered (dynamic tree quantization; Dettmers et al.,
arXiv 2110.02861, sections 1.3 and 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

BLOCK = 256
"""Values that share a scale."""


@lru_cache(maxsize=4)
def dynamic_values(signed: bool) -> tuple[float, ...]:
    """Returns the 256 values of the codes, from the smallest to 1.

    Args:
        signed: Whether half of the codes are for negative values.
    """
    values = [0.0, 1.0]
    for exponent in range(7):
        fractions = 2 ** (6 - exponent) * (1 if signed else 2)
        width = 0.9 / fractions
        found = [10.0**-exponent * (0.1 + width * (i + 0.5)) for i in range(fractions)]
        values += [*found, *(-v for v in found)] if signed else found
    return tuple(sorted(values))


@lru_cache(maxsize=16)
def _tables(signed: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns the values of the codes, and the code of every bfloat16 number by its bits.

    A lookup is faster than a search among the values
    (``benchmarks/optimizer_step.py``).
    """
    values = torch.tensor(dynamic_values(signed), dtype=torch.float64)
    bits = torch.arange(-(2**15), 2**15).to(torch.int16)
    numbers = bits.view(torch.bfloat16).to(torch.float64).nan_to_num(0.0, 1.0, -1.0)
    codes = torch.bucketize(numbers, (values[1:] + values[:-1]) / 2)
    return values.to(device, torch.float32), codes.to(device, torch.uint8)


@dataclass(frozen=True, slots=True)
class QuantizedMoment:
    """A moving average, as 8-bit codes or, for small tensors, as floats.

    Attributes:
        codes: uint8 [n], or the values themselves as float32 [n].
        scales: float32 [ceil(n / 256)], largest magnitude of each block; None without codes.
        signed: Whether values may be negative.
    """

    codes: Tensor
    scales: Tensor | None
    signed: bool

    @classmethod
    def zeros(cls, numel: int, signed: bool, bits: int, device: torch.device) -> QuantizedMoment:
        """Makes a zero average with 8 or 32 bits per value."""
        if bits == 32:
            return cls(torch.zeros(numel, device=device), None, signed)
        zero = dynamic_values(signed).index(0.0)
        codes = torch.full((numel,), zero, dtype=torch.uint8, device=device)
        return cls(codes, torch.zeros(-(-numel // BLOCK), device=device), signed)

    def read(self, start: int, end: int) -> Tensor:
        """Returns values as float32 [end - start]; ``start`` is a multiple of the block."""
        codes = self.codes[start:end]
        if self.scales is None:
            return codes
        values, _ = _tables(self.signed, codes.device)
        found = values.index_select(0, codes.to(torch.int32))
        scales = self.scales[start // BLOCK : -(-end // BLOCK)]
        whole = found.numel() // BLOCK * BLOCK
        found[:whole].view(-1, BLOCK).mul_(scales[: whole // BLOCK].unsqueeze(1))
        if whole < found.numel():
            found[whole:].mul_(scales[-1])
        return found

    def write(self, start: int, end: int, values: Tensor) -> None:
        """Stores values, float32 [end - start]; the argument is overwritten."""
        if self.scales is None:
            self.codes[start:end] = values
            return
        _, codes = _tables(self.signed, values.device)
        whole = values.numel() // BLOCK * BLOCK
        parts = [values[:whole].view(-1, BLOCK), values[whole:].view(1, -1)]
        at = start // BLOCK
        for part in parts:
            if not part.numel():
                continue
            scales = part.abs().amax(1) if self.signed else part.amax(1)
            part.div_(scales.clamp_min(torch.finfo(torch.float32).tiny).unsqueeze(1))
            self.scales[at : at + len(part)] = scales
            at += len(part)
        looked_up = values.to(torch.bfloat16).view(torch.int16).to(torch.int32).add_(2**15)
        self.codes[start:end] = codes.index_select(0, looked_up)

    @property
    def nbytes(self) -> int:
        """Bytes of codes and scales together."""
        return self.codes.nbytes + (0 if self.scales is None else self.scales.nbytes)


def moment_nbytes(numel: int, bits: int) -> int:
    """Returns the bytes of an average of ``numel`` values with 8 or 32 bits per value."""
    return 4 * numel if bits == 32 else numel + 4 * -(-numel // BLOCK)
