"""A gated perceptron split into a permanent part, one part per expert, and unused neurons."""

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
"""Returns the tensors of an expert by name, see :meth:`ExpertMLP.tensors_of`."""

Announce = Callable[[Sequence[int]], None]
"""Called with the experts that are requested next."""

ExpertsOn = Literal["routed", "all"] | int
"""Active experts: the router's choice, all of them, or a fixed one for all tokens."""


@dataclass
class Routing:
    """State shared by all layers of a model while it runs.

    Attributes:
        on: Active experts.
        groups: Experts of this pass, each with the indices of its tokens, or ``None`` for all
            tokens.
        source: Source of the weights of experts, ``None`` for the modules.
        held: The tensors of the expert if it has all tokens of the pass.
        announce: Called before a pass over several experts, with all its requests in order.
        layers: Number of layers that request experts.
    """

    on: ExpertsOn = "routed"
    groups: list[tuple[int, torch.Tensor | None]] = field(default_factory=list)
    source: Source | None = None
    held: Mapping[str, torch.Tensor] | None = None
    announce: Announce | None = None
    layers: int = 1

    def choose(self, chosen: torch.Tensor) -> None:
        """Starts a pass with the expert of each token, ``[batch, tokens]``."""
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
        """Starts a pass with one expert for all tokens."""
        self.groups = [(expert, None)]
        self.held = None if self.source is None else self.source(expert)

    def weights(self, expert: int) -> Mapping[str, torch.Tensor] | None:
        """Returns an expert's tensors from the source, ``None`` if they are in the modules.

        If a pass needs several experts, each is requested again in every layer, so that no more
        are in memory than the source can hold.
        """
        if self.source is None:
            return None
        return self.held if self.held is not None else self.source(expert)


class Neurons(nn.Module):
    """A subset of the neurons of a gated perceptron.

    Args:
        count: Number of neurons.
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
        """Copies the neurons at these indices of a dense perceptron."""
        at = torch.tensor(places, dtype=torch.long, device=like.gate_proj.weight.device)
        for own, dense in ((self.gate, like.gate_proj), (self.up, like.up_proj)):
            own.weight.copy_(dense.weight[at])
            if dense.bias is not None:
                own.bias.copy_(dense.bias[at])
        self.down.weight.copy_(like.down_proj.weight[:, at])

    def forward(
        self, x: torch.Tensor, act: Any, factor: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Returns the contribution of these neurons to the output, ``[..., width]``.

        Args:
            x: ``[..., width]``.
            act: The activation function.
            factor: Factor of each neuron.
        """
        inner = act(self.gate(x)) * self.up(x)
        out: torch.Tensor = self.down(inner if factor is None else inner * factor)
        return out


class ExpertMLP(nn.Module):
    """Replaces a dense gated perceptron.

    Args:
        dense: The perceptron; only its shapes and its activation function are used.
        layout: Assignment of its neurons.
        layer: Number of the layer.
        routing: Shared by all layers.
        rest: Whether unused neurons are kept, so that all experts can be active.
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
        """Frees the weights of the experts, which then come from the source."""
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

    def _one(
        self, x: torch.Tensor, expert: int, factor: torch.Tensor | None = None
    ) -> torch.Tensor:
        weights = self.routing.weights(expert)
        if weights is None:
            found: torch.Tensor = self.experts[expert](x, self.act_fn, factor)
            return found
        stem = f"layers.{self.layer}"
        gate, up = (
            linear(x, weights[f"{stem}.{n}.weight"], weights.get(f"{stem}.{n}.bias"))
            for n in ("gate", "up")
        )
        inner = self.act_fn(gate) * up
        return linear(inner if factor is None else inner * factor, weights[f"{stem}.down.weight"])

    def _add_all(self, x: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """Adds every neuron once; for neurons of several experts the mean of their copies."""
        counts = torch.tensor(self.layout.counts(), dtype=x.dtype, device=x.device)
        for expert, places in enumerate(self.layout.own):
            if places:
                at = torch.tensor(places, device=x.device)
                out = out + self._one(x, expert, 1 / counts[at])
        return out if self.rest is None else out + self.rest(x, self.act_fn)
