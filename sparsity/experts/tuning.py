"""Trains router and experts alternately; can be resumed."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.engine.calibration import Batch, Tokens, arguments_of, mask_of, padded
from surefoot.sparsity.experts.measuring import Teacher, measure_quality, own_masks
from surefoot.sparsity.experts.model import ReadMeForCausalLM
from surefoot.sparsity.experts.router import LossName, router_loss

STATE_NAME = "tuning.pt"
"""File with the state for resumption."""


class TuneSettings(BaseModel):
    """How router and experts are trained; the same settings, model and texts give the same model.

    Steps and rates are the paper's (Read-ME, section 5.1). It uses 8 rounds with batches of 64 and
    128 texts of 4096 tokens, which needs GPUs; the defaults here are feasible on a CPU.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(default=4, ge=0)
    """Rounds, each with a phase for the router and one for the experts; 0 for no tuning."""
    router_steps: int = Field(default=100, ge=0)
    """Steps of the router in a round."""
    expert_steps: int = Field(default=200, ge=0)
    """Steps of the experts in a round."""
    router_batch: int = Field(default=16, ge=1)
    """Texts per step of the router."""
    expert_batch: int = Field(default=16, ge=1)
    """Texts per step of the experts."""
    router_rate: float = Field(default=5e-4, gt=0)
    """Learning rate of the router at the start."""
    expert_rate: float = Field(default=5e-5, gt=0)
    """Learning rate of the experts at the start."""
    decay: float = Field(default=0.8, gt=0, le=1)
    """Factor of both rates from round to round."""
    loss: LossName = "eq4"
    """Loss of the router: the paper's equation 4, or that of the released code."""
    train: Literal["experts", "all"] = "experts"
    """What is trained with the experts: they and the permanent one, or the whole backbone."""
    clip: float = Field(default=1.0, gt=0)
    """Norm to which the gradients are clipped."""
    seed: int = 0
    """Seed of the order of texts."""

    def rate_factor(self, step: int, steps: int, turn: int) -> float:
        """Returns the factor of a rate: a cosine to 0 within a round, decayed in each round."""
        return self.decay**turn * 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


class TextStream:
    """Endless stream of texts, each pass in a new order.

    Args:
        sequences: The texts.
        pad: Id of padding.
        seed: Seed of the orders.

    Raises:
        InputError: There is no text.
    """

    def __init__(self, sequences: Sequence[Tokens], pad: int, seed: int) -> None:
        if not sequences:
            raise InputError("there is nothing to train on; give texts")
        self._sequences, self._pad, self._seed = sequences, pad, seed
        self._orders: dict[int, list[int]] = {}

    def batches(self, start: int, count: int, size: int) -> Iterator[Batch]:
        """Yields batches from a position in the stream on.

        Args:
            start: Number of texts before them.
            count: Number of batches.
            size: Texts per batch.
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
    """Results of a round.

    Attributes:
        router: Mean loss of the router over its steps; ``None`` without any.
        experts: Mean cross-entropy over the steps of the experts, nats; ``None`` without any.
        held: Cross-entropy on held-out texts afterwards, nats; ``None`` without any.
        agreement: Fraction of held-out tokens whose expert is the best fitting one.
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
    progress: Progress = silent,
) -> list[Round]:
    """Trains router and experts alternately, in place (Read-ME, section 4).

    In each round the router learns which expert fits what the dense model does, with the experts
    frozen, then the experts learn to predict with the router frozen. Every round continues in the
    texts where the previous one ended. The released code ignores the round: each starts with the
    same batches and rate.

    Args:
        model: The model of experts.
        dense: The dense model that it was made from, the router's teacher.
        sequences: Training texts.
        settings: The settings.
        held: Held-out batches.
        folder: Folder for a checkpoint after each round, from which an interrupted tuning
            resumes; ``None`` for none.
        progress: Called after every step.

    Returns:
        The results of each round.

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
            phase = _Phase(settings, turn, settings.router_steps, settings.router_rate)

            def router_of(batch: Batch) -> torch.Tensor:
                mask = mask_of(batch)
                logits = model.router_logits(batch["input_ids"], mask.long())[mask]
                return router_loss(logits, teacher.overlaps(batch), settings.loss)

            router = phase.learn(
                [*model.router.parameters()],
                model,
                batches,
                router_of,
                progress,
                (turn * each, settings.rounds * each),
            )
        if settings.expert_steps:
            at += settings.router_steps * size_r
            batches = feed.batches(at, settings.expert_steps, size_e)
            phase = _Phase(settings, turn, settings.expert_steps, settings.expert_rate)
            experts = phase.learn(
                _learning(model, settings),
                model,
                batches,
                lambda batch: _loss(model, batch),
                progress,
                (turn * each + settings.router_steps, settings.rounds * each),
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


class _Phase:
    """A phase of steps with a decaying rate."""

    def __init__(self, settings: TuneSettings, turn: int, steps: int, rate: float) -> None:
        self._settings, self._turn, self._steps, self._rate = settings, turn, steps, rate

    def learn(
        self,
        learning: Sequence[torch.nn.Parameter],
        model: ReadMeForCausalLM,
        batches: Iterator[Batch],
        loss_of: Any,
        progress: Progress,
        done: tuple[int, int],
    ) -> float:
        """Runs the steps and returns their mean loss.

        Args:
            learning: Parameters that are trained; all others are frozen.
            model: The model.
            batches: One batch per step.
            loss_of: Computes the loss of a batch.
            progress: Called after every step.
            done: Steps of the whole tuning before this phase, and all its steps.
        """
        settings, total = self._settings, 0.0
        chosen = set(map(id, learning))
        for parameter in model.parameters():
            parameter.requires_grad_(id(parameter) in chosen)
        optimizer = torch.optim.AdamW(learning, lr=self._rate, weight_decay=0.0)
        device = model.device
        model.train()
        for step, batch in enumerate(batches):
            factor = settings.rate_factor(step, self._steps, self._turn)
            for group in optimizer.param_groups:
                group["lr"] = self._rate * factor
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
            progress(done[0] + step + 1, done[1], "tuning")
        model.requires_grad_(True).train(False)
        return total / self._steps


def _learning(model: ReadMeForCausalLM, settings: TuneSettings) -> list[torch.nn.Parameter]:
    if settings.train == "all":
        # Unused neurons are never active, so they are not trained.
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
    """Returns a hash that identifies a checkpoint, from the weights before tuning."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    for name, parameter in model.named_parameters():
        total = float(parameter.detach().sum(dtype=torch.float64))
        digest.update(f"{name}{tuple(parameter.shape)}{total!r}".encode())
    digest.update(repr([(list(ids), start) for ids, start in sequences]).encode())
    return digest.hexdigest()


def _load(model: ReadMeForCausalLM, folder: Path | None, identity: str) -> list[Round]:
    path = None if folder is None else folder / STATE_NAME
    if path is None or not path.is_file():
        return []
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        known, rounds, weights = saved["identity"], saved["rounds"], saved["weights"]
    except Exception:  # a damaged file fails in many ways
        raise InputError(
            "not a checkpoint of a tuning; delete it to start over", file=str(path)
        ) from None
    if known != identity:
        raise InputError(
            "another tuning lies here, of other settings, model or texts; choose another folder",
            file=str(path),
        )
    model.load_state_dict(weights)
    return [Round(*row) for row in rounds]


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
