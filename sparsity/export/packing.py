"""Integers with a scale for each group of inputs, in the format ``pack-quantized``.

Format, packing and dequantization are those of the compressed-tensors library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.extras import require
from surefoot.sparsity.recipe import Quantize

if TYPE_CHECKING:
    from compressed_tensors.quantization import QuantizationScheme


def check_library() -> None:
    """Checks that compressed-tensors is installed.

    Raises:
        MissingDependencyError: It is not installed.
    """
    require("compressed_tensors")


def pack(
    weight: torch.Tensor, stage: Quantize, dtype: torch.dtype
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Rounds a matrix to the nearest integers, each group of inputs with its own scale.

    Args:
        weight: ``[outputs, inputs]``.
        stage: Bits and group.
        dtype: Type in which scales are stored.

    Returns:
        The stored tensors by the suffix of their names, and the dequantized matrix, float32.
    """
    from compressed_tensors.compressors import PackedQuantizationCompressor
    from compressed_tensors.quantization.utils import calculate_qparams

    scheme = _scheme(stage)
    assert scheme.weights is not None
    whole = weight.detach().float()
    groups = whole.reshape(whole.shape[0], -1, stage.group)
    scale, zero = calculate_qparams(groups.amin(-1), groups.amax(-1), scheme.weights)
    scale = scale.to(dtype).float().clamp(min=torch.finfo(dtype).tiny)
    given = {"weight": whole, "weight_scale": scale, "weight_zero_point": zero}
    packed = PackedQuantizationCompressor.compress(given, scheme)
    back = PackedQuantizationCompressor.decompress(packed, scheme)["weight"]
    packed["weight_scale"] = scale.to(dtype)
    return {name: value.contiguous() for name, value in packed.items()}, back.float()


def settings_for(stage: Quantize, ignored: Sequence[str]) -> dict[str, Any]:
    """Returns the ``quantization_config`` of ``config.json``.

    Args:
        stage: Bits and group.
        ignored: Names of the linear layers that are not quantized.
    """
    from compressed_tensors.quantization import QuantizationConfig, QuantizationStatus

    config = QuantizationConfig(
        config_groups={"group_0": _scheme(stage)},
        format="pack-quantized",
        quantization_status=QuantizationStatus.COMPRESSED,
        ignore=list(ignored),
    )
    found: dict[str, Any] = config.model_dump(mode="json")
    return {**found, "quant_method": "compressed-tensors"}


def _scheme(stage: Quantize) -> QuantizationScheme:
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

    args = QuantizationArgs(
        num_bits=stage.bits, symmetric=True, group_size=stage.group, strategy="group"
    )
    return QuantizationScheme(targets=["Linear"], weights=args)
