"""Subspaces: bases, likeness, intervals; averages in 8 bits."""

from __future__ import annotations

import pytest
import torch

from surefoot.sparsity.training.moments import QuantizedMoment, dynamic_values, moment_nbytes
from surefoot.sparsity.training.subspace import (
    aligned,
    basis_of,
    cosine,
    next_interval,
    overlap,
    project,
    project_back,
)

torch.set_num_threads(1)
torch.manual_seed(0)
TALL, WIDE = torch.randn(40, 24), torch.randn(24, 40)


@pytest.mark.parametrize("gradient", [TALL, WIDE, TALL[:24]])
def test_bases_are_the_leading_singular_vectors_of_the_shorter_side(
    gradient: torch.Tensor,
) -> None:
    left, values, right = torch.linalg.svd(gradient.double(), full_matrices=False)
    wanted = (right[:6].T if gradient.shape[0] >= gradient.shape[1] else left[:, :6]).float()
    basis = basis_of(gradient, 6)
    assert torch.allclose(basis.T @ basis, torch.eye(6), atol=1e-5)
    assert torch.allclose((basis * wanted).sum(0).abs(), torch.ones(6), atol=1e-4)
    low = project(gradient, basis)
    assert min(low.shape) == 6
    assert float(low.norm()) == pytest.approx(float(values[:6].norm()), rel=1e-5)
    full = project_back(low, basis, tuple(gradient.shape))
    rest = float((gradient - full).norm())
    assert rest == pytest.approx(float(values[6:].norm()), rel=1e-4)  # Eckart and Young


def test_the_overlap_does_not_know_signs_and_the_cosine_does() -> None:
    basis = basis_of(TALL, 6)
    flipped = basis * torch.tensor([-1.0, 1, 1, -1, 1, -1])
    assert overlap(basis, flipped) == pytest.approx(1.0, abs=1e-5)
    assert cosine(basis, basis) == pytest.approx(1.0, abs=1e-5)
    assert cosine(basis, flipped) == pytest.approx(-1.0, abs=1e-5)
    other = basis_of(torch.randn(40, 24), 6)
    assert overlap(basis, other) == pytest.approx(overlap(flipped, other), rel=1e-5)
    assert torch.equal(aligned(flipped, basis), basis)


def test_overlaps_of_independent_subspaces_are_their_share_of_the_room() -> None:
    found = [
        overlap(basis_of(torch.randn(60, 24), 6), basis_of(torch.randn(60, 24), 6))
        for _ in range(100)
    ]
    assert sum(found) / 100 == pytest.approx(6 / 24, abs=0.02)
    orthogonal = torch.eye(8)
    assert overlap(orthogonal[:, :4], orthogonal[:, 4:]) == 0.0


def test_the_interval_doubles_when_a_full_queue_is_alike() -> None:
    history: list[float] = []
    found, interval = [], 10
    for measure in (0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.9):
        interval = next_interval(interval, history, measure, 0.4, 5)
        found.append(interval)
    # means of five: .74, .58, .42 double it, .42 as well
    assert found == [10, 10, 10, 10, 20, 40, 80, 160]
    assert len(history) == 5
    assert next_interval(10, [], 1.0, 0.4, 0) == 10
    assert next_interval(10, [0.3] * 5, 0.3, 0.4, 5) == 10


@pytest.mark.parametrize("signed", [True, False])
def test_there_are_256_different_values_up_to_one(signed: bool) -> None:
    values = dynamic_values(signed)
    assert len(set(values)) == 256
    assert max(values) == 1.0
    assert 0.0 in values
    positive = [v for v in values if v > 0]
    assert min(positive) < 1e-6
    assert (min(values) < -0.9) == signed


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("numel", [5000, 4096, 100])
def test_averages_are_written_to_the_nearest_value(signed: bool, numel: int) -> None:
    wanted = torch.randn(numel) * torch.logspace(-3, 0, numel)
    wanted = wanted if signed else wanted.abs()
    moment = QuantizedMoment.zeros(numel, signed, 8, torch.device("cpu"))
    assert torch.equal(moment.read(0, numel), torch.zeros(numel))
    moment.write(0, numel, wanted.clone())
    assert moment.nbytes == moment_nbytes(numel, 8) == numel + 4 * -(-numel // 256)
    found = moment.read(0, numel)
    values = torch.tensor(dynamic_values(signed))
    for start in range(0, numel, 256):
        part, read = wanted[start : start + 256], found[start : start + 256]
        top = part.abs().max()
        best = (part[:, None] / top - values).abs().min(1).values * top
        # Looked up by the nearest bfloat16, so the value may be one beyond the nearest.
        assert bool(((read - part).abs() <= best + part.abs() * 2**-7 + 1e-12).all())
    assert torch.equal(moment.read(0, 256), found[:256])


def test_an_average_of_zeros_stays_zero_and_32_bits_are_exact() -> None:
    moment = QuantizedMoment.zeros(300, True, 8, torch.device("cpu"))
    moment.write(0, 300, torch.zeros(300))
    assert torch.equal(moment.read(0, 300), torch.zeros(300))
    exact, values = QuantizedMoment.zeros(300, True, 32, torch.device("cpu")), torch.randn(300)
    exact.write(0, 300, values.clone())
    assert torch.equal(exact.read(0, 300), values)
    assert exact.nbytes == moment_nbytes(300, 32) == 1200
