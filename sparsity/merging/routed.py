"""Modules of a mixture: gates, layers with weights per expert, and mixed perceptrons."""

from __future__ import annotations

import copy
from typing import Any, Literal

import torch
from torch import nn

from surefoot.core.errors import InputError

Route = Literal["sequence", "token"]
"""Whether texts are routed as a whole, or token by token."""

Pool = Literal["mean", "first"]
"""How a gate pools a text: the mean of its hidden states, or that of the first token."""

_KEPT = "surefoot_routes"


class Routes:
    """Choices of the gates of a mixture for the current texts.

    Attributes:
        mask: ``[batch, tokens]``, 0 where there is padding; ``None`` if there is none.
        chosen: Weights of experts by index of the gate, ``[batch, experts]`` where texts are
            routed, ``[batch, tokens, experts]`` where tokens are; 0 for inactive ones.
        forced: Expert that all texts are routed to; ``None`` to use the gates.
    """

    def __init__(self) -> None:
        self.mask: torch.Tensor | None = None
        self.chosen: dict[int, torch.Tensor] = {}
        self.forced: int | None = None
        self._kept: dict[int, torch.Tensor] = {}

    def begin(self, mask: torch.Tensor | None, cache: Any) -> None:
        """Prepares a pass; choices made for a prompt are stored with its cache.

        Args:
            mask: 0 where there is padding.
            cache: Keys and values of earlier tokens; may be empty.
        """
        self.mask, self.chosen = mask, {}
        self._kept = {}
        if cache is not None:
            if cache.get_seq_length() and getattr(cache, _KEPT, None):
                self._kept = getattr(cache, _KEPT)
            else:
                setattr(cache, _KEPT, self._kept)

    def recall(self, gate: int, batch: int) -> bool:
        """Restores the choice of a gate for the prompt of these texts, if any.

        Raises:
            InputError: The cache is of another number of texts.
        """
        found = self._kept.get(gate)
        if found is None:
            return False
        if len(found) != batch:
            raise InputError(
                f"the cache is of {len(found)} texts and {batch} are given; a mixture cannot match "
                "them to experts"
            )
        self.chosen[gate] = found
        return True

    def keep(self, gate: int) -> None:
        """Stores the choice of a gate with the cache."""
        self._kept[gate] = self.chosen[gate]


class LinearGate(nn.Module):
    """Chooses experts by a linear map of hidden states.

    Args:
        width: Width of hidden states.
        experts: Number of experts.
        number: Index of the gate.
        routes: Stores the choices.
        route: What is routed.
        pool: How texts are pooled, if texts are routed.
        top: Number of active experts; their weights are a softmax over them.
    """

    def __init__(
        self,
        width: int,
        experts: int,
        number: int,
        routes: Routes,
        *,
        route: Route = "sequence",
        pool: Pool = "mean",
        top: int = 1,
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(width, experts)
        self.number, self.route, self.pool, self.top = number, route, pool, top
        self._routes = routes

    def choose(self, hidden: torch.Tensor) -> None:
        """Chooses for hidden states ``[batch, tokens, width]``; for texts once per prompt.

        Args:
            hidden: The states that enter the first layer of the gate.
        """
        routes = self._routes
        whole = self.route == "sequence"
        if routes.forced is not None:
            shape = hidden.shape[:1] if whole else hidden.shape[:2]
            weights = hidden.new_zeros((*shape, self.linear.out_features))
            weights[..., routes.forced] = 1
            routes.chosen[self.number] = weights
            return
        if whole:
            if routes.recall(self.number, len(hidden)):
                return
            hidden = pooled(hidden, routes.mask, self.pool)
        logits = self.linear(hidden.to(self.linear.weight.dtype)).float()
        best, where = logits.topk(self.top, -1)
        routes.chosen[self.number] = torch.zeros_like(logits).scatter(-1, where, best.softmax(-1))
        if whole:
            routes.keep(self.number)


def pooled(hidden: torch.Tensor, mask: torch.Tensor | None, pool: Pool) -> torch.Tensor:
    """Returns one state per text.

    Args:
        hidden: ``[batch, tokens, width]``.
        mask: ``[batch, tokens]``, 0 where there is padding.
        pool: How states are pooled.

    Returns:
        ``[batch, width]``.
    """
    if mask is None or mask.shape[-1] != hidden.shape[1]:
        return hidden.mean(1) if pool == "mean" else hidden[:, 0]
    if pool == "first":
        first = (mask != 0).float().argmax(-1)
        return hidden[torch.arange(len(hidden), device=hidden.device), first]
    weights = (mask != 0).to(hidden.dtype).unsqueeze(-1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


class OwnPart(nn.Module):
    """A module that each expert has of its own.

    Args:
        part: The module, copied for every expert.
        experts: Number of experts.
        gate: Index of the gate that chooses.
        routes: Stores the choices.
    """

    def __init__(self, part: nn.Module, experts: int, gate: int, routes: Routes) -> None:
        super().__init__()
        self.experts = nn.ModuleList(copy.deepcopy(part) for _ in range(experts))
        self._gate, self._routes = gate, routes

    @property
    def chosen(self) -> torch.Tensor:
        """Weights of experts for the current texts, as :attr:`Routes.chosen` has them."""
        return self._routes.chosen[self._gate]


class RoutedLeaf(OwnPart):
    """A layer with separate weights per expert, of which each text of a batch uses one.

    Attention and its cache need no changes: they receive the queries, keys and values of each
    text's expert.
    """

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Runs each text through its expert's layer."""
        chosen = self.chosen.argmax(-1)
        found = sorted(set(chosen.tolist()))
        if len(found) == 1:
            only: torch.Tensor = self.experts[found[0]](inputs)
            return only
        outputs: torch.Tensor | None = None
        for expert in found:
            rows = chosen == expert
            part = self.experts[expert](inputs[rows])
            if outputs is None:
                outputs = part.new_empty((len(inputs), *part.shape[1:]))
            outputs[rows] = part
        assert outputs is not None
        return outputs


class MixedMLP(OwnPart):
    """The perceptrons of all experts, whose outputs are added by the weights of a gate."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Mixes the outputs for ``[batch, tokens, width]``."""
        weights = self.chosen.to(inputs.dtype)
        if weights.ndim == 2:
            weights = weights.unsqueeze(1).expand(-1, inputs.shape[1], -1)
        outputs = torch.zeros_like(inputs)
        for number, expert in enumerate(self.experts):
            mine = weights[..., number]
            on = mine != 0
            if bool(on.any()):
                outputs[on] += mine[on].unsqueeze(-1) * expert(inputs[on])
        return outputs
