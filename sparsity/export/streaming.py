"""Writes a safetensors file tensor by tensor, with only one in memory.

The format is a length, a JSON header and the tensors' bytes without gaps. Tensors of wide types
come first, so that each is aligned to its type's size, as readers expect.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import IO, Any

import torch

from surefoot.core.errors import HarnessError
from surefoot.core.files import write_error

_NAMES = {
    torch.float64: "F64",
    torch.int64: "I64",
    torch.float32: "F32",
    torch.int32: "I32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}


class TensorFile:
    """Collects tensors in any order and writes one file at the end.

    Args:
        folder: Folder of the file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: dict[int, IO[bytes]] = {}
        self._entries: dict[str, tuple[int, int, dict[str, Any]]] = {}
        self.size = 0
        """Bytes of the tensors so far."""

    @property
    def names(self) -> list[str]:
        """Names of the tensors so far."""
        return list(self._entries)

    def add(self, name: str, tensor: torch.Tensor) -> None:
        """Adds a tensor.

        Raises:
            HarnessError: The format does not support its data type.
            WriteError: It cannot be written.
        """
        if tensor.dtype not in _NAMES:
            raise HarnessError(f"'{name}' is of type {tensor.dtype}, which safetensors lacks")
        width = tensor.element_size()
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        try:
            if width not in self._parts:
                self._parts[width] = self._part(width).open("wb")
            begin = self._parts[width].tell()
            self._parts[width].write(data.data)
        except OSError as error:
            raise write_error(error, self._part(width)) from None
        described = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape)}
        self._entries[name] = width, begin, described
        self.size += len(data)

    def finish(self, path: Path) -> None:
        """Writes the file atomically.

        Raises:
            WriteError: It cannot be written.
        """
        partial = path.with_name(f".{path.name}.tmp")
        try:
            starts, at = {}, 0
            for width in sorted(self._parts, reverse=True):
                starts[width], at = at, at + self._parts[width].tell()
                self._parts[width].close()
            with partial.open("wb") as file:
                file.write(self._header(starts))
                for width in starts:
                    with self._part(width).open("rb") as part:
                        shutil.copyfileobj(part, file, 2**22)
            partial.replace(path)
        except OSError as error:
            raise write_error(error, path) from None
        finally:
            for width in self._parts:
                self._part(width).unlink(missing_ok=True)
            partial.unlink(missing_ok=True)

    def _header(self, starts: dict[int, int]) -> bytes:
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        for name, (width, begin, described) in sorted(
            self._entries.items(), key=lambda item: (-item[1][0], item[1][1])
        ):
            count = 1
            for side in described["shape"]:
                count *= side
            first = starts[width] + begin
            header[name] = {**described, "data_offsets": [first, first + count * width]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text

    def _part(self, width: int) -> Path:
        return self._folder / f".weights-{width}.tmp"
