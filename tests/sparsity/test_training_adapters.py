"""Low-rank adapters: what they compute, what learns, merging, ranks for a budget."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from surefoot.core.errors import InputError
from surefoot.sparsity.training.adapters import Int4Linear, LoRALinear, lora_rank_for
from surefoot.sparsity.training.packing import packed_nbytes

torch.set_num_threads(1)


def linear(bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(40, 28, bias)


def adapter(bits: int, bias: bool = True) -> LoRALinear:
    made = LoRALinear(
        linear(bias), 3, scale=1.5, bits=bits, generator=torch.Generator().manual_seed(4)
    )
    nn.init.normal_(made.B, std=0.1)
    return made


def test_a_fresh_adapter_changes_nothing() -> None:
    x = torch.randn(5, 40)
    assert torch.equal(LoRALinear(linear(), 3)(x), linear()(x))


@pytest.mark.parametrize("bits", [4, 32])
@pytest.mark.parametrize("bias", [True, False])
def test_the_merged_layer_computes_the_same(bits: int, bias: bool) -> None:
    made, x = adapter(bits, bias), torch.randn(2, 5, 40)
    weight = made.base.weight + 1.5 * made.B @ made.A
    assert torch.allclose(made(x), x @ weight.T + (linear().bias if bias else 0), atol=1e-5)
    merged = made.merge()
    assert type(merged) is nn.Linear
    assert torch.allclose(merged(x), made(x), atol=1e-5)


@pytest.mark.parametrize("bits", [4, 32])
def test_only_the_adapter_learns_and_the_input_gets_its_gradient(bits: int) -> None:
    made, x = adapter(bits), torch.randn(5, 40, requires_grad=True)
    made(x).square().sum().backward()
    assert {n for n, p in made.named_parameters() if p.grad is not None} == {"A", "B"}
    same = x.detach().clone().requires_grad_()
    made.merge()(same).square().sum().backward()
    assert x.grad is not None
    assert same.grad is not None
    assert torch.allclose(x.grad, same.grad, atol=1e-4)


def test_frozen_weights_in_4_bits_are_near_and_small() -> None:
    frozen = Int4Linear(linear())
    error = (frozen.weight - linear().weight.detach()).abs().max()
    assert float(error) <= 0.51 * float(frozen.scales.max())
    assert frozen.grouped.nbytes == packed_nbytes(40 * 28, 4, 64)
    assert "weight" not in dict(frozen.named_parameters())
    other = Int4Linear(nn.Linear(40, 28))
    other.load_state_dict(frozen.state_dict())
    assert torch.equal(other.weight, frozen.weight)


def test_adapters_are_drawn_from_the_given_chance() -> None:
    assert torch.equal(adapter(4).A, adapter(32).A)
    assert not torch.equal(adapter(32).A, LoRALinear(linear(), 3).A)


@pytest.mark.parametrize(("rank", "bits"), [(0, 32), (29, 32), (2, 8)])
def test_bad_adapters_are_refused(rank: int, bits: int) -> None:
    with pytest.raises(InputError, match=r"rank in 1\.\.28"):
        LoRALinear(linear(), rank, bits=bits)


def test_the_rank_for_a_budget_is_the_largest_that_fits() -> None:
    shapes = [(64, 64), (128, 64)]
    assert lora_rank_for(shapes, 320 * 7 + 319) == 7
    assert lora_rank_for(shapes, 10**9) == 64
    with pytest.raises(InputError, match="rank 1 need 320 parameters, the budget is 319"):
        lora_rank_for(shapes, 319)
