"""A gated perceptron in parts: a permanent one, one for each expert, and what nobody needs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.functional import linear

from surefoot.sparsity.experts.extraction import activation_of
from surefoot.sparsity.experts.layout import LayerLayout

Source = Callable[[int], Mapping[str, torch.Tensor]]
"""Gives the tensors of an expert by name, see :meth:`ExpertMLP.tensors_of`."""

Announce = Callable[[Sequence[int]], None]
"""Is told which experts are asked for next."""

ExpertsOn = Literal["routed", "all"] | int
"""Which experts are on: the router's choice, all of them, or a certain one for all tokens."""


@dataclass
class Routing:
    """What all layers of a model share while it runs.

    Attributes:
        on: Which experts are on.
        groups: Experts of this pass, each with the places of its tokens among all of the pass, or
            ``None`` if all tokens are its own.
        source: Where weights of experts come from, ``None`` for the modules.
        held: The tensors of an expert that has all tokens of the pass.
        announce: Is told, before a pass that needs several experts, all that it will ask for, in
            order.
        layers: Layers that ask.
    """

    on: ExpertsOn = "routed"
    groups: list[tuple[int, torch.Tensor | None]] = field(default_factory=list)
    source: Source | None = None
    held: Mapping[str, torch.Tensor] | None = None
    announce: Announce | None = None
    layers: int = 1

    def choose(self, chosen: torch.Tensor) -> None:
        """Begins a pass with an expert for each token, ``[batch, tokens]``."""
        flat = chosen.reshape(-1)
        present = sorted(set(flat.tolist()))
        if len(present) == 1:
            self.only(present[0])
        else:
            self.groups = [(e, (flat == e).nonzero()[:, 0]) for e in present]
            self.held = None
            if self.announce is not None:
                self.announce(present * self.layers)

    def only(self, expert: int) -> None:
        """Begins a pass with one expert for all tokens."""
        self.groups = [(expert, None)]
        self.held = None if self.source is None else self.source(expert)

    def weights(self, expert: int) -> Mapping[str, torch.Tensor] | None:
        """Returns an expert's tensors from outside, ``None`` if they are in the modules.

        If a pass needs several, each is asked for in every layer anew, so that no more are in
        memory than their source can hold.
        """
        if self.source is None:
            return None
        return self.held if self.held is not None else self.source(expert)


class Neurons(nn.Module):
    """Some neurons of a gated perceptron.

    Args:
        count: How many.
        like: The dense perceptron.
    """

    def __init__(self, count: int, like: Any) -> None:
        super().__init__()
        wide = like.gate_proj.in_features
        options: dict[str, Any] = {
            "dtype": like.gate_proj.weight.dtype,
            "device": like.gate_proj.weight.device,
        }
        make: Any = nn.utils.skip_init
        gate_bias, up_bias = like.gate_proj.bias is not None, like.up_proj.bias is not None
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")
            self.gate = make(nn.Linear, wide, count, bias=gate_bias, **options)
            self.up = make(nn.Linear, wide, count, bias=up_bias, **options)
            self.down = make(nn.Linear, count, like.down_proj.out_features, bias=False, **options)

    @torch.no_grad()
    def fill(self, like: Any, places: Sequence[int]) -> None:
        """Copies the neurons at these places of a dense perceptron."""
        at = torch.tensor(places, dtype=torch.long, device=like.gate_proj.weight.device)
        for own, dense in ((self.gate, like.gate_proj), (self.up, like.up_proj)):
            own.weight.copy_(dense.weight[at])
            if dense.bias is not None:
                own.bias.copy_(dense.bias[at])
        self.down.weight.copy_(like.down_proj.weight[:, at])

    def forward(self, x: torch.Tensor, act: Any, share: torch.Tensor | None = None) -> torch.Tensor:
        """Returns what these neurons add to the output, ``[..., width]``.

        Args:
            x: ``[..., width]``.
            act: The activation function.
            share: Factor of each neuron.
        """
        inner = act(self.gate(x)) * self.up(x)
        out: torch.Tensor = self.down(inner if share is None else inner * share)
        return out


class ExpertMLP(nn.Module):
    """Takes the place of a dense gated perceptron.

    Args:
        dense: The perceptron; only its shapes and its activation function are used.
        layout: Whose its neurons are.
        layer: Number of the layer.
        routing: Shared by all layers.
        rest: Whether neurons that nobody needs are kept, for when all experts are on.
    """

    def __init__(
        self, dense: Any, layout: LayerLayout, layer: int, routing: Routing, *, rest: bool
    ) -> None:
        super().__init__()
        self.layer, self.layout, self.routing = layer, layout, routing
        self.act_fn = activation_of(dense)
        self.permanent = Neurons(len(layout.permanent), dense)
        self.experts = nn.ModuleList(Neurons(len(part), dense) for part in layout.own)
        self.rest = Neurons(len(layout.rest), dense) if rest else None
        bias = dense.down_proj.bias
        self.bias = None if bias is None else nn.Parameter(torch.empty_like(bias))

    @torch.no_grad()
    def fill(self, dense: Any) -> None:
        """Copies the weights of the dense perceptron."""
        self.permanent.fill(dense, self.layout.permanent)
        for part, places in zip(self.experts, self.layout.own, strict=True):
            part.fill(dense, places)  # type: ignore[operator]
        if self.rest is not None:
            self.rest.fill(dense, self.layout.rest)
        if self.bias is not None:
            self.bias.copy_(dense.down_proj.bias)

    def tensors_of(self, expert: int) -> dict[str, torch.Tensor]:
        """Returns the tensors of an expert by name, such as ``layers.3.gate.weight``."""
        named = self.experts[expert].named_parameters()
        return {f"layers.{self.layer}.{name}": p.detach() for name, p in named}

    def forget_experts(self) -> None:
        """Frees the weights of the experts, which are taken from outside from now on."""
        for parameter in self.experts.parameters():
            parameter.data = torch.empty(0, dtype=parameter.dtype, device=parameter.device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the output ``[..., width]`` for ``[..., width]``."""
        out: torch.Tensor = self.permanent(x, self.act_fn)
        if self.bias is not None:
            out = out + self.bias
        if self.routing.on == "all":
            return self._add_all(x, out)
        flat, total = x.reshape(-1, x.shape[-1]), out.reshape(-1, out.shape[-1])
        for expert, places in self.routing.groups:
            if not self.layout.own[expert]:
                continue
            if places is None:
                total = total + self._one(flat, expert)
            else:
                total = total.index_add(0, places, self._one(flat[places], expert))
        return total.view_as(out)

    def _one(self, x: torch.Tensor, expert: int, share: torch.Tensor | None = None) -> torch.Tensor:
        weights = self.routing.weights(expert)
        if weights is None:
            found: torch.Tensor = self.experts[expert](x, self.act_fn, share)
            return found
        stem = f"layers.{self.layer}"
        gate, up = (
            linear(x, weights[f"{stem}.{n}.weight"], weights.get(f"{stem}.{n}.bias"))
            for n in ("gate", "up")
        )
        inner = self.act_fn(gate) * up
        return linear(inner if share is None else inner * share, weights[f"{stem}.down.weight"])

    def _add_all(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Adds every neuron once: of one that several experts have, the mean of their copies."""
        counts = torch.tensor(self.layout.counts(), dtype=x.dtype, device=x.device)
        for expert, places in enumerate(self.layout.own):
            if places:
                at = torch.tensor(places, device=x.device)
                out = out + self._one(x, expert, 1 / counts[at])
        return out if self.rest is None else out + self.rest(x, self.act_fn)
