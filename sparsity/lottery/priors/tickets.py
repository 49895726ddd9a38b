"""Tickets of the generator: prune, rewind, train again; with random masks as controls."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.lottery.criteria import at_random, matched_masks, one_shot
from surefoot.sparsity.lottery.imp import Rounds, Ticket, find_tickets, rewound
from surefoot.sparsity.lottery.masks import Masks
from surefoot.sparsity.lottery.priors.networks import CONFIG_NAME, Generator, save_generator
from surefoot.sparsity.lottery.priors.training import PairSettings, PairTraining

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Control = Literal["layer-random", "random"]
"""Random masks: with the ticket's sparsity in each layer, or over all weights."""

_TICKET = "generator"
KINDS = (_TICKET, *get_args(Control))
"""Kinds of generators, tickets first; folders are named by kind and round."""
DENSE = f"{_TICKET}-00"
"""Name of the dense generator's folder."""

_STATE = "pair.pt"
_LAST = 100
"""Last steps over which the mean losses of a training are recorded."""


class OutOfTimeError(Exception):
    """The time limit is reached; the state is saved."""


def generator_folder(folder: Path, number: int) -> Path:
    """Returns the folder of the generator of a round; 0 is the dense one."""
    return folder / f"{_TICKET}-{number:02}"


def control_folder(folder: Path, kind: Control, number: int) -> Path:
    """Returns the folder of a generator with random masks, the control of a round."""
    return folder / f"{kind}-{number:02}"


def trained_generators(folder: Path) -> dict[str, Path]:
    """Returns the folders of all generators whose training is done, by name, tickets first."""
    return {
        place.name: place
        for kind in KINDS
        for place in sorted(folder.glob(f"{kind}-[0-9][0-9]"))
        if (place / CONFIG_NAME).is_file()
    }


def prior_tickets(
    pictures: NDArray[np.uint8],
    settings: PairSettings,
    rounds: int,
    share: float,
    folder: Path,
    *,
    minutes: float = 0.0,
    progress: Progress = silent,
) -> tuple[Ticket, ...]:
    """Trains generator and critic, again after each pruning; resumes an interrupted search.

    The critic starts from scratch each time and is never pruned, as it is not part of the prior.

    Args:
        pictures: uint8 ``[n, size, size, 3]``.
        settings: Settings of each training.
        rounds: Number of prunings; 0 for the dense training only.
        share: Fraction of the generator's unpruned weights pruned per round.
        folder: Folder of the search; generators are in :func:`generator_folder`.
        minutes: Stop after this time; 0 for no limit.
        progress: Called every 100 steps with the steps of the current training; the part names the
            round and the mean losses since the last call.

    Raises:
        OutOfTimeError: The time limit is reached.
        InputError: The folder holds another search, or a loss is not finite.
    """
    torch.manual_seed(settings.seed)
    ends = _end(minutes)
    model = Generator(settings.shape)
    folder.mkdir(parents=True, exist_ok=True)

    number = 0

    def count(done: int, total: int, part: str = "") -> None:
        del total, part
        nonlocal number
        number = done

    def train(trained: Any, masks: Masks, on_step: Any) -> dict[str, float]:
        place = generator_folder(folder, number)
        return _train(
            trained,
            masks,
            pictures,
            settings,
            place,
            ends,
            name=f"round {number}",
            progress=progress,
            on_step=on_step,
        )

    identity = {"pair": settings.model_dump(mode="json"), "pictures": len(pictures)}
    return find_tickets(
        model, train, Rounds(rounds=rounds, share=share), folder, identity=identity, progress=count
    )


def prior_controls(
    pictures: NDArray[np.uint8],
    settings: PairSettings,
    tickets: tuple[Ticket, ...],
    folder: Path,
    *,
    minutes: float = 0.0,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Trains generators with random masks for each ticket, from the tickets' initial weights.

    Args:
        pictures: uint8 ``[n, size, size, 3]``.
        settings: Settings of each training, as for the tickets.
        tickets: Result of :func:`prior_tickets`; the dense one has no control.
        folder: Folder of the tickets; for controls see :func:`control_folder`.
        minutes: Stop after this time; 0 for no limit.
        progress: Called every 100 steps with the steps of the current training; the part names the
            control and the mean losses since the last call.

    Returns:
        The folders. A control that would prune a whole layer is skipped.

    Raises:
        OutOfTimeError: The time limit is reached.
        InputError: A loss is not finite.
    """
    ends = _end(minutes)
    found = []
    for number, ticket in enumerate(tickets[1:], 1):
        for kind in get_args(Control):
            place = control_folder(folder, kind, number)
            model = Generator(settings.shape)
            rewound(model, folder)
            try:
                masks = _random_masks(kind, model, ticket, settings.seed + number)
            except InputError:
                continue
            if not (place / CONFIG_NAME).is_file():
                masks.apply(model)
                _train(
                    model,
                    masks,
                    pictures,
                    settings,
                    place,
                    ends,
                    name=place.name,
                    progress=progress,
                )
            found.append(place)
    return tuple(found)


def _random_masks(kind: Control, model: Generator, ticket: Ticket, seed: int) -> Masks:
    if kind == "layer-random":
        return matched_masks(ticket.masks, seed)
    return one_shot(model, Masks.full(model), ticket.sparsity, score=at_random(seed))


def _end(minutes: float) -> float:
    return time.monotonic() + 60 * minutes if minutes else float("inf")


def _train(
    model: Generator,
    masks: Masks,
    pictures: NDArray[np.uint8],
    settings: PairSettings,
    place: Path,
    ends: float,
    *,
    name: str,
    progress: Progress,
    on_step: Callable[[int, Any], None] = lambda step, model: None,
) -> dict[str, float]:
    """Trains a generator, or resumes its training, and writes its average."""
    left = (ends - time.monotonic()) / 60
    if left <= 0:
        raise OutOfTimeError
    losses: list[tuple[float, float]] = []

    def on_losses(pair: PairTraining) -> None:
        losses[:] = pair.losses[-_LAST:]
        made, critic = (sum(x) / len(pair.losses) for x in zip(*pair.losses, strict=True))
        part = f"{name}: loss of the generator {made:.3f}, of the critic {critic:.3f}"
        progress(pair.step, settings.steps, part)

    state = place.parent / _STATE
    pair = PairTraining(pictures, settings, generator=model, masks=masks, path=state)
    if not pair.run(minutes=0.0 if isinf(left) else left, on_losses=on_losses, on_step=on_step):
        raise OutOfTimeError
    save_generator(pair.averaged, place)
    state.unlink(missing_ok=True)
    count = max(1, len(losses))
    generator_loss, critic_loss = (sum(x[i] for x in losses) / count for i in (0, 1))
    return {"makes": generator_loss, "tells": critic_loss}
