"""Reads shards of images with questions and encodes them as model inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.models.backends.packing import Segment

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class ImageQuestion:
    """A question about an image.

    Attributes:
        text: The question.
        options: The possible answers.
        truth: The true one.
        kind: Group of like questions.
        marks: Numbers of the marks of patches that show the answer.
    """

    text: str
    options: tuple[str, ...]
    truth: str
    kind: str
    marks: tuple[int, ...] = ()


class ImageShards:
    """The shards of one part of a folder, as one sequence of images.

    Args:
        folder: Where the shards are: ``NAME.npy`` with images, uint8 ``[n, height, width, 3]``,
            ``NAME.jsonl`` with a line of questions for each, and for some shards
            ``NAME.marks.npy`` with what each patch shows, bool ``[n, rows, columns, marks]``.
        part: ``train`` or ``validation``.

    Raises:
        InputError: There are none, or one is damaged.
    """

    def __init__(self, folder: Path, part: str) -> None:
        names = sorted(p.stem for p in folder.glob(f"{part}-*.jsonl"))
        if not names:
            raise InputError(f"no images to learn from ({part}-*.jsonl)", file=str(folder))
        self._blocks: list[NDArray[np.uint8]] = []
        self._marks: list[NDArray[np.bool_] | None] = []
        self.asked: list[tuple[ImageQuestion, ...]] = []
        for name in names:
            path = folder / f"{name}.jsonl"
            try:
                block = np.load(folder / f"{name}.npy", mmap_mode="r")
                seen = folder / f"{name}.marks.npy"
                marks = np.load(seen, mmap_mode="r") if seen.is_file() else None
                lines = path.read_text(encoding="utf-8").splitlines()
                found = [tuple(map(_asked, json.loads(line)["asked"])) for line in lines]
            except (OSError, ValueError, KeyError, TypeError):
                raise InputError("damaged shard; delete it and render again", file=str(path)) from (
                    None
                )
            if len(found) != len(block) or (marks is not None and len(marks) != len(block)):
                raise InputError("damaged shard; delete it and render again", file=str(path))
            self._blocks.append(block)
            self._marks.append(marks)
            self.asked += found
        self._starts = np.cumsum([0, *(len(b) for b in self._blocks)])

    def __len__(self) -> int:
        return len(self.asked)

    @property
    def kinds_of_marks(self) -> int:
        """Number of marks that a patch may have; 0 without marks."""
        return next((int(m.shape[-1]) for m in self._marks if m is not None), 0)

    @property
    def marked(self) -> list[int]:
        """Indices of the images that have marks."""
        ends = zip(self._starts[:-1], self._starts[1:], self._marks, strict=True)
        return [i for a, b, marks in ends if marks is not None for i in range(a, b)]

    def rgb(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        """Returns images, uint8 ``[n, height, width, 3]``."""
        return np.stack([self._blocks[b][i] for b, i in map(self._find, indices)])

    def marks(self, indices: Sequence[int]) -> tuple[list[int], NDArray[np.bool_]]:
        """Returns which of some images have marks, and the content of each of their patches.

        Returns:
            Places in ``indices``, and ``[places, patches, marks]``.
        """
        places, found = [], []
        for place, (block, i) in enumerate(map(self._find, indices)):
            marks = self._marks[block]
            if marks is not None:
                places.append(place)
                found.append(marks[i].reshape(-1, marks.shape[-1]))
        return places, np.stack(found) if found else np.zeros((0, 0, 0), bool)

    def _find(self, index: int) -> tuple[int, int]:
        block = int(np.searchsorted(self._starts, index, "right")) - 1
        return block, index - int(self._starts[block])

    def texts(self) -> list[str]:
        """Returns all distinct questions and options, in a fixed order."""
        return sorted({t for some in self.asked for a in some for t in (a.text, *a.options)})


def _asked(data: dict[str, Any]) -> ImageQuestion:
    marks = tuple(data.get("marks", ()))
    return ImageQuestion(data["text"], tuple(data["options"]), data["truth"], data["kind"], marks)


class Encoder:
    """Token ids of questions with answers, each text looked up once.

    Args:
        tokenizer: The model's tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self.end = int(tokenizer.eos_token_id)

    def ids(self, text: str) -> list[int]:
        """Returns the ids of a text."""
        if text not in self._known:
            self._known[text] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return self._known[text]

    def segment(self, question: str, answer: str, *, end: bool = True) -> Segment:
        """Returns a question with an answer, with the end token as last label."""
        prompt, reply = self.ids(question), self.ids(answer)
        return [*prompt, *reply], [-100] * (len(prompt) - 1) + [*reply, self.end if end else -100]


def augmented(rgb: NDArray[np.uint8], rng: np.random.Generator | None) -> torch.Tensor:
    """Returns images in the model's input format, float32 ``[n, 3, height, width]`` from -1 to 1.

    Args:
        rgb: uint8 ``[n, height, width, 3]``.
        rng: Draws small augmentations: a shift by up to 2 pixels, gains of each colour, noise;
            ``None`` for no augmentation.
    """
    import torch

    pixels = rgb.astype(np.float32) / 255
    if rng is not None:
        n, height, width, _ = pixels.shape
        padded = np.pad(rgb, ((0, 0), (2, 2), (2, 2), (0, 0)), "edge")
        for i, (y, x) in enumerate(rng.integers(0, 5, (n, 2))):
            pixels[i] = padded[i, y : y + height, x : x + width] / np.float32(255)
        gains = rng.uniform(0.85, 1.15, (n, 1, 1, 1)) * rng.uniform(0.95, 1.05, (n, 1, 1, 3))
        pixels *= gains.astype(np.float32)
        deviation = (rng.uniform(0, 0.03, (n, 1, 1, 1)) * (rng.random((n, 1, 1, 1)) < 0.3)).astype(
            np.float32
        )
        pixels += deviation * rng.standard_normal(pixels.shape, dtype=np.float32)
        pixels = pixels.clip(0, 1)
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)) * 2 - 1)
