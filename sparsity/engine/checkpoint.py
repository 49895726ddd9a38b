"""A transformers checkpoint on disk, read tensor by tensor and never modified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    import torch

STEM = "model"
"""Stem of the names that transformers gives to weight files."""

_CHUNK = 2**22
"""Bytes read at once when a file is hashed."""


class Checkpoint:
    """The tensors of a checkpoint by their names in its files.

    Args:
        folder: Folder with ``config.json`` and safetensors.
        stem: Stem of the names of the weight files.

    Raises:
        InputError: The folder holds no such checkpoint, or a damaged one.
    """

    def __init__(self, folder: Path, *, stem: str = STEM) -> None:
        self.folder = folder
        self._index = f"{stem}.safetensors.index.json"
        single = f"{stem}.safetensors"
        self.config: dict[str, Any] = read_json(folder / "config.json", "no model here")
        self._files: dict[str, str] = {}
        index = folder / self._index
        if index.is_file():
            found = read_json(index, "no index of weights").get("weight_map")
            if not isinstance(found, dict):
                raise InputError("the index of weights is damaged", file=str(index))
            self._files = {str(k): str(v) for k, v in found.items()}
        elif (folder / single).is_file():
            self._files = dict.fromkeys(_keys(folder / single), single)
        else:
            raise InputError(
                f"no weights here ({single}); only safetensors are read", file=str(folder)
            )
        for name in sorted(set(self._files.values())):
            if not (folder / name).is_file():
                raise InputError("a file of weights is missing", file=str(folder / name))

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of all tensors, sorted."""
        return tuple(sorted(self._files))

    @property
    def weight_files(self) -> tuple[str, ...]:
        """Names of the files with weights, sorted."""
        return tuple(sorted(set(self._files.values())))

    @property
    def weight_bytes(self) -> int:
        """Bytes of the files with weights."""
        return sum((self.folder / name).stat().st_size for name in self.weight_files)

    def tensor(self, key: str) -> torch.Tensor:
        """Reads one tensor."""
        from safetensors import safe_open

        with safe_open(self.folder / self._files[key], framework="pt", backend="pread") as file:
            found: torch.Tensor = file.get_tensor(key)
        return found

    def tensors(self, keys: Iterator[str] | tuple[str, ...]) -> dict[str, torch.Tensor]:
        """Reads several tensors."""
        return {key: self.tensor(key) for key in keys}

    def shape(self, key: str) -> tuple[int, ...]:
        """Returns a tensor's shape without reading it."""
        from safetensors import safe_open

        with safe_open(self.folder / self._files[key], framework="pt") as file:
            return tuple(file.get_slice(key).get_shape())

    def dtype(self, key: str) -> torch.dtype:
        """Returns a tensor's type without reading it."""
        from safetensors import safe_open

        with safe_open(self.folder / self._files[key], framework="pt") as file:
            piece = file.get_slice(key)
            found: torch.dtype = piece[tuple(slice(0, 0) for _ in piece.get_shape())].dtype
        return found

    def hashes(self) -> dict[str, str]:
        """Returns the SHA-256 of ``config.json`` and of every file of weights, by name."""
        return {name: file_hash(self.folder / name) for name in ("config.json", *self.weight_files)}

    def companions(self) -> tuple[Path, ...]:
        """Returns the other files of the folder: tokenizer, generation settings, notes."""
        return tuple(
            sorted(
                path
                for path in self.folder.iterdir()
                if path.is_file()
                and path.name not in {"config.json", self._index, *self.weight_files}
                and path.suffix in (".json", ".jinja", ".model", ".txt", ".tiktoken")
                and path.name != "compression_report.json"
            )
        )


def file_hash(path: Path) -> str:
    """Returns a file's SHA-256, read in pieces."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _keys(path: Path) -> tuple[str, ...]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return tuple(file.keys())
    except SafetensorError as error:
        raise InputError(f"damaged weights: {error}", file=str(path)) from None


def read_json(path: Path, missing: str) -> dict[str, Any]:
    """Reads a JSON object.

    Args:
        path: The file.
        missing: Message if there is no such file.

    Raises:
        InputError: It is missing or damaged.
    """
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{missing} (no {path.name})", file=str(path.parent)) from None
    except (OSError, ValueError):
        raise InputError("not readable as JSON", file=str(path)) from None
    if not isinstance(data, dict):
        raise InputError("not a JSON object", file=str(path))
    return data
