"""Compiled automata on disk, found again by their content.

The folder is ``automata`` in ``$SUREFOOT_CACHE``, or else in ``surefoot`` in the user's cache
folder (``$XDG_CACHE_HOME`` or ``~/.cache``; ``~/Library/Caches`` on macOS). Nothing is lost if
it is deleted; a damaged file counts as missing, and a folder that cannot be written is not used.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

FORMAT = 1
"""Raised when what is kept changes."""

VARIABLE = "SUREFOOT_CACHE"
"""Environment variable that names another folder; empty for nothing on disk."""

Arrays = dict[str, NDArray[Any]]
"""What is kept of an automaton, by name."""


def default_folder() -> Path | None:
    """Returns the folder that is used unless another is given; None for nothing on disk."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) / "automata" if named else None
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "surefoot" / "automata"


def entry_key(*parts: str) -> str:
    """Returns a SHA-256 of what an automaton depends on."""
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()


def load(folder: Path | None, key: str, names: Sequence[str]) -> Arrays | None:
    """Returns the arrays of an entry, or None if it is missing or damaged."""
    if folder is None:
        return None
    try:
        data = (folder / f"{key}.npz").read_bytes()
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except Exception:  # a damaged file fails in whatever place of the zip reader it likes
        return None


def store(folder: Path | None, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keeps arrays; several processes may do so at the same time."""
    if folder is None:
        return
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    with suppress(OSError, InputError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / f"{key}.npz", buffer.getvalue())
