"""Iterative magnitude pruning with rewinding: train, prune, go back, train again.

Frankle and Carbin 2019 (to the first weights) and Frankle et al. 2020 (to those of an early step).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.sparsity.lottery.criteria import Scope, Score, magnitude, prune_masks
from surefoot.sparsity.lottery.masks import Masks

if TYPE_CHECKING:
    from torch import nn

_STATE = "rounds.json"

Train = Callable[["nn.Module", Masks, Callable[[int, "nn.Module"], None]], Mapping[str, float]]
"""Trains a model whose masks it holds (see :meth:`Masks.hold`), tells every step done, and returns
figures such as a loss."""


class Rounds(BaseModel):
    """How tickets are found."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(default=8, ge=0)
    """Times that weights go; there is one training more, of the dense model (all, with 0)."""
    share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the living that goes each time."""
    scope: Scope = "global"
    """What weights are compared over."""
    rewind: int = Field(default=0, ge=0)
    """Step of the dense training whose weights one goes back to; 0 for the first weights."""


@dataclass(frozen=True)
class Ticket:
    """What a round found.

    Attributes:
        masks: Weights that are alive in its training.
        figures: What its training gave.
    """

    masks: Masks
    figures: Mapping[str, float]

    @property
    def sparsity(self) -> float:
        """Share of the weights that is gone."""
        return self.masks.sparsity


def find_tickets(
    model: nn.Module,
    train: Train,
    rounds: Rounds,
    folder: Path,
    *,
    identity: Mapping[str, Any] | None = None,
    target: str = r"weight$",
    score: Score = magnitude,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Ticket, ...]:
    """Finds tickets, or goes on after the last round that was done.

    Args:
        model: The model as it was drawn; ends with the weights of the last training.
        train: Trains it.
        rounds: How often weights go, and how many.
        folder: Where masks and weights are kept.
        identity: What the work depends on beyond ``rounds``; another one is refused.
        target: Names of parameters that are pruned.
        score: Score of weights after a training, the lowest go.
        told: Told the trainings done and all trainings.

    Returns:
        The dense training and one ticket for each round.

    Raises:
        InputError: A layer would be gone, a loss is not finite, or the folder holds other work.
    """
    whole = {"rounds": rounds.model_dump(mode="json"), "target": target, **(identity or {})}
    done = _read(folder, whole)
    masks = Masks.full(model, target)
    if not done:
        _save_state(model, folder / "start.safetensors")
    else:
        _load_state(model, folder / "trained.safetensors")
        masks = Masks.load(folder / f"masks-{len(done) - 1:02}.safetensors")
    start = folder / "start.safetensors"
    for number in range(len(done), rounds.rounds + 1):
        told(number, rounds.rounds + 1)
        if number:
            masks = prune_masks(model, masks, rounds.share, scope=rounds.scope, score=score)
            rewound = folder / "rewind.safetensors" if rounds.rewind else start
            _load_state(model, rewound)
        masks.apply(model)

        def noted(step: int, trained: nn.Module, number: int = number) -> None:
            if number == 0 and step == rounds.rewind:
                _save_state(trained, folder / "rewind.safetensors")

        figures = train(model, masks, noted)
        if bad := next((k for k, v in figures.items() if v != v or abs(v) == float("inf")), None):
            raise InputError(f"round {number}: {bad} is not finite; take a smaller rate")
        if rounds.rewind and not (folder / "rewind.safetensors").is_file():
            raise InputError(f"the training has fewer than {rounds.rewind} steps to rewind to")
        masks.save(folder / f"masks-{number:02}.safetensors")
        _save_state(model, folder / "trained.safetensors")
        done.append({k: float(v) for k, v in figures.items()})
        write_atomic(folder / _STATE, json.dumps({"identity": whole, "done": done}) + "\n")
    told(rounds.rounds + 1, rounds.rounds + 1)
    return tuple(
        Ticket(Masks.load(folder / f"masks-{i:02}.safetensors"), figures)
        for i, figures in enumerate(done)
    )


def _read(folder: Path, identity: Mapping[str, Any]) -> list[dict[str, float]]:
    path = folder / _STATE
    try:
        data = json.loads(path.read_bytes())
        told, done = data["identity"], [dict(figures) for figures in data["done"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        raise _damaged(path) from None
    if told != json.loads(json.dumps(dict(identity))):
        raise InputError(
            "tickets of other settings lie here; choose another folder", file=str(folder)
        )
    return done


def _damaged(path: Path) -> InputError:
    return InputError("damaged; delete the folder and begin anew", file=str(path))


def _save_state(model: nn.Module, path: Path) -> None:
    from surefoot.sparsity.engine.state import save_tensors

    save_tensors({k: v.detach().clone().contiguous() for k, v in model.state_dict().items()}, path)


def _load_state(model: nn.Module, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):  # the last where tensors are of another model
        raise _damaged(path) from None


def rewound(model: nn.Module, folder: Path) -> torch.nn.Module:
    """Puts a model back to the weights that the tickets of a folder start from.

    Raises:
        InputError: No tickets lie there.
    """
    late, first = folder / "rewind.safetensors", folder / "start.safetensors"
    if not first.is_file():
        raise InputError("no tickets here", file=str(folder))
    _load_state(model, late if late.is_file() else first)
    return model
