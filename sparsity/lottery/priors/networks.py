"""A small generative adversarial network for colour images, similar to DCGAN.

The generator upsamples by nearest neighbour and convolves, which leaves fewer checkerboard
artefacts than transposed convolutions; it normalises pixels instead of batches, so that the result
does not depend on the batch. Weights of all layers are drawn with variance 1 and scaled when used
(Karras et al. 2018, section 4.1), so that magnitudes are comparable across layers, as pruning over
the whole generator requires.
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
"""Slope of the leaky ReLU, as in DCGAN."""

_SMALLEST = 4
"""Side of the first feature map, as in DCGAN."""

_NUDGE = 1e-8
"""Avoids a division by zero in the pixel norm."""
CONFIG_NAME = "config.json"
"""File of a generator's folder that is written last and so marks it as complete."""
_WEIGHTS = "model.safetensors"


class PairShape(BaseModel):
    """Sizes of generator and critic."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: int = Field(default=64, ge=1)
    """Dimension of the latent code z."""
    width: int = Field(default=16, ge=1)
    """Channels at full resolution; doubled at half the resolution, up to four times."""
    size: int = Field(default=32, ge=8)
    """Side of the images in pixels; 4 times a power of two."""

    def levels(self) -> int:
        """Returns the number of doublings of the size.

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
    """Generates images ``[n, 3, size, size]`` with values in (0, 1) from codes ``[n, code]``.

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
    """Scores images ``[n]``; higher for real ones than for generated ones.

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
        # Spread within the batch: lets the critic detect mode collapse.
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
        InputError: There is none, or a damaged one.
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
        raise InputError("the scene prior is damaged; train it again", file=str(folder)) from None
    return generator.eval()
