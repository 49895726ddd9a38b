"""How much memory a fit takes, so that a picture that is too large is refused before it starts."""

from __future__ import annotations

import os
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings, Size

_BYTES = {"skip": (1500, 60), "decoder": (400, 30)}
"""Bytes that a pixel takes at the peak of a step, and those more for each channel of a level;
rounded up from peaks measured at 512 x 512 pixels with 16 to 64 channels."""
_WEIGHTS = 320
"""Bytes of a level's weights for each pair of channels: 20 numbers, each with its slope and two
moments."""


def bytes_for(size: Size, settings: NetworkSettings) -> int:
    """Returns about how many bytes a fit takes at its peak."""
    pixel, channel = _BYTES[settings.kind]
    weights = _WEIGHTS * settings.depth * settings.width**2
    return size[0] * size[1] * (pixel + channel * settings.width) + weights


def free_bytes() -> int:
    """Returns the memory that this machine has to give, all it has where it does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_memory(size: Size, settings: NetworkSettings) -> None:
    """Checks that a fit finds the memory it takes.

    Args:
        size: Height and width of the picture.
        settings: The network.

    Raises:
        InputError: It does not.
    """
    needed, free = bytes_for(size, settings), free_bytes()
    if needed > free:
        raise InputError(
            f"fitting {size[1]} x {size[0]} pixels with {settings.width} channels takes about "
            f"{needed / 2**30:,.1f} GiB, and {free / 2**30:,.1f} GiB are free; crop the picture, "
            "make it smaller, or take fewer channels (--set width=...)"
        )
