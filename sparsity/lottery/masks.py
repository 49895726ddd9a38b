"""Pruning masks of a model, and keeping pruned weights at zero during training."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from torch import nn
    from torch.utils.hooks import RemovableHandle


@dataclass(frozen=True, slots=True)
class LayerReport:
    """Unpruned weights of a parameter.

    Attributes:
        name: Its name.
        shape: Its shape.
        alive: Number of unpruned weights.
        size: Number of all weights.
        channels: Number of outputs (first axis) with any unpruned weight.
    """

    name: str
    shape: tuple[int, ...]
    alive: int
    size: int
    channels: int

    @property
    def density(self) -> float:
        """Fraction of unpruned weights."""
        return self.alive / self.size

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "alive": self.alive,
            "size": self.size,
            "channels": self.channels,
        }


class Masks:
    """The masks of a model, by names of parameters.

    Args:
        tensors: Bool tensors of the parameters' shapes, true for unpruned weights. They are sorted
            by name, as in files, so that loaded and new masks behave the same.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self.tensors = {name: tensors[name].bool() for name in sorted(tensors)}

    @classmethod
    def full(cls, model: nn.Module, target: str = r"weight$", least_axes: int = 2) -> Masks:
        """Returns masks without pruned weights.

        Args:
            model: The model.
            target: Regular expression, searched in names of parameters.
            least_axes: Least number of axes of a parameter; 2 excludes biases and norms.

        Raises:
            InputError: There is no such parameter, or one has several names in the model, so it
                would be pruned twice.
        """
        names: dict[int, list[str]] = {}
        for name, parameter in model.named_parameters(remove_duplicate=False):
            names.setdefault(id(parameter), []).append(name)
        found = {}
        for name, parameter in model.named_parameters():
            if re.search(target, name) is None or parameter.ndim < least_axes:
                continue
            if len(names[id(parameter)]) > 1:
                raise InputError(
                    f"'{names[id(parameter)][0]}' and '{names[id(parameter)][1]}' are the same "
                    "parameter, which would be pruned twice; exclude it from the target"
                )
            found[name] = torch.ones_like(parameter, dtype=torch.bool)
        if not found:
            raise InputError(f"no parameter with {least_axes} axes has a name like '{target}'")
        return cls(found)

    def __iter__(self) -> Iterator[str]:
        """Yields the names."""
        return iter(self.tensors)

    @property
    def size(self) -> int:
        """Number of masked parameters' weights."""
        return sum(mask.numel() for mask in self.tensors.values())

    @property
    def alive(self) -> int:
        """Number of unpruned weights."""
        return sum(int(mask.sum()) for mask in self.tensors.values())

    @property
    def sparsity(self) -> float:
        """Fraction of pruned weights."""
        return 1 - self.alive / self.size

    def parameters(self, model: nn.Module) -> dict[str, nn.Parameter]:
        """Returns the masked parameters of a model, in the model's order.

        Raises:
            InputError: A parameter is missing or has another shape.
        """
        own = dict(model.named_parameters())
        for name, mask in self.tensors.items():
            if name not in own or own[name].shape != mask.shape:
                shape = tuple(own[name].shape) if name in own else "none"
                raise InputError(
                    f"a mask of shape {tuple(mask.shape)} for '{name}', which has {shape}; the "
                    "ticket is of another architecture"
                )
        return {name: parameter for name, parameter in own.items() if name in self.tensors}

    @torch.no_grad()
    def apply(self, model: nn.Module) -> None:
        """Sets pruned weights to zero."""
        for name, parameter in self.parameters(model).items():
            parameter.mul_(self.tensors[name].to(parameter.device))

    def hold(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> RemovableHandle:
        """Applies the masks now and after every step of an optimizer.

        Otherwise momentum would change pruned weights even if their gradient were masked.

        Returns:
            A handle that removes the hook.
        """
        self.apply(model)
        chosen = self.parameters(model)
        masks = {name: self.tensors[name].to(p.device) for name, p in chosen.items()}

        @torch.no_grad()
        def after(*_: Any) -> None:
            for name, parameter in chosen.items():
                parameter.mul_(masks[name])

        return optimizer.register_step_post_hook(after)

    def check_alive(self) -> None:
        """Checks that no layer is pruned entirely.

        Raises:
            InputError: A layer is.
        """
        for name, mask in self.tensors.items():
            if not bool(mask.any()):
                raise InputError(
                    f"nothing is left of '{name}', so nothing gets through the model; prune less, "
                    "or layer by layer"
                )

    def report(self) -> tuple[LayerReport, ...]:
        """Returns the unpruned weights of each layer."""
        return tuple(
            LayerReport(
                name,
                tuple(mask.shape),
                int(mask.sum()),
                mask.numel(),
                int(mask.flatten(1).any(1).sum()) if mask.ndim > 1 else int(mask.sum()),
            )
            for name, mask in self.tensors.items()
        )

    def save(self, path: Path) -> None:
        """Writes the masks as safetensors, atomically."""
        from surefoot.sparsity.engine.state import save_tensors

        save_tensors({k: v.contiguous() for k, v in self.tensors.items()}, path)

    @classmethod
    def load(cls, path: Path) -> Masks:
        """Reads masks.

        Raises:
            InputError: The file is missing, damaged or of another kind.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors = load_file(path)
        except (OSError, SafetensorError):
            raise InputError("not a readable file of masks", file=str(path)) from None
        if not tensors or any(t.dtype != torch.bool for t in tensors.values()):
            raise InputError("no masks; these are tensors of bool", file=str(path))
        return cls(tensors)
