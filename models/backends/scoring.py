"""Scores the answers to many questions about few images, reading every image only once."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.models.backends.packing import (
    Segment,
    image_features,
    logits_behind,
    pack,
    segment_sums,
)

_PICTURES = 8
"""Images per batch."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request in a model's input format.

    Attributes:
        text: The conversation with a placeholder for each image.
        images: Its images, PNG files.
        options: The answers to score.
    """

    text: str
    images: tuple[bytes, ...]
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Prompts with a common prefix and the same images."""

    pixels: Any
    beginning: tuple[int, ...]
    members: list[int]
    segments: list[Segment]


def can_pack(config: Any) -> bool:
    """Whether a model's questions can be packed: LLaVA on LLaMA, which accepts masks."""
    text = getattr(config, "text_config", None)
    return config.model_type == "llava" and getattr(text, "model_type", "") == "llama"


def score_packed(
    model: Any, tokenizer: Any, processor: Any, prompts: Sequence[Prompt]
) -> list[list[float]]:
    """Returns the probabilities of each prompt's options.

    Args:
        model: A model that :func:`can_pack` admits.
        tokenizer: Its tokenizer.
        processor: Its processor.
        prompts: Prompts, each with at least one image.
    """
    import torch

    groups = _grouped(tokenizer, processor, prompts)
    found: list[list[float]] = [[]] * len(prompts)
    by_length: dict[int, list[_Group]] = {}
    for group in groups:
        by_length.setdefault(len(group.beginning), []).append(group)
    for length, alike in by_length.items():
        for start in range(0, len(alike), _PICTURES):
            part = alike[start : start + _PICTURES]
            packed = pack([g.segments for g in part], length).to(model.device)
            with torch.inference_mode():
                beginning = _embedded(model, part)
                sums = segment_sums(logits_behind(model, beginning, packed), packed).cpu()
            for row, group in enumerate(part):
                at = 0
                for i in group.members:
                    to = at + len(prompts[i].options)
                    found[i] = torch.softmax(sums[row, at:to], 0).tolist()
                    at = to
    return found


def _grouped(tokenizer: Any, processor: Any, prompts: Sequence[Prompt]) -> list[_Group]:
    from PIL import Image

    groups: dict[tuple[tuple[bytes, ...], tuple[int, ...]], _Group] = {}
    pictures: dict[tuple[bytes, ...], tuple[Any, int]] = {}
    mark, mark_id = processor.image_token, processor.image_token_id
    for i, prompt in enumerate(prompts):
        if prompt.images not in pictures:
            opened = [Image.open(io.BytesIO(data)) for data in prompt.images]
            first = processor(text=prompt.text, images=opened, return_tensors="pt")
            count = int((first["input_ids"] == mark_id).sum()) // len(opened)
            pictures[prompt.images] = first["pixel_values"], count
        pixels, count = pictures[prompt.images]
        ids = tokenizer(prompt.text.replace(mark, mark * count))["input_ids"]
        length = len(ids) - ids[::-1].index(mark_id)
        beginning, rest = tuple(ids[:length]), ids[length:]
        key = prompt.images, beginning
        group = groups.setdefault(key, _Group(pixels, beginning, [], []))
        group.members.append(i)
        for option in prompt.options:
            told = tokenizer(option, add_special_tokens=False)["input_ids"]
            labels = [-100] * (len(rest) - 1) + [*told, -100]
            group.segments.append(([*rest, *told], labels))
    return list(groups.values())


def _embedded(model: Any, groups: Sequence[_Group]) -> Any:
    """Returns the embeddings of the groups' beginnings, ``[b, n, hidden]``."""
    import torch

    ids = torch.tensor([g.beginning for g in groups], device=model.device)
    pixels = torch.cat([g.pixels for g in groups]).to(model.device, model.dtype)
    embedded = model.get_input_embeddings()(ids)
    seen = image_features(model, pixels).to(embedded.dtype)
    where = (ids == model.config.image_token_id).unsqueeze(-1).expand_as(embedded)
    return embedded.masked_scatter(where, seen)
