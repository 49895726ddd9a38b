"""Tiny models with random weights, made for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig

from surefoot.sparsity.engine.calibration import Calibration, calibrate_with

VOCABULARY = 96


def config_of(kind: str) -> PreTrainedConfig:
    from transformers import (
        Gemma3TextConfig,
        GPT2Config,
        GPTNeoXConfig,
        LlamaConfig,
        MixtralConfig,
    )

    common: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    if kind == "gpt2":
        return GPT2Config(
            vocab_size=VOCABULARY,
            n_embd=32,
            n_layer=3,
            n_head=4,
            n_positions=64,
            bos_token_id=1,
            eos_token_id=2,
            initializer_range=0.2,
        )
    if kind == "gpt-neox":
        return GPTNeoXConfig(**common, initializer_range=0.2)
    common |= {"num_key_value_heads": 2}
    if kind == "gemma3":
        return Gemma3TextConfig(
            **common,
            head_dim=8,
            sliding_window=4,
            initializer_range=0.2,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        )
    if kind == "mixtral":
        return MixtralConfig(**common, num_local_experts=4, initializer_range=0.2)
    return LlamaConfig(**common, tie_word_embeddings=kind == "tied", initializer_range=0.2)


def make(kind: str, folder: Path, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> Path:
    """Writes a model into a folder; kinds are llama, tied, gpt2, gpt-neox, gemma3, mixtral."""
    torch.manual_seed(seed)
    model: Any = AutoModelForCausalLM.from_config(config_of(kind))
    model.to(dtype).save_pretrained(folder)
    return folder


def texts(count: int = 24, length: int = 20, *, seed: int = 0) -> list[tuple[list[int], int]]:
    """Draws sequences of different lengths."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for i in range(count):
        ids = torch.randint(3, VOCABULARY, (length - i % 5,), generator=generator).tolist()
        found.append((ids, 0))
    return found


def calibration(*, even: bool = False) -> Calibration:
    return calibrate_with(
        texts(), samples=16, held_out=8, batch=4, length=64, seed=0, even=even, source="tests"
    )
