"""Pruning criteria: magnitude, random, and sensitivity of the loss at initialisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.masks import Masks

if TYPE_CHECKING:
    from torch import nn

Scope = Literal["global", "layer", "channel"]
"""Set within which weights are compared: the whole model, each layer, each output of a layer."""

Score = Callable[[str, torch.Tensor], torch.Tensor]
"""Returns scores for the weights of a named parameter; the lowest are pruned."""


def magnitude(name: str, weight: torch.Tensor) -> torch.Tensor:
    """Scores weights by magnitude."""
    return weight.abs()


def at_random(seed: int) -> Score:
    """Returns a random score that stays the same for each weight in all rounds.

    So a resumed search prunes the same weights as an uninterrupted one.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, torch.Tensor] = {}

    def score(name: str, weight: torch.Tensor) -> torch.Tensor:
        if name not in drawn:
            drawn[name] = torch.rand(weight.shape, generator=generator)
        return drawn[name].to(weight.device)

    return score


def prune_masks(
    model: nn.Module,
    masks: Masks,
    share: float,
    *,
    scope: Scope = "global",
    score: Score = magnitude,
) -> Masks:
    """Prunes a fraction of the unpruned weights, those with the lowest scores; ties by index.

    After ``r`` rounds of a fraction ``s`` the density is ``(1 - s) ** r`` up to rounding.

    Args:
        model: The model.
        masks: Current masks.
        share: Fraction of the unpruned weights to prune, in (0, 1).
        scope: Set within which they are compared.
        score: Their score.

    Returns:
        New masks.

    Raises:
        InputError: The fraction is out of range, a score is not finite, or a layer would be pruned
            entirely.
    """
    if not 0 < share < 1:
        raise InputError(f"the fraction of weights to prune lies between 0 and 1, not {share:g}")
    parameters = masks.parameters(model)
    scores = {name: score(name, p.detach()) for name, p in parameters.items()}
    for name, found in scores.items():
        if not bool(found[masks.tensors[name]].isfinite().all()):
            raise InputError(f"the weights of '{name}' are not finite; the training diverged")
    if scope == "global":
        flat = torch.cat([s.float().flatten() for s in scores.values()])
        alive = torch.cat([masks.tensors[n].to(flat.device).flatten() for n in scores])
        kept = _keep(flat, alive, share)
        pieces = torch.split(kept, [s.numel() for s in scores.values()])
        result = Masks(
            {n: piece.view(scores[n].shape) for n, piece in zip(scores, pieces, strict=True)}
        )
    else:
        result = Masks(
            {n: _within(s.float(), masks.tensors[n], share, scope) for n, s in scores.items()}
        )
    result.check_alive()
    return result


def _within(scores: torch.Tensor, alive: torch.Tensor, share: float, scope: Scope) -> torch.Tensor:
    if scope == "layer":
        return _keep(scores.flatten(), alive.flatten(), share).view(scores.shape)
    rows = [
        _keep(s.flatten(), a.flatten(), share).view(s.shape)
        for s, a in zip(scores, alive, strict=True)
    ]
    return torch.stack(rows)


def _keep(scores: torch.Tensor, alive: torch.Tensor, share: float) -> torch.Tensor:
    """Returns the new mask; weights are chosen by rank, so that their number is exact."""
    places = alive.nonzero().flatten()
    removed = round(share * len(places))
    order = torch.argsort(scores[places], stable=True)
    kept = alive.clone()
    kept[places[order[:removed]]] = False
    return kept


def matched_masks(masks: Masks, seed: int) -> Masks:
    """Returns random masks with the same number of unpruned weights in each layer.

    A control that separates the choice of weights from the sparsity of each layer.
    """
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, mask in masks.tensors.items():
        order = torch.randperm(mask.numel(), generator=generator)
        flat = torch.zeros(mask.numel(), dtype=torch.bool)
        flat[order[: int(mask.sum())]] = True
        found[name] = flat.view(mask.shape)
    return Masks(found)


def snip_masks(
    model: nn.Module, masks: Masks, sparsity: float, loss: Callable[[nn.Module], torch.Tensor]
) -> Masks:
    """Prunes once, before training, by ``|weight x gradient of the loss|`` (SNIP, Lee et al. 2019).

    Args:
        model: The initialised model; its gradients are cleared.
        masks: Current masks.
        sparsity: Fraction of all masked weights to prune.
        loss: Computes the loss of the model on some data.

    Raises:
        InputError: The loss is not finite, or a layer would be pruned entirely.
    """
    parameters = masks.parameters(model)
    model.zero_grad(set_to_none=True)
    value = loss(model)
    if not bool(value.isfinite()):
        raise InputError("the loss is not finite; check the data and the initialisation")
    gradients = dict(
        zip(parameters, torch.autograd.grad(value, list(parameters.values())), strict=True)
    )
    model.zero_grad(set_to_none=True)
    return prune_masks(
        model, masks, _share_for(masks, sparsity), score=lambda name, w: (w * gradients[name]).abs()
    )


def _share_for(masks: Masks, sparsity: float) -> float:
    """Returns the fraction of the unpruned weights to prune for an overall sparsity."""
    if not masks.sparsity < sparsity < 1:
        raise InputError(
            f"a sparsity of {sparsity:g} cannot be reached from {masks.sparsity:g} by pruning"
        )
    return 1 - (1 - sparsity) * masks.size / masks.alive


def one_shot(
    model: nn.Module,
    masks: Masks,
    sparsity: float,
    *,
    scope: Scope = "global",
    score: Score = magnitude,
) -> Masks:
    """Prunes once to a sparsity of all masked weights; see :func:`prune_masks`."""
    return prune_masks(model, masks, _share_for(masks, sparsity), scope=scope, score=score)
