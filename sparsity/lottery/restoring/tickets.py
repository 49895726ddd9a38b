"""Tickets of picture priors: found by iterative pruning, marked by their source, carried over."""

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
from surefoot.sparsity.lottery.criteria import at_random, matched_masks, one_shot, snip_masks
from surefoot.sparsity.lottery.imp import Rounds, find_tickets, rewound
from surefoot.sparsity.lottery.masks import Masks
from surefoot.sparsity.lottery.restoring.fitting import FitSettings, fit
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings, Prior, make_network
from surefoot.sparsity.lottery.restoring.operators import Denoise, InverseProblem, observe, pool

if TYPE_CHECKING:
    from torch import nn

Source = Literal["clean", "observed"]
"""``clean`` if the true picture was fitted, which nobody has who restores one; the paper's tickets
for denoising are of this kind. ``observed`` if what was measured was fitted."""

Control = Literal["one-shot", "random", "layer-random", "snip"]
"""What a ticket is compared with at its sparsity: largest weights of the dense fit, by chance over
all weights, by chance with as many left in each layer, SNIP before any step."""

SHARE = 0.2
"""Share of the living weights that goes each round, as in the paper."""

_ROUNDING = 1e-9
"""By how much a sparsity on a card may differ from that of the masks."""
_CARD, _MASKS, _START = "ticket.json", "masks.safetensors", "start.safetensors"


class TicketCard(BaseModel):
    """What a ticket says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Source
    """Whether the true picture was fitted to find it."""
    task: str
    """The operator of what was fitted."""
    pictures: tuple[str, ...]
    """Names of the pictures; several were fitted as their mean, see
    :func:`~surefoot.sparsity.lottery.restoring.operators.pool`."""
    network: NetworkSettings
    """The network."""
    channels: int
    """Channels of the pictures."""
    seed: int = Field(ge=0, lt=2**63)
    """Seed of its first weights."""
    rewind: int
    """Step of the dense fit that it starts from; 0 for the first weights."""
    sparsity: float
    """Share of the convolutions' weights that is gone."""


@dataclass(frozen=True)
class PriorTicket:
    """A ticket.

    Attributes:
        card: What it says of itself.
        masks: Weights that are alive.
        start: The weights it starts from, by name.
        figures: What the fit gave in which its weights were alive; empty if it was read.
    """

    card: TicketCard
    masks: Masks
    start: Mapping[str, torch.Tensor]
    figures: Mapping[str, float]

    def network(self, size: tuple[int, int]) -> Prior:
        """Returns the network for pictures of a size as the ticket starts, masks applied.

        The code is drawn anew where the size is another one.

        Raises:
            InputError: The pictures are too small, or the ticket is of another architecture.
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
        """Writes the ticket; the card comes last, so that a folder with a card is whole."""
        from surefoot.sparsity.engine.state import save_tensors

        self.masks.save(folder / _MASKS)
        save_tensors({k: v.contiguous() for k, v in self.start.items()}, folder / _START)
        write_atomic(folder / _CARD, self.card.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> PriorTicket:
        """Reads a ticket.

        Raises:
            InputError: There is none, it is damaged, or it removes a whole layer.
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
    """Returns the rounds that lead to a sparsity, of about a share each.

    Args:
        sparsity: The sparsity, in (0, 1).
        share: The largest share that goes in a round; it is lessened so that the end is met.
        rewind: Step to rewind to.

    Raises:
        InputError: The sparsity is out of range.
    """
    if not 0 < sparsity < 1:
        raise InputError(f"a sparsity of {sparsity:g}; it lies between 0 and 1")
    count = max(1, ceil(log(1 - sparsity) / log(1 - share) - 1e-9))
    return Rounds(rounds=count, share=1 - (1 - sparsity) ** (1 / count), rewind=rewind)


def clean_problem(picture: torch.Tensor) -> InverseProblem:
    """Returns the problem of fitting a true picture, for tickets of the kind ``clean``."""
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
    told: Callable[[str, int, int], None] = lambda part, done, total: None,
) -> tuple[PriorTicket, ...]:
    """Finds tickets of one picture or several, or goes on where that was stopped.

    Global magnitude over the weights of all convolutions. Several pictures that are fitted from
    one code are fitted as their mean, which has the same gradients.

    Args:
        size: Height and width of the pictures.
        channels: Their channels.
        problems: What is fitted, by name of the picture; they share one operator.
        source: Whether these are true pictures.
        network: The network.
        rounds: How often weights go, and how many.
        settings: Each of the fits.
        folder: Where masks and weights are kept.
        seed: Seed of the network.
        told: Told what is being done, the steps of it done, and all its steps.

    Returns:
        The dense network and one ticket for each round.

    Raises:
        InputError: A layer would be gone, a loss is not finite, the pictures differ in size, or
            the folder holds other work.
    """
    problem = pool(tuple(problems.values()))
    model = make_network(size, channels, network, seed)
    number = 0

    def count(done: int, _: int) -> None:
        nonlocal number
        number = done

    def train(
        trained: nn.Module, masks: Masks, noted: Callable[[int, nn.Module], None]
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
            noted=noted,
            told=lambda done, total: told(part, done, total),
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
    found = find_tickets(model, train, rounds, folder, identity=identity, told=count)
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
    """Returns masks of a ticket's sparsity that were found in another way.

    Args:
        kind: In which.
        ticket: The ticket.
        size: Height and width of the pictures.
        problem: What SNIP looks at.
        trained: The network after the dense fit, for ``one-shot``.
        seed: Seed of chance.

    Raises:
        InputError: What a kind needs is not given, or a layer would be gone, as it happens by
            chance over all weights at a high sparsity.
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
        raise InputError("SNIP needs a measurement to look at")
    return snip_masks(first, Masks.full(first), sparsity, lambda m: problem.residual(m()))


def _hash(problem: InverseProblem) -> str:
    return hashlib.sha256(
        problem.measured.detach().cpu().contiguous().numpy().tobytes()
    ).hexdigest()
