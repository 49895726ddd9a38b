"""Readers of model folders that transformers alone cannot read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.registry import Registry

FORMATS: Registry[Callable[[Path, Any], Any]] = Registry("model_formats", "model format")
"""Readers of formats by name: called with a folder and a type of torch, they give a model."""

MARK = "surefoot_compression"
"""Entry of ``config.json`` that names the format of the weights beside it."""

_PLAIN = ("dense", "masked", "pack-quantized")
"""Formats that transformers reads."""


def reader_of(folder: Path) -> Callable[[Path, Any], Any] | None:
    """Returns the reader of a model folder, ``None`` if transformers reads it.

    Args:
        folder: The folder.

    Raises:
        InputError: The folder is of a format that nothing installed reads.
    """
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    done = config.get(MARK) if isinstance(config, dict) else None
    name = done.get("format") if isinstance(done, dict) else None
    if name is None or name in _PLAIN:
        return None
    if name not in FORMATS:
        raise InputError(
            f"weights of format '{name}', which nothing installed reads", file=str(folder)
        )
    return FORMATS.get(name)
