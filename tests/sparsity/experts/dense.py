"""Tiny dense models and texts of domains, made for tests."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModelForCausalLM

from surefoot.sparsity.engine.calibration import Batch, calibrate_with
from tests.sparsity.tiny import VOCABULARY, config_of

DOMAINS = ("north", "east", "south")


def dense_model(kind: str = "llama", seed: int = 0, dtype: torch.dtype = torch.float64) -> Any:
    torch.manual_seed(seed)
    model: Any = AutoModelForCausalLM.from_config(config_of(kind))
    return model.to(dtype).eval()


def domain_tokens(domain: int, count: int, seed: int = 0) -> list[tuple[list[int], int]]:
    """Draws texts of a domain: walks over its own third of the vocabulary, with few surprises."""
    draws = torch.Generator().manual_seed(100 * seed + domain)
    low, wide = 3 + 30 * domain, 30
    found = []
    for _ in range(count):
        at = int(torch.randint(wide, (1,), generator=draws))
        ids = []
        for _ in range(16):
            ids.append(low + at)
            jump = int(torch.randint(20, (1,), generator=draws))
            at = (at * 7 + 3 if jump else jump) % wide
        found.append((ids, 0))
    return found


def domain_batches(count: int = 12, seed: int = 0) -> dict[str, tuple[Batch, ...]]:
    assert 3 + 30 * len(DOMAINS) <= VOCABULARY
    return {
        name: calibrate_with(
            domain_tokens(i, count, seed), samples=count, held_out=0, batch=4, length=64
        ).batches
        for i, name in enumerate(DOMAINS)
    }
