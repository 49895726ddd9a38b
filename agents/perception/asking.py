"""Asks a model about images: all questions of a scene in one batch, answers as probabilities."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.questions import FactQuestion
from surefoot.core.chat import Message, OptionRequest, OptionScores, ReplyStatus
from surefoot.core.errors import HarnessError
from surefoot.models.choosing import choose
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import OptionScorer, TextModel

SLACK = 0.01
"""By how much the probabilities of a question's options may miss 1 in sum."""

Question = tuple[NDArray[np.uint8], FactQuestion]
"""An image, uint8 ``[height, width, 3]``, and a question about it."""


def png(rgb: NDArray[np.uint8]) -> bytes:
    """Returns an image as a PNG file, written fast rather than small."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG", compress_level=1)
    return file.getvalue()


def ask(
    model: OptionScorer | TextModel, rgb: NDArray[np.uint8], questions: Sequence[FactQuestion]
) -> list[NDArray[np.float64]]:
    """Returns the probabilities of each question's options, by one image.

    Args:
        model: Any language model that reads images.
        rgb: The image, uint8 ``[height, width, 3]``.
        questions: What to ask about it.

    Raises:
        HarnessError: The model could not be asked, or its answers are no probabilities.
    """
    asked = [(rgb, q) for q in questions]
    return probabilities(asked, score_many(model, asked))


def score_many(
    model: OptionScorer | TextModel,
    asked: Sequence[Question],
    options: ModelOptions | None = None,
) -> list[OptionScores]:
    """Returns the scores of each question's options; all are asked in one batch.

    An image that several questions are about should be the same array: it is then sent, and
    by a model that can, read only once.

    Args:
        model: Any language model that reads images.
        asked: Images with questions.
        options: Settings of how probabilities are found.

    Raises:
        HarnessError: The model could not be asked.
    """
    files: dict[int, bytes] = {}
    for rgb, _ in asked:
        if id(rgb) not in files:
            files[id(rgb)] = png(rgb)
    requests = [
        OptionRequest((Message("user", q.text, (files[id(rgb)],)),), q.options) for rgb, q in asked
    ]
    return choose(model, requests, options or ModelOptions())


def probabilities(
    asked: Sequence[Question], scores: Sequence[OptionScores]
) -> list[NDArray[np.float64]]:
    """Returns the probabilities of each question's options.

    A model that names none of the options leaves all of them equally likely.

    Args:
        asked: The questions.
        scores: What a model answered; it may be anything.

    Raises:
        HarnessError: They are no probabilities.
    """
    found = []
    for (_, question), score in zip(asked, scores, strict=True):
        if score.status is ReplyStatus.SERVER_ERROR:
            raise HarnessError(score.message)
        if score.status is ReplyStatus.UNSCORED:
            count = len(question.options)
            found.append(np.full(count, 1 / count))
            continue
        chances = np.array(score.probabilities, np.float64)
        sound = chances.shape == (len(question.options),) and bool(np.isfinite(chances).all())
        if not sound or chances.min() < 0 or abs(chances.sum() - 1) > SLACK:
            raise HarnessError(f"the perception model gives no probabilities for '{question.text}'")
        found.append(chances)
    return found
