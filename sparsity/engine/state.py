"""The state of a compression on disk, from which it resumes at the next block."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic, write_error
from surefoot.sparsity.engine.planning import CompressionPlan
from surefoot.sparsity.report.layers import LayerRecord

if TYPE_CHECKING:
    import torch

WORK = "work"
"""Folder within the output that holds the state; deleted when the model is done."""
_STATE = "state.json"
_FORMAT = 1


@dataclass
class CompressionState:
    """State of a compression.

    Attributes:
        identity: Everything the result depends on; a state can only be resumed with the same
            identity.
        plan: How each layer is compressed.
        done: Number of finished blocks.
        records: Figures of their layers.
        removed: Tensors of the source that are replaced.
        losses: Losses on the held-out texts, nats per token.
    """

    identity: Mapping[str, Any]
    plan: CompressionPlan
    done: int = 0
    records: list[LayerRecord] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    losses: dict[str, float] = field(default_factory=dict)


class WorkFolder:
    """The folder with the state.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, identity: Mapping[str, Any]) -> CompressionState | None:
        """Reads the state, ``None`` if there is none.

        Raises:
            InputError: It belongs to another compression, or is damaged.
        """
        path = self.folder / _STATE
        try:
            data = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise InputError("damaged; delete the folder and start again", file=str(path)) from None
        if data.get("format") != _FORMAT:
            raise InputError("of another version; delete the folder", file=str(path))
        for name, value in identity.items():
            if data["identity"].get(name) != value:
                raise InputError(
                    f"another compression lies here ({name} differs); choose another --out",
                    file=str(self.folder.parent),
                )
        return CompressionState(
            identity,
            CompressionPlan.from_json(data["plan"]),
            data["done"],
            [LayerRecord.from_json(r) for r in data["records"]],
            data["removed"],
            data["losses"],
        )

    def write(self, state: CompressionState) -> None:
        """Writes the state atomically."""
        data = {
            "format": _FORMAT,
            "identity": dict(state.identity),
            "plan": state.plan.to_json(),
            "done": state.done,
            "records": [record.to_json() for record in state.records],
            "removed": state.removed,
            "losses": state.losses,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / _STATE, json.dumps(data) + "\n")

    def write_block(self, index: int, tensors: Mapping[str, torch.Tensor]) -> None:
        """Writes the tensors that replace those of a block."""
        save_tensors(dict(tensors), self._block(index))

    def block_files(self) -> tuple[Path, ...]:
        """Returns the files of all blocks, in order."""
        return tuple(sorted((self.folder / "blocks").glob("*.safetensors")))

    def _block(self, index: int) -> Path:
        return self.folder / "blocks" / f"{index:05}.safetensors"

    def hidden(self, block: int, stream: str) -> HiddenStates:
        """Returns the input of a block."""
        return HiddenStates(self.folder / "hidden" / f"{block:05}" / stream)

    def forget_hidden(self, block: int) -> None:
        """Deletes the input of a block."""
        shutil.rmtree(self.folder / "hidden" / f"{block:05}", ignore_errors=True)

    def clear(self) -> None:
        """Deletes everything."""
        shutil.rmtree(self.folder, ignore_errors=True)


class HiddenStates:
    """Hidden states of all batches, one file each, read one at a time.

    Args:
        folder: Their folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, batch: int, hidden: torch.Tensor) -> None:
        """Writes the hidden states of a batch ``[b, t, d]``."""
        save_tensors({"hidden": hidden.contiguous()}, self._folder / f"{batch:05}.safetensors")

    def get(self, batch: int) -> torch.Tensor:
        """Reads the hidden states of a batch.

        Raises:
            InputError: They are missing.
        """
        from safetensors import safe_open

        path = self._folder / f"{batch:05}.safetensors"
        try:
            with safe_open(path, framework="pt", backend="pread") as file:
                found: torch.Tensor = file.get_tensor("hidden")
        except OSError:
            raise InputError(
                "the state is damaged; delete the folder and start again", file=str(path)
            ) from None
        return found

    def all(self, count: int) -> Iterator[torch.Tensor]:
        """Reads the hidden states of the first ``count`` batches, one at a time."""
        return (self.get(i) for i in range(count))


def save_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Writes a safetensors file atomically.

    Raises:
        WriteError: It cannot be written.
    """
    from safetensors.torch import save_file

    partial = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, partial, metadata={"format": "pt"})
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as error:
        raise write_error(error, path) from None
    finally:
        partial.unlink(missing_ok=True)
