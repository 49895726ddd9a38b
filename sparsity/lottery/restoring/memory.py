"""Estimates the memory of a fit, so that too large images are refused before it starts."""

from __future__ import annotations

import os
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings, Size

_BYTES = {"skip": (1500, 60), "decoder": (400, 30)}
"""Peak bytes per pixel of a step, fixed and per channel of a level; rounded up from peaks measured
at 512 x 512 pixels with 16 to 64 channels."""
_WEIGHTS = 320
"""Bytes of a level's weights per pair of channels: 20 values, each with its gradient and two
moments, 4 bytes each."""


def bytes_for(size: Size, settings: NetworkSettings) -> int:
    """Returns the estimated peak memory of a fit, bytes."""
    pixel, channel = _BYTES[settings.kind]
    weights = _WEIGHTS * settings.depth * settings.width**2
    return size[0] * size[1] * (pixel + channel * settings.width) + weights


def free_bytes() -> int:
    """Returns the available memory, or the total memory if that is unknown, bytes."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_memory(size: Size, settings: NetworkSettings) -> None:
    """Checks that enough memory is available for a fit.

    Args:
        size: Height and width of the image.
        settings: The network.

    Raises:
        InputError: There is too little memory.
    """
    needed, free = bytes_for(size, settings), free_bytes()
    if needed > free:
        raise InputError(
            f"fitting {size[1]} x {size[0]} pixels with {settings.width} channels takes about "
            f"{needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB are free; crop the image, "
            "make it smaller, or use fewer channels (--set width=...)"
        )
