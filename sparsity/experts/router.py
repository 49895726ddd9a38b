"""One small causal router that decides for all layers before any of them is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax, softmax
from transformers import LlamaConfig, LlamaModel

from surefoot.core.errors import InputError
from surefoot.sparsity.export.wrapped import CACHE

LossName = Literal["eq4", "released"]
"""Loss of the router, see :func:`router_loss`."""

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Fractions of a token's strongest neurons that ``released`` compares experts with."""
KEPT = 0.5
"""The fraction that ``eq4`` uses."""


class ExpertRouter(nn.Module):
    """Predicts the expert of each token from the tokens up to it.

    Read-ME, section 3.2: an embedding, one block with rotary positions, a norm, and a gate over
    the experts. It does not depend on the backbone's states, so it can run before them. The
    block is a Llama's, whose perceptron is gated; the paper's is not.

    Args:
        vocabulary: Number of tokens.
        experts: Number of experts.
        hidden: Width.
        heads: Attention heads.
        positions: Largest number of tokens of a text.
        pad: Id of padding.
        layer: Index of its keys and values in the cache that it shares with the backbone.
    """

    def __init__(
        self,
        vocabulary: int,
        experts: int,
        *,
        hidden: int,
        heads: int,
        positions: int,
        pad: int | None = None,
        layer: int = 0,
        attention: str | None = None,
    ) -> None:
        super().__init__()
        make: Any = LlamaConfig
        config = make(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=1,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            max_position_embeddings=positions,
            pad_token_id=pad,
            attn_implementation=attention,
        )
        self.body = LlamaModel(config)
        block: Any = self.body.layers[0]
        block.self_attn.layer_idx = layer
        self.gates = nn.Linear(hidden, experts)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        cache: Any = None,
    ) -> torch.Tensor:
        """Returns logits over the experts, ``[batch, tokens, experts]``.

        Args:
            input_ids: ``[batch, tokens]``.
            attention_mask: 0 where there is padding.
            position_ids: Positions of the tokens, if not 0, 1, 2, …
            cache: Keys and values of earlier tokens; updated in place.
        """
        out = self.body(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            use_cache=cache is not None,
            **{CACHE: cache},
        )
        logits: torch.Tensor = self.gates(out.last_hidden_state)
        return logits

    @torch.no_grad()
    def embed_like(self, embedding: torch.Tensor) -> None:
        """Initialises from the first dimensions of the backbone's embedding, as released.

        Args:
            embedding: ``[vocabulary, width of the backbone]``.
        """
        own = self.body.embed_tokens.weight
        own.copy_(embedding[:, : own.shape[1]])


def strongest_of_tokens(activity: torch.Tensor, share: float) -> torch.Tensor:
    """Returns a bool mask of each token's strongest neurons.

    Args:
        activity: Inputs of ``down_proj``, ``[..., neurons]``.
        share: Fraction of the neurons; ties are broken arbitrarily.
    """
    count = max(1, round(share * activity.shape[-1]))
    places = activity.abs().topk(count, dim=-1).indices
    return torch.zeros_like(activity, dtype=torch.bool).scatter_(-1, places, True)


def overlaps(
    activity: Sequence[torch.Tensor], own: Sequence[torch.Tensor], loss: LossName
) -> torch.Tensor:
    """Returns how well each expert's neurons match those that a token uses, summed over layers.

    Args:
        activity: For each layer the inputs of ``down_proj`` of the dense model, ``[n, neurons]``.
        own: For each layer the neurons of each expert without the permanent ones, bool
            ``[experts, neurons]``. The permanent ones would add the same to all experts.
        loss: ``eq4``: number of neurons that an expert and the token's strongest half share.
            ``released``: the fraction of an expert's neurons that are among the token's strongest,
            averaged over :data:`SHARES`. The released code has five thresholds as well; the
            fractions are our choice.

    Returns:
        ``[n, experts]``.
    """
    rows, experts = activity[0].shape[0], own[0].shape[0]
    found = torch.zeros(rows, experts, device=activity[0].device)
    for values, masks in zip(activity, own, strict=True):
        wide = masks.to(torch.float32).T
        for share in (KEPT,) if loss == "eq4" else SHARES:
            common = strongest_of_tokens(values, share).to(torch.float32) @ wide
            if loss == "released":
                common = common / (wide.sum(0).clamp(min=1) * len(SHARES))
            found += common
    return found


def router_loss(logits: torch.Tensor, overlap: torch.Tensor, loss: LossName) -> torch.Tensor:
    """Returns the mean loss of the router.

    ``eq4`` is the paper's equation 4: the divergence KL(softmax of the logits ‖ softmax of the
    overlaps). ``released`` is what the released code computes instead: 0.75 times the
    cross-entropy of the best expert, labels smoothed by 0.5, plus 0.25 times the cross-entropy of
    the softmax of ten times the centred overlaps.

    Args:
        logits: ``[n, experts]``.
        overlap: From :func:`overlaps` of the same loss, ``[n, experts]``.
        loss: Which.

    Raises:
        InputError: There is no such loss.
    """
    if loss == "eq4":
        log_p, log_q = log_softmax(logits, -1), log_softmax(overlap, -1)
        return (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    if loss == "released":
        soft = softmax(10 * (overlap - overlap.mean(-1, keepdim=True)), -1)
        hard = cross_entropy(logits, overlap.argmax(-1), label_smoothing=0.5)
        return 0.75 * hard + 0.25 * cross_entropy(logits, soft)
    raise InputError(f"unknown router loss '{loss}'; known: eq4, released")
