"""Operators against their definitions, and the closed form of several pictures (oracle L1)."""

from __future__ import annotations

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.restoring.operators import (
    Denoise,
    Downsample,
    Gaussian,
    Inpaint,
    InverseProblem,
    observe,
    pool,
)

torch.set_num_threads(1)


def picture(height: int = 12, width: int = 8, channels: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(seed))


def test_noise_has_its_size_and_seed() -> None:
    true = picture(80, 80)
    problem = observe(Denoise(), true, 0.1, seed=3)
    assert float((problem.measured - true).std()) == pytest.approx(0.1, rel=0.03)
    assert torch.equal(problem.measured, observe(Denoise(), true, 0.1, seed=3).measured)
    assert float(problem.residual(true)) == pytest.approx(0.01, rel=0.05)


def test_unknown_pixels_do_not_count() -> None:
    true = picture()
    operator = Inpaint.at_random((12, 8), 0.5, seed=1)
    problem = observe(operator, true)
    wrong = true.clone()
    wrong[:, :, ~operator.known] = 7.0
    assert problem.measured.shape == (1, 3, int(operator.known.sum()))
    assert float(problem.residual(wrong)) == 0
    wrong.requires_grad_()
    problem.residual(wrong + 1).backward()
    assert wrong.grad is not None
    assert bool((wrong.grad[:, :, ~operator.known] == 0).all())
    assert bool((wrong.grad[:, :, operator.known] != 0).all())
    share = float(Inpaint.at_random((200, 200), 0.3, seed=2).known.float().mean())
    assert share == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_scaling_keeps_flat_pictures_and_slow_waves(scale: int) -> None:
    operator = Downsample.to((12, 8), scale)
    flat = torch.full((1, 1, 12 * scale, 8 * scale), 0.3)
    assert operator(flat).shape == (1, 1, 12, 8)
    assert torch.allclose(operator(flat), torch.full((1, 1, 12, 8), 0.3), atol=1e-6)
    # A ramp is exact away from the mirrored border: pixel i holds the value at its centre.
    ramp = torch.arange(12 * scale).float()[None, None, :, None].expand(1, 1, -1, 8 * scale)
    centres = (torch.arange(12) + 0.5) * scale - 0.5
    assert torch.allclose(operator(ramp)[0, 0, 2:-2, 0], centres[2:-2], atol=1e-3)


@pytest.mark.parametrize("scale", [2, 4])
def test_scaling_stops_what_the_small_picture_cannot_hold(scale: int) -> None:
    stripes = (torch.arange(16 * scale) % 2).float()[None, None, :, None].expand(1, 1, -1, 16)
    small = Downsample(scale, (16 * scale, 16))(stripes[:, :, :, : 16 // scale * scale])
    assert float((small[0, 0, 2:-2] - 0.5).abs().max()) < 0.05


def test_scaling_is_the_transpose_of_its_gradient() -> None:
    operator = Downsample(2, (12, 8))
    x = picture().requires_grad_()
    y = torch.rand(1, 3, 6, 4)
    (operator(x) * y).sum().backward()
    z = picture(seed=5)
    assert x.grad is not None
    assert float((x.grad * z).sum()) == pytest.approx(float((operator(z) * y).sum()), rel=1e-4)


def test_random_rows_keep_lengths() -> None:
    true = picture()
    operator = Gaussian(2000, (3, 12, 8), seed=4)
    assert operator(true).shape == (1, 2000)
    assert float(operator(true).norm() / true.norm()) == pytest.approx(1, abs=0.06)
    assert torch.equal(operator.matrix, Gaussian(2000, (3, 12, 8), seed=4).matrix)


def test_held_places_are_apart() -> None:
    true = picture()
    for operator in (
        Denoise(),
        Inpaint.at_random((12, 8), 0.5, 1),
        Downsample(2, (12, 8)),
        Gaussian(40, (3, 12, 8), 0),
    ):
        problem = observe(operator, true, 0.1).hold(0.25, seed=2)
        assert problem.held is not None
        assert problem.held.shape == (problem.measured.shape[2:] or problem.measured.shape[1:])
        assert float(problem.held.float().mean()) == pytest.approx(0.25, abs=0.02)
        squares = (operator(true) - problem.measured) ** 2
        assert torch.allclose(problem.residual(true, held=True), squares[..., problem.held].mean())
        assert torch.allclose(problem.residual(true), squares[..., ~problem.held].mean())
    again = observe(Denoise(), true, 0.1).hold(0.25, seed=2).held
    other = observe(Denoise(), true, 0.1).hold(0.25, seed=3).held
    assert again is not None
    assert other is not None
    assert not torch.equal(again, other)


def test_several_pictures_are_their_mean() -> None:
    operator = Inpaint.at_random((12, 8), 0.6, 1)
    problems = tuple(observe(operator, picture(seed=i)).hold(0.2, 0) for i in range(5))
    x = picture(seed=9).requires_grad_()
    (each,) = torch.autograd.grad(sum(p.residual(x) for p in problems), x)  # type: ignore[arg-type]
    (mean,) = torch.autograd.grad(5 * pool(problems).residual(x), x)
    assert torch.allclose(each, mean, atol=1e-7)
    assert float(each.abs().max()) > 1e-4
    noisy = tuple(observe(Denoise(), picture(40, 40), 0.2, seed=i) for i in range(4))
    one = noisy[0]
    together = pool(tuple(InverseProblem(one.operator, p.measured, p.sigma) for p in noisy))
    assert together.sigma == pytest.approx(0.1)
    assert float((together.measured - picture(40, 40)).std()) == pytest.approx(0.1, rel=0.05)


def test_bad_input_is_one_line() -> None:
    true = picture()
    bad = [
        (lambda: Inpaint(torch.zeros(3, 3)), "has no known pixel"),
        (lambda: Inpaint(torch.zeros(3)), "two axes"),
        (lambda: Inpaint.at_random((3, 3), 0, 0), "between 0 and 1"),
        (lambda: Inpaint(torch.ones(3, 3))(true), "the mask is for 3 x 3"),
        (lambda: Downsample(1, (4, 4)), "must be at least 2"),
        (lambda: Downsample(4, (12, 9)), "no multiple of 4"),
        (lambda: Downsample(2, (8, 8))(true), "8 x 8 pixels"),
        (lambda: Gaussian(0, (1, 2, 2), 0), "at least one"),
        (lambda: Gaussian(2**20, (3, 64, 64), 0), "over 1 GiB"),
        (lambda: Gaussian(5, (1, 2, 2), 0)(true), "rows are for"),
        (lambda: observe(Denoise(), true, -1), "at least 0"),
        (lambda: observe(Denoise(), true, float("nan")), "at least 0"),
        (lambda: observe(Denoise(), true / 0), "not finite"),
        (lambda: observe(Denoise(), true).hold(1, 0), "between 0 and 1"),
        (lambda: observe(Denoise(), true).hold(1e-5, 0), "would be held out"),
        (lambda: observe(Denoise(), true).residual(true, held=True), "nothing is held out"),
        (lambda: pool(()), "no image"),
        (lambda: pool((observe(Denoise(), true), observe(Denoise(), true))), "the same operator"),
    ]
    for act, words in bad:
        with pytest.raises(InputError, match=words) as caught:
            act()
        assert "\n" not in str(caught.value)
