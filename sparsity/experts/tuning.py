"""Router and experts learn by turns; can be interrupted and gone on with."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.sparsity.engine.calibration import Batch, Tokens, arguments_of, mask_of, padded
from surefoot.sparsity.experts.measuring import Teacher, measure_quality, own_masks
from surefoot.sparsity.experts.model import ReadMeForCausalLM
from surefoot.sparsity.experts.router import LossName, router_loss

if TYPE_CHECKING:
    from surefoot.sparsity.engine.planning import Told

STATE_NAME = "tuning.pt"
"""File with everything that going on needs."""


def _silent(part: str, done: int, total: int) -> None:
    del part, done, total


class TuneSettings(BaseModel):
    """How router and experts learn; the same settings, model and texts give the same model.

    Steps and rates are the paper's (Read-ME, section 5.1). It has 8 rounds with batches of 64 and
    128 texts of 4096 tokens, for which GPUs are needed; defaults here end on a processor.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(default=4, ge=0)
    """Rounds, each of a stretch for the router and one for the experts; 0 for no tuning."""
    router_steps: int = Field(default=100, ge=0)
    """Steps of the router in a round."""
    expert_steps: int = Field(default=200, ge=0)
    """Steps of the experts in a round."""
    router_batch: int = Field(default=16, ge=1)
    """Texts of a step of the router."""
    expert_batch: int = Field(default=16, ge=1)
    """Texts of a step of the experts."""
    router_rate: float = Field(default=5e-4, gt=0)
    """Learning rate of the router at the start."""
    expert_rate: float = Field(default=5e-5, gt=0)
    """Learning rate of the experts at the start."""
    decay: float = Field(default=0.8, gt=0, le=1)
    """Factor of both rates from round to round."""
    loss: LossName = "eq4"
    """How the router learns: the paper's equation 4, or what the released code does."""
    train: Literal["experts", "all"] = "experts"
    """What learns with the experts: they and the permanent one, or the whole backbone."""
    clip: float = Field(default=1.0, gt=0)
    """Norm to which all gradients together are clipped before a step."""
    seed: int = 0
    """Seed of the order of texts."""

    def share_of_rate(self, step: int, steps: int, turn: int) -> float:
        """Returns the share of a rate: a cosine down to 0 within a round, less in each round."""
        return self.decay**turn * 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


class TextStream:
    """Texts without end, each pass in an order of its own.

    Args:
        sequences: The texts.
        pad: Id of padding.
        seed: Seed of the orders.

    Raises:
        InputError: There is no text.
    """

    def __init__(self, sequences: Sequence[Tokens], pad: int, seed: int) -> None:
        if not sequences:
            raise InputError("there is nothing to learn from; give texts")
        self._sequences, self._pad, self._seed = sequences, pad, seed
        self._orders: dict[int, list[int]] = {}

    def batches(self, start: int, count: int, size: int) -> Iterator[Batch]:
        """Yields batches from a place in the stream on.

        Args:
            start: Texts before them.
            count: Batches.
            size: Texts of a batch.
        """
        for i in range(count):
            first = start + i * size
            yield padded([self._at(first + j) for j in range(size)], self._pad)

    def _at(self, place: int) -> Tokens:
        turn, i = divmod(place, len(self._sequences))
        if turn not in self._orders:
            order = list(range(len(self._sequences)))
            Random(f"tune:{self._seed}:{turn}").shuffle(order)
            self._orders = {turn: order, **{k: v for k, v in self._orders.items() if k > turn - 2}}
        return self._sequences[self._orders[turn][i]]


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did.

    Attributes:
        router: Mean loss of the router over its steps; ``None`` without any.
        experts: Mean cross-entropy over the steps of the experts, nats; ``None`` without any.
        held: Cross-entropy on held-out texts afterwards, nats; ``None`` without any.
        agreement: Share of held-out tokens whose expert is the one that fits best.
    """

    router: float | None
    experts: float | None
    held: float | None
    agreement: float | None


def tune(
    model: ReadMeForCausalLM,
    dense: Any,
    sequences: Sequence[Tokens],
    settings: TuneSettings,
    *,
    held: Sequence[Batch] = (),
    folder: Path | None = None,
    told: Told = _silent,
) -> list[Round]:
    """Trains router and experts by turns, in place (Read-ME, section 4).

    In each round the router learns which expert fits what the dense model does, with the experts
    left as they are, then the experts learn to predict with the router left as it is. Every round
    goes on in the texts where the last one stopped. The released code is never told its round: it
    starts each with the same batches and at the same rate.

    Args:
        model: The model of experts.
        dense: The dense model that it was made of, which is the router's teacher.
        sequences: Texts to learn from.
        settings: How.
        held: Batches that are only looked at.
        folder: Folder for a checkpoint after each round, from which an interrupted tuning goes
            on; ``None`` to keep none.
        told: Told how far it is.

    Returns:
        What each round did.

    Raises:
        InputError: There is no text, the folder holds another tuning, or a loss is not finite.
    """
    feed = TextStream(sequences, int(model.config.pad_token_id or 0), settings.seed)
    teacher = Teacher(dense, own_masks(model), settings.loss)
    identity = _identity(model, sequences, settings)
    found = _load(model, folder, identity)
    model.experts_on = "routed"
    each = settings.router_steps + settings.expert_steps
    size_r, size_e = settings.router_batch, settings.expert_batch
    for turn in range(len(found), settings.rounds):
        at = turn * (settings.router_steps * size_r + settings.expert_steps * size_e)
        router = experts = None
        if model.layout.experts > 1 and settings.router_steps:
            batches = feed.batches(at, settings.router_steps, size_r)
            stretch = _Stretch(settings, turn, settings.router_steps, settings.router_rate)

            def router_of(batch: Batch) -> torch.Tensor:
                mask = mask_of(batch)
                logits = model.router_logits(batch["input_ids"], mask.long())[mask]
                return router_loss(logits, teacher.overlaps(batch), settings.loss)

            router = stretch.learn(
                [*model.router.parameters()],
                model,
                batches,
                router_of,
                lambda done, turn=turn: told("tuning", turn * each + done, settings.rounds * each),
            )
        if settings.expert_steps:
            at += settings.router_steps * size_r
            batches = feed.batches(at, settings.expert_steps, size_e)
            stretch = _Stretch(settings, turn, settings.expert_steps, settings.expert_rate)
            begun = turn * each + settings.router_steps
            experts = stretch.learn(
                _learning(model, settings),
                model,
                batches,
                lambda batch: _loss(model, batch),
                lambda done, begun=begun: told("tuning", begun + done, settings.rounds * each),
            )
        quality = measure_quality(model, held, teacher) if held else None
        found.append(
            Round(
                router,
                experts,
                quality.loss if quality else None,
                quality.agreement if quality else None,
            )
        )
        _save(model, folder, identity, found)
    return found


class _Stretch:
    """Some steps at a falling rate."""

    def __init__(self, settings: TuneSettings, turn: int, steps: int, rate: float) -> None:
        self._settings, self._turn, self._steps, self._rate = settings, turn, steps, rate

    def learn(
        self,
        learning: Sequence[torch.nn.Parameter],
        model: ReadMeForCausalLM,
        batches: Iterator[Batch],
        loss_of: Any,
        told: Any,
    ) -> float:
        """Does the steps and returns the mean loss."""
        settings, total = self._settings, 0.0
        chosen = set(map(id, learning))
        for parameter in model.parameters():
            parameter.requires_grad_(id(parameter) in chosen)
        optimizer = torch.optim.AdamW(learning, lr=self._rate, weight_decay=0.0)
        device = model.device
        model.train()
        for step, batch in enumerate(batches):
            share = settings.share_of_rate(step, self._steps, self._turn)
            for group in optimizer.param_groups:
                group["lr"] = self._rate * share
            loss = loss_of({name: value.to(device) for name, value in batch.items()})
            if not bool(torch.isfinite(loss)):
                raise InputError(
                    "the loss is not finite; lower the rate, or look for NaN in the model"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, settings.clip)
            optimizer.step()
            total += float(loss.detach())
            told(step + 1)
        model.requires_grad_(True).train(False)
        return total / self._steps


def _learning(model: ReadMeForCausalLM, settings: TuneSettings) -> list[torch.nn.Parameter]:
    if settings.train == "all":
        # What nobody needs is never on, and learns nothing.
        rest = {id(p) for m in model.expert_mlps() if m.rest for p in m.rest.parameters()}
        return [p for p in model.backbone.parameters() if id(p) not in rest]
    return [
        p for m in model.expert_mlps() for p in (*m.permanent.parameters(), *m.experts.parameters())
    ]


def _loss(model: ReadMeForCausalLM, batch: Batch) -> torch.Tensor:
    logits = model(**arguments_of(batch), use_cache=False).logits
    wanted = batch["labels"][:, 1:].reshape(-1)
    flat = logits[:, :-1].reshape(-1, logits.shape[-1])
    keep = wanted != -100
    return torch.nn.functional.cross_entropy(flat[keep], wanted[keep])


def _identity(model: ReadMeForCausalLM, sequences: Sequence[Tokens], settings: TuneSettings) -> str:
    """Returns a hash by which a checkpoint is known; of the weights before any tuning."""
    told = hashlib.sha256(settings.model_dump_json().encode())
    for name, parameter in model.named_parameters():
        total = float(parameter.detach().sum(dtype=torch.float64))
        told.update(f"{name}{tuple(parameter.shape)}{total!r}".encode())
    told.update(repr([(list(ids), start) for ids, start in sequences]).encode())
    return told.hexdigest()


def _load(model: ReadMeForCausalLM, folder: Path | None, identity: str) -> list[Round]:
    path = None if folder is None else folder / STATE_NAME
    if path is None or not path.is_file():
        return []
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        known, rounds, weights = saved["identity"], saved["rounds"], saved["weights"]
    except Exception:  # a damaged file fails in many ways
        raise InputError(
            "not a checkpoint of a tuning; delete it to begin anew", file=str(path)
        ) from None
    if known != identity:
        raise InputError(
            "another tuning lies here, of other settings, model or texts; choose another folder",
            file=str(path),
        )
    model.load_state_dict(weights)
    return [Round(*told) for told in rounds]


def _save(
    model: ReadMeForCausalLM, folder: Path | None, identity: str, found: Sequence[Round]
) -> None:
    if folder is None:
        return
    kept = io.BytesIO()
    rounds = [(r.router, r.experts, r.held, r.agreement) for r in found]
    torch.save({"identity": identity, "rounds": rounds, "weights": model.state_dict()}, kept)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / STATE_NAME, kept.getvalue())
