"""Ranks from one threshold, and factors against the theorem of Eckart and Young."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from surefoot.core.errors import InputError
from surefoot.sparsity.lowrank.factors import factorize
from surefoot.sparsity.lowrank.linear import FactoredLinear
from surefoot.sparsity.lowrank.ranks import (
    Budget,
    normalised,
    ranks_for,
    saves,
    uniform_ranks,
)
from surefoot.sparsity.pruning.methods import output_error
from surefoot.sparsity.statistics import InputStatistics

pytestmark = pytest.mark.quick

torch.set_num_threads(1)

SHAPES = [(32, 32), (64, 32), (24, 80), (48, 48)]


def spectra(seed: int = 0) -> list[np.ndarray]:
    """Spectra that fall with different speed."""
    rng = np.random.default_rng(seed)
    return [
        np.sort(rng.uniform(0.5, 1, min(shape)) * np.exp(-speed * np.linspace(0, 1, min(shape))))
        for shape, speed in zip(SHAPES, (8, 1, 4, 0.1), strict=True)
    ]


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def inputs(width: int, tokens: int, used: int | None = None) -> InputStatistics:
    """Statistics of correlated inputs, in a subspace of ``used`` dimensions."""
    used = used or width
    x = gaussian(tokens, used, seed=1) @ (gaussian(used, width, seed=2) / used**0.5)
    statistics = InputStatistics(width, gram=True, name="up")
    statistics.update(x * torch.linspace(0.1, 3, width))
    return statistics


@pytest.mark.parametrize("target", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_one_threshold_meets_the_budget_of_ranks_to_one_value(target: float) -> None:
    values = spectra()
    total = sum(len(v) for v in values)
    plan = ranks_for(values, SHAPES, target)
    cut = 0
    for spectrum, shape, rank, low in zip(values, SHAPES, plan.ranks, plan.low_rank, strict=True):
        scaled = (spectrum - spectrum.min()) / (spectrum.max() - spectrum.min())
        assert rank == (scaled >= plan.threshold).sum()
        assert low == (rank < 0.5 * min(shape))
        cut += (scaled < plan.threshold).sum()
    assert plan.err == cut / total
    # All spectra have their 0 at the same place, so that these go together.
    assert target <= plan.err < target + (len(SHAPES) + 0.5) / total
    if target > 0.1:
        assert plan.err < target + 1.5 / total


@pytest.mark.parametrize("budget", ["err", "parameters"])
def test_the_threshold_is_the_least_that_does(budget: Budget) -> None:
    values = spectra(1)
    plan = ranks_for(values, SHAPES, 0.4, budget)
    assert getattr(plan, budget) >= 0.4
    levels = np.unique(
        np.concatenate([normalised(v, s) for v, s in zip(values, SHAPES, strict=True)])
    )
    lower = levels[levels < plan.threshold]
    slack = ranks_for(values, SHAPES, getattr(plan, budget) - 1e-6, budget)
    assert slack == plan
    ranks = [
        int((normalised(v, s) >= lower[-1]).sum()) for v, s in zip(values, SHAPES, strict=True)
    ]
    if budget == "err":
        assert 1 - sum(ranks) / sum(map(len, values)) < 0.4
    else:
        assert saved(ranks, [r < 0.5 * min(s) for r, s in zip(ranks, SHAPES, strict=True)]) < 0.4


def saved(ranks: list[int], low: list[bool]) -> float:
    left = sum(
        r * (m + n) if is_low else m * n
        for r, is_low, (m, n) in zip(ranks, low, SHAPES, strict=True)
    )
    return 1 - left / sum(m * n for m, n in SHAPES)


def test_less_rank_is_not_as_much_less_weight() -> None:
    plan = ranks_for(spectra(), SHAPES, 0.5)
    assert plan.low_rank == (True, False, True, False)
    assert plan.parameters == pytest.approx(saved(list(plan.ranks), list(plan.low_rank)))
    assert plan.parameters < 0.35 < plan.err
    by_weight = ranks_for(spectra(), SHAPES, 0.5, "parameters")
    assert by_weight.threshold > plan.threshold
    wherever = ranks_for(spectra(), SHAPES, 0.5, "parameters", below=1.0)
    assert wherever.parameters >= 0.5
    assert wherever.threshold <= by_weight.threshold
    assert all(
        low == saves(rank, shape)
        for low, rank, shape in zip(wherever.low_rank, wherever.ranks, SHAPES, strict=True)
    )


def test_factors_that_would_not_save_are_not_made() -> None:
    assert not saves(16, (32, 32))
    assert saves(15, (32, 32))
    plan = ranks_for([np.arange(1.0, 33)], [(32, 32)], 0.5, below=1.0)
    assert (plan.ranks, plan.low_rank, plan.parameters) == ((16,), (False,), 0.0)
    assert ranks_for([np.arange(1.0, 33)], [(32, 32)], 17 / 32).low_rank == (True,)


def test_flat_spectra_are_not_cut() -> None:
    plan = ranks_for([np.ones(32), np.arange(1.0, 33)], [(32, 64), (32, 32)], 0.4)
    assert plan.ranks[0] == 32
    assert not plan.low_rank[0]


def test_uniform_ranks_are_equal_shares_at_equal_weights() -> None:
    plan = ranks_for(spectra(), SHAPES, 0.5)
    peer = uniform_ranks(SHAPES, plan.parameters)
    assert peer.parameters >= plan.parameters
    assert peer.parameters - plan.parameters < 0.02
    shares = [r / min(shape) for r, shape in zip(peer.ranks, SHAPES, strict=True)]
    assert max(shares) - min(shares) < 1 / 24
    assert uniform_ranks(SHAPES, 0.0).low_rank == (False,) * 4
    with pytest.raises(InputError, match="at most"):
        uniform_ranks(SHAPES, 0.99)


@pytest.mark.parametrize(
    ("values", "shapes", "target", "says"),
    [
        ([], [], 0.5, "one spectrum"),
        ([np.ones(3)], [(4, 4)], 0.5, "need 4 singular values"),
        ([np.array([1.0, -1.0])], [(2, 2)], 0.5, "not negative"),
        ([np.array([1.0, np.nan])], [(2, 2)], 0.5, "finite"),
        ([np.arange(4.0)], [(4, 4)], 1.0, "target in"),
        ([np.arange(4.0)], [(4, 4)], 0.9, "at most 0.75"),
    ],
)
def test_budgets_that_cannot_be_are_said(
    values: list[np.ndarray], shapes: list[tuple[int, int]], target: float, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        ranks_for(values, shapes, target)
    with pytest.raises(InputError, match="unknown budget"):
        ranks_for(values, shapes, target, "bytes")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(30, 30), (20, 50), (50, 20)])
def test_the_error_is_that_of_eckart_and_young(shape: tuple[int, int]) -> None:
    weight = gaussian(*shape)
    singular = torch.linalg.svdvals(weight.double())
    for rank in (1, 7, 19):
        left, right = factorize(weight, rank)
        assert left.shape == (shape[0], rank)
        assert right.shape == (rank, shape[1])
        lost = (weight - left @ right).double().square().sum()
        assert float(lost) == pytest.approx(float(singular[rank:].square().sum()), rel=1e-5)
        torch.testing.assert_close(left.norm(dim=0), right.norm(dim=1))
    left, right = factorize(weight, min(shape))
    torch.testing.assert_close(left @ right, weight, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 24), (24, 40)])
def test_whitened_factors_have_the_least_error_of_the_outputs(shape: tuple[int, int]) -> None:
    weight = gaussian(*shape)
    statistics = inputs(shape[1], 300)
    gram = statistics.gram
    assert gram is not None
    values, vectors = torch.linalg.eigh(gram.double())
    seen = torch.linalg.svdvals(weight.double() @ (vectors * values.clamp(min=0).sqrt()))
    for rank in (2, 9, 20):
        left, right = factorize(weight, rank, statistics)
        error = output_error(weight, left @ right, gram)
        least = (seen[rank:].square().sum() / seen.square().sum()).sqrt()
        assert error == pytest.approx(float(least), rel=1e-3)
        plain = factorize(weight, rank)
        assert error < output_error(weight, plain[0] @ plain[1], gram)
    left, right = factorize(weight, 24, statistics)
    torch.testing.assert_close(left @ right, weight, rtol=1e-4, atol=1e-4)


def test_whitening_needs_no_full_set_of_inputs() -> None:
    weight = gaussian(24, 40)
    statistics = inputs(40, 100, used=5)
    gram = statistics.gram
    assert gram is not None
    left, right = factorize(weight, 5, statistics)
    assert output_error(weight, left @ right, gram) < 1e-3
    # Ranks that the inputs do not need go to the rest of the matrix, and well.
    left, right = factorize(weight, 15, statistics)
    plain = factorize(weight, 10)
    assert (weight - left @ right).norm() < (weight - plain[0] @ plain[1]).norm() * 1.1
    silent = InputStatistics(40, gram=True)
    silent.update(torch.zeros(2, 40))
    left, right = factorize(weight, 10, silent)
    torch.testing.assert_close(left @ right, plain[0] @ plain[1], rtol=1e-4, atol=1e-4)


def test_a_matrix_of_lower_rank_than_asked_is_met_exactly() -> None:
    weight = gaussian(12, 3) @ gaussian(3, 10, seed=1)
    left, right = factorize(weight, 6)
    assert left.isfinite().all()
    assert right.isfinite().all()
    torch.testing.assert_close(left @ right, weight, rtol=1e-4, atol=1e-4)
    left, right = factorize(torch.zeros(4, 4), 2)
    assert not (left @ right).any()


@pytest.mark.parametrize("bias", [True, False])
def test_the_factored_layer_computes_the_product_and_merges(bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(20, 12, bias=bias)
    x = gaussian(3, 5, 20)
    whole = FactoredLinear.from_linear(linear, 12)
    torch.testing.assert_close(whole(x), linear(x), rtol=1e-5, atol=1e-5)
    factored = FactoredLinear.from_linear(linear, 4)
    assert (factored.in_features, factored.out_features, factored.rank) == (20, 12, 4)
    assert "rank=4" in repr(factored)
    merged = factored.merge()
    assert (merged.bias is not None) == bias
    torch.testing.assert_close(merged(x), factored(x), rtol=1e-5, atol=1e-5)
    again = FactoredLinear(torch.zeros(12, 4), torch.zeros(4, 20), linear.bias)
    again.load_state_dict(factored.state_dict())
    assert torch.equal(again(x), factored(x))
    factored(x).square().sum().backward()
    assert factored.U.grad is not None
    assert factored.V.grad is not None
    assert linear.weight.grad is None
    assert FactoredLinear.from_linear(linear.bfloat16(), 4).merge().weight.dtype == torch.bfloat16


def test_malformed_factors_are_said() -> None:
    with pytest.raises(InputError, match="rank 0"):
        factorize(gaussian(4, 4), 0)
    with pytest.raises(InputError, match="rank 5"):
        factorize(gaussian(4, 6), 5)
    with pytest.raises(InputError, match="finite"):
        factorize(gaussian(4, 4) / 0, 2)
    with pytest.raises(InputError, match="up: need the Gram matrix of 6"):
        factorize(gaussian(4, 6), 2, inputs(4, 9))
    with pytest.raises(InputError, match="no calibration input"):
        factorize(gaussian(4, 6), 2, InputStatistics(6, gram=True))
    with pytest.raises(InputError, match="not factors"):
        FactoredLinear(gaussian(4, 2), gaussian(3, 4))
    with pytest.raises(InputError, match="does not fit 4 outputs"):
        FactoredLinear(gaussian(4, 2), gaussian(2, 4), gaussian(3))
