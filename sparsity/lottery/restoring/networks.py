"""Untrained networks whose architecture is an image prior: the skip U-Net and the deep decoder.

Both map a fixed random code to an image and are fitted to that one image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from surefoot.core.errors import InputError

Size = tuple[int, int]

_SLOPE = 0.2
"""Slope of the leaky ReLU, as in Deep Image Prior."""
_CODE = 0.1
"""Upper bound of the uniform code, as in Deep Image Prior."""
_LEAST = 2
"""Least side of the smallest level in pixels; reflection padding and norms need two."""


class NetworkSettings(BaseModel):
    """Which network, and how large."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["skip", "decoder"] = "skip"
    """``skip`` for the U-Net of Deep Image Prior, ``decoder`` for the deep decoder."""
    width: int = Field(default=32, ge=1)
    """Channels of each level."""
    depth: int = Field(default=4, ge=1)
    """Levels, each at half the resolution of the previous one."""
    skips: int = Field(default=4, ge=0)
    """Channels of the skip connections of a skip network; 0 for none."""
    code: int = Field(default=32, ge=1)
    """Channels of the random code."""


def depth_for(size: Size, wanted: int) -> int:
    """Returns the possible number of levels for an image size, at most the wanted one.

    Raises:
        InputError: A side has fewer than three pixels.
    """
    depth = 0
    while depth < wanted and min(_halves(size, depth + 1)[-1]) >= _LEAST:
        depth += 1
    if not depth:
        raise InputError(
            f"an image of {size[0]} x {size[1]} pixels is too small; each side needs three"
        )
    return depth


def _halves(size: Size, depth: int) -> list[Size]:
    """Returns the sizes of all levels; odd sides are rounded up."""
    found = [size]
    for _ in range(depth):
        found.append((-(-found[-1][0] // 2), -(-found[-1][1] // 2)))
    return found


class Prior(nn.Module, ABC):
    """A network with its code; calling it returns an image ``[1, channels, height, width]``.

    Attributes:
        code: The code ``[1, channels, height, width]``; saved with the weights.
        own_jitter: Standard deviation of the noise on the code in the network's paper.
    """

    code: torch.Tensor
    own_jitter: ClassVar[float] = 0.0

    def forward(self, jitter: torch.Tensor | None = None) -> torch.Tensor:
        """Returns the image, values in (0, 1).

        Args:
            jitter: Noise added to the code, of the same shape.
        """
        return self.paint(self.code if jitter is None else self.code + jitter)

    @abstractmethod
    def paint(self, code: torch.Tensor) -> torch.Tensor:
        """Returns the image of a code.

        Args:
            code: A code ``[n, channels, height, width]``; several are normalised separately.
        """


class _Step(nn.Sequential):
    """Convolution with reflection padding, instance norm, leaky ReLU."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inner, outer, kernel, stride, kernel // 2, padding_mode="reflect"),
            _norm(outer),
            nn.LeakyReLU(_SLOPE, inplace=True),
        )


class SkipNetwork(Prior):
    """An hourglass network with narrow skip connections at each level.

    Args:
        size: Height and width of the image; odd sides are handled by upsampling to the size of each
            level of the encoder.
        channels: Channels of the image.
        settings: Its size.
        seed: Seed of weights and code.

    Raises:
        InputError: The image is too small for the depth.

    Source: Ulyanov et al. 2018, figure 21; bilinear upsampling.
    """

    own_jitter = 1 / 30

    def __init__(self, size: Size, channels: int, settings: NetworkSettings, seed: int) -> None:
        super().__init__()
        _check_room(size, settings.depth)
        width, skips, depth = settings.width, settings.skips, settings.depth
        inputs = [settings.code, *[width] * (depth - 1)]
        with _drawn(seed):
            self.down = nn.ModuleList(
                nn.Sequential(_Step(n, width, 3, 2), _Step(width, width, 3)) for n in inputs
            )
            self.past = nn.ModuleList(_Step(n, skips, 1) for n in inputs if skips)
            self.joined = nn.ModuleList(_norm(width + skips) for _ in inputs)
            self.up = nn.ModuleList(
                nn.Sequential(_Step(width + skips, width, 3), _Step(width, width, 1))
                for _ in inputs
            )
            self.last = nn.Conv2d(width, channels, 1)
            self.register_buffer("code", _CODE * torch.rand(1, settings.code, *size))

    def paint(self, code: torch.Tensor) -> torch.Tensor:
        """See the base."""
        levels = [code]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for i in reversed(range(len(levels))):
            x = _enlarged(x, levels[i].shape[-2:])
            if len(self.past):
                x = torch.cat([x, self.past[i](levels[i])], 1)
            x = self.up[i](self.joined[i](x))
        return torch.sigmoid(self.last(x))


class DeepDecoder(Prior):
    """A decoder of 1x1 convolutions with fewer weights than the image has values.

    Args:
        size: Height and width of the image.
        channels: Channels of the image.
        settings: Its size; ``skips`` and ``code`` are ignored, the code has ``width`` channels.
        seed: Seed of weights and code.

    Raises:
        InputError: The image is too small for the depth.

    Source: Heckel and Hand 2019, section 2.
    """

    def __init__(self, size: Size, channels: int, settings: NetworkSettings, seed: int) -> None:
        super().__init__()
        _check_room(size, settings.depth)
        self.sizes = _halves(size, settings.depth)[::-1]
        width = settings.width
        with _drawn(seed):
            self.levels = nn.ModuleList(
                nn.Conv2d(width, width, 1, bias=False) for _ in range(settings.depth + 1)
            )
            self.norms = nn.ModuleList(_norm(width) for _ in range(settings.depth + 1))
            self.last = nn.Conv2d(width, channels, 1, bias=False)
            self.register_buffer("code", _CODE * torch.rand(1, width, *self.sizes[0]))

    def paint(self, code: torch.Tensor) -> torch.Tensor:
        """See the base."""
        x = code
        # The last level mixes channels at full size without upsampling, as in the paper.
        for level, norm, (size, following) in zip(
            self.levels, self.norms, pairwise([*self.sizes, self.sizes[-1]]), strict=True
        ):
            x = level(x)
            x = x if following == size else _enlarged(x, following)
            x = norm(functional.relu(x))
        return torch.sigmoid(self.last(x))


def make_network(size: Size, channels: int, settings: NetworkSettings, seed: int) -> Prior:
    """Makes a network from settings.

    Args:
        size: Height and width of the image.
        channels: Channels of the image.
        settings: Architecture and size of the network.
        seed: Seed of weights and code; the global generator is not changed.

    Raises:
        InputError: The image is too small for the depth.
    """
    made = SkipNetwork if settings.kind == "skip" else DeepDecoder
    return made(size, channels, settings, seed)


def count_weights(network: nn.Module) -> int:
    """Returns the number of all parameters."""
    return sum(p.numel() for p in network.parameters())


def _check_room(size: Size, depth: int) -> None:
    if min(_halves(size, depth)[-1]) < _LEAST:
        raise InputError(
            f"an image of {size[0]} x {size[1]} pixels has no room for {depth} levels; take fewer"
        )


def _norm(channels: int) -> nn.Module:
    """Returns an instance norm, as a group norm with one group per channel.

    For one image this equals the batch norm of the paper, without copies.
    """
    return nn.GroupNorm(channels, channels)


def _enlarged(x: torch.Tensor, size: torch.Size | Size) -> torch.Tensor:
    return functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


@contextmanager
def _drawn(seed: int) -> Iterator[None]:
    """Draws from a seed within the context without changing the global generator."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        yield
