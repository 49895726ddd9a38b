"""Experts in separate files, each read when it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from surefoot.sparsity.experts.model import ReadMeForCausalLM

FOLDER = "experts"
"""Folder of the experts, beside a model's weights."""

_FLOATS = ("F64", "F32", "F16", "BF16")
"""Data types, as named by safetensors, that are converted."""


def write_experts(experts: Iterable[Mapping[str, Tensor]], folder: Path) -> None:
    """Writes experts one by one, with only one in memory.

    Args:
        experts: The tensors of each expert by name.
        folder: The model's folder; ``experts/`` is made in it.

    Raises:
        WriteError: A file cannot be written.
    """
    from safetensors.torch import save

    from surefoot.core.files import write_within

    for i, tensors in enumerate(experts):
        content = save({name: t.detach().cpu().contiguous() for name, t in tensors.items()})
        write_within(_file(folder, i), content)


def write_store(model: ReadMeForCausalLM, folder: Path) -> None:
    """Writes the experts of a model to separate files beside its weights.

    Args:
        model: The model.
        folder: Its folder.

    Raises:
        WriteError: A file cannot be written.
    """
    from surefoot.sparsity.experts.model import experts_of

    write_experts(experts_of(model), folder)


class ExpertStore:
    """Experts on disk.

    Args:
        folder: The model's folder.
        in_memory: Whether all experts are read now and kept in host memory.
        dtype: Data type of returned floating-point tensors, ``None`` for that of the files.
        device: Device of returned tensors.

    Raises:
        InputError: There are no experts here, one is missing, or a file is damaged.
    """

    def __init__(
        self,
        folder: Path,
        *,
        in_memory: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._dtype, self._device = dtype, device
        found = list((folder / FOLDER).glob("expert-*.safetensors"))
        if not found:
            raise InputError("no experts here (no experts/expert-0.safetensors)", file=str(folder))
        self._files = [_file(folder, i) for i in range(len(found))]
        for file in self._files:
            if not file.is_file():
                raise InputError("this expert is missing", file=str(file))
        self._sizes = [self._measured(i) for i in range(len(found))]
        self._kept: list[dict[str, Tensor]] | None = None
        if in_memory:
            self._kept = [self._read(i) for i in range(len(found))]

    @property
    def experts(self) -> int:
        """Number of experts."""
        return len(self._files)

    def bytes_of(self, expert: int) -> int:
        """Returns the bytes of an expert's tensors in the returned data type."""
        return self._sizes[expert]

    def load(self, expert: int) -> dict[str, Tensor]:
        """Returns a copy of an expert's tensors by name.

        Raises:
            InputError: The file cannot be read.
        """
        if self._kept is not None:
            kept = self._kept[expert].items()
            return {name: tensor.to(self._device, copy=True) for name, tensor in kept}
        return {name: tensor.to(self._device) for name, tensor in self._read(expert).items()}

    def _read(self, expert: int) -> dict[str, Tensor]:
        """Reads a whole file; tensors of a mapped file would only be read on first use."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            found = load(self._files[expert].read_bytes())
        except (OSError, SafetensorError) as error:
            raise self._damaged(expert, error) from None
        return {
            name: tensor.to(self._dtype) if tensor.is_floating_point() else tensor
            for name, tensor in found.items()
        }

    def _measured(self, expert: int) -> int:
        """Returns the bytes of the returned tensors, from the header of the file."""
        import json
        from math import prod

        try:
            with self._files[expert].open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                head = json.loads(file.read(min(length, 2**26)))
            head.pop("__metadata__", None)
            total = 0
            for entry in head.values():
                first, last = entry["data_offsets"]
                given = entry["dtype"] in _FLOATS and self._dtype is not None
                total += (
                    prod(entry["shape"]) * self._dtype.itemsize  # type: ignore[union-attr]
                    if given
                    else int(last) - int(first)
                )
            if not total:
                raise ValueError("it has no tensors")
            return total
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(expert, error) from None

    def _damaged(self, expert: int, error: Exception) -> InputError:
        return InputError(f"cannot read this expert: {error}", file=str(self._files[expert]))


def _file(folder: Path, expert: int) -> Path:
    return folder / FOLDER / f"expert-{expert}.safetensors"
