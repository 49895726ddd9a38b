"""State files of resumable trainings, written atomically."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

IDENTITY = "identity"
"""Entry that identifies the training."""


def write_state(path: Path, identity: str, state: Mapping[str, Any]) -> None:
    """Writes a state atomically.

    Args:
        path: The file; its folder is created.
        identity: Everything that must be equal for resumption.
        state: Tensors and plain data.
    """
    kept = io.BytesIO()
    torch.save({**state, IDENTITY: identity}, kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, kept.getvalue())


def read_state(
    path: Path | None, identity: str, what: str, of: str, device: torch.device | str = "cpu"
) -> dict[str, Any] | None:
    """Reads a state.

    Args:
        path: The file; ``None`` if no state is kept.
        identity: Expected identity.
        what: Kind of training, for errors.
        of: What may differ from another training, for errors.
        device: Device of the tensors.

    Returns:
        The state, ``None`` if there is none.

    Raises:
        InputError: It is damaged, or of another identity.
    """
    if path is None or not path.is_file():
        return None
    try:
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        found = saved[IDENTITY]
    except Exception:  # a damaged file fails in many ways
        raise InputError(
            f"not the state of a {what}; delete it to start over", file=str(path)
        ) from None
    if found != identity:
        raise InputError(
            f"the folder holds another {what}, of other {of}; choose another folder", file=str(path)
        )
    return saved
