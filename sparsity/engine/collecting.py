"""Statistics of the inputs of a block's layers, taken while the block runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.statistics import InputStatistics

if TYPE_CHECKING:
    from torch import nn

    from surefoot.sparsity.engine.arguments import BlockCall
    from surefoot.sparsity.engine.targets import Layer


class Collector:
    """Collects statistics of layer inputs; layers with the same input share them.

    Args:
        block: The block.
        layers: The layers to observe.
        gram: Whether the Gram matrices are needed.
    """

    def __init__(self, block: nn.Module, layers: Sequence[Layer], *, gram: bool) -> None:
        self._block = block
        self._layers = layers
        self._gram = gram
        self._leader: dict[str, str] = {}
        self._found: dict[str, InputStatistics] = {}
        self._now: list[tuple[torch.Tensor, str]] = []
        self._mask = torch.zeros(0, dtype=torch.bool)

    def collect(
        self, runs: Iterable[tuple[BlockCall, torch.Tensor, torch.Tensor]]
    ) -> dict[str, InputStatistics]:
        """Runs the block and returns the statistics of each layer that had an input, by its name.

        Args:
            runs: Arguments, hidden states ``[b, t, d]`` and the mask ``[b, t]`` of tokens that
                are not padding.

        Raises:
            InputError: An input is not finite.
        """
        with self._hooked(), torch.inference_mode():
            for call, hidden, mask in runs:
                self._mask = mask
                call.run(self._block, hidden)
                self._now.clear()
        return {
            a.name: self._found[self._leader[a.name]]
            for a in self._layers
            if a.name in self._leader
        }

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        handles = [
            self._block.get_submodule(layer.part).register_forward_pre_hook(
                partial(self._see, layer)
            )
            for layer in self._layers
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _see(self, layer: Layer, module: nn.Module, args: tuple[Any, ...]) -> None:
        x: torch.Tensor = args[0]
        if layer.name not in self._leader:
            same = next((name for seen, name in self._now if seen is x), layer.name)
            self._leader[layer.name] = same
            if same == layer.name:
                self._found[same] = InputStatistics(layer.columns, self._gram, name=layer.name)
        if self._leader[layer.name] == layer.name:
            self._now.append((x, layer.name))
            self._found[layer.name].update(x, self._mask_for(x, layer))

    def _mask_for(self, x: torch.Tensor, layer: Layer) -> torch.Tensor | None:
        mask = self._mask.to(x.device)
        if bool(mask.all()):
            return None
        if x.shape[:-1] == mask.shape:
            return mask
        if x.shape[:-1] == (mask.numel(),):
            return mask.reshape(-1)
        raise InputError(
            f"'{layer.name}' sees only part of a batch, so its padding cannot be identified; give "
            "batches without padding"
        )


def check_tokens(layers: Sequence[Layer], found: dict[str, InputStatistics], least: int) -> None:
    """Checks that every layer saw tokens, and every expert enough of them.

    Raises:
        InputError: A layer saw none, or an expert too few.
    """
    for layer in layers:
        if layer.name not in found:
            raise InputError(
                f"no calibration input reached '{layer.name}'; give more calibration texts, or "
                "add it to the recipe's 'ignore'"
            )
        if layer.expert and found[layer.name].rows < least:
            raise InputError(
                f"expert '{layer.name}' saw {found[layer.name].rows} calibration tokens of at "
                f"least {least}; give more texts, or lower calibration.minimum_tokens"
            )
