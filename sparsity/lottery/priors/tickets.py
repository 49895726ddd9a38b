"""Tickets of the generator: prune, rewind, train the pair again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from surefoot.sparsity.lottery.imp import Rounds, Ticket, find_tickets
from surefoot.sparsity.lottery.priors.networks import Generator, save_generator
from surefoot.sparsity.lottery.priors.training import Pair, PairSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from surefoot.sparsity.lottery.masks import Masks

_STATE = "pair.pt"
_LAST = 100
"""Steps whose mean losses are told."""


class OutOfTimeError(Exception):
    """The time is up; what is done is kept."""


def generator_folder(folder: Path, number: int) -> Path:
    """Returns the folder of the generator of a round; 0 is the dense one."""
    return folder / f"generator-{number:02}"


def prior_tickets(
    pictures: NDArray[np.uint8],
    settings: PairSettings,
    rounds: int,
    share: float,
    folder: Path,
    *,
    minutes: float = 0.0,
    told: Callable[[int, Pair], None] = lambda number, pair: None,
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
    import time

    torch.manual_seed(settings.seed)
    begun = time.monotonic()
    model = Generator(settings.shape)
    folder.mkdir(parents=True, exist_ok=True)

    def train(trained: Any, masks: Masks, noted: Any) -> dict[str, float]:
        number = len(list(folder.glob("masks-*.safetensors")))
        left = 0.0
        if minutes:
            left = minutes - (time.monotonic() - begun) / 60
            if left <= 0:
                raise OutOfTimeError
        losses: list[tuple[float, float]] = []

        def heard(pair: Pair) -> None:
            losses[:] = pair.losses[-_LAST:]
            told(number, pair)

        pair = Pair(pictures, settings, generator=trained, masks=masks, path=folder / _STATE)
        if not pair.run(minutes=left, told=heard, noted=noted):
            raise OutOfTimeError
        save_generator(pair.averaged, generator_folder(folder, number))
        (folder / _STATE).unlink(missing_ok=True)
        count = max(1, len(losses))
        makes, tells = (sum(x[i] for x in losses) / count for i in (0, 1))
        return {"makes": makes, "tells": tells}

    identity = {"pair": settings.model_dump(mode="json"), "pictures": len(pictures)}
    return find_tickets(
        model, train, Rounds(rounds=rounds, share=share), folder, identity=identity
    )  # fmt: skip
