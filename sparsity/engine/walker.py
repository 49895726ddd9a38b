"""Walks through a model's blocks: statistics, compression, replay through the compressed block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress
from surefoot.sparsity.engine.arguments import BlockArguments, BlockCall
from surefoot.sparsity.engine.calibration import (
    Batch,
    Calibration,
    arguments_of,
    loss_of,
    mask_of,
)
from surefoot.sparsity.engine.collecting import Collector, check_tokens
from surefoot.sparsity.engine.compressing import WalkStages, compress_layer
from surefoot.sparsity.engine.skeleton import Skeleton, forget_all, give_back
from surefoot.sparsity.engine.state import CompressionState, HiddenStates, WorkFolder
from surefoot.sparsity.engine.targets import Layer, Targets, stored, weight_of
from surefoot.sparsity.pruning.metrics import outlier_percentage

if TYPE_CHECKING:
    from torch import nn

    from surefoot.sparsity.statistics import InputStatistics

_FED, _HELD, _DENSE = "calibration", "held-out", "held-out-dense"


@dataclass(frozen=True)
class WalkSettings:
    """Settings of a walk.

    Attributes:
        skeleton: The model.
        targets: Its layers.
        stages: The stages to apply.
        calibration: Calibration data, if any.
        minimum_tokens: Fewest tokens that an expert must have seen.
        progress: Called as work proceeds; the part names the phase.
    """

    skeleton: Skeleton
    targets: Targets
    stages: WalkStages
    calibration: Calibration | None
    minimum_tokens: int
    progress: Progress

    @property
    def fed(self) -> tuple[Batch, ...]:
        """Batches for statistics."""
        return self.calibration.batches if self.calibration is not None else ()

    @property
    def held(self) -> tuple[Batch, ...]:
        """Batches for the loss."""
        return self.calibration.held_out if self.calibration is not None else ()


def walk(plan: WalkSettings, work: WorkFolder, state: CompressionState) -> None:
    """Compresses all blocks that are not done yet, and measures the loss before and after.

    At most one block of the model is in memory, beside the parts that compute the arguments of
    blocks, and one batch of hidden states.

    Args:
        plan: Settings of the walk.
        work: Folder of the state and the compressed tensors.
        state: State of the compression; updated in place.

    Raises:
        InputError: Activations are not finite, or a method cannot be applied.
    """
    fed, held = BlockArguments(plan.skeleton), BlockArguments(plan.skeleton)
    _enter(plan, work, state.done == 0, fed, held)
    count = len(plan.skeleton.blocks)
    for index in range(state.done, count):
        _step(plan, work, state, index, fed, held)
        plan.progress(index + 1, count, "blocks")
    if plan.held and "after" not in state.losses:
        plan.skeleton.fill_outside()
        for name, stream in (("before", _DENSE), ("after", _HELD)):
            hidden = work.hidden(count, stream).all(len(plan.held))
            state.losses[name] = mean_loss(held, plan.held, hidden)
        plan.skeleton.empty_outside()
        work.write(state)


def _enter(
    plan: WalkSettings, work: WorkFolder, fresh: bool, fed: BlockArguments, held: BlockArguments
) -> None:
    """Records the arguments of all blocks and, at the start, the input of the first."""
    if not plan.fed and not plan.held:
        return
    plan.skeleton.fill_outside()
    for arguments, batches, streams in (
        (fed, plan.fed, (_FED,)),
        (held, plan.held, (_HELD, _DENSE)),
    ):
        for i, batch in enumerate(batches):
            hidden = arguments.note(arguments_of(batch))
            check_finite(hidden, "the embeddings")
            for stream in streams if fresh else ():
                work.hidden(0, stream).put(i, hidden)
    plan.skeleton.empty_outside()


def _step(
    plan: WalkSettings,
    work: WorkFolder,
    state: CompressionState,
    index: int,
    fed: BlockArguments,
    held: BlockArguments,
) -> None:
    """Compresses one block."""
    skeleton, layers = plan.skeleton, plan.targets.of_block(index)
    name = skeleton.block_name(index)
    block = skeleton.fill_block(index)
    _replay(block, held, index, len(plan.held), work, _DENSE, name)
    found: dict[str, InputStatistics] = {}
    if plan.fed and layers:
        # Up to 4096 inputs a Gram matrix takes at most 64 MiB, so the output error is reported too.
        gram = plan.stages.statistics == "gram" or all(a.columns <= 4096 for a in layers)
        collector = Collector(block, layers, gram=gram)
        found = collector.collect(_runs(fed, index, plan.fed, work.hidden(index, _FED)))
        if plan.stages.statistics:
            check_tokens(layers, found, plan.minimum_tokens)
    tensors: dict[str, torch.Tensor] = {}
    removed: list[str] = []
    # Quantized checkpoints cannot be loaded where other tensors need conversion.
    whole = any(skeleton.source_of(f"{a.name}.weight") is None for a in layers) or (
        plan.stages.quantize is not None and skeleton.converted(name)
    )
    records = []
    for layer in layers:
        module = block.get_submodule(layer.part)
        source = skeleton.source_of(f"{layer.name}.weight")
        key = source if source is not None else skeleton.keys_of(name)[0]
        done = compress_layer(
            layer,
            module,
            plan.stages,
            state.plan.decisions[layer.name],
            found.get(layer.name),
            skeleton.checkpoint.dtype(key),
        )
        module.weight.data = stored(done.weight.to(skeleton.dtype), layer)
        prefix = key.removesuffix("weight") if source is not None else f"{layer.name}."
        tensors |= {f"{prefix}{part}": value for part, value in done.tensors.items()}
        if source is not None:
            removed.append(source)
        records.append(done.record)
    if whole and layers:
        tensors = _as_in_model(skeleton, block, name, tensors, layers)
        removed = list(skeleton.keys_of(name))
    work.write_block(index, tensors)
    last = index + 1 == len(skeleton.blocks)
    if not last:
        _replay(block, fed, index, len(plan.fed), work, _FED, name)
    _replay(block, held, index, len(plan.held), work, _HELD, name)
    forget_all(block)
    give_back()
    state.done = index + 1
    state.records += records
    state.removed += removed
    work.write(state)
    work.forget_hidden(index)


def _as_in_model(
    skeleton: Skeleton,
    block: nn.Module,
    name: str,
    tensors: dict[str, torch.Tensor],
    layers: Sequence[Layer],
) -> dict[str, torch.Tensor]:
    """Returns all tensors of a block by the model's own names.

    Needed if a tensor of the files holds several matrices of which some are compressed.
    """
    compressed = {f"{a.name}.weight" for a in layers}
    dtype = skeleton.checkpoint.dtype(skeleton.keys_of(name)[0])
    own = {
        f"{name}.{part}": value.detach().to(dtype).contiguous()
        for part, value in block.state_dict().items()
        if f"{name}.{part}" not in compressed
    }
    named = {}
    for key, value in tensors.items():
        stem, _, part = key.rpartition(".")
        layer = next(
            a
            for a in layers
            if stem in (a.name, (skeleton.source_of(f"{a.name}.weight") or "").rpartition(".")[0])
        )
        named[f"{layer.name}.{part}"] = value
    return own | named


def _runs(
    arguments: BlockArguments, index: int, batches: Sequence[Batch], hidden: HiddenStates
) -> Iterator[tuple[BlockCall, torch.Tensor, torch.Tensor]]:
    for i, batch in enumerate(batches):
        yield arguments.of(i, index), hidden.get(i), mask_of(batch)


def _replay(
    block: nn.Module,
    arguments: BlockArguments,
    index: int,
    count: int,
    work: WorkFolder,
    stream: str,
    name: str,
) -> None:
    """Runs a block on its input and writes the input of the next block."""
    source, target = work.hidden(index, stream), work.hidden(index + 1, stream)
    with torch.inference_mode():
        for i in range(count):
            hidden = arguments.of(i, index).run(block, source.get(i))
            check_finite(hidden, f"'{name}'")
            target.put(i, hidden)


def check_finite(hidden: torch.Tensor, name: str) -> None:
    """Checks hidden states.

    Args:
        hidden: The states.
        name: Name of the module that they come from.

    Raises:
        InputError: A value is not finite.
    """
    if not bool(hidden.isfinite().all()):
        raise InputError(
            f"the activations after {name} are not finite (NaN or infinite); the model or the "
            "calibration texts are damaged"
        )


def mean_loss(
    arguments: BlockArguments, batches: Sequence[Batch], hidden: Iterator[torch.Tensor]
) -> float:
    """Returns the loss of the outputs of the last block, nats per token."""
    total, count = 0.0, 0
    for batch, last in zip(batches, hidden, strict=True):
        more, tokens = loss_of(arguments.finish(arguments_of(batch), last), batch)
        total, count = total + more, count + tokens
    return total / max(1, count)


def outliers_of(plan: WalkSettings) -> Callable[[float], dict[str, float]]:
    """Returns a function that computes for each layer the percentage of outliers in its block.

    It runs the dense model block by block and keeps the hidden states in memory.
    """

    def found(multiple: float) -> dict[str, float]:
        arguments = BlockArguments(plan.skeleton)
        plan.skeleton.fill_outside()
        hidden = [arguments.note(arguments_of(batch)) for batch in plan.fed]
        plan.skeleton.empty_outside()
        shares: dict[str, float] = {}
        for index in range(len(plan.skeleton.blocks)):
            block = plan.skeleton.fill_block(index)
            layers = plan.targets.of_block(index)
            runs = [
                (arguments.of(i, index), hidden[i], mask_of(batch))
                for i, batch in enumerate(plan.fed)
            ]
            if layers:
                seen = Collector(block, layers, gram=False).collect(runs)
                check_tokens(layers, seen, plan.minimum_tokens)
                share = outlier_percentage(
                    [weight_of(block.get_submodule(a.part), a) for a in layers],
                    [seen[a.name].norms() for a in layers],
                    multiple,
                )
                shares |= {a.name: share for a in layers}
            with torch.inference_mode():
                hidden = [call.run(block, x) for call, x, _ in runs]
            forget_all(block)
            plan.progress(index + 1, len(plan.skeleton.blocks), "outliers")
        return shares

    return found
