"""Prepares a model for a training method, and restores its original form afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from surefoot.core.errors import InputError
from surefoot.sparsity.training.adapters import LoRALinear, lora_rank_for
from surefoot.sparsity.training.galore import GaLore, QGaLore
from surefoot.sparsity.training.int8 import Int8Linear
from surefoot.sparsity.training.optimizer import AdamW8bit
from surefoot.sparsity.training.settings import RecoverSettings

IsFactored = Callable[[str, nn.Module], bool]
"""Returns by name and module whether a layer is factorized with parameters ``U`` and ``V``."""

_PRUNED_FROM = 0.01
"""Least fraction of zeros of a layer that counts as pruned."""


def is_factored(name: str, module: nn.Module) -> bool:
    """Returns whether a module is a ``FactoredLinear``."""
    return type(module).__name__ == "FactoredLinear"


@dataclass(frozen=True, slots=True)
class PreparedModel:
    """A model that is ready to be trained.

    Attributes:
        optimizer: Optimizer of the trainable parameters.
        trainable: Names of the trainable parameters.
        parameters: Number of their values.
        rank: Rank of adapters or projections, if any.
        masks: Masks of nonzero weights of pruned layers, by parameter name.
    """

    optimizer: torch.optim.Optimizer
    trainable: tuple[str, ...]
    parameters: int
    rank: int | None
    masks: Mapping[str, Tensor]


def linear_targets(model: nn.Module, settings: RecoverSettings) -> dict[str, nn.Linear]:
    """Returns the linear layers that a method projects, quantizes or adapts, by name.

    Raises:
        InputError: There are none.
    """
    found = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and re.search(settings.target, name)
        and not any(re.search(pattern, name) for pattern in settings.ignore)
    }
    if not found:
        raise InputError(
            f"no linear layer of the model matches target '{settings.target}'; look at the names "
            "of its modules, and at ignore"
        )
    return found


def prepare(
    model: nn.Module, settings: RecoverSettings, factored: IsFactored = is_factored
) -> PreparedModel:
    """Prepares a model and its optimizer; layers of the model may be replaced.

    Args:
        model: The model; ``requires_grad`` of its parameters is set.
        settings: How it is trained.
        factored: Returns whether a layer is factorized.

    Raises:
        InputError: The method does not fit the model.
    """
    method, rank = settings.method, settings.rank
    if any(p.dtype is torch.float16 for p in model.parameters()):
        raise InputError(
            "float16 is too narrow for training; load the model in float32 or bfloat16"
        )
    masks = _masks(model, settings)
    model.requires_grad_(False)
    targets: dict[str, nn.Linear] = {}
    if method == "lrc":
        learning = _factors(model, factored)
    elif method in ("n-lrc", "full") and (method == "n-lrc" or settings.budget is not None):
        learning = _dense(linear_targets(model, settings), settings)
    elif method in ("lora", "qlora"):
        targets = linear_targets(model, settings)
        rank = rank or lora_rank_for(_shapes(targets), settings.budget or 0)
        learning = _adapt(model, targets, rank, settings)
    else:
        if method in ("galore", "qgalore"):
            targets = linear_targets(model, settings)
        if method == "qgalore":
            _refuse_shared(model, targets)
            for name, linear in targets.items():
                _replace(model, name, _in_8_bits(name, linear))
        learning = [name for name, _ in model.named_parameters()]
    parameters = dict(model.named_parameters())
    for name in learning:
        parameters[name].requires_grad_(True)
    optimizer = _optimizer({n: parameters[n] for n in learning}, set(targets), settings)
    for name, mask in masks.items():
        if name in learning:
            parameters[name].register_hook(partial(torch.mul, mask))  # type: ignore[no-untyped-call]
    return PreparedModel(
        optimizer,
        tuple(learning),
        sum(parameters[name].numel() for name in learning),
        rank,
        {name: mask for name, mask in masks.items() if name in learning},
    )


def finish(model: nn.Module) -> None:
    """Turns adapters and 8-bit layers into ordinary linear layers, and unfreezes all parameters.

    Adapters are merged, also with 4-bit weights, whose merged weights are the dequantized ones plus
    the adapter.
    """
    for name, module in list(model.named_modules()):
        if isinstance(module, LoRALinear):
            _replace(model, name, module.merge())
        elif isinstance(module, Int8Linear):
            _replace(model, name, module.to_linear())
    for parameter in model.parameters():
        parameter.grad = None
        parameter.requires_grad_(True)


def _factors(model: nn.Module, factored: IsFactored) -> list[str]:
    places = [name for name, module in model.named_modules() if factored(name, module)]
    if not places:
        raise InputError("lrc trains the factors of factorized layers, and the model has none")
    return [f"{name}.{factor}" for name in places for factor in ("U", "V")]


def _dense(targets: Mapping[str, nn.Linear], settings: RecoverSettings) -> list[str]:
    """Returns weights of dense layers, within the budget if given."""
    names = list(targets)
    if settings.budget is None:
        return [f"{name}.weight" for name in names]
    Random(f"budget:{settings.seed}").shuffle(names)
    left, picked = settings.budget, []
    for name in names:
        size = targets[name].weight.numel()
        if size <= left:
            picked.append(f"{name}.weight")
            left -= size
    if not picked:
        smallest = min(t.weight.numel() for t in targets.values())
        raise InputError(
            f"the smallest dense layer has {smallest} parameters, the budget is {settings.budget}"
        )
    return picked


def _adapt(
    model: nn.Module, targets: Mapping[str, nn.Linear], rank: int, settings: RecoverSettings
) -> list[str]:
    _refuse_shared(model, targets)
    for name, linear in targets.items():
        if rank > min(linear.weight.shape):
            raise InputError(
                f"rank {rank} is more than {name} {list(linear.weight.shape)} has; lower it, or "
                "add the layer to ignore"
            )
    generator = torch.Generator().manual_seed(settings.seed)
    bits = 4 if settings.method == "qlora" else 32
    for name, linear in targets.items():
        adapted = LoRALinear(
            linear, rank, scale=settings.scale or 2.0, bits=bits, generator=generator
        )
        _replace(model, name, adapted.train(linear.training))
    return [f"{name}.{factor}" for name in targets for factor in ("A", "B")]


def _in_8_bits(name: str, linear: nn.Linear) -> Int8Linear:
    try:
        return Int8Linear.from_linear(linear)
    except InputError as error:
        raise InputError(f"{name}: {error.message}") from None


def _optimizer(
    learning: Mapping[str, nn.Parameter], targets: set[str], settings: RecoverSettings
) -> torch.optim.Optimizer:
    options: dict[str, Any] = {"lr": settings.rate, "weight_decay": settings.weight_decay}
    if settings.method not in ("galore", "qgalore", "adamw8bit"):
        return torch.optim.AdamW(learning.values(), **options)
    options |= {
        "max_norm": settings.clip,
        "fused_backward": settings.fused_backward,
        "seed": settings.seed,
        "stochastic": settings.stochastic,
    }
    if settings.method == "adamw8bit":
        return AdamW8bit(learning.values(), **options)
    matrices = [p for name, p in learning.items() if name.removesuffix(".weight") in targets]
    others = [p for name, p in learning.items() if name.removesuffix(".weight") not in targets]
    groups: list[dict[str, Any]] = [{"params": matrices, "rank": settings.rank}]
    if others:
        groups.append({"params": others})
    options |= {
        "scale": settings.scale or 0.25,
        "interval": settings.interval,
        "measure": settings.measure,
        "threshold": settings.threshold,
    }
    if settings.method == "galore":
        return GaLore(groups, **options)
    return QGaLore(groups, queue=settings.queue, **options)


def _masks(model: nn.Module, settings: RecoverSettings) -> dict[str, Tensor]:
    """Returns masks of the nonzero weights of pruned layers."""
    if not settings.keep_zeros:
        return {}
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            kept = module.weight.detach() != 0
            zeros = kept.numel() - int(kept.sum())
            if _PRUNED_FROM * kept.numel() <= zeros < kept.numel():
                found[f"{name}.weight"] = kept
    if settings.method in ("lora", "qlora", "qgalore"):
        touched = {f"{name}.weight" for name in linear_targets(model, settings)} & set(found)
        if touched:
            raise InputError(
                f"{min(touched)} is pruned, and {settings.method} would overwrite its zeros; use "
                "full, "
                "adamw8bit or galore, or set keep_zeros to false"
            )
    return found


def _refuse_shared(model: nn.Module, targets: Mapping[str, nn.Linear]) -> None:
    """Refuses to replace a layer with a shared weight."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    for name, linear in targets.items():
        users = names[id(linear.weight)]
        if len(users) > 1:
            others = ", ".join(u for u in users if u != f"{name}.weight")
            raise InputError(f"{name} shares its weight with {others}; add it to ignore")


def _shapes(targets: Mapping[str, nn.Linear]) -> Sequence[tuple[int, int]]:
    return [(t.out_features, t.in_features) for t in targets.values()]


def _replace(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, module)
