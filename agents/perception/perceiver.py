"""Who answers the agent's questions about images: a model, or what one answered before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from surefoot.agents.environments.base import RgbImage
from surefoot.agents.perception.asking import probabilities, score_many
from surefoot.agents.perception.questions import FactQuestion
from surefoot.calibration.arrays import Floats
from surefoot.core.chat import Usage
from surefoot.models.protocol import OptionScorer


class Perceiver(Protocol):
    """Answers questions about images with probabilities.

    Attributes:
        identity: What its answers depend on beside the image; calibrations are for one of it.
    """

    identity: str

    def ask(self, image: RgbImage, questions: Sequence[FactQuestion]) -> list[Floats]:
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

    def ask(self, image: RgbImage, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Asks all questions about one image in one batch."""
        asked = [(image, q) for q in questions]
        scores = score_many(self._model, asked)
        self.usage += [s.usage for s in scores]
        return probabilities(asked, scores)


class RecallingPerceiver:
    """Answers what a model answered before about the image that is shown.

    Args:
        model: Identity of that model.

    Attributes:
        identity: The same.
        shown: The answers about the image that is shown, by fact; a fact that was not asked
            for then may be anything.
    """

    def __init__(self, model: str) -> None:
        self.identity = model
        self.shown: Mapping[str, Sequence[float]] = {}

    def ask(self, image: RgbImage, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Looks the answers up."""
        return [
            np.array(self.shown.get(q.fact, [1 / len(q.options)] * len(q.options)))
            for q in questions
        ]
