"""Tickets of image priors: found by iterative pruning, labelled by source, transferable."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, log
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.lottery.criteria import at_random, matched_masks, one_shot, snip_masks
from surefoot.sparsity.lottery.imp import Rounds, find_tickets, rewound
from surefoot.sparsity.lottery.masks import Masks
from surefoot.sparsity.lottery.restoring.fitting import FitSettings, fit
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings, Prior, make_network
from surefoot.sparsity.lottery.restoring.operators import Denoise, InverseProblem, observe, pool

if TYPE_CHECKING:
    from torch import nn

Source = Literal["clean", "observed"]
"""``clean`` if the true image was fitted, which is unknown in practice; the paper's tickets for
denoising are of this kind. ``observed`` if the measurement was fitted."""

Control = Literal["one-shot", "random", "layer-random", "snip"]
"""Controls of a ticket at equal sparsity: largest weights of the dense fit, random over all
weights, random with equal sparsity in each layer, SNIP at initialisation."""

SHARE = 0.2
"""Fraction of the unpruned weights pruned per round, as in the paper."""

_ROUNDING = 1e-9
"""Tolerance between the sparsity on a card and that of the masks."""
_CARD, _MASKS, _START = "ticket.json", "masks.safetensors", "start.safetensors"


class TicketCard(BaseModel):
    """Metadata of a ticket."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source
    """Whether it was found on the true image."""
    task: str
    """Name of the measurement operator."""
    pictures: tuple[str, ...]
    """Names of the images; several were fitted as their mean, see
    :func:`~surefoot.sparsity.lottery.restoring.operators.pool`."""
    network: NetworkSettings
    """The network."""
    channels: int
    """Channels of the images."""
    seed: int = Field(ge=0, lt=2**63)
    """Seed of its initial weights."""
    rewind: int
    """Step of the dense fit that it is rewound to; 0 for the initial weights."""
    sparsity: float
    """Fraction of the convolutions' weights that is pruned."""


@dataclass(frozen=True)
class PriorTicket:
    """A ticket.

    Attributes:
        card: Its metadata.
        masks: Pruning masks.
        start: Weights that it is rewound to, by name.
        figures: Figures of the fit of its round; empty if it was loaded.
    """

    card: TicketCard
    masks: Masks
    start: Mapping[str, torch.Tensor]
    figures: Mapping[str, float]

    def network(self, size: tuple[int, int]) -> Prior:
        """Returns the masked network at its initial weights for a size of images.

        The code is redrawn if the size differs.

        Raises:
            InputError: The images are too small, or the ticket is of another architecture.
        """
        card = self.card
        made = make_network(size, card.channels, card.network, card.seed)
        own = dict(made.named_parameters())
        if own.keys() != self.start.keys() or any(
            own[n].shape != t.shape for n, t in self.start.items()
        ):
            raise InputError("the ticket's weights are not of the network on its card")
        with torch.no_grad():
            for name, value in self.start.items():
                own[name].copy_(value)
        self.masks.check_alive()
        self.masks.apply(made)
        return made

    def save(self, folder: Path) -> None:
        """Writes the ticket; the card is written last and so marks it as complete."""
        from surefoot.sparsity.engine.state import save_tensors

        self.masks.save(folder / _MASKS)
        save_tensors({k: v.contiguous() for k, v in self.start.items()}, folder / _START)
        write_atomic(folder / _CARD, self.card.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> PriorTicket:
        """Reads a ticket.

        Raises:
            InputError: There is none, it is damaged, or it prunes a whole layer.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            card = TicketCard.model_validate_json((folder / _CARD).read_bytes())
            start = load_file(folder / _START)
        except FileNotFoundError:
            raise InputError("no ticket here", file=str(folder)) from None
        except (OSError, ValidationError, SafetensorError):
            raise InputError("the ticket is damaged", file=str(folder)) from None
        masks = Masks.load(folder / _MASKS)
        masks.check_alive()
        whole = all(bool(t.isfinite().all()) for t in start.values())
        if not whole or abs(masks.sparsity - card.sparsity) > _ROUNDING:
            raise InputError("the ticket is damaged", file=str(folder))
        return cls(card, masks, start, {})


def rounds_for(sparsity: float, share: float = SHARE, rewind: int = 0) -> Rounds:
    """Returns the rounds that reach a sparsity with about a given fraction each.

    Args:
        sparsity: The sparsity, in (0, 1).
        share: Largest fraction pruned per round; reduced so that the sparsity is met exactly.
        rewind: Step to rewind to.

    Raises:
        InputError: The sparsity is out of range.
    """
    if not 0 < sparsity < 1:
        raise InputError(f"the sparsity lies between 0 and 1, not {sparsity:g}")
    count = max(1, ceil(log(1 - sparsity) / log(1 - share) - 1e-9))
    return Rounds(rounds=count, share=1 - (1 - sparsity) ** (1 / count), rewind=rewind)


def clean_problem(picture: torch.Tensor) -> InverseProblem:
    """Returns the problem of fitting a true image, for tickets of the kind ``clean``."""
    return observe(Denoise(), picture)


def find_prior_tickets(
    size: tuple[int, int],
    channels: int,
    problems: Mapping[str, InverseProblem],
    source: Source,
    network: NetworkSettings,
    rounds: Rounds,
    settings: FitSettings,
    folder: Path,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[PriorTicket, ...]:
    """Finds tickets of one image or several; resumes an interrupted search.

    Pruning is by global magnitude over the weights of all convolutions. Several images are fitted
    as their mean, which has the same gradients.

    Args:
        size: Height and width of the images.
        channels: Their channels.
        problems: Problems by name of the image, with the same operator.
        source: Whether these are true images.
        network: The network.
        rounds: Number of rounds and fraction pruned in each.
        settings: Settings of each fit.
        folder: Folder for masks and weights.
        seed: Seed of the network.
        progress: Called at every record of a fit; the part names the round.

    Returns:
        The dense network and one ticket for each round.

    Raises:
        InputError: A layer would be pruned entirely, a loss is not finite, the images differ in
            size, or the folder holds another search.
    """
    problem = pool(tuple(problems.values()))
    model = make_network(size, channels, network, seed)
    number = 0

    def count(done: int, total: int, part: str = "") -> None:
        del total, part
        nonlocal number
        number = done

    def train(
        trained: nn.Module, masks: Masks, on_step: Callable[[int, nn.Module], None]
    ) -> dict[str, float]:
        assert isinstance(trained, Prior)
        place = folder / f"fit-{number:02}"
        part = f"round {number} of {rounds.rounds}"
        found = fit(
            trained,
            problem,
            settings,
            masks=masks,
            folder=place,
            on_step=on_step,
            progress=lambda done, total, _="": progress(done, total, part),
        )
        last = found.curve[-1]
        shutil.rmtree(place)
        return {"loss": last.loss, "residual": last.residual, "seconds": found.seconds}

    identity = {
        "network": network.model_dump(mode="json"),
        "fit": settings.model_dump(mode="json"),
        "pictures": list(problems),
        "task": problem.operator.name,
        "source": source,
        "seed": seed,
        "size": list(size),
        "channels": channels,
        "hash": _hash(problem),
    }
    found = find_tickets(model, train, rounds, folder, identity=identity, progress=count)
    start = {
        name: value.detach().clone() for name, value in rewound(model, folder).named_parameters()
    }
    return tuple(
        PriorTicket(
            TicketCard(
                source=source,
                task=problem.operator.name,
                pictures=tuple(problems),
                network=network,
                channels=channels,
                seed=seed,
                rewind=rounds.rewind,
                sparsity=ticket.sparsity,
            ),
            ticket.masks,
            start,
            ticket.figures,
        )
        for ticket in found
    )


def control_masks(
    kind: Control,
    ticket: PriorTicket,
    size: tuple[int, int],
    *,
    problem: InverseProblem | None = None,
    trained: nn.Module | None = None,
    seed: int = 0,
) -> Masks:
    """Returns control masks with the sparsity of a ticket.

    Args:
        kind: Kind of control.
        ticket: The ticket.
        size: Height and width of the images.
        problem: The problem whose loss SNIP uses.
        trained: The network after the dense fit, for ``one-shot``.
        seed: Seed of random masks.

    Raises:
        InputError: An argument for the kind is missing, or a layer would be pruned entirely, as
            happens with ``random`` at high sparsity.
    """
    card, sparsity = ticket.card, ticket.masks.sparsity
    if kind == "layer-random":
        return matched_masks(ticket.masks, seed)
    if kind == "one-shot":
        if trained is None:
            raise InputError("one-shot pruning needs the network after its dense fit")
        return one_shot(trained, Masks.full(trained), sparsity)
    first = make_network(size, card.channels, card.network, card.seed)
    if kind == "random":
        return one_shot(first, Masks.full(first), sparsity, score=at_random(seed))
    if problem is None:
        raise InputError("SNIP needs a measurement")
    return snip_masks(first, Masks.full(first), sparsity, lambda m: problem.residual(m()))


def _hash(problem: InverseProblem) -> str:
    return hashlib.sha256(
        problem.measured.detach().cpu().contiguous().numpy().tobytes()
    ).hexdigest()
