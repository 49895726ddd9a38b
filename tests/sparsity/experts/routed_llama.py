"""A small Llama with experts that come from a function, and one router before all layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

EXPERTS = 4
HIDDEN, INNER, LAYERS = 48, 64, 2


class RoutedMLP(nn.Module):
    """Computes every token with the expert that the router chose for it."""

    def __init__(self, owner: RoutedLlama, layer: int) -> None:
        super().__init__()
        self.__dict__["owner"] = owner  # not a part of this module
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        owner = self.__dict__["owner"]
        out = torch.zeros_like(x)
        for expert in owner.chosen.unique().tolist():
            weights = owner.source(expert)
            gate, up, down = (weights[f"{self.layer}.{n}"] for n in ("gate", "up", "down"))
            mask = owner.chosen == expert
            inner = nn.functional.silu(x[mask] @ gate.T) * (x[mask] @ up.T)
            out[mask] = inner @ down.T
        return out


class RoutedLlama(LlamaForCausalLM):
    """The router looks at a token's embedding, so that it needs no memory of its own."""

    def __init__(self, vocabulary: int, seed: int = 0) -> None:
        torch.manual_seed(seed)
        super().__init__(
            LlamaConfig(
                vocab_size=vocabulary,
                hidden_size=HIDDEN,
                intermediate_size=INNER,
                num_hidden_layers=LAYERS,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=128,
                pad_token_id=0,
                bos_token_id=1,
                eos_token_id=2,
                initializer_range=0.3,
            )
        )
        self.announce: Any = None
        self.gates = nn.Linear(HIDDEN, EXPERTS, bias=False)
        self.chosen = torch.zeros(1, 1, dtype=torch.long)
        self.source: Callable[[int], Mapping[str, Tensor]] = own_experts(seed).__getitem__
        for i, layer in enumerate(self.model.layers):
            layer.mlp = RoutedMLP(self, i)
        self.eval()

    def use_source(
        self, source: Callable[[int], Mapping[str, Tensor]], announce: Any = None
    ) -> None:
        self.source, self.announce = source, announce

    def route(self, input_ids: Tensor) -> Tensor:
        return self.gates(self.model.embed_tokens(input_ids)).argmax(-1)

    def forward(self, input_ids: Tensor, **options: Any) -> Any:
        self.chosen = self.route(input_ids)
        if self.announce is not None:
            self.announce(self.chosen.unique().tolist() * LAYERS)
        return super().forward(input_ids, **options)


def own_experts(seed: int) -> list[dict[str, Tensor]]:
    """Returns different experts."""
    draws = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return 0.3 * torch.randn(*shape, generator=draws)

    return [
        {
            f"{layer}.{name}": drawn(HIDDEN, INNER) if name == "down" else drawn(INNER, HIDDEN)
            for layer in range(LAYERS)
            for name in ("gate", "up", "down")
        }
        for _ in range(EXPERTS)
    ]
