"""PSNR against rows and sparsity, on a generator that was not trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from surefoot.agents.perception.thumbnails import Thumbnails, render_thumbnails
from surefoot.core.errors import InputError
from surefoot.models.shipped import SCENE_PRIOR
from surefoot.sparsity.lottery import Masks, prune_masks
from surefoot.sparsity.lottery.priors.networks import Generator, load_generator
from surefoot.sparsity.lottery.priors.sensing import SenseSettings
from surefoot.sparsity.lottery.priors.study import LINEAR, Measuring, measure, summarise
from tests.sparsity.lottery.priors.test_training import SHAPE, squares

torch.set_num_threads(1)


def test_rows_help_and_every_prior_sees_the_same() -> None:
    torch.manual_seed(0)
    dense, sparse = Generator(SHAPE), Generator(SHAPE)
    sparse.load_state_dict(dense.state_dict())
    prune_masks(sparse, Masks.full(sparse), 0.5).apply(sparse)
    codes = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    made = dense(codes).detach().permute(0, 2, 3, 1).numpy()
    truths = np.round(255 * made).astype(np.uint8)
    asked = Measuring(rows=(4, 60), seek=SenseSettings(steps=150, rate=0.1, starts=3, hold=0))
    found = measure({"dense": dense, "sparse": sparse}, truths, asked, known=squares(30))
    assert found["sparsity"] == {"dense": 0, "sparse": pytest.approx(0.5, abs=0.01)}
    assert len(found["rows"]) == 2 * 2 * 3
    means = {(r["prior"], r["rows"]): r["psnr"]["mean"] for r in summarise(found)}
    assert means["dense", 60] > means["dense", 4] + 3
    assert means["dense", 60] > max(means["sparse", 60], means[LINEAR, 60])
    again = measure({"dense": dense}, truths, asked)
    first = [r["psnr"] for r in found["rows"] if r["prior"] == "dense"]
    assert [r["psnr"] for r in again["rows"]] == first


def test_nothing_to_sense() -> None:
    with pytest.raises(InputError, match="no images"):
        measure({}, squares(0), Measuring())


def test_the_shipped_generator_makes_pictures_like_those_of_the_table(tmp_path: Path) -> None:
    generator = load_generator(SCENE_PRIOR)
    assert sum(f.stat().st_size for f in SCENE_PRIOR.iterdir()) < 4 * 2**20
    codes = torch.randn(64, generator.shape.code, generator=torch.Generator().manual_seed(0))
    made = generator(codes).detach()
    unseen = render_thumbnails(Thumbnails(count=24, split="test"), tmp_path)
    drawn = torch.from_numpy(unseen).permute(0, 3, 1, 2).float() / 255
    assert (made.mean((0, 2, 3)) - drawn.mean((0, 2, 3))).abs().max() < 0.08
    # As varied as drawn ones, to within a half, and not all alike.
    spread = float(made.std(0).mean() / drawn.std(0).mean())
    assert 0.5 < spread < 1.5
