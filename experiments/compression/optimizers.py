"""Q-GaLore and its peers: the agent's planner trained from scratch on equally many tokens."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from surefoot.agents.planning.learning.corpus import AgentRecipe
from surefoot.experiments.compression.config import CompressionStudyConfig
from surefoot.experiments.local_models.tasks import scorer_for
from surefoot.experiments.local_models.texts import tokenizer_of
from surefoot.models.shipped import model_folder
from surefoot.sparsity.engine.calibration import Calibration, Tokens, calibrate_with
from surefoot.sparsity.training.recover import recover
from surefoot.sparsity.training.settings import RecoverSettings

MODEL = "local-agent"
"""The model whose shape and texts are used."""

RANK = 40
"""Rank of projections and adapters: a quarter of the model's width, as 128 of 512 in the paper."""

_HELD = 64

_QGALORE = {"method": "qgalore", "rank": RANK, "rate": 0.01, "interval": 50}
WAYS: dict[str, Mapping[str, Any]] = {
    "adamw": {"method": "full", "rate": 1e-3},
    "adamw8bit": {"method": "adamw8bit", "rate": 1e-3},
    "galore": {"method": "galore", "rank": RANK, "rate": 0.01, "interval": 50},
    "qgalore": _QGALORE,
    "qgalore-nearest": {**_QGALORE, "stochastic": False},
    "qgalore-eager": {**_QGALORE, "threshold": 1.0},
    "lora": {"method": "lora", "rank": RANK, "rate": 1e-3},
    "qlora": {"method": "qlora", "rank": RANK, "rate": 1e-3},
}
"""Ways to train. Rates of projected gradients are the paper's for its smaller models, the
others are customary values; none was tuned here. ``nearest`` rounds weights deterministically,
``eager`` looks for subspaces at every interval. Adapters train beside frozen, randomly initialised
weights."""


@dataclass(frozen=True, slots=True)
class TrainJob:
    """One training.

    Attributes:
        study: The study as JSON.
        way: Name of the way.
        seed: Seed of the first weights, the texts and their order.
    """

    study: str
    way: str
    seed: int

    @property
    def key(self) -> str:
        """The job's key."""
        return f"{self.way}/{self.seed}"


def texts(study: CompressionStudyConfig, seed: int) -> Calibration:
    """Returns the texts of a training, and held-out ones of the same split."""
    tokenizer = tokenizer_of(model_folder(MODEL))
    wanted = study.train_steps * study.train_batch
    recipe = AgentRecipe()
    found: list[Tokens] = []
    for example in islice(recipe.draw("train", 1000 + seed), wanted + _HELD):
        prompt = list(tokenizer(example.prompt)["input_ids"])
        answer = list(tokenizer(example.answer)["input_ids"])
        found.append(([*prompt, *answer, tokenizer.eos_token_id], len(prompt)))
    return calibrate_with(
        found,
        samples=wanted,
        held_out=_HELD,
        batch=study.train_batch,
        length=recipe.context,
        seed=seed,
        source=MODEL,
    )


def train_job(job: TrainJob) -> dict[str, Any]:
    """Trains a model from scratch and tests it.

    Returns:
        The recovery's report without the loss of every step, ``curve`` (mean loss of each tenth of
        the steps) and ``tasks``.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    study = CompressionStudyConfig.model_validate_json(job.study)
    source = model_folder(MODEL)
    torch.manual_seed(job.seed)
    make: Any = AutoModelForCausalLM
    model = make.from_config(AutoConfig.from_pretrained(source, local_files_only=True)).float()
    settings = RecoverSettings(steps=study.train_steps, seed=job.seed, **WAYS[job.way])
    given = texts(study, job.seed)
    report = recover(model, given.batches, settings, held=given.held_out).to_json()
    losses = report.pop("losses")
    tenth = max(1, len(losses) // 10)
    report["curve"] = [
        round(sum(part) / len(part), 4)
        for part in (losses[i : i + tenth] for i in range(0, len(losses), tenth))
    ]
    with tempfile.TemporaryDirectory(prefix="surefoot-") as place:
        out = Path(place) / "model"
        shutil.copytree(source, out, ignore=shutil.ignore_patterns("*.safetensors"))
        model.save_pretrained(out)
        report["tasks"] = dict(scorer_for(source, study.tasks)(out)) if study.tasks else {}
    return dict(json.loads(json.dumps(report)))
