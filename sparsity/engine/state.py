"""How far a compression is, on the disk: so that it goes on at the next block."""

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
"""Folder within the output that holds the state; gone when the model is done."""
_STATE = "state.json"
_FORMAT = 1


@dataclass
class CompressionState:
    """What is done.

    Attributes:
        identity: What the work depends on; another identity cannot go on with it.
        plan: What is to be done to each layer.
        done: Blocks that are done.
        records: Figures of the layers of these.
        removed: Tensors of the source that are written no more, as others stand for them.
        losses: Losses on the held-out texts, nats a token.
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
        """Returns the progress, ``None`` if nothing was begun.

        Raises:
            InputError: It is of something else, or damaged.
        """
        path = self.folder / _STATE
        try:
            data = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise InputError("damaged; delete the folder and begin anew", file=str(path)) from None
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

    def write(self, progress: CompressionState) -> None:
        """Writes the progress, completely or not at all."""
        data = {
            "format": _FORMAT,
            "identity": dict(progress.identity),
            "plan": progress.plan.to_json(),
            "done": progress.done,
            "records": [record.to_json() for record in progress.records],
            "removed": progress.removed,
            "losses": progress.losses,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder / _STATE, json.dumps(data) + "\n")

    def write_block(self, index: int, tensors: Mapping[str, torch.Tensor]) -> None:
        """Writes what stands for tensors of a block."""
        save_tensors(dict(tensors), self._block(index))

    def block_files(self) -> tuple[Path, ...]:
        """Returns the files of all blocks, in order."""
        return tuple(sorted((self.folder / "blocks").glob("*.safetensors")))

    def _block(self, index: int) -> Path:
        return self.folder / "blocks" / f"{index:05}.safetensors"

    def hidden(self, block: int, stream: str) -> HiddenStates:
        """Returns what goes into a block."""
        return HiddenStates(self.folder / "hidden" / f"{block:05}" / stream)

    def forget_hidden(self, block: int) -> None:
        """Deletes what went into a block."""
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
        """Writes those of a batch ``[b, t, d]``."""
        save_tensors({"hidden": hidden.contiguous()}, self._folder / f"{batch:05}.safetensors")

    def get(self, batch: int) -> torch.Tensor:
        """Reads those of a batch.

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
                "the state is damaged; delete the folder and begin anew", file=str(path)
            ) from None
        return found

    def all(self, count: int) -> Iterator[torch.Tensor]:
        """Reads those of the first batches, one after the other."""
        return (self.get(i) for i in range(count))


def save_tensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Writes safetensors; a file of this name is there whole or not at all.

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
