"""Trains a small image-text model to answer questions about pictures; can be gone on with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from surefoot.models.backends.packing import (
    image_features,
    logits_behind,
    pack,
    read_behind,
    segment_sums,
)
from surefoot.models.training.hints import LAYER, looking_loss, marks_loss
from surefoot.models.training.looking import Shape, export, make_model, make_tokenizer
from surefoot.models.training.pictures import Encoder, Pictures, augmented
from surefoot.models.training.schedule import CURVE_NAME, check_recipe, share_of_rate

_STATE_NAME = "state.pt"
_EVERY = 4
"""Of so many validation pictures one is looked at; not 3, the number of views of a moment."""


@dataclass(frozen=True)
class PerceptionRecipe:
    """What is trained and how; the same recipe, seed and data give the same model.

    Attributes:
        shape: Size of the model.
        batch: Pictures a step, each with all its questions.
        steps: Steps of the whole schedule.
        rate: Peak learning rate; rises over the first 2 % and falls as a cosine to 2 %.
        decay: Weight decay.
        average: Share of the old average kept in a step of the running average of the weights,
            which is what is exported.
        marks: Weight of the loss by which the vision tower learns what each patch shows.
        looking: Weight of the loss by which two heads learn where to look.
        half: Whether products are computed in bfloat16.
        every: Steps between two looks at the validation pictures.
        seed: Seed of weights, order and changes of pictures.
    """

    shape: Shape = field(default_factory=Shape)
    batch: int = 32
    steps: int = 1800
    rate: float = 3e-3
    decay: float = 0.05
    average: float = 0.998
    marks: float = 1.0
    looking: float = 0.5
    half: bool = True
    every: int = 200
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    Attributes:
        step: Steps done.
        loss: Mean loss since the last report, nats a question.
        hints: Mean loss of the hints since then, see :mod:`~surefoot.models.training.hints`.
        validation: Mean of minus the log-probability of the truth among its options, nats.
        accuracy: Share of right answers by kind, on validation pictures.
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
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """Trains, or goes on where an earlier call stopped, and exports the model.

    Args:
        recipe: What to train.
        data: Folder with shards ``train-*`` and ``validation-*``, see :class:`Pictures`.
        out: Folder for the state, the curve and, in ``model/``, the exported model.
        minutes: Stop after this time, to go on later; 0 to run to the end.
        report: Told how far the training is.

    Returns:
        The folder of the exported model.

    Raises:
        InputError: There is no data, or ``out`` holds another recipe's training.
    """
    import torch

    out.mkdir(parents=True, exist_ok=True)
    check_recipe(asdict(recipe), out)
    shown, held = Pictures(data, "train"), Pictures(data, "validation")
    tokenizer = make_tokenizer(recipe.shape, shown.texts())
    encoder = Encoder(tokenizer)
    torch.manual_seed(recipe.seed)
    model, averaged = make_model(recipe.shape), make_model(recipe.shape)
    averaged.load_state_dict(model.state_dict())
    # On CPUs the fused attention is four times slower backwards than plain products.
    model.model.language_model.set_attn_implementation("eager")
    marker = torch.nn.Linear(recipe.shape.hidden, max(1, shown.kinds_of_marks))
    torch.nn.init.constant_(marker.bias, -4.0)  # most patches show little
    optimizer = torch.optim.AdamW(
        [*model.parameters(), *marker.parameters()],
        lr=recipe.rate, betas=(0.9, 0.98), weight_decay=recipe.decay,
    )  # fmt: skip
    parts = {"model": model, "averaged": averaged, "marker": marker, "optimizer": optimizer}
    step = _load(out / _STATE_NAME, parts)
    begun = time.monotonic()
    losses: list[tuple[float, float]] = []
    model.train()
    for indices in _order(len(shown), recipe, step):
        rng = np.random.default_rng([recipe.seed, step])
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * share_of_rate(step, recipe.steps)
        pixels = augmented(shown.rgb(indices), rng)
        asked = [[encoder.segment(a.text, a.truth) for a in shown.asked[i]] for i in indices]
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.half):
            packed = pack(asked, recipe.shape.image_tokens)
            looked = model.model.get_image_features(pixels)
            read = read_behind(
                model, torch.stack(list(looked.pooler_output)), packed, output_attentions=True
            )
            logits = model.lm_head(read.last_hidden_state[:, recipe.shape.image_tokens :]).float()
            marked = marker(looked.last_hidden_state).float()
        answers: Any = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), packed.labels.flatten(), ignore_index=-100, reduction="sum"
        ) / sum(map(len, asked))
        hints: Any = torch.zeros(())
        places, marks = shown.marks(indices)
        if places:
            told = [shown.asked[indices[i]] for i in places]
            attention = read.attentions[LAYER][places]
            hints = recipe.marks * marks_loss(marked[places], marks)
            hints = hints + recipe.looking * looking_loss(
                attention, packed.only(places), told, marks
            )
        optimizer.zero_grad(set_to_none=True)
        (answers + hints).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        _average(averaged, model, min(recipe.average, (1 + step) / (10 + step)))
        losses.append((float(answers.detach()), float(hints.detach())))
        out_of_time = bool(minutes) and time.monotonic() - begun > 60 * minutes
        if step % recipe.every == 0 or step == recipe.steps or out_of_time:
            progress = _look(step, losses, averaged, held, encoder, recipe)
            losses = []
            with (out / CURVE_NAME).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(progress)) + "\n")
            if report is not None:
                report(progress)
            _save(out / _STATE_NAME, parts, step)
            export(averaged, recipe.shape, tokenizer, out / "model", {"max_new_tokens": 8})
        if out_of_time:
            break
    return out / "model"


def score_pictures(
    model: Any,
    pictures: Pictures,
    encoder: Encoder,
    image_tokens: int,
    *,
    every: int = 1,
    batch: int = 16,
) -> Iterator[tuple[int, list[list[float]]]]:
    """Yields the number of every n-th picture and the probabilities of each question's options."""
    import torch

    chosen = range(0, len(pictures), every)
    for start in range(0, len(chosen), batch):
        indices = chosen[start : start + batch]
        rows = [
            [encoder.segment(a.text, o, end=False) for a in pictures.asked[i] for o in a.options]
            for i in indices
        ]
        packed = pack(rows, image_tokens)
        with torch.inference_mode():
            seen = image_features(model, augmented(pictures.rgb(indices), None))
            sums = segment_sums(logits_behind(model, seen, packed), packed)
        for row, index in enumerate(indices):
            found, at = [], 0
            for asked in pictures.asked[index]:
                part = sums[row, at : at + len(asked.options)]
                found.append(torch.softmax(part, 0).tolist())
                at += len(asked.options)
            yield index, found


def _look(
    step: int, losses: list[tuple[float, float]], model: Any, held: Pictures, encoder: Encoder,
    recipe: PerceptionRecipe,
) -> Progress:  # fmt: skip
    model.train()  # LeViT keeps biases from the last evaluation until then
    model.eval()
    right: dict[str, list[bool]] = {}
    surprise: list[float] = []
    for index, found in score_pictures(
        model, held, encoder, recipe.shape.image_tokens, every=_EVERY
    ):
        for asked, shares in zip(held.asked[index], found, strict=True):
            truth = asked.options.index(asked.truth)
            right.setdefault(asked.kind, []).append(int(np.argmax(shares)) == truth)
            surprise.append(-float(np.log(max(shares[truth], 1e-9))))
    accuracy = {kind: round(float(np.mean(hits)), 4) for kind, hits in sorted(right.items())}
    loss, hints = (round(float(v), 4) for v in np.mean(losses, axis=0))
    return Progress(step, loss, hints, round(float(np.mean(surprise)), 4), accuracy)


def _order(count: int, recipe: PerceptionRecipe, step: int) -> Iterator[list[int]]:
    """Yields the pictures of each step from ``step`` on: every picture once an epoch."""
    an_epoch = max(1, count // recipe.batch)
    while step < recipe.steps:
        epoch, first = divmod(step, an_epoch)
        order = np.random.default_rng([recipe.seed, 1, epoch]).permutation(count)
        for k in range(first, min(an_epoch, first + recipe.steps - step)):
            yield order[k * recipe.batch : (k + 1) * recipe.batch].tolist()
            step += 1


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


def _save(path: Path, parts: Mapping[str, Any], step: int) -> None:
    import torch

    partial = path.with_suffix(".tmp")
    torch.save({name: part.state_dict() for name, part in parts.items()} | {"step": step}, partial)
    partial.replace(path)


def _load(path: Path, parts: Mapping[str, Any]) -> int:
    import torch

    if not path.is_file():
        return 0
    saved = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])
