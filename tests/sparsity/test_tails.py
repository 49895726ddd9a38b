"""Exponents of spectra whose exponents are known, and against a fit written out in full."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from surefoot.core.errors import InputError
from surefoot.sparsity.pruning.metrics import alpha_metrics, outlier_percentage, owl_scores
from surefoot.sparsity.pruning.tails import (
    METHODS,
    FitMethod,
    TailFit,
    common_window,
    tail_exponent,
)

torch.set_num_threads(1)

Floats = NDArray[np.float64]


def pareto(alpha: float, n: int, seed: int) -> Floats:
    """Singular values whose squares have the density λ^-alpha from 1 on."""
    eigenvalues = np.random.default_rng(seed).uniform(size=n) ** (-1 / (alpha - 1))
    return np.sqrt(eigenvalues)


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def released(singular: Floats) -> tuple[float, float]:
    """``peak`` with ``log10-compat``, a candidate at a time; returns alpha and x_min."""
    values = np.sort(singular**2)
    values = values[values > 1e-5]
    counts, edges = np.histogram(np.log10(values), 100)
    peak = 10 ** edges[counts.argmax()]
    best = (np.inf, 0.0, 0.0)
    for i, x_min in enumerate(values[:-1]):
        if x_min < np.log10(0.95 * peak) or x_min > 1.5 * peak:
            continue
        tail = values[i:]
        alpha = 1 + len(tail) / np.log(tail / x_min).sum()
        fitted = 1 - (tail / x_min) ** (1 - alpha)
        best = min(best, (np.abs(fitted - np.arange(len(tail)) / len(tail)).max(), alpha, x_min))
    return best[1], best[2]


def corrected(singular: Floats) -> tuple[float, float, float]:
    """``peak`` with the corrected bound by scipy; returns alpha, x_min and the distance."""
    values = np.sort(singular**2)
    counts, edges = np.histogram(np.log10(values), 100)
    peak = 10 ** edges[counts.argmax()]
    best = (np.inf, 0.0, 0.0)
    for x_min in values[:-1][(values[:-1] >= 0.95 * peak) & (values[:-1] <= 1.5 * peak)]:
        tail = values[values >= x_min]
        alpha = 1 + len(tail) / np.log(tail / x_min).sum()
        distance = stats.kstest(tail, stats.pareto(alpha - 1, scale=x_min).cdf).statistic
        best = min(best, (distance, alpha, x_min))
    return best[1], best[2], best[0]


@pytest.mark.parametrize("alpha", [2.0, 3.0, 5.0])
def test_hill_finds_the_exponent_of_a_pareto(alpha: float) -> None:
    fits = [tail_exponent(pareto(alpha, 4096, seed), "mid") for seed in range(20)]
    error = (alpha - 1) / np.sqrt(2048)
    assert {fit.n for fit in fits} == {2048}
    for fit in fits:
        assert abs(fit.alpha - alpha) < 4 * error
        assert fit.ks < 1.63 / np.sqrt(2048)  # of a true law, at the 1 % level
    assert abs(np.mean([fit.alpha for fit in fits]) - alpha) < 4 * error / np.sqrt(20)


@pytest.mark.parametrize("method", METHODS)
def test_neither_scale_nor_order_nor_transposition_matter(method: FitMethod) -> None:
    values = pareto(2.5, 500, 3)
    fit = tail_exponent(values, method)
    for scale in (1e-4, 1e3):
        scaled = tail_exponent(values[::-1] * scale, method)
        assert scaled.alpha == pytest.approx(fit.alpha)
        assert (scaled.n, scaled.ks) == (fit.n, pytest.approx(fit.ks))
    weight = gaussian(40, 60)
    found = [tail_exponent(w, method).alpha for w in (weight, weight.T.contiguous())]
    found.append(tail_exponent(torch.linalg.svdvals(weight), method).alpha)
    assert found == pytest.approx([found[0]] * 3, rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_peak_is_the_fit_of_scipy_over_all_candidates(seed: int) -> None:
    spectra = [pareto(2 + seed / 2, 150, seed), gaussian(96, 64 + 16 * seed).svd().S.numpy()]
    for spectrum in spectra:
        fit = tail_exponent(spectrum, "peak")
        alpha, x_min, distance = corrected(spectrum.astype(np.float64))
        assert (fit.alpha, fit.x_min) == pytest.approx((alpha, x_min))
        assert fit.ks == pytest.approx(distance)


def test_compat_is_the_released_fit_and_the_correction_matters() -> None:
    differ = 0
    for seed in range(12):
        spectrum = pareto(1.5 + seed / 6, 200, seed)
        fit = tail_exponent(spectrum, "peak", "log10-compat")
        assert (fit.alpha, fit.x_min) == pytest.approx(released(spectrum))
        differ += abs(tail_exponent(spectrum, "peak").alpha - fit.alpha) > 1e-3
    assert differ >= 3


def test_fixed_finger_begins_at_the_peak() -> None:
    spectrum = pareto(3.0, 300, 1)
    fit = tail_exponent(spectrum, "fixed-finger")
    values = np.sort(spectrum**2)
    counts, edges = np.histogram(np.log10(values), 100)
    peak = 10 ** edges[counts.argmax()]
    assert fit.x_min == pytest.approx(values[values >= peak * (1 - 1e-12)][0])
    assert fit.n == (values >= fit.x_min * (1 - 1e-12)).sum()


def test_a_low_rank_matrix_is_fitted_without_its_zeros() -> None:
    low = gaussian(64, 20) @ gaussian(20, 64, seed=1)
    assert tail_exponent(low, "mid").n == 10
    tiny = low * 1e-5
    assert tail_exponent(tiny, "mid").n == 10  # the released 1e-5 would take them all for zeros
    with pytest.raises(InputError, match="no tail"):
        tail_exponent(tiny * 1e-2, "mid", "log10-compat")


def test_windows_take_the_shape_out_of_the_exponent() -> None:
    shapes = [(64, 64), (64, 128), (64, 256)]
    matrices = [gaussian(*shape, seed=i) for i, shape in enumerate(shapes)]
    bare = [tail_exponent(w, "mid").alpha for w in matrices]
    window = common_window(shapes)
    assert window == (64, 64)
    same = [tail_exponent(w, "mid", window=window).alpha for w in matrices]
    assert max(bare) - min(bare) > 1
    assert max(same) - min(same) < 0.2
    assert same[0] == bare[0]


def test_windows_cover_the_matrix() -> None:
    weight = torch.zeros(10, 7)
    weight[9, 6] = 5.0
    weight[:, 0] = torch.arange(1, 11)
    singular = [
        torch.linalg.svdvals(weight[top : top + 4, left : left + 4])
        for top in (0, 3, 6)
        for left in (0, 3)
    ]
    weight += 0.01 * gaussian(10, 7)
    fit = tail_exponent(weight, "mid", window=4)
    assert fit.n == 12  # half of 3 x 2 windows of 4 values
    assert max(float(s.max()) for s in singular) == pytest.approx(
        float(weight[6:, :4].norm()), rel=0.01
    )
    with pytest.raises(InputError, match="does not fit"):
        tail_exponent(weight, window=8)
    with pytest.raises(InputError, match="cut from a matrix"):
        tail_exponent(torch.arange(20.0), window=4)


@pytest.mark.parametrize(
    "bad", [torch.eye(32), torch.zeros(32, 32), torch.ones(32, 32), torch.ones(5) / 0, gaussian(5)]
)
def test_a_spectrum_without_a_tail_is_said(bad: torch.Tensor) -> None:
    for method in METHODS:
        with pytest.raises(InputError):
            tail_exponent(bad, method)


def test_unknown_fits_are_said() -> None:
    with pytest.raises(InputError, match="take one of peak"):
        tail_exponent(gaussian(20), "median")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not empty"):
        tail_exponent(torch.ones(2, 3, 4))


def test_metrics_by_matrix_block_and_between() -> None:
    fits = [TailFit(alpha, 1.0, 0.1, 9) for alpha in (2.0, 4.0, 3.0, 9.0)]
    blocks = ["a", "a", "b", "b"]
    assert alpha_metrics(fits, blocks, "matrix") == (2, 4, 3, 9)
    assert alpha_metrics(fits, blocks) == (3, 3, 6, 6)
    assert alpha_metrics([2.0, 4.0, 3.0, 9.0], blocks, "mixed") == (2.5, 3.5, 4.5, 7.5)
    with pytest.raises(InputError):
        alpha_metrics(fits, ["a"])
    with pytest.raises(InputError):
        alpha_metrics(fits, blocks, "layer")  # type: ignore[arg-type]


def test_outliers_are_counted_over_the_block() -> None:
    calm, wild = torch.ones(4, 10), torch.ones(4, 5)
    wild[0, 0] = -300.0
    norms = [torch.ones(10), torch.ones(5)]
    assert outlier_percentage([calm], norms[:1]) == 0
    assert outlier_percentage([wild], norms[1:]) == 5  # 1 of 20, in percent
    assert outlier_percentage([calm, wild], norms) == pytest.approx(100 / 60)
    wild[0, 0] = 5.2  # more than 5 times the mean of the first, not of all
    assert outlier_percentage([calm, wild], norms) == 0
    wild[0, 0] = -300.0
    # An input channel that is loud makes outliers of its whole column.
    assert outlier_percentage([calm], [torch.tensor([100.0] + [1.0] * 9)]) == 10
    assert outlier_percentage([calm], [torch.tensor([100.0] + [1.0] * 9)], multiple=10) == 0
    shares = owl_scores([calm, wild, calm], [*norms, norms[0]], [0, 0, 1])
    assert shares == (pytest.approx(100 / 60), pytest.approx(100 / 60), 0)
    with pytest.raises(InputError, match="one per column"):
        outlier_percentage([calm], norms[1:])
    with pytest.raises(InputError):
        owl_scores([calm], norms, [0])
