"""Extracts experts from a dense model by the activity of its neurons on texts of each domain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.engine.calibration import Batch, arguments_of, mask_of
from surefoot.sparsity.experts.layout import ExpertLayout, layout_of

if TYPE_CHECKING:
    from torch import nn


PARTS = ("gate_proj", "up_proj", "down_proj")
"""Linear layers of a gated perceptron by the names that transformers gives them."""


def gated_mlps(model: nn.Module) -> dict[str, Any]:
    """Finds the gated perceptrons of a decoder: ``down(act(gate(x)) * up(x))``, one per layer.

    Args:
        model: A decoder of transformers.

    Returns:
        The modules by name, in the order of layers.

    Raises:
        InputError: There is none, a layer has several, or one computes a different function.
    """
    found: dict[str, Any] = {}
    for name, module in model.named_modules():
        if all(isinstance(getattr(module, p, None), torch.nn.Linear) for p in PARTS):
            found[name] = module
    if not found:
        raise InputError(
            f"a {type(model).__name__} has no gated perceptrons ({', '.join(PARTS)}), to make "
            "experts of; use a decoder such as Llama, Qwen, Mistral or Gemma"
        )
    config: Any = model.config
    layers = [re.findall(r"(?:^|\.)(\d+)(?=\.)", name) for name in found]
    if len(found) != config.num_hidden_layers or any(len(part) != 1 for part in layers):
        raise InputError(
            f"a {type(model).__name__} has {len(found)} gated perceptrons in "
            f"{config.num_hidden_layers} layers; experts need dense models with one per layer"
        )
    for name, module in found.items():
        _check_gated(name, module)
    return found


def activation_of(module: Any) -> Any:
    """Returns the activation function of a gated perceptron.

    Raises:
        InputError: It has no known activation function.
    """
    for name in ("act_fn", "activation_fn", "act"):
        if callable(getattr(module, name, None)):
            return getattr(module, name)
    raise InputError(f"a {type(module).__name__} has no known activation function")


@torch.no_grad()
def _check_gated(name: str, module: Any) -> None:
    weight = module.gate_proj.weight
    if weight.is_meta:
        return
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(2, weight.shape[1], generator=draws).to(weight)
    formula = module.down_proj(activation_of(module)(module.gate_proj(x)) * module.up_proj(x))
    if not torch.allclose(module(x), formula, rtol=1e-2, atol=1e-3, equal_nan=True):
        raise InputError(
            f"'{name}' is not down(act(gate(x)) * up(x)); experts cannot be made of it"
        )


@dataclass
class Activity:
    """Summed activity of the neurons of each layer.

    Attributes:
        sums: For each layer the sum of ``|input of down_proj|`` over tokens, float64 ``[neurons]``.
        tokens: Tokens seen, without padding.
    """

    sums: list[torch.Tensor] = field(default_factory=list)
    tokens: int = 0

    def importance(self) -> list[torch.Tensor]:
        """Returns the mean of ``|input of down_proj|`` by layer (Read-ME, equation 3).

        Raises:
            InputError: No token was seen.
        """
        if not self.tokens:
            raise InputError("no texts, so the activity of neurons is unknown")
        return [total / self.tokens for total in self.sums]


class Watcher:
    """Context manager that records the inputs of every ``down_proj`` while the model runs.

    Args:
        mlps: The gated perceptrons by name.

    Attributes:
        seen: For each layer the inputs of the last pass, ``[b, t, neurons]``.
    """

    def __init__(self, mlps: Mapping[str, Any]) -> None:
        self._mlps = mlps
        self.seen: list[torch.Tensor] = []
        self._hooks: list[Any] = []

    def __enter__(self) -> Watcher:
        self.seen = [torch.empty(0)] * len(self._mlps)
        for i, module in enumerate(self._mlps.values()):
            self._hooks.append(module.down_proj.register_forward_pre_hook(self._noting(i)))
        return self

    def _noting(self, layer: int) -> Any:
        def note(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            del module
            self.seen[layer] = inputs[0].detach()

        return note

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()


@torch.no_grad()
def watch(model: Any, batches: Iterable[Batch]) -> Activity:
    """Runs a model on texts and sums the activity of its neurons, in constant memory.

    Args:
        model: The dense model.
        batches: The texts.

    Raises:
        InputError: An activation is not finite.
    """
    mlps = gated_mlps(model)
    found = Activity(
        [torch.zeros(m.down_proj.in_features, dtype=torch.float64) for m in mlps.values()]
    )
    with Watcher(mlps) as watcher:
        for batch in batches:
            model(**arguments_of(batch), use_cache=False)
            mask = mask_of(batch)
            found.tokens += int(mask.sum())
            for i, name in enumerate(mlps):
                values = watcher.seen[i][mask].abs().sum(0, dtype=torch.float64).cpu()
                if not bool(values.isfinite().all()):
                    raise InputError(
                        f"the activations in '{name}' are not finite (NaN or infinite); the model "
                        "or the texts are damaged"
                    )
                found.sums[i] += values
    return found


def strongest(importance: torch.Tensor, keep: float) -> tuple[int, ...]:
    """Returns the most important neurons, exactly ``round(keep * neurons)`` and one at least.

    They are chosen by rank and not by a threshold, which could take more or fewer if values are
    equal; among equal values the first are taken.

    Args:
        importance: Importance ``[neurons]``.
        keep: Fraction of the neurons, above 0, at most 1.

    Returns:
        Their indices, ascending.

    Raises:
        InputError: The fraction is out of range, or an importance is NaN.
    """
    check_keep(keep)
    if bool(importance.isnan().any()):
        raise InputError("an importance is NaN; the model or the texts are damaged")
    count = max(1, round(keep * len(importance)))
    order = torch.sort(importance, descending=True, stable=True).indices
    return tuple(sorted(order[:count].tolist()))


def check_keep(keep: float) -> None:
    """Checks a fraction of neurons.

    Raises:
        InputError: It is not above 0 and at most 1.
    """
    if not 0 < keep <= 1:
        raise InputError(
            f"the fraction of neurons to keep must be above 0 and at most 1, not {keep}"
        )


def extract_experts(
    model: Any,
    domains: Mapping[str, Sequence[Batch]],
    *,
    keep: float = 0.5,
    progress: Progress = silent,
) -> ExpertLayout:
    """Extracts one expert per domain, and the permanent expert that all share.

    Args:
        model: A dense decoder with gated perceptrons; not changed.
        domains: Texts of each domain.
        keep: Fraction of the neurons of a layer that are active for a token.
        progress: Called after each domain.

    Raises:
        InputError: The model has no gated perceptrons, there are fewer than two domains, one has
            no text, the fraction is out of range, or activations are not finite.
    """
    check_keep(keep)
    if len(domains) < 2:
        raise InputError(f"experts need texts of at least two domains, not {len(domains)}")
    for name, batches in domains.items():
        if not any(bool(mask_of(b).any()) for b in batches):
            raise InputError(f"domain '{name}' has no text")
    widths = [m.down_proj.in_features for m in gated_mlps(model).values()]
    masks = {}
    for i, (name, batches) in enumerate(domains.items()):
        progress(i, len(domains), "domains")
        masks[name] = [strongest(a, keep) for a in watch(model, batches).importance()]
    progress(len(domains), len(domains), "domains")
    return layout_of(masks, widths)
