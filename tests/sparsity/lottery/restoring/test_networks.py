"""Networks: sizes, seeds, parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery import Masks
from surefoot.sparsity.lottery.restoring.networks import (
    NetworkSettings,
    count_weights,
    depth_for,
    make_network,
)

torch.set_num_threads(1)

SKIP = NetworkSettings(width=8, depth=3, code=6)
DECODER = NetworkSettings(kind="decoder", width=8, depth=3)


@pytest.mark.parametrize("settings", [SKIP, DECODER, SKIP.model_copy(update={"skips": 0})])
@pytest.mark.parametrize("size", [(16, 16), (17, 23), (9, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_any_size(settings: NetworkSettings, size: Any, channels: int) -> None:
    network = make_network(size, channels, settings, seed=0)
    picture = network()
    assert picture.shape == (1, channels, *size)
    assert bool(((picture > 0) & (picture < 1)).all())
    picture.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
    assert float(network.last.weight.grad.abs().sum()) > 0  # type: ignore[union-attr, operator]


def test_the_seed_decides_and_nothing_else_is_touched() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, other = (make_network((16, 16), 3, SKIP, s) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one(), two())
    assert not torch.equal(one(), other())
    assert not torch.equal(one(), one(torch.ones_like(one.code)))
    assert "code" in one.state_dict()


def test_masks_cover_the_convolutions_and_nothing_twice() -> None:
    network = make_network((16, 16), 3, SKIP, 0)
    masks = Masks.full(network)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 3 * 5 + 1
    assert masks.size == sum(m.weight.numel() for m in convolutions)
    assert len(masks.tensors) == len(convolutions)


def test_the_decoder_has_fewer_weights_than_the_picture_has_values() -> None:
    settings = NetworkSettings(kind="decoder", width=24, depth=4)
    network = make_network((48, 48), 3, settings, 0)
    assert count_weights(network) < 3 * 48 * 48
    assert count_weights(network) == 5 * (24 * 24 + 2 * 24) + 3 * 24


def test_too_small_a_picture_is_one_line() -> None:
    assert depth_for((3, 3), 5) == 1
    assert depth_for((17, 400), 5) == 4
    assert depth_for((512, 512), 5) == 5
    with pytest.raises(InputError, match="each side needs three"):
        depth_for((2, 50), 5)
    with pytest.raises(InputError, match="no room for 3 levels"):
        make_network((8, 8), 3, SKIP, 0)
