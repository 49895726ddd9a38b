"""Settings of a recovery: trainable parameters, optimizer and length."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Method = Literal["full", "lrc", "n-lrc", "lora", "qlora", "galore", "qgalore", "adamw8bit"]
"""Training method."""

IGNORED = (
    r"(^|\.)lm_head$",
    r"(^|\.)(embed_\w+|wte|wpe|embeddings?)($|\.)",
    r"(^|\.)(router|gate|gating|shared_expert_gate)$",
    r"(^|\.)(vision\w*|visual\w*|audio\w*|image\w*)($|\.)",
    r"(^|\.)multi_modal_projector($|\.)",
)
"""Modules skipped by default: head, embeddings, routers, vision and audio towers."""


class RecoverSettings(BaseModel):
    """Settings of a training; the same settings, model and batches give the same model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method = "full"
    """All parameters by AdamW (``full``, ``adamw8bit`` with averages in 8 bits, ``galore``,
    ``qgalore`` with 8-bit weights as well), only the factors of factorized layers (``lrc``), only
    the dense layers (``n-lrc``), or adapters (``lora``, ``qlora``)."""
    steps: int = Field(default=100, ge=1)
    """Number of steps."""
    accumulate: int = Field(default=1, ge=1)
    """Micro-batches per step; their tokens are weighted equally."""
    rate: float = Field(default=1e-4, gt=0)
    """Peak learning rate."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Fraction of the steps with linear warm-up of the rate."""
    final: float = Field(default=0.1, ge=0, le=1)
    """Fraction of the peak rate at the end of the cosine decay."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled weight decay."""
    clip: float | None = Field(default=1.0, gt=0)
    """Global norm to which gradients are clipped; null for no limit."""
    rank: int | None = Field(default=None, ge=1)
    """Rank of adapters or of projected gradients; adapters may have a budget instead."""
    budget: int | None = Field(default=None, ge=1)
    """Largest number of trainable parameters: determines the rank of adapters, or picks dense
    layers at random."""
    scale: float | None = Field(default=None, gt=0)
    """Factor of adapters (2 by default) or of projected updates (0.25)."""
    interval: int = Field(default=200, ge=1)
    """Initial number of steps between two updates of the subspace of gradients."""
    queue: int = Field(default=5, ge=1)
    """Number of consecutive similar subspaces for the interval to double (qgalore)."""
    threshold: float = Field(default=0.4, ge=-1, le=1)
    """Mean similarity at which it doubles (qgalore)."""
    measure: Literal["overlap", "cosine"] = "overlap"
    """Similarity of subspaces: independent of signs, or of their leading vectors."""
    stochastic: bool = True
    """Whether 8-bit weights are rounded stochastically, or to the nearest code (qgalore)."""
    fused_backward: bool = False
    """Whether to update within the backward pass (adamw8bit, galore, qgalore)."""
    keep_zeros: bool = True
    """Whether weights that are zero in a pruned layer stay zero."""
    target: str = r".*"
    """Regular expression, searched in names of linear layers: those that are projected, quantized
    or adapted."""
    ignore: tuple[str, ...] = IGNORED
    """Regular expressions of layers that are excluded."""
    save_every: int = Field(default=50, ge=1)
    """Steps from one checkpoint to the next."""
    seed: int = 0
    """Seed of order, adapters, dropout and rounding."""

    @model_validator(mode="after")
    def _fits(self) -> RecoverSettings:
        if self.fused_backward and self.method not in ("adamw8bit", "galore", "qgalore"):
            raise ValueError("a fused backward pass needs adamw8bit, galore or qgalore")
        if self.fused_backward and (self.accumulate > 1 or self.clip is not None):
            raise ValueError(
                "a fused backward pass steps at every pass and drops each gradient, so it "
                "excludes gradient accumulation and clipping; set accumulate to 1 and clip to null"
            )
        if self.method in ("galore", "qgalore") and self.rank is None:
            raise ValueError(f"{self.method} needs a rank")
        if self.method in ("lora", "qlora") and (self.rank is None) == (self.budget is None):
            raise ValueError(f"{self.method} needs either a rank or a budget")
        if self.budget is not None and self.method not in ("full", "n-lrc", "lora", "qlora"):
            raise ValueError("a budget goes with full, n-lrc, lora or qlora")
        return self

    def rate_factor(self, step: int) -> float:
        """Returns the factor of the peak rate at a step, counted from 0.

        Source: Q-GaLore, arXiv 2407.08296 (warm-up over a tenth, cosine to a tenth).
        """
        warm = round(self.warmup * self.steps)
        if step < warm:
            return (step + 1) / warm
        done = (step - warm) / max(1, self.steps - warm)
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done))
