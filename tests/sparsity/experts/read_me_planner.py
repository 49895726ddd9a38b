"""The shipped planner made into experts by domain, its router not trained."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

from surefoot.models.backends.hf import HFModel
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.models.training.data import draw
from surefoot.sparsity.engine.calibration import calibrate_with
from surefoot.sparsity.experts.extraction import extract_experts
from surefoot.sparsity.experts.model import refactor
from surefoot.sparsity.experts.store import write_store

DOMAINS = ("blocksworld", "grippers", "delivery", "storage")


def write_planner(folder: Path, seed: int = 0) -> Path:
    """Writes a model folder with experts beside it."""
    dense = HFModel(str(LOCAL_PLANNER), device="cpu")
    texts: dict[str, list[tuple[list[int], int]]] = {d: [] for d in DOMAINS}
    for example in islice(draw("train", 0), 400):
        if example.domain in texts and len(texts[example.domain]) < 6:
            ids: Any = dense.tokenizer(example.prompt + example.answer)["input_ids"]
            texts[example.domain].append((ids, 0))
    batches = {
        name: calibrate_with(found, samples=len(found), held_out=0, batch=6, length=256).batches
        for name, found in texts.items()
    }
    layout = extract_experts(dense.network, batches, keep=0.5)
    model = refactor(dense.network, layout, seed=seed).half()  # the type of the shipped planner
    model.save_pretrained(folder)
    for name in (
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
        "surefoot.json",
    ):
        shutil.copy(LOCAL_PLANNER / name, folder / name)
    write_store(model, folder)
    return folder
