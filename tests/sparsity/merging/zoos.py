"""Small zoos of models, made for tests: fine-tunes of one base, and others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from surefoot.models.shipped import LOCAL_PLANNER
from tests.sparsity.tiny import make


def fine_tune(base: Path, folder: Path, seed: int, size: float = 0.01) -> Path:
    """Copies a model and moves all its weights a little, each tensor along a draw of its own."""
    shutil.copytree(base, folder)
    path = folder / "model.safetensors"
    generator = torch.Generator().manual_seed(seed)
    moved = {
        name: (t + size * torch.randn(t.shape, generator=generator)).to(t.dtype)
        for name, t in load_file(path).items()
    }
    save_file(moved, path, metadata={"format": "pt"})
    return folder


def tiny_zoo(
    folder: Path, count: int = 3, *, kind: str = "llama", seed: int = 0, size: float = 0.01
) -> tuple[Path, list[Path]]:
    """Makes a base and fine-tunes of it."""
    base = make(kind, folder / f"base-{seed}", seed=seed)
    tunes = [
        fine_tune(base, folder / f"tune-{seed}-{i}", 100 * seed + i + 1, size) for i in range(count)
    ]
    return base, tunes


def add_tokenizer(folder: Path, *, renamed: str = "", cls: str = "") -> Path:
    """Gives a model the small planner's tokenizer, with a token or a special one changed."""
    data = json.loads((LOCAL_PLANNER / "tokenizer.json").read_bytes())
    if renamed:
        vocabulary = data["model"]["vocab"]
        last = max(vocabulary, key=vocabulary.get)
        vocabulary[renamed] = vocabulary.pop(last)
        data["model"]["merges"] = data["model"]["merges"][:-1]
    (folder / "tokenizer.json").write_text(json.dumps(data))
    settings = json.loads((LOCAL_PLANNER / "tokenizer_config.json").read_bytes())
    if cls:
        settings["cls_token"] = cls
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def change_config(folder: Path, **values: object) -> Path:
    """Changes entries of a model's configuration."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **values}))
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Reads all tensors of a model of one file."""
    return load_file(folder / "model.safetensors")
