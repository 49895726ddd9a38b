"""The pruners on single matrices, held to bounds that do not come from themselves."""

from __future__ import annotations

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.allocation import allocate
from surefoot.sparsity.pruning.methods import METHODS, Method, output_error, prune
from surefoot.sparsity.pruning.metrics import alpha_metrics
from surefoot.sparsity.pruning.patterns import patterns_for, sparsity_of
from surefoot.sparsity.pruning.sparsegpt import inverse_root
from surefoot.sparsity.pruning.tails import tail_exponent
from surefoot.sparsity.statistics import InputStatistics

torch.set_num_threads(1)


def layer(
    seed: int, rows: int = 48, width: int = 96, tokens: int = 400
) -> tuple[torch.Tensor, InputStatistics, torch.Tensor]:
    """A weight matrix and correlated inputs of unequal channels."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, width, generator=generator)
    mixing = torch.randn(width, width, generator=generator) / width**0.5
    x = torch.randn(tokens, width, generator=generator) @ (mixing + torch.eye(width))
    x *= torch.rand(width, generator=generator) * 3 + 0.1
    statistics = InputStatistics(width, gram=True, name="fc")
    statistics.update(x)
    return weight, statistics, x


def least_error(weight: torch.Tensor, mask: torch.Tensor, x: torch.Tensor) -> float:
    """The least possible error with this mask: least squares for each output on its own."""
    best = torch.zeros_like(weight, dtype=torch.float64)
    inputs, outputs = x.double(), x.double() @ weight.double().T
    for row, kept in enumerate(mask):
        best[row, kept] = torch.linalg.lstsq(inputs[:, kept], outputs[:, row, None]).solution[:, 0]
    lost = (outputs - inputs @ best.T).norm() / outputs.norm()
    return float(lost)


@pytest.mark.parametrize("pattern", [0.3, 0.5, 0.6, 0.7, "2:4", "1:4"])
@pytest.mark.parametrize("seed", range(4))
def test_sparsegpt_beats_wanda_beats_magnitude_and_least_squares_beats_all(
    seed: int, pattern: str | float
) -> None:
    weight, statistics, x = layer(seed)
    found = {method: prune(weight, statistics, method, pattern) for method in METHODS}
    errors = [found[method].error for method in ("sparsegpt", "wanda", "magnitude")]
    assert None not in errors
    assert errors == sorted(errors)  # type: ignore[type-var]
    for pruned in found.values():
        assert pruned.error is not None
        assert least_error(weight, pruned.mask, x) <= pruned.error * (1 + 1e-6)
    # SparseGPT mends most of what its mask costs, not all of it.
    bound = least_error(weight, found["sparsegpt"].mask, x)
    masked = output_error(weight, weight * found["sparsegpt"].mask, _gram(statistics))
    assert bound < found["sparsegpt"].error < masked


def _gram(statistics: InputStatistics) -> torch.Tensor:
    assert statistics.gram is not None
    return statistics.gram


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_masks_are_exact_and_the_source_is_untouched(method: Method, dtype: torch.dtype) -> None:
    weight, statistics, x = layer(7, rows=30, width=100)
    weight = weight.to(dtype)
    before = weight.clone()
    for sparsity in (0.0, 0.123, 0.5, 0.98, 1.0):
        pruned = prune(weight, statistics, method, sparsity, block_size=32)
        assert int((~pruned.mask).sum()) == round(sparsity * weight.numel())
        assert pruned.sparsity == pytest.approx(sparsity, abs=0.5 / weight.numel())
        assert not pruned.weight[~pruned.mask].any()
        assert pruned.weight.dtype == dtype
        assert torch.equal(weight, before)
    pruned = prune(weight, statistics, method, "1:4", block_size=30)
    assert (pruned.mask.reshape(30, 25, 4).sum(-1) == 1).all()
    lost = (x @ (weight - pruned.weight).float().T).norm() / (x @ weight.float().T).norm()
    assert pruned.error == pytest.approx(float(lost), rel=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pattern", [0.0, "4:4"])
def test_nothing_to_prune_is_the_identity(method: Method, pattern: str | float) -> None:
    weight, statistics, _ = layer(3)
    pruned = prune(weight, statistics, method, pattern)
    assert torch.equal(pruned.weight, weight)
    assert pruned.mask.all()
    assert pruned.error == 0


def test_with_orthogonal_inputs_sparsegpt_is_magnitude_without_an_update() -> None:
    weight = layer(5, rows=40, width=64)[0]
    statistics = InputStatistics(64, gram=True)
    hadamard = torch.ones(1, 1)
    for _ in range(6):
        hadamard = torch.cat([torch.cat([hadamard, hadamard]), torch.cat([hadamard, -hadamard])], 1)
    statistics.update(3 * hadamard)  # X Xᵀ = 576 I exactly
    for pattern in (0.25, 0.5, 0.8, "2:4", "3:8"):
        mended = prune(weight, statistics, "sparsegpt", pattern)
        plain = prune(weight, None, "magnitude", pattern)
        assert torch.equal(mended.mask, plain.mask)
        assert torch.equal(mended.weight, plain.weight)
        rows = prune(weight, None, "magnitude", pattern, granularity="row")
        wanda = prune(weight, statistics, "wanda", pattern)
        assert torch.equal(wanda.mask, rows.mask)


def test_one_column_pruned_is_mended_as_well_as_can_be() -> None:
    weight, statistics, _ = layer(4)
    weight[:, 0] *= 1e-6
    gram = _gram(statistics).double()
    damped = gram + 0.01 * gram.diagonal().mean() * torch.eye(96)
    pruned = prune(weight, statistics, "sparsegpt", 1 / 96)
    assert not pruned.mask[:, 0].any()
    assert pruned.mask[:, 1:].all()
    gain = torch.linalg.solve(damped[1:, 1:], damped[1:, 0])  # least squares, with the damping
    best = weight[:, 1:] + weight[:, :1] * gain.float()
    torch.testing.assert_close(pruned.weight[:, 1:], best, rtol=1e-4, atol=1e-5)


def test_the_size_of_a_block_changes_nothing_where_the_mask_does_not_hang_on_it() -> None:
    weight, statistics, _ = layer(6)
    whole = prune(weight, statistics, "sparsegpt", "2:4", block_size=96)
    for block_size in (1, 8, 30):
        blocks = prune(weight, statistics, "sparsegpt", "2:4", block_size=block_size)
        assert torch.equal(blocks.mask, whole.mask)
        torch.testing.assert_close(blocks.weight, whole.weight, rtol=1e-4, atol=1e-4)


def test_wanda_and_magnitude_compare_where_they_should() -> None:
    weight = torch.tensor([[1.0, -2.0, 3.0, 4.0], [10.0, 20.0, 30.0, -40.0]])
    statistics = InputStatistics(4)
    statistics.update(torch.tensor([[100.0, 1.0, 1.0, 0.01]]))
    tensor = prune(weight, None, "magnitude", 0.5)
    assert tensor.mask.tolist() == [[False] * 4, [True] * 4]
    rows = prune(weight, None, "magnitude", 0.5, granularity="row")
    assert rows.mask.tolist() == [[False, False, True, True]] * 2
    wanda = prune(weight, statistics, "wanda", 0.5)
    assert wanda.mask.tolist() == [[True, False, True, False]] * 2
    assert wanda.error is None
    whole = prune(weight, statistics, "wanda", 0.5, granularity="tensor")
    assert whole.mask.tolist() == [[True, False, False, False], [True, True, True, False]]


def test_a_singular_hessian_is_mended_and_what_it_took_is_told() -> None:
    weight, _, x = layer(2)
    x = x[:10].clone()  # fewer tokens than channels
    x[:, ::7] = 0  # and channels without any input
    statistics = InputStatistics(96, gram=True)
    statistics.update(x)
    pruned = prune(weight, statistics, "sparsegpt", 0.5)
    assert (pruned.damping, pruned.solver) == (0.01, "cholesky-fp32")
    assert pruned.weight.isfinite().all()
    assert pruned.error is not None
    wanda = prune(weight, statistics, "wanda", 0.5)
    assert wanda.error is not None
    assert pruned.error < wanda.error
    # Weights of channels without input go first: they cost nothing.
    assert not pruned.mask[:, ::7].any()


def test_the_ladder_goes_from_single_to_double_to_damping_to_eigenvalues() -> None:
    turn = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)))[0]
    turn = turn.double()

    def with_least(eigenvalue: float) -> torch.Tensor:
        gram = (turn * torch.tensor([1.0] * 7 + [eigenvalue])) @ turn.T
        return ((gram + gram.T) / 2).float()

    steps = []
    for gram, damping in (
        (with_least(1e-9), 0.01),
        (torch.ones(8, 8), 1e-9),  # 1 + 1e-9 is 1 in single precision
        (with_least(-0.05), 0.01),
        (with_least(-0.5), 0.01),
        (with_least(-30.0), 0.01),
    ):
        root = inverse_root(gram, damping)
        steps.append((root.solver, round(root.damping / damping)))
        assert root.upper.isfinite().all()
        assert torch.equal(root.upper, root.upper.triu())
    assert steps == [
        ("cholesky-fp32", 1),
        ("cholesky-fp64", 1),
        ("cholesky-fp64", 10),
        ("cholesky-fp64", 100),
        ("eigh", 1),
    ]


def test_the_root_is_that_of_the_inverse_whatever_the_scale() -> None:
    gram = _gram(layer(1)[1]).double()
    scaled = gram / gram.diagonal().mean()
    damped = scaled + 0.01 * torch.eye(96)
    for factor in (1e-6, 1.0, 1e6):
        upper = inverse_root((gram * factor).float()).upper.double()
        torch.testing.assert_close(
            upper.T @ upper @ damped, torch.eye(96).double(), atol=1e-3, rtol=0
        )


def test_alpha_allocation_works_with_every_pruner_and_with_n_to_m() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(32, 64, generator=generator) for _ in range(3)]
    weights += [torch.randn(96, 64, generator=generator) for _ in range(3)]
    weights[1] = weights[1] @ torch.diag(torch.linspace(0.01, 1, 64) ** 3)
    statistics = InputStatistics(64, gram=True)
    statistics.update(torch.randn(200, 64, generator=generator))
    sizes = [w.numel() for w in weights]
    fits = [tail_exponent(w, "mid", window=(32, 32)) for w in weights]
    ratios = allocate(alpha_metrics(fits, range(6), "matrix"), sizes, 0.6, tau=0.3)
    assert ratios[1] == min(ratios)  # the heavy tail is pruned least
    mixed = patterns_for(ratios, sizes, 8)
    assert sparsity_of(mixed, sizes) == pytest.approx(0.6, abs=min(sizes) / 8 / sum(sizes))
    for method in METHODS:
        found = [prune(w, statistics, method, r) for w, r in zip(weights, ratios, strict=True)]
        gone = sum(int((~p.mask).sum()) for p in found)
        assert abs(gone - 0.6 * sum(sizes)) <= len(sizes) / 2
        for weight, pattern in zip(weights, mixed, strict=True):
            pruned = prune(weight, statistics, method, pattern)
            assert (pruned.mask.reshape(-1, 8).sum(1) == pattern.n).all()


def test_what_is_missing_or_malformed_is_said() -> None:
    weight, statistics, _ = layer(0)
    bare = InputStatistics(96, name="model.layers.0.self_attn.q_proj")
    with pytest.raises(InputError, match="wanda needs calibration inputs"):
        prune(weight, None, "wanda")
    with pytest.raises(InputError, match=r"layers\.0\.self_attn\.q_proj: no calibration input"):
        prune(weight, bare, "wanda")
    bare.update(torch.ones(1, 96))
    with pytest.raises(InputError, match="needs the Gram matrix"):
        prune(weight, bare, "sparsegpt")
    with pytest.raises(InputError, match="do not fit"):
        prune(weight[:, :40], statistics, "wanda")
    with pytest.raises(InputError, match="finite weights"):
        prune(weight / 0, statistics, "magnitude")
    with pytest.raises(InputError, match="unknown method"):
        prune(weight, statistics, "obs")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="groups of 5"):
        prune(weight, statistics, "sparsegpt", "2:5")
    with pytest.raises(InputError, match="compares within blocks"):
        prune(weight, statistics, "sparsegpt", 0.5, granularity="row")
    with pytest.raises(InputError, match="damping must"):
        prune(weight, statistics, "sparsegpt", 0.5, damping=0)
    silent = InputStatistics(96, gram=True)
    silent.update(torch.zeros(3, 96))
    with pytest.raises(InputError, match="all calibration inputs are zero"):
        prune(weight, silent, "sparsegpt", 0.5)
    assert prune(weight, silent, "magnitude", 0.5).error == 0
    with pytest.raises(InputError, match="not finite"):
        inverse_root(torch.full((3, 3), float("nan")))
