"""Compression of a single layer according to its decision and the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.targets import Layer, stored, weight_of
from surefoot.sparsity.lowrank.factors import factorize
from surefoot.sparsity.pruning.methods import output_error, prune
from surefoot.sparsity.pruning.patterns import SemiStructured, pattern_of
from surefoot.sparsity.recipe import Factorize, Quantize, Sparsify
from surefoot.sparsity.report.layers import LayerRecord

if TYPE_CHECKING:
    from surefoot.sparsity.engine.planning import LayerDecision
    from surefoot.sparsity.statistics import InputStatistics


@dataclass(frozen=True)
class WalkStages:
    """The stages that one walk applies to the layers of a model.

    Attributes:
        sparsify: Pruning, if any.
        factorize: Factorization, if any.
        quantize: Quantization, if any.
    """

    sparsify: Sparsify | None = None
    factorize: Factorize | None = None
    quantize: Quantize | None = None

    @property
    def statistics(self) -> str:
        """Statistics of inputs that are needed: ``""``, ``"norms"`` or ``"gram"``."""
        if self.sparsify is not None and self.sparsify.method == "sparsegpt":
            return "gram"
        if self.factorize is not None and self.factorize.method.endswith("whitened"):
            return "gram"
        return "norms" if self.sparsify is not None and self.sparsify.method == "wanda" else ""


@dataclass(frozen=True)
class CompressedLayer:
    """A compressed layer.

    Attributes:
        tensors: The tensors that replace its matrix in files, by the suffix of their names.
        weight: The effective matrix ``[outputs, inputs]``, float32.
        record: Its figures.
    """

    tensors: dict[str, torch.Tensor]
    weight: torch.Tensor
    record: LayerRecord


@torch.no_grad()
def compress_layer(
    layer: Layer,
    module: Any,
    stages: WalkStages,
    decision: LayerDecision,
    statistics: InputStatistics | None,
    dtype: torch.dtype,
) -> CompressedLayer:
    """Compresses a layer without changing its module.

    Args:
        layer: The layer.
        module: Its module, with weights.
        stages: The stages to apply.
        decision: How strongly it is compressed.
        statistics: Statistics of its inputs, if the stages or the reported error need them.
        dtype: Data type of the matrix in the source's files and in the result.

    Raises:
        InputError: The method cannot be applied.
    """
    before = weight_of(module, layer).float()
    facts: dict[str, Any] = {"method": "dense", "alpha": decision.alpha, "ks": decision.ks}
    after = before
    if stages.sparsify is not None and decision.pattern:
        after, more = _sparse(layer, before, stages.sparsify, decision, statistics)
        facts |= more
    after = after.to(dtype).float()
    tensors = {"weight": stored(after.to(dtype), layer)}
    kept = layer.size
    if stages.factorize is not None and decision.rank is not None:
        whiten = stages.factorize.method.endswith("whitened")
        factors = factorize(before, decision.rank, statistics if whiten else None)
        left, right = (part.to(dtype).contiguous() for part in factors)
        tensors, after = {"U": left, "V": right}, left.float() @ right.float()
        kept = left.numel() + right.numel()
        facts |= {"method": stages.factorize.method, "rank": decision.rank}
    if stages.quantize is not None:
        from surefoot.sparsity.export.packing import pack

        tensors, after = pack(after, stages.quantize, dtype)
        facts["bits"] = stages.quantize.bits
        rounded = f"int{stages.quantize.bits}"
        facts["method"] = (
            rounded if facts["method"] == "dense" else f"{facts['method']} + {rounded}"
        )
    zeros = kept - sum(int(torch.count_nonzero(t)) for t in _numbers(tensors, after))
    facts["sparsity"] = zeros / kept
    if facts.get("pattern"):
        facts["pattern_holds"] = _holds(after, facts["pattern"])
    if statistics is not None:
        facts["tokens"] = statistics.rows
        if statistics.gram is not None:
            facts["error"] = output_error(before, after, statistics.gram)
    size = torch.linalg.vector_norm(before)
    facts["weight_error"] = float(torch.linalg.vector_norm(before - after) / size) if size else 0.0
    if not bool(after.isfinite().all()):
        raise InputError(f"'{layer.name}' is not finite after compression")
    record = LayerRecord(
        layer.name,
        layer.block,
        layer.rows,
        layer.columns,
        parameters=kept,
        nonzero=kept - zeros,
        bytes_before=layer.size * dtype.itemsize,
        bytes_after=sum(t.numel() * t.element_size() for t in tensors.values()),
        **facts,
    )
    return CompressedLayer(tensors, after, record)


def _sparse(
    layer: Layer,
    weight: torch.Tensor,
    stage: Sparsify,
    decision: LayerDecision,
    statistics: InputStatistics | None,
) -> tuple[torch.Tensor, dict[str, Any]]:
    pattern = pattern_of(decision.pattern)
    options: dict[str, Any] = {}
    if stage.method == "sparsegpt":
        options = {"block_size": stage.block, "damping": stage.damping}
    elif stage.within is not None:
        options = {"granularity": stage.within}
    given = None if stage.method == "magnitude" else statistics
    try:
        found = prune(weight, given, stage.method, pattern, **options)
    except InputError as error:
        if layer.name in error.message:
            raise
        raise InputError(f"{layer.name}: {error.message}") from None
    facts = {
        "method": stage.method,
        "requested": pattern.sparsity,
        "damping": found.damping,
        "solver": found.solver,
        "pattern": str(pattern) if isinstance(pattern, SemiStructured) else "",
    }
    return found.weight, facts


def _numbers(tensors: dict[str, torch.Tensor], after: torch.Tensor) -> list[torch.Tensor]:
    """Returns the stored values: factors, or the dequantized matrix."""
    return [tensors["U"], tensors["V"]] if "U" in tensors else [after]


def _holds(weight: torch.Tensor, pattern: str) -> bool:
    kept, of = map(int, pattern.split(":"))
    groups = weight.reshape(weight.shape[0], -1, of)
    return int(torch.count_nonzero(groups, dim=-1).max()) <= kept
