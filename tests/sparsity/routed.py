"""A tiny decoder whose blocks hold a router and experts that are linear layers each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutput

from tests.sparsity.tiny import VOCABULARY

EXPERTS, TOP, WIDTH = 4, 2, 16


class RoutedConfig(PreTrainedConfig):
    model_type = "surefoot_test_routed"
    vocab_size: int = VOCABULARY
    hidden_size: int = WIDTH
    num_hidden_layers: int = 2


class Expert(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 2 * WIDTH, bias=False)
        self.down = nn.Linear(2 * WIDTH, WIDTH, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(torch.relu(self.up(x)))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS, bias=False)
        self.experts = nn.ModuleList(Expert() for _ in range(EXPERTS))

    def forward(self, hidden_states: torch.Tensor) -> tuple[torch.Tensor, None]:
        flat = hidden_states.flatten(0, 1)
        shares, chosen = self.gate(flat).softmax(-1).topk(TOP)
        out = torch.zeros_like(flat)
        for i, expert in enumerate(self.experts):
            rows, place = torch.where(chosen == i)
            if len(rows):
                out.index_add_(0, rows, expert(flat[rows]) * shares[rows, place, None])
        return hidden_states + out.view_as(hidden_states), None


class Routed(PreTrainedModel):
    config_class = RoutedConfig
    base_model_prefix = ""

    def __init__(self, config: RoutedConfig) -> None:
        super().__init__(config)
        self.embed_tokens = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(Block() for _ in range(config.num_hidden_layers))
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.post_init()

    def forward(self, input_ids: torch.Tensor, **more: Any) -> CausalLMOutput:
        hidden = self.embed_tokens(input_ids)
        for layer in self.layers:
            hidden = layer(hidden)[0]
        return CausalLMOutput(logits=self.lm_head(hidden))

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head


def make_routed(folder: Path) -> Path:
    """Writes the model into a folder, after telling transformers of its kind."""
    AutoConfig.register(RoutedConfig.model_type, RoutedConfig, exist_ok=True)
    AutoModelForCausalLM.register(RoutedConfig, Routed, exist_ok=True)
    torch.manual_seed(1)
    Routed(RoutedConfig()).save_pretrained(folder)
    return folder
