"""Asks a model about many simulated scenes whose truth is known; for calibration and figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.asking import probabilities, score_many
from surefoot.agents.perception.images import LabelledImage, crossing_images, tabletop_images
from surefoot.agents.perception.questions import FactQuestion
from surefoot.core.seeds import seeds_of, split_of_seed
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.models.protocol import OptionScorer

RENDERER = "tiny"
"""PyBullet's software renderer."""

_TOGETHER = 16


@dataclass(frozen=True, eq=False)
class Answered:
    """What a model said of one fact in one image.

    Attributes:
        image: Where the image was taken.
        question: What was asked.
        truth: The true option.
        probabilities: One for each option.
    """

    image: LabelledImage
    question: FactQuestion
    truth: str
    probabilities: NDArray[np.float64]

    @property
    def right(self) -> bool:
        """Whether the likeliest option is the true one."""
        return self.question.options[int(np.argmax(self.probabilities))] == self.truth

    def record(self, model: str, perturbation: str = "") -> dict[str, Any]:
        """Returns it as a line of ``predictions.jsonl``, plain JSON data.

        The scene is what is exchangeable: a state of the table, or all moments of a street. Each
        image of it is a step.
        """
        image = self.image
        return {
            "kind": "fact",
            "scene": f"{image.env}-{image.seed}",
            "step": image.step,
            "fact": self.question.fact,
            "group": self.question.kind,
            "options": list(self.question.options),
            "probabilities": [round(p, 6) for p in self.probabilities.tolist()],
            "truth": self.truth,
            "split": _calibration_split(image.seed),
            "model": model,
            "renderer": RENDERER,
            "labels": image.env,
            "perturbation": perturbation,
        }


def images_of(
    env: str, split: str, scenes: int, views: Sequence[str] | int = 3, moments: int = 3
) -> list[LabelledImage]:
    """Returns the images of the first scenes of a split.

    Args:
        env: ``tabletop`` or ``crossing``.
        split: ``calibration`` or ``test``; a model of ours has learned from ``train``.
        scenes: How many scenes.
        views: Of the table: names of viewpoints, or how many to draw for each state.
        moments: Of the crossing: moments in each street, each in three views; half a second to
            some seconds apart, with no regard to what is to be seen.

    Raises:
        InputError: There is no such split.
    """
    simulation = Simulation()
    try:
        found: list[LabelledImage] = []
        for seed in seeds_of(split, scenes):
            if env == "tabletop":
                found += tabletop_images(simulation, seed, views)
            else:
                for some in crossing_images(simulation, seed, moments, apart=0.6):
                    found += some
        return found
    finally:
        simulation.close()


def answered(
    model: OptionScorer, images: Iterable[LabelledImage], damage: Pipeline | None = None
) -> Iterator[Answered]:
    """Asks all questions about all images, some images at a time.

    Args:
        model: Any model that scores options.
        images: What to ask about.
        damage: What goes wrong with the images.

    Raises:
        HarnessError: The model could not be asked.
    """
    waiting = list(images)
    for start in range(0, len(waiting), _TOGETHER):
        part = waiting[start : start + _TOGETHER]
        developed = [image.developed(damage) for image in part]
        asked = [
            (image, rgb, a) for image, rgb in zip(part, developed, strict=True) for a in image.asked
        ]
        questions = [(rgb, a.question) for _, rgb, a in asked]
        found = probabilities(questions, score_many(model, questions))
        for (image, _, a), chances in zip(asked, found, strict=True):
            yield Answered(image, a.question, a.truth, chances)


def _calibration_split(seed: int) -> str:
    split = split_of_seed(seed)
    return split if split != "train" else ""
