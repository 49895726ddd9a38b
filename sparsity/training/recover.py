"""Trains a compressed model to recover quality; can be resumed."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.core.progress import Progress, silent
from surefoot.sparsity.training.galore import GaLore
from surefoot.sparsity.training.memory import Memory, measure
from surefoot.sparsity.training.methods import (
    IsFactored,
    PreparedModel,
    finish,
    is_factored,
    prepare,
)
from surefoot.sparsity.training.settings import RecoverSettings

STATE_NAME = "recover.pt"
"""File with the state for resumption."""

CURVE_NAME = "recover.jsonl"
"""File with one line per step: step, loss in nats and learning rate."""

Batch = Mapping[str, Tensor]
LossOf = Callable[[Any, Batch], Tensor]
"""Called after every step with the step, all steps and the step's loss."""


@dataclass(frozen=True, slots=True)
class RecoverReport:
    """Result of a recovery.

    Attributes:
        method: Training method.
        steps: Steps done.
        losses: Loss of each step before its update, nats.
        held_before: Mean loss on held-out batches before, nats; None without such batches.
        held_after: The same after, of the model in its final form.
        trainable: Number of trained parameters.
        parameters: Number of parameters of the model in its final form.
        rank: Rank of adapters or projections, if any.
        memory: Bytes held just before the last step of this call; None if it did none.
        looks: Number of computed subspaces over all matrices; 0 without projections.
        seconds: Time of this call.
    """

    method: str
    steps: int
    losses: tuple[float, ...]
    held_before: float | None
    held_after: float | None
    trainable: int
    parameters: int
    rank: int | None
    memory: Memory | None
    looks: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Returns plain data."""
        return asdict(self)


def model_loss(model: Any, batch: Batch) -> Tensor:
    """Returns the loss that a transformers model computes from a batch with labels."""
    loss: Tensor = model(**batch).loss
    return loss


def recover(
    model: nn.Module,
    batches: Sequence[Batch],
    settings: RecoverSettings,
    *,
    held: Sequence[Batch] = (),
    folder: Path | None = None,
    factored: IsFactored = is_factored,
    loss_of: LossOf = model_loss,
    progress: Progress = silent,
) -> RecoverReport:
    """Trains a model in place.

    The order of batches is shuffled in every pass. In a step of several micro-batches each is
    weighted by its number of labels that are not -100, so that the step equals that of one large
    batch. Replaced layers are ordinary linear layers again afterwards; after an error or an
    interruption, reload the model.

    Args:
        model: The model, on the device that it is to be trained on.
        batches: Micro-batches of model arguments.
        settings: Settings of the training.
        held: Held-out batches.
        folder: Folder for checkpoints, from which an interrupted training resumes with the same
            model and batches. None for no checkpoints.
        factored: Returns whether ``lrc`` trains the factors of a layer.
        loss_of: Computes the mean loss of a batch.
        progress: Called after every step; the part gives the loss of the step.

    Returns:
        The result.

    Raises:
        InputError: There are no batches, the method does not fit the model, the folder
            holds another training, or the loss is not finite.
    """
    if not batches:
        raise InputError("there is nothing to train on; give at least one batch")
    begun = time.monotonic()
    device = next(model.parameters()).device
    was_training = model.training
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        identity = _identity(model, batches, settings) if folder is not None else ""
        run = _Run(model, settings, folder, identity, loss_of)
        run.load()
        held_before = run.held_before if run.step else _held_loss(model, held, loss_of, device)
        run.held_before = held_before
        run.begin(factored)
        model.train()
        for picked in _orders(len(batches), settings, run.step):
            run.learn([_moved(batches[i], device) for i in picked])
            if run.step % settings.save_every == 0 or run.step == settings.steps:
                run.save()
            progress(run.step, settings.steps, f"loss {run.losses[-1]:.4f}")
        finish(model)
        held_after = _held_loss(model, held, loss_of, device)
    model.train(was_training)
    optimizer = run.prepared.optimizer
    return RecoverReport(
        method=settings.method,
        steps=run.step,
        losses=tuple(run.losses),
        held_before=held_before,
        held_after=held_after,
        trainable=run.prepared.parameters,
        parameters=sum(p.numel() for p in model.parameters()),
        rank=run.prepared.rank,
        memory=run.memory,
        looks=optimizer.looks() if isinstance(optimizer, GaLore) else 0,
        seconds=time.monotonic() - begun,
    )


class _Run:
    """Mutable state of a training.

    Args:
        model: The model.
        settings: Settings of the training.
        folder: Folder for checkpoints, if any.
        identity: Identity that a checkpoint must have for resumption.
        loss_of: Computes the mean loss of a batch.
    """

    prepared: PreparedModel

    def __init__(
        self,
        model: nn.Module,
        settings: RecoverSettings,
        folder: Path | None,
        identity: str,
        loss_of: LossOf,
    ) -> None:
        self._model, self._settings, self._folder = model, settings, folder
        self._identity, self._loss_of = identity, loss_of
        self._saved: dict[str, Any] | None = None
        self.step, self.losses = 0, list[float]()
        self.held_before: float | None = None
        self.memory: Memory | None = None

    def load(self) -> None:
        """Reads the checkpoint, if any."""
        if self._folder is None or not (self._folder / STATE_NAME).is_file():
            return
        path = self._folder / STATE_NAME
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            identity = saved["identity"]
        except Exception:  # a damaged file fails in many ways
            raise InputError(
                "not a checkpoint of a recovery; delete it to start over", file=str(path)
            ) from None
        if identity != self._identity:
            raise InputError(
                "another training lies here, of other settings, model or batches; choose another "
                "folder",
                file=str(path),
            )
        self.step, self.losses = int(saved["step"]), list(saved["losses"])
        self.held_before = saved["held_before"]
        self._saved = saved

    def begin(self, factored: IsFactored) -> None:
        """Prepares the model and its optimizer, restoring the checkpoint if any."""
        torch.manual_seed(self._settings.seed)
        self.prepared = prepare(self._model, self._settings, factored)
        if self._saved is None:
            return
        self._model.load_state_dict(self._saved["weights"], strict=False)
        self.prepared.optimizer.load_state_dict(self._saved["optimizer"])
        torch.set_rng_state(self._saved["rng"])
        if self._saved["cuda_rng"] is not None:
            torch.cuda.set_rng_state(self._saved["cuda_rng"], self._device)
        self._saved = None

    @property
    def _device(self) -> torch.device:
        return next(self._model.parameters()).device

    def learn(self, batches: Sequence[Batch]) -> None:
        """Runs one step over micro-batches."""
        settings, optimizer = self._settings, self.prepared.optimizer
        for group in optimizer.param_groups:
            group["lr"] = settings.rate * settings.rate_factor(self.step)
        optimizer.zero_grad(set_to_none=True)
        counts = [_labels(batch) for batch in batches]
        total = 0.0
        for batch, number in zip(batches, counts, strict=True):
            loss = self._loss_of(self._model, batch) * (number / max(1, sum(counts)))
            if not bool(torch.isfinite(loss)):
                raise InputError(
                    f"the loss is not finite at step {self.step + 1}; lower the rate, or look for "
                    "NaN in the model"
                )
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        if settings.clip is not None and settings.method not in ("adamw8bit", "galore", "qgalore"):
            learning = [p for p in self._model.parameters() if p.requires_grad]
            torch.nn.utils.clip_grad_norm_(learning, settings.clip)
        self.memory = measure(self._model, optimizer)
        optimizer.step()
        with torch.no_grad():
            for name, mask in self.prepared.masks.items():
                self._model.get_parameter(name).mul_(mask)
        self.step += 1
        self.losses.append(total)

    def save(self) -> None:
        """Writes the checkpoint and the curve atomically."""
        if self._folder is None:
            return
        learning = set(self.prepared.trainable)
        weights = {
            name: value
            for name, value in self._model.state_dict().items()
            if name in learning or name.rpartition(".")[0] in learning
        }
        on_gpu = self._device.type == "cuda"
        kept = io.BytesIO()
        torch.save(
            {
                "identity": self._identity,
                "step": self.step,
                "losses": self.losses,
                "held_before": self.held_before,
                "weights": weights,
                "optimizer": self.prepared.optimizer.state_dict(),
                "rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state(self._device) if on_gpu else None,
            },
            kept,
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self._folder / STATE_NAME, kept.getvalue())
        settings = self._settings
        lines = (
            {"step": i + 1, "loss": loss, "rate": settings.rate * settings.rate_factor(i)}
            for i, loss in enumerate(self.losses)
        )
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_atomic(self._folder / CURVE_NAME, text)


def _orders(count: int, settings: RecoverSettings, done: int) -> Iterator[list[int]]:
    """Yields the micro-batches of every remaining step."""
    rng, left = Random(f"recover:{settings.seed}"), list[int]()
    for step in range(settings.steps):
        while len(left) < settings.accumulate:
            fresh = list(range(count))
            rng.shuffle(fresh)
            left += fresh
        picked, left = left[: settings.accumulate], left[settings.accumulate :]
        if step >= done:
            yield picked


def _labels(batch: Batch) -> int:
    """Returns the number of labels of a batch's loss; 1 without labels."""
    if "labels" not in batch:
        return 1
    labels = batch["labels"]
    return int((labels[:, 1:] if labels.ndim == 2 else labels).ne(-100).sum())


@torch.no_grad()
def _held_loss(
    model: nn.Module, held: Sequence[Batch], loss_of: LossOf, device: torch.device
) -> float | None:
    if not held:
        return None
    model.eval()
    total, number = 0.0, 0
    for batch in held:
        count = _labels(batch)
        total += float(loss_of(model, _moved(batch, device))) * count
        number += count
    return total / max(1, number)


def _moved(batch: Batch, device: torch.device) -> Batch:
    return {name: value.to(device) for name, value in batch.items()}


def _identity(model: nn.Module, batches: Sequence[Batch], settings: RecoverSettings) -> str:
    """Returns a hash of settings, weights and the first batch that identifies a checkpoint."""
    digest = hashlib.sha256(settings.model_dump_json(exclude={"save_every"}).encode())
    for name, parameter in model.named_parameters():
        total = float(parameter.detach().sum(dtype=torch.float64))
        digest.update(f"{name}{tuple(parameter.shape)}{total!r}".encode())
    digest.update(str(len(batches)).encode())
    for name, value in sorted(batches[0].items()):
        plain = value.detach().cpu().reshape(-1).view(torch.uint8)
        digest.update(name.encode() + plain.numpy().tobytes())
    return digest.hexdigest()
