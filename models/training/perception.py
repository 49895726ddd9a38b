"""Trains a small image-text model to answer questions about images; an interrupted run resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np

from surefoot.core.errors import InputError
from surefoot.models.backends.packing import (
    image_features,
    logits_behind,
    pack,
    read_behind,
    segment_sums,
)
from surefoot.models.training.hints import LAYER, looking_loss, marks_loss
from surefoot.models.training.images import Encoder, ImageShards, augmented
from surefoot.models.training.looking import PerceptionShape, export, make_model, make_tokenizer
from surefoot.models.training.schedule import CURVE_NAME, check_recipe, rate_fraction

_STATE_NAME = "state.pt"
_EVERY = 4
"""Every n-th validation image is evaluated; not 3, the number of views per time step."""


@dataclass(frozen=True)
class PerceptionRecipe:
    """How a model is trained; the same recipe, seed and data give the same model.

    Attributes:
        shape: Size of the model.
        batch: Images per step, each with all its questions.
        seeing: Steps in which only the vision tower is trained, on the content of the patches of
            images with marks.
        seeing_rate: Peak learning rate of these.
        steps: Steps after those, trained on questions.
        rate: Peak learning rate of these; it rises over the first 2 % of its part and falls as a
            cosine to 2 %.
        decay: Weight decay.
        average: Decay per step of the running average of the weights, which is exported.
        marks: Weight of the loss of patch contents in the vision tower.
        looking: Weight of the attention loss of two heads.
        half: Whether products are computed in bfloat16.
        every: Steps between evaluations on validation images.
        start: Folder of another training, whose averaged weights, vocabulary and marker are
            the initial ones; ``""`` for random weights.
        seed: Seed of weights, order and image augmentation.
    """

    shape: PerceptionShape = field(default_factory=PerceptionShape)
    batch: int = 32
    seeing: int = 2000
    seeing_rate: float = 3e-3
    steps: int = 3000
    rate: float = 2e-3
    decay: float = 0.05
    average: float = 0.998
    marks: float = 1.0
    looking: float = 0.5
    half: bool = True
    every: int = 250
    start: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses a missing start before anything is rendered for it."""
        if self.start and not (Path(self.start) / _STATE_NAME).is_file():
            raise InputError("no training to begin with", file=self.start)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of the learning curve.

    Attributes:
        step: Steps done.
        loss: Mean loss since the last point, nats per question.
        hints: Mean loss of the hints since then, see :mod:`~surefoot.models.training.hints`.
        validation: Mean of minus the log-probability of the truth among its options, nats.
        accuracy: Fraction of right answers by kind, on validation images.
    """

    step: int
    loss: float
    hints: float
    validation: float
    accuracy: Mapping[str, float]


def train_perception(
    recipe: PerceptionRecipe,
    data: Path,
    out: Path,
    *,
    minutes: float = 0.0,
    on_step: Callable[[CurvePoint], None] | None = None,
) -> Path:
    """Trains, resuming an interrupted training, and exports the model.

    Args:
        recipe: How it is trained.
        data: Folder with shards ``train-*`` and ``validation-*``, see :class:`ImageShards`.
        out: Folder for the state, the curve and, in ``model/``, the exported model.
        minutes: Stop after this many minutes, to be resumed later; 0 for no limit.
        on_step: Called with every point of the learning curve.

    Returns:
        The folder of the exported model.

    Raises:
        InputError: There is no data, nothing to begin with, or ``out`` holds another recipe's
            training.
    """
    shown, held = ImageShards(data, "train"), ImageShards(data, "validation")
    training = _Training(recipe, shown)
    out.mkdir(parents=True, exist_ok=True)
    check_recipe(asdict(recipe), out)
    done = training.load(out / _STATE_NAME)
    begun = time.monotonic()
    losses: list[tuple[float, float]] = []
    for step, indices in image_order(shown, recipe, done):
        losses.append(training.learn(step - 1, indices))
        out_of_time = bool(minutes) and time.monotonic() - begun > 60 * minutes
        if step % recipe.every == 0 or step == recipe.seeing + recipe.steps or out_of_time:
            point = _look(step, losses, training.averaged, held, training.encoder, recipe)
            losses = []
            with (out / CURVE_NAME).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(point)) + "\n")
            if on_step is not None:
                on_step(point)
            training.save(out / _STATE_NAME, step)
            training.export(out / "model")
        if out_of_time:
            break
    return out / "model"


class _Training:
    """The state of a training.

    Args:
        recipe: How it is trained.
        shown: Training images.
    """

    def __init__(self, recipe: PerceptionRecipe, shown: ImageShards) -> None:
        import torch

        self._recipe, self._shown = recipe, shown
        begun = _begun(Path(recipe.start)) if recipe.start else None
        self._tokenizer = begun[0] if begun else make_tokenizer(recipe.shape, shown.texts())
        self.encoder = Encoder(self._tokenizer)
        torch.manual_seed(recipe.seed)
        self._model, self.averaged = make_model(recipe.shape), make_model(recipe.shape)
        if begun:
            _fill(self._model, begun[1]["averaged"], recipe.start)
        self.averaged.load_state_dict(self._model.state_dict())
        # On CPUs the fused attention is four times slower backwards than plain products.
        self._model.model.language_model.set_attn_implementation("eager")
        self._model.train()
        self._marker = torch.nn.Linear(recipe.shape.hidden, max(1, shown.kinds_of_marks))
        torch.nn.init.constant_(self._marker.bias, -4.0)  # most patches show little
        if begun:
            _fill(self._marker, begun[1]["marker"], recipe.start)
        self._optimizer = torch.optim.AdamW(
            [*self._model.parameters(), *self._marker.parameters()],
            lr=recipe.rate,
            betas=(0.9, 0.98),
            weight_decay=recipe.decay,
        )
        self._parts: dict[str, Any] = {
            "model": self._model,
            "averaged": self.averaged,
            "marker": self._marker,
            "optimizer": self._optimizer,
        }

    def learn(self, step: int, indices: Sequence[int]) -> tuple[float, float]:
        """Runs a step on some images; returns the losses of answers and hints."""
        import torch

        recipe = self._recipe
        sees = step < recipe.seeing
        rate = (
            recipe.seeing_rate * rate_fraction(step, recipe.seeing)
            if sees
            else recipe.rate * rate_fraction(step - recipe.seeing, recipe.steps)
        )
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        rng = np.random.default_rng([recipe.seed, step])
        pixels = augmented(self._shown.rgb(indices), rng)
        answers, hints = self._see(indices, pixels) if sees else self._answer(indices, pixels)
        self._optimizer.zero_grad(set_to_none=True)
        (answers + hints).backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        _average(self.averaged, self._model, min(recipe.average, (2 + step) / (11 + step)))
        return float(answers.detach()), float(hints.detach())

    def _see(self, indices: Sequence[int], pixels: Any) -> tuple[Any, Any]:
        """Returns the losses of a step that trains only the vision tower."""
        import torch

        with torch.autocast("cpu", torch.bfloat16, enabled=self._recipe.half):
            hidden = self._model.model.vision_tower(pixels).last_hidden_state
            marked = self._marker(hidden).float()
        return torch.zeros(()), self._recipe.marks * marks_loss(
            marked, self._shown.marks(indices)[1]
        )

    def _answer(self, indices: Sequence[int], pixels: Any) -> tuple[Any, Any]:
        """Returns the losses of a step that trains on questions."""
        import torch

        recipe, shown, n = self._recipe, self._shown, self._recipe.shape.image_tokens
        asked = [[self.encoder.segment(a.text, a.truth) for a in shown.asked[i]] for i in indices]
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.half):
            packed = pack(asked, n)
            looked = self._model.model.get_image_features(pixels)
            seen = torch.stack(list(looked.pooler_output))
            read = read_behind(self._model, seen, packed, output_attentions=True)
            logits = self._model.lm_head(read.last_hidden_state[:, n:]).float()
            marked = self._marker(looked.last_hidden_state).float()
        answers: Any = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), packed.labels.flatten(), ignore_index=-100, reduction="sum"
        ) / sum(map(len, asked))
        places, marks = shown.marks(indices)
        if not places:
            return answers, torch.zeros(())
        questions = [shown.asked[indices[i]] for i in places]
        looking = looking_loss(
            read.attentions[LAYER][places], packed.only(places), questions, marks
        )
        hints = recipe.marks * marks_loss(marked[places], marks) + recipe.looking * looking
        return answers, hints

    def export(self, folder: Path) -> None:
        """Writes the averaged model."""
        export(self.averaged, self._recipe.shape, self._tokenizer, folder, {"max_new_tokens": 8})

    def save(self, path: Path, step: int) -> None:
        """Writes the state atomically."""
        import torch

        partial = path.with_suffix(".tmp")
        state = {name: part.state_dict() for name, part in self._parts.items()}
        torch.save(state | {"step": step}, partial)
        partial.replace(path)

    def load(self, path: Path) -> int:
        """Reads the state and returns the number of finished steps, 0 if there is none yet."""
        import torch

        if not path.is_file():
            return 0
        saved = torch.load(path, weights_only=True)
        for name, part in self._parts.items():
            part.load_state_dict(saved[name])
        return int(saved["step"])


def _begun(folder: Path) -> tuple[Any, Mapping[str, Any]]:
    """Returns tokenizer and state of another training."""
    import torch
    from transformers import AutoTokenizer

    try:
        state = torch.load(folder / _STATE_NAME, weights_only=True)
        found = {name: state[name] for name in ("averaged", "marker")}
        return AutoTokenizer.from_pretrained(folder / "model"), found
    except (OSError, ValueError, RuntimeError, KeyError, UnpicklingError):
        raise InputError(
            "the training to begin with is damaged, or of another model", file=str(folder)
        ) from None


def _fill(part: Any, weights: Mapping[str, Any], folder: str) -> None:
    try:
        part.load_state_dict(weights)
    except RuntimeError:
        raise InputError("a training of another shape", file=folder) from None


def score_images(
    model: Any,
    images: ImageShards,
    encoder: Encoder,
    image_tokens: int,
    *,
    every: int = 1,
    batch: int = 16,
) -> Iterator[tuple[int, list[list[float]]]]:
    """Yields the index of every n-th image and the probabilities of each question's options."""
    import torch

    chosen = range(0, len(images), every)
    for start in range(0, len(chosen), batch):
        indices = chosen[start : start + batch]
        rows = [
            [encoder.segment(a.text, o, end=False) for a in images.asked[i] for o in a.options]
            for i in indices
        ]
        packed = pack(rows, image_tokens)
        with torch.inference_mode():
            seen = image_features(model, augmented(images.rgb(indices), None))
            sums = segment_sums(logits_behind(model, seen, packed), packed)
        for row, index in enumerate(indices):
            found, at = [], 0
            for asked in images.asked[index]:
                part = sums[row, at : at + len(asked.options)]
                found.append(torch.softmax(part, 0).tolist())
                at += len(asked.options)
            yield index, found


def _look(
    step: int,
    losses: list[tuple[float, float]],
    model: Any,
    held: ImageShards,
    encoder: Encoder,
    recipe: PerceptionRecipe,
) -> CurvePoint:
    model.train()  # LeViT keeps biases from the last evaluation until then
    model.eval()
    right: dict[str, list[bool]] = {}
    surprise: list[float] = []
    for index, found in score_images(model, held, encoder, recipe.shape.image_tokens, every=_EVERY):
        for asked, chances in zip(held.asked[index], found, strict=True):
            truth = asked.options.index(asked.truth)
            right.setdefault(asked.kind, []).append(int(np.argmax(chances)) == truth)
            surprise.append(-float(np.log(max(chances[truth], 1e-9))))
    accuracy = {kind: round(float(np.mean(hits)), 4) for kind, hits in sorted(right.items())}
    loss, hints = (round(float(v), 4) for v in np.mean(losses, axis=0))
    return CurvePoint(step, loss, hints, round(float(np.mean(surprise)), 4), accuracy)


def image_order(
    shown: ImageShards, recipe: PerceptionRecipe, done: int
) -> Iterator[tuple[int, list[int]]]:
    """Yields the number of each step that is not done, from 1, and its images.

    The first part draws images with marks, the second all; each comes once per epoch.
    """
    for part, (start, stop, among) in enumerate(
        (
            (0, recipe.seeing, shown.marked),
            (recipe.seeing, recipe.seeing + recipe.steps, list(range(len(shown)))),
        )
    ):
        if not among:
            continue
        an_epoch = max(1, len(among) // recipe.batch)
        order: list[int] = []
        for step in range(max(start, done), stop):
            epoch, k = divmod(step - start, an_epoch)
            if k == 0 or not order:
                rng = np.random.default_rng([recipe.seed, 1 + part, epoch])
                order = rng.permutation(among).tolist()
            yield step + 1, order[k * recipe.batch : (k + 1) * recipe.batch]


def _average(averaged: Any, model: Any, keep: float) -> None:
    """Moves the running average of weights and of batch statistics towards the model."""
    import torch

    with torch.no_grad():
        for old, new in zip(averaged.parameters(), model.parameters(), strict=True):
            old.lerp_(new, 1 - keep)
        for old, new in zip(averaged.buffers(), model.buffers(), strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)
