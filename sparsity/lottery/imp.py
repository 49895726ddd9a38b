"""Iterative magnitude pruning with rewinding: train, prune, rewind, train again.

Rewinding to the initial weights: Frankle and Carbin 2019; to an early step: Frankle et al. 2020.
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
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.lottery.criteria import Scope, Score, magnitude, prune_masks
from surefoot.sparsity.lottery.masks import Masks

if TYPE_CHECKING:
    from torch import nn

_STATE = "rounds.json"

Train = Callable[["nn.Module", Masks, Callable[[int, "nn.Module"], None]], Mapping[str, float]]
"""Trains a model under masks (see :meth:`Masks.hold`), calls its third argument after every step,
and returns figures such as a loss."""


class Rounds(BaseModel):
    """Settings of iterative pruning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(default=8, ge=0)
    """Number of prunings; the dense model is trained first (with 0, only that)."""
    share: float = Field(default=0.2, gt=0, lt=1)
    """Fraction of the unpruned weights that is pruned per round."""
    scope: Scope = "global"
    """Set within which weights are compared."""
    rewind: int = Field(default=0, ge=0)
    """Step of the dense training to rewind to; 0 for the initial weights."""


@dataclass(frozen=True)
class Ticket:
    """Result of a round.

    Attributes:
        masks: Unpruned weights in its training.
        figures: Figures of its training.
    """

    masks: Masks
    figures: Mapping[str, float]

    @property
    def sparsity(self) -> float:
        """Fraction of pruned weights."""
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
    progress: Progress = silent,
) -> tuple[Ticket, ...]:
    """Finds tickets, or resumes after the last finished round.

    Args:
        model: The initialised model; ends with the weights of the last training.
        train: Trains the model.
        rounds: Number of rounds and fraction pruned in each.
        folder: Folder for masks and weights.
        identity: Everything the result depends on beyond ``rounds``; another one is refused.
        target: Regular expression for names of parameters to prune.
        score: Score of weights after a training; the lowest are pruned.
        progress: Called before every training with the number of finished ones.

    Returns:
        The dense training and one ticket for each round.

    Raises:
        InputError: A layer would be pruned entirely, a loss is not finite, or the folder holds
            another search.
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
        progress(number, rounds.rounds + 1)
        if number:
            masks = prune_masks(model, masks, rounds.share, scope=rounds.scope, score=score)
            rewound = folder / "rewind.safetensors" if rounds.rewind else start
            _load_state(model, rewound)
        masks.apply(model)

        def on_step(step: int, trained: nn.Module, number: int = number) -> None:
            if number == 0 and step == rounds.rewind:
                _save_state(trained, folder / "rewind.safetensors")

        figures = train(model, masks, on_step)
        if bad := next((k for k, v in figures.items() if v != v or abs(v) == float("inf")), None):
            raise InputError(f"round {number}: {bad} is not finite; use a smaller rate")
        if rounds.rewind and not (folder / "rewind.safetensors").is_file():
            raise InputError(
                f"the training has fewer than {rounds.rewind} steps, so it cannot be rewound"
            )
        masks.save(folder / f"masks-{number:02}.safetensors")
        _save_state(model, folder / "trained.safetensors")
        done.append({k: float(v) for k, v in figures.items()})
        write_atomic(folder / _STATE, json.dumps({"identity": whole, "done": done}) + "\n")
    progress(rounds.rounds + 1, rounds.rounds + 1)
    return tuple(
        Ticket(Masks.load(folder / f"masks-{i:02}.safetensors"), figures)
        for i, figures in enumerate(done)
    )


def _read(folder: Path, identity: Mapping[str, Any]) -> list[dict[str, float]]:
    path = folder / _STATE
    try:
        data = json.loads(path.read_bytes())
        stored, done = data["identity"], [dict(figures) for figures in data["done"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        raise _damaged(path) from None
    if stored != json.loads(json.dumps(dict(identity))):
        raise InputError(
            "the folder holds tickets of other settings; choose another folder", file=str(folder)
        )
    return done


def _damaged(path: Path) -> InputError:
    return InputError("damaged; delete the folder and start again", file=str(path))


def _save_state(model: nn.Module, path: Path) -> None:
    from surefoot.sparsity.engine.state import save_tensors

    save_tensors({k: v.detach().clone().contiguous() for k, v in model.state_dict().items()}, path)


def _load_state(model: nn.Module, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError):  # RuntimeError: tensors of another model
        raise _damaged(path) from None


def rewound(model: nn.Module, folder: Path) -> torch.nn.Module:
    """Rewinds a model to the weights that the tickets of a folder start from.

    Raises:
        InputError: The folder holds no tickets.
    """
    late, first = folder / "rewind.safetensors", folder / "start.safetensors"
    if not first.is_file():
        raise InputError("no tickets here", file=str(folder))
    _load_state(model, late if late.is_file() else first)
    return model
