"""Q-GaLore within the trainer of transformers: accumulation, clipping, schedule, resumption."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from surefoot.sparsity.training.galore import QGaLore
from surefoot.sparsity.training.int8 import Int8Linear

torch.set_num_threads(1)


def trainer(folder: Path) -> Trainer:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32,
            hidden_size=32,
            intermediate_size=80,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=32,
        )
    )
    block = model.model.layers[0]
    for part in (block.self_attn, block.mlp):
        for name, layer in list(part.named_children()):
            if isinstance(layer, nn.Linear):
                setattr(part, name, Int8Linear.from_linear(layer))
    named = dict(model.named_parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for n, p in named.items() if re.search("_proj", n)], "rank": 8},
        {"params": [p for n, p in named.items() if not re.search("_proj", n)]},
    ]
    optimizer = QGaLore(groups, 1e-2, interval=4)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step / 10))
    tokens = (torch.arange(32)[:, None] + torch.arange(12)) % 32
    arguments = TrainingArguments(
        str(folder),
        max_steps=12,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        logging_steps=1,
        save_steps=6,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    data: Any = [{"input_ids": row, "labels": row} for row in tokens]
    return Trainer(model, arguments, train_dataset=data, optimizers=(optimizer, scheduler))


def test_it_trains_saves_and_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = trainer(tmp_path)
    whole.train()
    logs = [log for log in whole.state.log_history if "loss" in log]
    assert logs[-1]["loss"] < logs[0]["loss"] - 0.5
    assert logs[5]["learning_rate"] == pytest.approx(1e-2 / 1.5)
    again = trainer(tmp_path)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-6"))
    assert [log for log in again.state.log_history if "loss" in log] == logs
    for one, other in zip(
        whole.model.state_dict().values(), again.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)
