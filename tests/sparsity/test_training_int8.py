"""Linear layers in 8 bits: gradients, state, conversion."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

from surefoot.core.errors import InputError
from surefoot.sparsity.training.int8 import Int8Linear, Int8Weight
from surefoot.sparsity.training.packing import packed_nbytes

torch.set_num_threads(1)


@pytest.fixture
def layer() -> Int8Linear:
    torch.manual_seed(0)
    return Int8Linear.from_linear(nn.Linear(50, 30))


def test_results_and_gradients_are_those_of_the_layer_that_the_codes_stand_for(
    layer: Int8Linear,
) -> None:
    plain = layer.to_linear()
    x = torch.randn(2, 3, 50, requires_grad=True)
    same = x.detach().clone().requires_grad_()
    layer(x).square().sum().backward()
    plain(same).square().sum().backward()
    for ours, theirs in [(x, same), (layer.weight, plain.weight), (layer.bias, plain.bias)]:
        assert ours is not None
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)
    assert type(layer.weight.grad) is torch.Tensor


def test_there_is_no_weight_in_floating_point(layer: Int8Linear) -> None:
    assert layer.weight.nbytes == packed_nbytes(1500, 8) == 1500 + 8 * 6
    kept = [t for t in (*layer.state_dict().values(), layer.codes.grouped.codes) if t.numel() > 50]
    assert {t.dtype for t in kept} == {torch.uint8}
    saved = 0

    def count(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal saved
        saved += tensor.nbytes
        return tensor

    x = torch.randn(4, 50)
    with torch.autograd.graph.saved_tensors_hooks(count, lambda t: t):
        layer(x)
    assert saved <= x.nbytes


def test_gradients_add_up_and_are_clipped_by_torch(layer: Int8Linear) -> None:
    x = torch.randn(4, 50)
    layer(x).sum().backward()
    assert layer.weight.grad is not None
    once = layer.weight.grad.clone()
    layer(x).sum().backward()
    assert torch.allclose(layer.weight.grad, 2 * once)
    torch.nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
    norms = [p.grad.norm() for p in layer.parameters() if p.grad is not None]
    assert torch.stack(norms).norm().item() == pytest.approx(0.5, rel=1e-4)


def test_the_state_goes_through_a_file_and_back(layer: Int8Linear) -> None:
    file = io.BytesIO()
    torch.save({"model": nn.Sequential(layer).state_dict()}, file)
    file.seek(0)
    other = nn.Sequential(Int8Linear.from_linear(nn.Linear(50, 30)))
    other.load_state_dict(torch.load(file, weights_only=True)["model"])
    x = torch.randn(4, 50)
    assert torch.equal(other(x), layer(x))


def test_a_state_that_does_not_fit_is_refused(layer: Int8Linear) -> None:
    with pytest.raises(RuntimeError, match=r"shape \[800\], not \[1500\]"):
        layer.load_state_dict(Int8Linear.from_linear(nn.Linear(40, 20)).state_dict())
    with pytest.raises(RuntimeError, match=r"Missing key.*weight\.codes"):
        layer.load_state_dict(nn.Linear(50, 30).state_dict())


def test_copies_share_nothing_and_conversion_keeps_the_codes(layer: Int8Linear) -> None:
    twin = copy.deepcopy(layer)
    half = copy.deepcopy(layer).to(torch.bfloat16)
    assert isinstance(twin.weight, Int8Weight)
    assert isinstance(half.weight, Int8Weight)
    assert half.weight.dtype is torch.bfloat16
    assert half.weight.requires_grad
    assert torch.equal(half.codes.grouped.codes, layer.codes.grouped.codes)
    layer.codes.add_rounded_(torch.ones(30, 50), None)
    assert not torch.equal(twin.codes.read(), layer.codes.read())
    assert half(torch.randn(2, 50, dtype=torch.bfloat16)).dtype is torch.bfloat16


def test_reading_sees_a_plain_tensor_and_only_whole_weights_are_written(layer: Int8Linear) -> None:
    source = torch.randn(30, 50)
    with torch.no_grad():
        layer.weight.copy_(source)
        assert type(layer.weight + 0) is torch.Tensor
        assert torch.allclose(layer.weight + 0, source, atol=float(layer.codes.scales.max()))
        with pytest.raises(InputError, match="cannot write"):
            layer.weight.mul_(2)
    assert "nbytes=1548" in repr(layer.weight)
    assert "bits=8" in repr(layer)


def test_a_layer_without_bias_goes_there_and_back() -> None:
    plain = nn.Linear(40, 20, bias=False)
    back = Int8Linear.from_linear(plain).to_linear(torch.float64)
    assert back.bias is None
    assert back.weight.dtype is torch.float64
    assert torch.allclose(back.weight.float(), plain.weight, atol=1e-3)
