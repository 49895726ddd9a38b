"""Asks a model about pictures: one batch of questions, one probability for every option."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.stages.base import Picture
from surefoot.calibration.arrays import Floats
from surefoot.models.protocol import GenerationRequest, Message, OptionScorer
from surefoot.pddl.planner import Usage
from surefoot.results.errors import HarnessError

SLACK = 0.01
"""By how much the probabilities of a question's options may miss 1 in sum."""


class Perceiver(Protocol):
    """Answers questions about pictures with probabilities.

    Attributes:
        identity: What its answers depend on beside the picture; calibrations are for one of it.
    """

    identity: str

    def ask(self, picture: Picture, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Returns for each question the probabilities of its options.

        Raises:
            HarnessError: The model could not be asked, or its answers are no probabilities.
        """
        ...


class ModelPerceiver:
    """A model that scores options.

    Args:
        model: The model.
        identity: What calibrations know it by.

    Attributes:
        identity: The same.
        usage: Tokens, time and price of every call.
    """

    def __init__(self, model: OptionScorer, identity: str) -> None:
        self._model = model
        self.identity = identity
        self.usage: list[Usage] = []

    def ask(self, picture: Picture, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Asks all questions about one picture in one batch."""
        png = to_png(picture)
        requests = [
            GenerationRequest((Message("user", q.text, (png,)),), max_tokens=16) for q in questions
        ]
        scores = self._model.score_batch(requests, [q.options for q in questions])
        self.usage += [s.usage for s in scores]
        return [
            _checked(np.array(s.probabilities, np.float64), q)
            for s, q in zip(scores, questions, strict=True)
        ]


def _checked(found: Floats, question: FactQuestion) -> Floats:
    """Returns probabilities that are some; a model may answer anything."""
    sound = found.shape == (len(question.options),) and bool(np.isfinite(found).all())
    if not sound or found.min() < 0 or abs(found.sum() - 1) > SLACK:
        raise HarnessError(f"the perception model gives no probabilities for '{question.text}'")
    return found


def to_png(picture: Picture) -> bytes:
    """Returns a picture as PNG data."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
