"""A small generative adversarial pair for colour pictures, in the form of DCGAN.

The generator enlarges by copying pixels and convolves, which leaves fewer checkerboards than
transposed convolutions; it normalises pixels instead of batches, so that one picture at a time
gives what it gives in a batch. Weights of all layers are drawn with variance 1 and scaled when they
are used (Karras et al. 2018, section 4.1), so that their sizes can be compared across layers, as
pruning over the whole generator does.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn
from torch.nn import functional

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

_SLOPE = 0.2
_SMALLEST = 4
_NUDGE = 1e-8
CONFIG_NAME = "config.json"
"""File of a generator's folder that is written last, so that a folder with it is whole."""
_WEIGHTS = "model.safetensors"


class PairShape(BaseModel):
    """The sizes of a pair."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: int = Field(default=64, ge=1)
    """Numbers in the code z."""
    width: int = Field(default=16, ge=1)
    """Channels at full size; twice as many at half the size, up to four times."""
    size: int = Field(default=32, ge=8)
    """Pixels across; 4 times a power of two."""

    def levels(self) -> int:
        """Returns how often the size is doubled.

        Raises:
            InputError: The size is not 4 times a power of two.
        """
        found = (self.size // _SMALLEST).bit_length() - 1
        if _SMALLEST << found != self.size:
            raise InputError(f"{self.size} pixels across; take 8, 16, 32 or 64")
        return found

    def channels(self) -> list[int]:
        """Returns the channels of each level, from the smallest."""
        return [self.width * min(4, 2**i) for i in range(self.levels(), -1, -1)]


def pixel_norm(x: torch.Tensor) -> torch.Tensor:
    """Scales the channels of each pixel ``[n, c, h, w]`` to a mean square of one."""
    scaled: torch.Tensor = x * torch.rsqrt((x * x).mean(1, keepdim=True) + _NUDGE)
    return scaled


class _Linear(nn.Linear):
    """A linear layer whose weights have variance 1 at the start."""

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = functional.linear(x, self.weight / self.in_features**0.5, self.bias)
        return found


class _Conv(nn.Conv2d):
    """A convolution whose weights have variance 1 at the start."""

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inputs = self.weight[0].numel()
        found: torch.Tensor = self._conv_forward(x, self.weight * (2 / inputs) ** 0.5, self.bias)
        return found


class Generator(nn.Module):
    """Makes pictures ``[n, 3, size, size]``, values in (0, 1), of codes ``[n, code]``.

    Args:
        shape: The sizes.
    """

    def __init__(self, shape: PairShape) -> None:
        super().__init__()
        self.shape = shape
        widths = shape.channels()
        self.first = _Linear(shape.code, widths[0] * _SMALLEST**2)
        self.body = nn.ModuleList(_Conv(a, b, 3, padding=1) for a, b in itertools.pairwise(widths))
        self.last = _Conv(widths[-1], 3, 3, padding=1)

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        """See the class."""
        x = self.first(code).view(len(code), -1, _SMALLEST, _SMALLEST)
        x = pixel_norm(functional.leaky_relu(x, _SLOPE))
        for layer in self.body:
            x = functional.interpolate(x, scale_factor=2)
            x = pixel_norm(functional.leaky_relu(layer(x), _SLOPE))
        picture: torch.Tensor = torch.sigmoid(self.last(x))
        return picture


class Critic(nn.Module):
    """Tells drawn pictures from made ones; a higher score ``[n]`` speaks for drawn.

    Args:
        shape: The sizes.
    """

    def __init__(self, shape: PairShape) -> None:
        super().__init__()
        widths = shape.channels()[::-1]
        self.first = _Conv(3, widths[0], 3, padding=1)
        self.body = nn.ModuleList(_Conv(a, b, 4, 2, 1) for a, b in itertools.pairwise(widths))
        self.last = _Linear((widths[-1] + 1) * _SMALLEST**2, 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """See the class."""
        x = functional.leaky_relu(self.first(2 * pictures - 1), _SLOPE)
        for layer in self.body:
            x = functional.leaky_relu(layer(x), _SLOPE)
        # How much pictures of a batch differ: pictures that are all alike give themselves away.
        spread = x.std(0, unbiased=False).mean().expand(len(x), 1, *x.shape[2:])
        scores: torch.Tensor = self.last(torch.cat([x, spread], 1).flatten(1)).squeeze(1)
        return scores


def save_generator(generator: Generator, folder: Path) -> None:
    """Writes a generator as ``config.json`` and safetensors."""
    from surefoot.sparsity.engine.state import save_tensors

    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(
        {k: v.detach().clone().contiguous() for k, v in generator.state_dict().items()},
        folder / _WEIGHTS,
    )
    data = {"model_type": "surefoot-scene-prior", **generator.shape.model_dump()}
    write_atomic(folder / CONFIG_NAME, json.dumps(data, indent=2) + "\n")


def load_generator(folder: Path) -> Generator:
    """Reads a generator.

    Raises:
        InputError: There is none, or it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from surefoot.sparsity.engine.checkpoint import read_json

    data = read_json(folder / CONFIG_NAME, "no scene prior here")
    if data.pop("model_type", None) != "surefoot-scene-prior":
        raise InputError("no scene prior; train one with surefoot train prior", file=str(folder))
    try:
        generator = Generator(PairShape.model_validate(data))
        generator.load_state_dict(load_file(folder / _WEIGHTS))
    except (OSError, SafetensorError, RuntimeError, ValidationError):
        raise InputError("a damaged scene prior; train it anew", file=str(folder)) from None
    return generator.eval()
