"""Tickets of the generator: prune, rewind, train the pair again; masks by chance beside them."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.criteria import at_random, matched_masks, one_shot
from surefoot.sparsity.lottery.imp import Rounds, Ticket, find_tickets, rewound
from surefoot.sparsity.lottery.masks import Masks
from surefoot.sparsity.lottery.priors.networks import CONFIG_NAME, Generator, save_generator
from surefoot.sparsity.lottery.priors.training import PairSettings, PairTraining

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Control = Literal["layer-random", "random"]
"""Masks by chance: with as many weights left in each layer as the ticket, or over all weights."""

_TICKET = "generator"
KINDS = (_TICKET, *get_args(Control))
"""Kinds of generators, tickets first; folders are named by kind and round."""
DENSE = f"{_TICKET}-00"
"""Name of the dense generator's folder."""

_STATE = "pair.pt"
_LAST = 100
"""Steps whose mean losses are told."""


class OutOfTimeError(Exception):
    """The time is up; what is done is kept."""


def generator_folder(folder: Path, number: int) -> Path:
    """Returns the folder of the generator of a round; 0 is the dense one."""
    return folder / f"{_TICKET}-{number:02}"


def control_folder(folder: Path, kind: Control, number: int) -> Path:
    """Returns the folder of a generator whose masks are by chance, beside the ticket of a round."""
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
    told: Callable[[int, PairTraining], None] = lambda number, pair: None,
) -> tuple[Ticket, ...]:
    """Trains the pair dense and once more after each pruning, or goes on where it was stopped.

    The critic begins anew each time and is never pruned, since it is no part of the prior.

    Args:
        pictures: uint8 ``[n, size, size, 3]``.
        settings: Each training.
        rounds: How often weights go; 0 for the dense training only.
        share: Share of the living weights that goes each time, over the whole generator.
        folder: Where everything is kept, the generators in :func:`generator_folder`.
        minutes: Stop after this time; 0 for no limit.
        told: Told the round and the training, every so often.

    Raises:
        OutOfTimeError: The time is up.
        InputError: The folder holds other work, or a loss is not finite.
    """
    torch.manual_seed(settings.seed)
    ends = _end(minutes)
    model = Generator(settings.shape)
    folder.mkdir(parents=True, exist_ok=True)

    number = 0

    def count(done: int, _: int) -> None:
        nonlocal number
        number = done

    def train(trained: Any, masks: Masks, noted: Any) -> dict[str, float]:
        place = generator_folder(folder, number)
        return _train(
            trained,
            masks,
            pictures,
            settings,
            place,
            ends,
            noted=noted,
            told=lambda pair: told(number, pair),
        )

    identity = {"pair": settings.model_dump(mode="json"), "pictures": len(pictures)}
    return find_tickets(
        model, train, Rounds(rounds=rounds, share=share), folder, identity=identity, told=count
    )


def prior_controls(
    pictures: NDArray[np.uint8],
    settings: PairSettings,
    tickets: tuple[Ticket, ...],
    folder: Path,
    *,
    minutes: float = 0.0,
    told: Callable[[str, PairTraining], None] = lambda name, pair: None,
) -> tuple[Path, ...]:
    """Trains the pair with masks by chance for each ticket, from the weights that tickets start at.

    Args:
        pictures: uint8 ``[n, size, size, 3]``.
        settings: Each training, as it was for the tickets.
        tickets: What :func:`prior_tickets` returned; the dense one has no control.
        folder: Where it left them; controls lie beside, see :func:`control_folder`.
        minutes: Stop after this time; 0 for no limit.
        told: Told the name of the control and the training, every so often.

    Returns:
        The folders. A control that would remove a whole layer is left out.

    Raises:
        OutOfTimeError: The time is up.
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
                masks = _by_chance(kind, model, ticket, settings.seed + number)
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
                    told=lambda pair, name=place.name: told(name, pair),  # type: ignore[misc]
                )
            found.append(place)
    return tuple(found)


def _by_chance(kind: Control, model: Generator, ticket: Ticket, seed: int) -> Masks:
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
    told: Callable[[PairTraining], None],
    noted: Callable[[int, Any], None] = lambda step, model: None,
) -> dict[str, float]:
    """Trains a pair, or goes on with it, and writes its averaged generator."""
    left = (ends - time.monotonic()) / 60
    if left <= 0:
        raise OutOfTimeError
    losses: list[tuple[float, float]] = []

    def heard(pair: PairTraining) -> None:
        losses[:] = pair.losses[-_LAST:]
        told(pair)

    state = place.parent / _STATE
    pair = PairTraining(pictures, settings, generator=model, masks=masks, path=state)
    if not pair.run(minutes=0.0 if isinf(left) else left, told=heard, noted=noted):
        raise OutOfTimeError
    save_generator(pair.averaged, place)
    state.unlink(missing_ok=True)
    count = max(1, len(losses))
    makes, tells = (sum(x[i] for x in losses) / count for i in (0, 1))
    return {"makes": makes, "tells": tells}
