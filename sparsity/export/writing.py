"""Writes a compressed model: the source's tensors, some of them replaced."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.files import write_atomic
from surefoot.sparsity.engine.checkpoint import STEM, Checkpoint
from surefoot.sparsity.export.streaming import TensorFile

if TYPE_CHECKING:
    import torch

LOW_RANK_STEM = "low-rank"
"""Stem of files with factors; not ``model``, so that plain transformers does not load them."""
SETTINGS = "surefoot_compression"
"""Entry of ``config.json`` that describes the compression."""
SHARD_BYTES = 2**32
"""Largest size of a weight file, bytes."""

Tensors = Iterator[tuple[str, "torch.Tensor"]]


def merged_tensors(
    source: Checkpoint, removed: Collection[str], blocks: Sequence[Path]
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yields the tensors of a compressed model one by one.

    Args:
        source: The model that was compressed.
        removed: Its tensors that are replaced.
        blocks: Files with the replacements.
    """
    from safetensors import safe_open

    replaced = set(removed)
    for key in source.keys:
        if key not in replaced:
            yield key, source.tensor(key)
    for path in blocks:
        with safe_open(path, framework="pt", backend="pread") as file:
            for key in file.keys():  # noqa: SIM118
                yield key, file.get_tensor(key)


def multiplied_out(tensors: Tensors, transposed: Collection[str]) -> Tensors:
    """Yields tensors with each pair of factors multiplied out.

    Args:
        tensors: Names with tensors; factors end in ``.U`` and ``.V``.
        transposed: Names of modules that store their matrix as ``[inputs, outputs]``.
    """
    waiting: dict[str, torch.Tensor] = {}
    for name, tensor in tensors:
        stem, _, part = name.rpartition(".")
        if part not in ("U", "V"):
            yield name, tensor
        elif stem in waiting:
            pair = {part: tensor, "V" if part == "U" else "U": waiting.pop(stem)}
            whole = (pair["U"].float() @ pair["V"].float()).to(tensor.dtype)
            turned = any(name == stem or name.endswith(f".{stem}") for name in transposed)
            yield f"{stem}.weight", whole.T.contiguous() if turned else whole
        else:
            waiting[stem] = tensor


def write_weights(
    tensors: Tensors, folder: Path, *, stem: str = STEM, shard_bytes: int = SHARD_BYTES
) -> None:
    """Writes tensors in one file, or in several with an index.

    Args:
        tensors: Names with tensors.
        folder: Where to write; files of an earlier, incomplete call are replaced.
        stem: Stem of the file names.
        shard_bytes: Largest size of a file, bytes.
    """
    for old in folder.glob(f"{stem}*.safetensors"):
        old.unlink()
    pieces: list[tuple[Path, list[str]]] = []
    total = 0

    def close(part: TensorFile) -> None:
        path = folder / f"{stem}-{len(pieces) + 1:05}-of-unknown.safetensors"
        part.finish(path)
        pieces.append((path, part.names))

    part = TensorFile(folder)
    for name, tensor in tensors:
        added = tensor.numel() * tensor.element_size()
        if part.size and part.size + added > shard_bytes:
            close(part)
            part = TensorFile(folder)
        part.add(name, tensor)
        total += added
    close(part)
    if len(pieces) == 1:
        pieces[0][0].replace(folder / f"{stem}.safetensors")
        return
    names: dict[str, str] = {}
    for number, (path, keys) in enumerate(pieces, 1):
        final = f"{stem}-{number:05}-of-{len(pieces):05}.safetensors"
        path.replace(folder / final)
        names |= dict.fromkeys(keys, final)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(names.items()))}
    write_atomic(folder / f"{stem}.safetensors.index.json", json.dumps(index, indent=2) + "\n")


def write_companions(source: Checkpoint, folder: Path) -> None:
    """Copies tokenizer, generation settings and notes."""
    for path in source.companions():
        shutil.copyfile(path, folder / path.name)


def write_config(config: Mapping[str, Any], folder: Path) -> None:
    """Writes ``config.json``, which marks the folder as a complete model."""
    write_atomic(folder / "config.json", json.dumps(config, indent=2) + "\n")
