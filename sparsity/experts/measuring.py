"""Quality of a model of experts on texts, and statistics of its router."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from surefoot.sparsity.engine.calibration import Batch, Tokens, arguments_of, loss_of, mask_of
from surefoot.sparsity.experts.extraction import Watcher, gated_mlps
from surefoot.sparsity.experts.model import ReadMeForCausalLM
from surefoot.sparsity.experts.router import LossName, overlaps


def own_masks(model: ReadMeForCausalLM) -> list[torch.Tensor]:
    """Returns for each layer the neurons of each expert without the permanent ones.

    Returns:
        Bool ``[experts, neurons]`` for each layer.
    """
    found = []
    for layer in model.layout.layers:
        masks = torch.zeros(model.layout.experts, layer.width, dtype=torch.bool)
        for expert, places in enumerate(layer.own):
            masks[expert, list(places)] = True
        found.append(masks.to(model.device))
    return found


class Teacher:
    """Computes which expert fits a token, from the activity of the dense model.

    Args:
        dense: The dense model.
        own: From :func:`own_masks`.
        loss: Kind of overlaps, see :func:`~surefoot.sparsity.experts.router.overlaps`.
    """

    def __init__(self, dense: Any, own: Sequence[torch.Tensor], loss: LossName) -> None:
        self._dense, self._own, self._loss = dense, own, loss
        self._mlps = gated_mlps(dense)

    @torch.no_grad()
    def overlaps(self, batch: Batch) -> torch.Tensor:
        """Returns ``[n, experts]`` for the ``n`` tokens of a batch that are not padding."""
        mask = mask_of(batch)
        with Watcher(self._mlps) as watcher:
            self._dense(**arguments_of(batch), use_cache=False)
        return overlaps([seen[mask] for seen in watcher.seen], self._own, self._loss)


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements on texts.

    Attributes:
        loss: Mean cross-entropy of the labels, nats.
        agreement: Fraction of tokens whose expert overlaps most with the activity of the dense
            model; ``None`` without the dense model.
        repeats: Fraction of tokens, except first ones, with the same expert as their predecessor.
        shares: Fraction of the tokens of each expert.
        tokens: Number of tokens.
    """

    loss: float
    agreement: float | None
    repeats: float
    shares: tuple[float, ...]
    tokens: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)


@torch.no_grad()
def measure_quality(
    model: ReadMeForCausalLM, batches: Sequence[Batch], teacher: Teacher | None = None
) -> Quality:
    """Measures a model on texts.

    Args:
        model: The model, with its active experts.
        batches: The texts.
        teacher: Computes the best fitting expert.
    """
    total, count, right, same, followers, tokens = 0.0, 0, 0, 0, 0, 0
    shares = torch.zeros(model.layout.experts)
    for batch in batches:
        mask = mask_of(batch)
        more, labels = loss_of(model(**arguments_of(batch), use_cache=False).logits, batch)
        total, count = total + more, count + labels
        chosen = model.route(batch["input_ids"], mask.long())
        shares += chosen[mask].bincount(minlength=len(shares)).cpu()
        both = mask[:, 1:] & mask[:, :-1]
        same += int((chosen[:, 1:] == chosen[:, :-1])[both].sum())
        followers += int(both.sum())
        tokens += int(mask.sum())
        if teacher is not None:
            right += int((teacher.overlaps(batch).argmax(-1) == chosen[mask]).sum())
    return Quality(
        total / max(1, count),
        right / max(1, tokens) if teacher is not None else None,
        same / max(1, followers),
        tuple((shares / max(1, tokens)).tolist()),
        tokens,
    )


@torch.no_grad()
def traces_of(model: ReadMeForCausalLM, sequences: Sequence[Tokens]) -> list[list[int]]:
    """Returns the expert of each token of each text, in order."""
    return [
        model.route(torch.tensor([list(ids)], device=model.device))[0].tolist()
        for ids, _ in sequences
    ]


@torch.no_grad()
def dense_loss(model: Any, batches: Sequence[Batch]) -> float:
    """Returns the mean cross-entropy of the labels of any model, nats."""
    total, count = 0.0, 0
    for batch in batches:
        more, labels = loss_of(model(**arguments_of(batch), use_cache=False).logits, batch)
        total, count = total + more, count + labels
    return total / max(1, count)
