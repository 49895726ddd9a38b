"""PSNR and SSIM by their closed forms; filters and interpolation by theirs."""

from __future__ import annotations

from math import inf, log10
from typing import Any

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.restoring.fidelity import psnr, ssim
from surefoot.sparsity.lottery.restoring.peers import (
    enlarge,
    estimate_sigma,
    fill,
    median,
    non_local_means,
)


def picture(size: int = 32, seed: int = 0) -> Any:
    y, x = np.mgrid[:size, :size] / size
    return np.stack([x, 0.5 + 0.4 * np.sin(9 * y), (x + y > 1) * 0.8])


def test_psnr() -> None:
    a = picture()
    assert psnr(a, a) == inf
    assert psnr(a + 0.1, a) == pytest.approx(20)
    b = a.copy()
    b[0, 0, 0] += 0.5
    assert psnr(b, a) == pytest.approx(10 * log10(a.size / 0.25))
    with pytest.raises(InputError, match="cannot be compared"):
        psnr(a, a[:, 1:])


def test_ssim() -> None:
    a = picture()
    assert ssim(a, a) == pytest.approx(1)
    # Flat pictures leave only the term of the means.
    x, y = np.full((1, 20, 20), 0.3), np.full((1, 20, 20), 0.6)
    assert ssim(x, y) == pytest.approx((2 * 0.18 + 1e-4) / (0.09 + 0.36 + 1e-4))
    noisy = a + np.random.default_rng(0).normal(0, 0.1, a.shape)
    assert 0 < ssim(noisy, a) < 0.9
    assert ssim(noisy, a) == pytest.approx(_by_hand(noisy, a))
    with pytest.raises(InputError, match="11 pixels"):
        ssim(a[:, :10], a[:, :10])


def _by_hand(a: Any, b: Any) -> float:
    """The definition, window by window."""
    steps = np.arange(-5, 6)
    line = np.exp(-(steps**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = []
    for channel in range(a.shape[0]):
        for i in range(5, a.shape[1] - 5):
            for j in range(5, a.shape[2] - 5):
                p, q = (x[channel, i - 5 : i + 6, j - 5 : j + 6] for x in (a, b))
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                joint = (window * (p - mp) * (q - mq)).sum()
                found.append(
                    (2 * mp * mq + 1e-4)
                    * (2 * joint + 9e-4)
                    / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4))
                )
    return float(np.mean(found))


def test_the_median_takes_single_pixels_away() -> None:
    flat = np.full((1, 9, 9), 0.4)
    spoiled = flat.copy()
    spoiled[0, 4, 4] = 1
    assert np.array_equal(median(spoiled), flat)
    with pytest.raises(InputError, match="odd"):
        median(flat, 2)


def test_non_local_means() -> None:
    flat = np.full((3, 16, 16), 0.4)
    assert np.allclose(non_local_means(flat, 0.1), flat)
    a = picture(48)
    noisy = a + np.random.default_rng(0).normal(0, 0.1, a.shape)
    assert psnr(non_local_means(noisy, 0.1), a) > psnr(noisy, a) + 5
    # Against the definition at one pixel.
    found = non_local_means(noisy, 0.1, patch=3, search=5)
    total, weights = np.zeros(3), 0.0
    for i in range(18, 23):
        for j in range(18, 23):
            p, q = noisy[:, i - 1 : i + 2, j - 1 : j + 2], noisy[:, 19:22, 19:22]
            weight = np.exp(-max(float(((p - q) ** 2).mean()) - 0.02, 0) / 0.08**2)
            total, weights = total + weight * noisy[:, i, j], weights + weight
    assert np.allclose(found[:, 20, 20], total / weights)
    with pytest.raises(InputError, match="above zero"):
        non_local_means(a, 0)
    with pytest.raises(InputError, match="odd"):
        non_local_means(a, 0.1, patch=4)


def test_interpolation() -> None:
    y, x = np.mgrid[:12, :10]
    plane = ((x + 2 * y) / 40)[None]
    known = np.random.default_rng(1).random((12, 10)) < 0.5
    known[0, 0] = known[0, -1] = known[-1, 0] = known[-1, -1] = True
    spoiled = np.where(known, plane, 9.0)
    assert np.allclose(fill(spoiled, known), plane)
    one = np.zeros((12, 10), bool)
    one[3, 3] = True
    assert np.allclose(fill(plane, one), plane[0, 3, 3])
    one[3, :] = True
    assert np.allclose(fill(plane, one), np.broadcast_to(plane[:, 3:4], plane.shape))
    assert np.array_equal(fill(plane, np.ones((12, 10), bool)), plane)
    with pytest.raises(InputError, match="no pixel"):
        fill(plane, np.zeros((12, 10), bool))


@pytest.mark.parametrize("how", ["bicubic", "lanczos"])
def test_enlarging_keeps_flat_pictures(how: Any) -> None:
    assert np.allclose(enlarge(np.full((3, 5, 4), 0.7), 4, how), np.full((3, 20, 16), 0.7))
    steps = enlarge(picture(8), 2, how)
    assert 0 <= steps.min() <= steps.max() <= 1


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_the_noise_is_estimated_also_where_black_cuts_it_off(sigma: float) -> None:
    noise = np.random.default_rng(0).normal(0, sigma, (3, 96, 96))
    noisy = picture(96) + noise
    assert estimate_sigma(noisy) == pytest.approx(sigma, rel=0.1)
    assert estimate_sigma(np.clip(noisy, 0, 1)) == pytest.approx(sigma, rel=0.15)
    assert estimate_sigma(np.zeros((1, 4, 4))) == 0
    with pytest.raises(InputError, match="one pixel wide"):
        estimate_sigma(np.zeros((1, 4, 1)))
