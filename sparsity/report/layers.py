"""What became of one layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """Figures of a compressed layer.

    Attributes:
        name: Full name of its module.
        block: Number of its block.
        rows: Outputs.
        columns: Inputs.
        method: What was done, such as ``wanda`` or ``welore``; ``dense`` if nothing.
        parameters: Numbers kept, zeros of a mask among them.
        nonzero: Numbers kept that are not zero.
        bytes_before: Bytes of its matrix in the source.
        bytes_after: Bytes of what stands for it.
        requested: Sparsity that was asked for, ``None`` without pruning.
        sparsity: Share of zeros in what was written.
        pattern: Such as ``2:4``; ``""`` if none.
        pattern_holds: Whether every group keeps to the pattern; ``None`` if there is none.
        rank: Rank of the factors; ``None`` where the matrix is whole.
        bits: Bits of a quantized weight; ``None`` without quantization.
        alpha: Exponent of the tail of the spectrum before compression, if it was fitted.
        ks: Kolmogorov-Smirnov distance of that fit.
        error: ‖(W - W')X‖ / ‖WX‖ over the calibration inputs, if these were seen.
        weight_error: ‖W - W'‖ / ‖W‖.
        damping: Damping of the Hessian that was used, in units of its mean diagonal.
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
        """Reads what :meth:`to_json` gave."""
        return cls(**{f.name: data[f.name] for f in fields(cls)})
