"""Images of drawn scenes with questions, as calibration for vision-language models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from surefoot.agents.perception.images import LabelledImage, crossing_images, tabletop_images
from surefoot.core.errors import InputError
from surefoot.core.seeds import seeds_of
from surefoot.envs.simulation.client import Simulation
from surefoot.sparsity.engine.calibration import LABELS, Batch, Calibration
from surefoot.sparsity.recipe import CalibrationSettings

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

QUESTIONS = 4
"""Questions about each image."""


def asked_images(model: Path, settings: CalibrationSettings, seed: int) -> Calibration:
    """Draws images of the training split with questions, whose answers are to be predicted.

    A sequence is an image with one question and its true answer; half of the images show the
    tabletop, half the crossing.

    Args:
        model: Folder of the model.
        settings: Says how many sequences are wanted.
        seed: Seed of the choice of questions about each image.

    Raises:
        InputError: The folder has no processor.
    """
    from transformers import AutoProcessor

    make: Any = AutoProcessor
    try:
        processor = make.from_pretrained(model, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"cannot read the processor: {reason}", file=str(model)) from None
    rng = Random(f"compressing:{seed}")
    wanted = settings.samples + settings.held_out
    rows: list[tuple[Any, str, str]] = []
    for image in _images(-(-wanted // QUESTIONS)):
        rgb = image.developed()
        for asked in rng.sample(image.asked, min(QUESTIONS, len(image.asked))):
            rows.append((rgb, asked.question.text, asked.truth))
    rng.shuffle(rows)
    fed = rows[: settings.samples]
    held = rows[settings.samples : wanted]
    return Calibration(
        tuple(_batches(fed, settings.batch, processor)),
        tuple(_batches(held, settings.batch, processor)),
        "drawn scenes",
    )


def own_images(model: Path, count: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yields the images of :func:`asked_images` as a model of this project is shown them.

    Args:
        model: Folder of the model.
        count: Most images.
        seed: Seed of the draw.

    Yields:
        Pixels ``[3, height, width]``, scaled by the model's processor; all different.

    Raises:
        InputError: It is no vision-language model.
    """
    config = model / "config.json"
    if not config.is_file() or "vision_config" not in json.loads(config.read_bytes()):
        raise InputError(
            "no vision-language model of this project, so its images are not known; give --images",
            file=str(model),
        )
    wanted = CalibrationSettings(samples=count * QUESTIONS, held_out=0)
    seen: set[bytes] = set()
    for batch in asked_images(model, wanted, seed).batches:
        for pixels in batch["pixel_values"].double().numpy():
            # An image comes once for each question about it.
            if (key := pixels[:, ::8, ::8].tobytes()) not in seen:
                seen.add(key)
                yield pixels


def _images(count: int) -> Iterator[LabelledImage]:
    """Yields images of the table and of the crossing."""
    simulation = Simulation()
    try:
        tables = [
            image
            for s in seeds_of("train", -(-count // 4))
            for image in tabletop_images(simulation, s, 2)
        ]
        streets: list[LabelledImage] = []
        for s in seeds_of("train", count):
            if len(streets) >= count - len(tables):
                break
            for some in crossing_images(simulation, s, 2):
                streets += some
        yield from [*tables, *streets][:count]
    finally:
        simulation.close()


def _batches(rows: Sequence[tuple[Any, str, str]], size: int, processor: Any) -> Iterator[Batch]:
    for start in range(0, len(rows), size):
        yield _batch(rows[start : start + size], processor)


def _batch(rows: Sequence[tuple[Any, str, str]], processor: Any) -> Batch:
    """Collates images, questions and answers; shorter rows are padded on the left."""
    from PIL import Image

    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    texts = [
        processor.apply_chat_template(
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}],
            tokenize=False,
            add_generation_prompt=True,
        )
        + answer
        for _, question, answer in rows
    ]
    encoded = processor(
        text=texts,
        images=[Image.fromarray(rgb) for rgb, _, _ in rows],
        return_tensors="pt",
        padding=True,
    )
    ids: torch.Tensor = encoded["input_ids"]
    labels = ids.new_full(ids.shape, -100)
    for row, (_, _, answer) in enumerate(rows):
        count = len(tokenizer(answer, add_special_tokens=False)["input_ids"])
        labels[row, -count:] = ids[row, -count:]
    return {**encoded, LABELS: labels}
