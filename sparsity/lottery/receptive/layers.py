"""First layers of models: finds the weights that see pixels and their spatial layout."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_COLOURS = (1, 3, 4)
"""Numbers of channels of an image: grey, RGB, RGBA."""

_SHOWN = 12
"""Largest number of layers listed in an error."""


@dataclass(frozen=True)
class FirstLayer:
    """Weights that see pixels.

    Attributes:
        name: Name of the tensor in the model's files.
        weights: ``[K, C, H, W]``: units, channels, rows, columns.
        patch: Whether a unit sees a moving patch (a convolution); otherwise the whole image,
            resized to the unit.
    """

    name: str
    weights: Array
    patch: bool

    @property
    def channels(self) -> int:
        """Input channels of a unit."""
        return int(self.weights.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a unit's input."""
        return int(self.weights.shape[2]), int(self.weights.shape[3])


def read_first_layer(
    model: Path, name: str = "", shape: tuple[int, int, int] | None = None
) -> FirstLayer:
    """Reads the layer of a model that sees pixels.

    Without a name this is the only convolution with three or four channels, else the only one with
    a single channel, else the only linear layer whose inputs form a square of one or three
    channels.

    Args:
        model: Folder of a checkpoint (``config.json`` and safetensors), or one file of safetensors.
        name: Name of the tensor or a dotted suffix of it, with or without ``.weight``.
        shape: Channels, rows and columns of a linear layer's inputs, channels outermost; assumed
            to be a square by default.

    Raises:
        InputError: There is no such model or layer, or it is ambiguous; the line lists them.
    """
    shapes, read = _tensors(model)
    found = _named(name, shapes, model) if name else _guessed(shapes, shape, model)
    tensor = read(found)
    weights = np.asarray(tensor.double().numpy(), dtype=np.float64)
    if not np.isfinite(weights).all():
        raise InputError(f"the weights of '{found}' are not finite", file=str(model))
    return _laid_out(found, weights, shape, model)


def candidates(shapes: Mapping[str, tuple[int, ...]]) -> tuple[tuple[str, ...], ...]:
    """Returns tensors that could see pixels, the likeliest first.

    Args:
        shapes: Shapes by name.

    Returns:
        Convolutions of three or four channels; those of one; linear layers with square inputs.
    """
    colour: list[str] = []
    grey: list[str] = []
    linear: list[str] = []
    for name, shape in shapes.items():
        if len(shape) in (4, 5) and math.prod(shape[2:]) > 1 and shape[1] in _COLOURS:
            # A depthwise convolution also has one channel and cannot be distinguished by its
            # shape, so these come second.
            (grey if shape[1] == 1 else colour).append(name)
        elif len(shape) == 2 and min(shape) > 1 and _square(shape[1]) is not None:
            linear.append(name)
    return tuple(colour), tuple(grey), tuple(linear)


def _square(inputs: int) -> tuple[int, int, int] | None:
    """Returns channels, rows and columns of a square image with this number of values."""
    for channels in (1, 3):
        side = math.isqrt(inputs // channels)
        if side > 1 and channels * side * side == inputs:
            return channels, side, side
    return None


def _tensors(model: Path) -> tuple[dict[str, tuple[int, ...]], Any]:
    from surefoot.sparsity.engine.checkpoint import Checkpoint

    if model.is_file():
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(model, framework="pt") as file:
                shapes = {k: tuple(file.get_slice(k).get_shape()) for k in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise InputError(f"not a file of safetensors: {error}", file=str(model)) from None

        def read(name: str) -> Any:
            with safe_open(model, framework="pt") as file:
                return file.get_tensor(name)

        return shapes, read
    checkpoint = Checkpoint(model)
    return {k: checkpoint.shape(k) for k in checkpoint.keys}, checkpoint.tensor


def _named(name: str, shapes: Mapping[str, tuple[int, ...]], model: Path) -> str:
    wanted = {name, f"{name}.weight"}
    found = [k for k in shapes if k in wanted]
    found = found or [k for k in shapes if any(k.endswith(f".{w}") for w in wanted)]
    if len(found) == 1:
        return found[0]
    some = found or [k for group in candidates(shapes) for k in group]
    said = "several layers are called" if found else "no layer is called"
    raise InputError(f"{said} '{name}'; {_listed(some)}", file=str(model))


def _guessed(
    shapes: Mapping[str, tuple[int, ...]], shape: tuple[int, int, int] | None, model: Path
) -> str:
    groups = candidates(shapes)
    if shape is not None:
        inputs = math.prod(shape)
        fitting = [k for k, s in shapes.items() if len(s) == 2 and s[1] == inputs and s[0] > 1]
        groups = (tuple(fitting),)
    for group in groups:
        if len(group) == 1:
            return group[0]
        if group:
            raise InputError(
                f"several layers could see pixels; choose one with --layer; {_listed(group)}",
                file=str(model),
            )
    raise InputError(
        "no layer sees pixels: no convolution of 1, 3 or 4 channels and no linear layer whose "
        "inputs form an image; give --layer, and --shape for a linear one",
        file=str(model),
    )


def _listed(names: list[str] | tuple[str, ...]) -> str:
    if not names:
        return "the model has none that could see pixels"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"there are {', '.join(names[:_SHOWN])}{more}"


def _laid_out(
    name: str, weights: Array, shape: tuple[int, int, int] | None, model: Path
) -> FirstLayer:
    if weights.ndim == 5:
        # Frames over time are treated as channels: each unit sees all of them.
        weights = weights.reshape(len(weights), -1, *weights.shape[3:])
    if weights.ndim == 4:
        return FirstLayer(name, weights, True)
    if weights.ndim != 2:
        raise InputError(
            f"'{name}' has shape {list(weights.shape)}; a first layer is a matrix or a convolution "
            "over two axes",
            file=str(model),
        )
    inputs = int(weights.shape[1])
    laid = shape or _square(inputs)
    if laid is None or math.prod(laid) != inputs:
        raise InputError(
            f"the {inputs} inputs of '{name}' do not form "
            f"{'x'.join(map(str, shape)) if shape else 'a square image'}; give --shape as "
            "CHANNELSxROWSxCOLUMNS",
            file=str(model),
        )
    return FirstLayer(name, weights.reshape(len(weights), *laid), False)
