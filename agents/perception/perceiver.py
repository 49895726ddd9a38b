"""Who answers the agent's questions about images: a model, or what one answered before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from surefoot.agents.environments.base import RgbImage
from surefoot.agents.perception.asking import probabilities, score_many
from surefoot.agents.perception.questions import FactQuestion
from surefoot.calibration.arrays import Floats
from surefoot.core.chat import ReplyStatus, Usage
from surefoot.core.errors import HarnessError
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import OptionScorer, TextModel


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
        options: Settings of how probabilities are found.

    Attributes:
        identity: The same.
        usage: Tokens, time and price of every call.
        unscored: Questions that the model answered with none of the options.
    """

    def __init__(
        self,
        model: OptionScorer | TextModel,
        identity: str,
        options: ModelOptions | None = None,
    ) -> None:
        self._model = model
        self._options = options
        self.identity = identity
        self.usage: list[Usage] = []
        self.unscored = 0

    def ask(self, image: RgbImage, questions: Sequence[FactQuestion]) -> list[Floats]:
        """Asks all questions about one image in one batch.

        Raises:
            HarnessError: The model could not be asked, or none of its answers can be read.
        """
        asked = [(image, q) for q in questions]
        scores = score_many(self._model, asked, self._options)
        self.usage += [s.usage for s in scores]
        unscored = [s for s in scores if s.status is ReplyStatus.UNSCORED]
        if len(unscored) == len(scores) > 1:
            raise HarnessError(
                f"the perception model answers none of {len(scores)} questions with one of the "
                f"given answers: {unscored[0].message}"
            )
        self.unscored += len(unscored)
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
