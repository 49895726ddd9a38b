"""Which weights go: by size, by chance, by what they do to the loss at the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.masks import Masks

if TYPE_CHECKING:
    from torch import nn

Scope = Literal["global", "layer", "channel"]
"""What weights are compared over: the whole model, each layer, each output of a layer."""

Score = Callable[[str, torch.Tensor], torch.Tensor]
"""Gives the weights of a parameter, by its name, scores of its shape; the lowest go."""


def magnitude(name: str, weight: torch.Tensor) -> torch.Tensor:
    """Scores weights by their size."""
    return weight.abs()


def at_random(seed: int) -> Score:
    """Returns a score by chance; each weight keeps its own, whatever round it is asked for in.

    So a search that goes on where it was stopped takes the same weights as one that never was.
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
    """Takes a share of what is alive, those with the lowest scores; ties go by their place.

    After ``r`` rounds of a share ``s`` the density is ``(1 - s) ** r`` but for whole numbers.

    Args:
        model: The model.
        masks: What is alive.
        share: Share of the living weights that goes, in (0, 1).
        scope: What they are compared over.
        score: Their score.

    Returns:
        New masks.

    Raises:
        InputError: The share is out of range, a score is not finite, or a layer would be gone.
    """
    if not 0 < share < 1:
        raise InputError(f"a share of {share:g} cannot go; it lies between 0 and 1")
    parameters = masks.parameters(model)
    scores = {name: score(name, p.detach()) for name, p in parameters.items()}
    for name, found in scores.items():
        if not bool(found[masks.tensors[name]].isfinite().all()):
            raise InputError(f"the weights of '{name}' are not finite; the training went astray")
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
    """Returns which of the living stay, by index, so that their number is exact."""
    places = alive.nonzero().flatten()
    gone = round(share * len(places))
    order = torch.argsort(scores[places], stable=True)
    kept = alive.clone()
    kept[places[order[:gone]]] = False
    return kept


def matched_masks(masks: Masks, seed: int) -> Masks:
    """Returns masks by chance with as many living weights in each layer.

    The control that tells which weights a ticket holds from how many it leaves to each layer.
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
    """Prunes once, before training, by ``|weight x slope of the loss|`` (SNIP, Lee et al. 2019).

    Args:
        model: The model as it was drawn; its gradients are cleared.
        masks: What is alive.
        sparsity: Share of all weights under masks that shall be gone.
        loss: The loss of the model on some data.

    Raises:
        InputError: The loss is not finite, or a layer would be gone.
    """
    parameters = masks.parameters(model)
    model.zero_grad(set_to_none=True)
    value = loss(model)
    if not bool(value.isfinite()):
        raise InputError("the loss is not finite; check data and start of the training")
    slopes = dict(
        zip(parameters, torch.autograd.grad(value, list(parameters.values())), strict=True)
    )
    model.zero_grad(set_to_none=True)
    return prune_masks(
        model, masks, _share_for(masks, sparsity), score=lambda name, w: (w * slopes[name]).abs()
    )


def _share_for(masks: Masks, sparsity: float) -> float:
    """Returns the share of the living that has to go for a sparsity of all."""
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
    """Prunes once to a sparsity of all weights under masks; see :func:`prune_masks`."""
    return prune_masks(model, masks, _share_for(masks, sparsity), scope=scope, score=score)
