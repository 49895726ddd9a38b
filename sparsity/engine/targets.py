"""Finds the layers that a recipe compresses, and those that it cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

    from surefoot.sparsity.engine.skeleton import Skeleton
    from surefoot.sparsity.recipe import CompressionRecipe

_EXPERT = re.compile(r"(^|\.)experts?\.\w+(\.|$)")


@dataclass(frozen=True, slots=True)
class Layer:
    """A matrix to be compressed.

    Attributes:
        name: Full name of its module.
        block: Number of its block.
        part: Name of the module within the block.
        rows: Outputs.
        columns: Inputs.
        transposed: Whether the module stores it as ``[inputs, outputs]`` (GPT-2).
        expert: Whether it sees only tokens that a router assigns to it.
    """

    name: str
    block: int
    part: str
    rows: int
    columns: int
    transposed: bool
    expert: bool

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.rows * self.columns


@dataclass(frozen=True, slots=True)
class Targets:
    """The layers to compress, and similar ones that are skipped.

    Attributes:
        layers: The layers, block by block.
        fused: Parameters that hold the matrices of several experts in one tensor.
        outside: Linear layers that belong to no block.
    """

    layers: tuple[Layer, ...]
    fused: tuple[str, ...]
    outside: tuple[str, ...]

    def of_block(self, block: int) -> tuple[Layer, ...]:
        """Returns the layers of a block."""
        return tuple(layer for layer in self.layers if layer.block == block)

    @property
    def notes(self) -> tuple[str, ...]:
        """Layers that are skipped although the recipe does not exclude them, one line each."""
        found = []
        if self.fused:
            count = len(self.fused)
            found.append(
                f"{count} tensors with the matrices of several experts in one "
                f"({self.fused[0]}, …) are left as they are"
            )
        if self.outside:
            found.append(
                f"{len(self.outside)} linear layers outside of the decoder's blocks "
                f"({self.outside[0]}{', …' if len(self.outside) > 1 else ''}) are left as they are"
            )
        return tuple(found)


def is_linear(module: Any) -> bool:
    """Returns whether a module is a linear layer of torch or GPT-2."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, nn.Linear | Conv1D)


def weight_of(module: Any, layer: Layer) -> torch.Tensor:
    """Returns a layer's matrix ``[outputs, inputs]``."""
    weight: torch.Tensor = module.weight.detach()
    return weight.T.contiguous() if layer.transposed else weight


def stored(weight: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Returns a matrix ``[outputs, inputs]`` in the layout of the layer's module."""
    return weight.T.contiguous() if layer.transposed else weight.contiguous()


def find_targets(skeleton: Skeleton, recipe: CompressionRecipe) -> Targets:
    """Finds the layers that a recipe compresses.

    Raises:
        InputError: Nothing fits, or a target is shared with another part of the model.
    """
    from torch import nn

    layers: list[Layer] = []
    fused: list[str] = []
    for index, block in enumerate(skeleton.blocks):
        prefix = skeleton.block_name(index)
        for part, module in block.named_modules():
            name = f"{prefix}.{part}" if part else prefix
            if not recipe.takes(name):
                continue
            if is_linear(module):
                layers.append(_layer(name, index, part, module))
            elif not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
                fused += [
                    f"{name}.{p}"
                    for p, t in module.named_parameters(recurse=False)
                    if t.dim() == 3 and min(t.shape) > 1
                ]
    _refuse_shared(skeleton.model, layers)
    if not layers:
        hint = f"; its experts are fused into one tensor ({fused[0]})" if fused else ""
        raise InputError(
            f"no linear layer of the {len(skeleton.blocks)} blocks fits the recipe's 'target' and "
            f"'ignore'{hint}"
        )
    inside = f"{skeleton.path}."
    outside = [
        name
        for name, module in skeleton.model.named_modules()
        if not name.startswith(inside) and is_linear(module) and recipe.takes(name)
    ]
    _refuse_tied(skeleton.model, outside)
    return Targets(tuple(layers), tuple(fused), tuple(outside))


def _layer(name: str, index: int, part: str, module: nn.Module) -> Layer:
    from torch import nn

    shape = module.weight.shape
    transposed = not isinstance(module, nn.Linear)
    assert isinstance(shape, tuple)
    rows, columns = (shape[1], shape[0]) if transposed else (shape[0], shape[1])
    expert = _EXPERT.search(part) is not None
    return Layer(name, index, part, int(rows), int(columns), transposed, expert)


def _refuse_shared(model: nn.Module, layers: list[Layer]) -> None:
    """Refuses targets with shared weights: compressing one would change the other."""
    places: dict[int, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        for part, parameter in module.named_parameters(recurse=False):
            places.setdefault(id(parameter), []).append(f"{name}.{part}")
    wanted = {f"{layer.name}.weight" for layer in layers}
    for names in places.values():
        if len(names) > 1 and wanted & set(names):
            raise InputError(
                f"'{names[0]}' and '{names[1]}' share their weights; add one of them to the "
                "recipe's 'ignore'"
                if not wanted >= set(names)
                else f"'{names[0]}' and '{names[1]}' share their weights, which are not compressed "
                "here; add both to the recipe's 'ignore'"
            )
    tied = getattr(model, "all_tied_weights_keys", {}) or {}
    for name, other in tied.items():
        for first, second in ((name, other), (other, name)):
            if first in wanted:
                raise InputError(
                    f"'{first}' is tied with '{second}'; add it to the recipe's 'ignore'"
                )


def _refuse_tied(model: nn.Module, outside: list[str]) -> None:
    tied = getattr(model, "all_tied_weights_keys", {}) or {}
    for name, other in tied.items():
        for first, second in ((name, other), (other, name)):
            if first.removesuffix(".weight") in outside:
                raise InputError(
                    f"'{first}' is tied with '{second}' and cannot be compressed alone; add it to "
                    "the recipe's 'ignore'"
                )
