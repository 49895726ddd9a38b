"""Content-addressed cache of compiled automata on disk.

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
"""Increased when the format of entries changes."""

VARIABLE = "SUREFOOT_CACHE"
"""Environment variable of the cache folder; an empty value disables the cache."""

Arrays = dict[str, NDArray[Any]]
"""Arrays of an automaton, by name."""


def default_folder() -> Path | None:
    """Returns the default folder; None if the cache is disabled."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) / "automata" if named else None
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "surefoot" / "automata"


def entry_key(*parts: str) -> str:
    """Returns a SHA-256 of all inputs of an automaton."""
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()


def load(folder: Path | None, key: str, names: Sequence[str]) -> Arrays | None:
    """Returns the arrays of an entry, or None if it is missing or damaged."""
    if folder is None:
        return None
    try:
        data = (folder / f"{key}.npz").read_bytes()
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except Exception:  # a damaged file can fail anywhere in the zip reader
        return None


def store(folder: Path | None, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Stores arrays; safe with several processes at the same time."""
    if folder is None:
        return
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    with suppress(OSError, InputError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / f"{key}.npz", buffer.getvalue())
