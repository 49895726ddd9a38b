"""Sampling in batches with one seed per row."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor


class SeededDraws(LogitsProcessor):
    """Makes greedy decoding draw from the distribution.

    The largest of ``logits / temperature`` plus independent standard Gumbel noise is a draw
    from their softmax (Gumbel 1954; Maddison et al., arXiv 1411.0030, section 2). Noise comes
    from a generator for each row, so that what a row draws does not depend on its batch.

    Args:
        seeds: One for each row.
        temperature: Above 0.
    """

    def __init__(self, seeds: Sequence[int], temperature: float) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._temperature = temperature

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Adds noise to the scores, shape ``[rows, vocabulary]``."""
        width = scores.shape[-1]
        uniform = torch.stack(
            [torch.rand(width, generator=g, dtype=torch.float64) for g in self._generators]
        )
        noise = -torch.log(-torch.log(uniform.clamp_min(1e-300)))
        return scores / self._temperature + noise.to(scores)
