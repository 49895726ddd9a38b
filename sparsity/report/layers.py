"""Figures of a single layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """Figures of a compressed layer.

    Attributes:
        name: Full name of its module.
        block: Index of its block.
        rows: Outputs.
        columns: Inputs.
        method: Method of compression, such as ``wanda`` or ``welore``; ``dense`` if none.
        parameters: Number of stored values, including zeros of a mask.
        nonzero: Number of stored values that are not zero.
        bytes_before: Bytes of its matrix in the source.
        bytes_after: Bytes of the tensors that replace it.
        requested: Requested sparsity, ``None`` without pruning.
        sparsity: Fraction of zeros in the written tensors.
        pattern: Such as ``2:4``; ``""`` if none.
        pattern_holds: Whether every group satisfies the pattern; ``None`` without one.
        rank: Rank of the factors; ``None`` if it is not factorized.
        bits: Bits of a quantized weight; ``None`` without quantization.
        alpha: Exponent of the tail of the spectrum before compression, if it was fitted.
        ks: Kolmogorov-Smirnov distance of that fit.
        error: ‖(W - W')X‖ / ‖WX‖ over the calibration inputs, if known.
        weight_error: ‖W - W'‖ / ‖W‖.
        damping: Damping of the Hessian, relative to its mean diagonal.
        solver: How the Hessian was inverted.
        tokens: Calibration tokens that the layer saw.
    """

    name: str
    block: int
    rows: int
    columns: int
    method: str
    parameters: int
    nonzero: int
    bytes_before: int
    bytes_after: int
    requested: float | None = None
    sparsity: float = 0.0
    pattern: str = ""
    pattern_holds: bool | None = None
    rank: int | None = None
    bits: int | None = None
    alpha: float | None = None
    ks: float | None = None
    error: float | None = None
    weight_error: float | None = None
    damping: float | None = None
    solver: str | None = None
    tokens: int = 0

    @property
    def size(self) -> int:
        """Number of weights before."""
        return self.rows * self.columns

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LayerRecord:
        """Restores a record from :meth:`to_json`."""
        return cls(**{f.name: data[f.name] for f in fields(cls)})
