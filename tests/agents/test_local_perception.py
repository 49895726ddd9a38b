"""The shipped image-text model on scenes that it never saw, and what fog and blur do to it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from surefoot.agents.perception.asking import png
from surefoot.agents.perception.images import LabelledImage
from surefoot.agents.perception.measuring import Answered, answered, images_of
from surefoot.core.chat import Message, Request
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.models.backends.hf import HFModel
from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_model
from surefoot.models.shipped import LOCAL_PERCEPTION

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model() -> HFModel:
    made = make_model("local-perception", ModelOptions(device="cpu"))
    assert isinstance(made, HFModel)
    return made


@pytest.fixture(scope="module")
def images() -> list[LabelledImage]:
    return [*images_of("tabletop", "test", 16, 2), *images_of("crossing", "test", 6, moments=2)]


@pytest.fixture(scope="module")
def clean(model: HFModel, images: list[LabelledImage]) -> list[Answered]:
    return list(answered(model, images))


def accuracy(found: list[Answered]) -> float:
    return float(np.mean([a.right for a in found]))


def test_it_is_small_and_needs_no_code_of_its_own() -> None:
    files = list(LOCAL_PERCEPTION.iterdir())
    assert sum(p.stat().st_size for p in files) < 16 * 2**20
    assert not [p for p in files if p.suffix in (".py", ".bin", ".pt")]


def test_it_beats_the_commonest_answer_by_far(clean: list[Answered]) -> None:
    common = Counter((a.question.kind, a.truth) for a in clean)
    best: dict[str, int] = {}
    for (kind, _), count in common.items():
        best[kind] = max(best.get(kind, 0), count)
    assert accuracy(clean) > sum(best.values()) / len(clean) + 0.1


@pytest.mark.parametrize("damage", ["fog=0.9", "defocus=0.9"])
def test_heavy_damage_makes_it_worse(
    model: HFModel, images: list[LabelledImage], clean: list[Answered], damage: str
) -> None:
    hurt = list(answered(model, images, Pipeline.parse([damage])))
    assert accuracy(hurt) < accuracy(clean) - 0.05


def test_a_batch_scores_as_one_by_one(model: HFModel, images: list[LabelledImage]) -> None:
    image = images[0]
    shown = (png(image.developed()),)
    for asked, found in zip(image.asked, answered(model, [image]), strict=True):
        request = Request((Message("user", asked.question.text, shown),))
        alone = model.score(request, asked.question.options)
        assert found.probabilities == pytest.approx(alone.probabilities, abs=1e-4)
        assert sum(alone.probabilities) == pytest.approx(1)
