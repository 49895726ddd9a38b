"""Receptive fields: data, measures (oracle I1), and what IMP does to them (I2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery import Masks, Rounds, find_tickets
from surefoot.sparsity.lottery.receptive.committee import Committee, CommitteeSettings, training
from surefoot.sparsity.lottery.receptive.diagnosis import Diagnosis, diagnose
from surefoot.sparsity.lottery.receptive.measures import (
    cavity,
    excess_kurtosis,
    gaussian_clone,
    locality,
    participation,
    shuffled_locality,
)
from surefoot.sparsity.lottery.receptive.nlgp import Field

torch.set_num_threads(1)


@pytest.mark.parametrize("gaussian", [False, True])
@pytest.mark.parametrize("gain", [1.0, 100.0])
@pytest.mark.parametrize("lengths", [(2.0, 1.0), (6.0, 3.0)])
def test_covariance_is_the_analytic_one(
    gain: float, lengths: tuple[float, float], gaussian: bool
) -> None:
    field = Field(size=12, gain=gain, lengths=lengths, gaussian=gaussian)
    x, classes = field.draw(40_000, 0)
    assert (classes == 0).sum() == (classes == 1).sum() == 20_000
    for c, length in enumerate(field.lengths):
        found = np.cov(x[classes == c].T, bias=True)
        # Four standard errors of a covariance of unit variances.
        assert np.abs(found - field.covariance(length)).max() < 4 * np.sqrt(2 / 20_000)
        assert field.covariance(length)[0, 0] == pytest.approx(1)


def test_the_clone_has_no_kurtosis_within_classes_and_some_without() -> None:
    x, classes = Field(size=20, gaussian=True).draw(40_000, 1)
    weights = np.ones((1, 20))
    h = x @ weights.T
    assert abs(float(excess_kurtosis(h, classes)[0])) < 4 * np.sqrt(24 / 20_000)
    assert float(excess_kurtosis(h)[0]) > 0.3  # two variances, mixed
    edged, classes = Field(size=20).draw(40_000, 1)
    assert float(excess_kurtosis(edged @ np.eye(20)[:1].T, classes)[0]) < -1.5


def test_a_clone_of_given_points_has_their_means_and_covariances() -> None:
    x, classes = Field(size=10).draw(20_000, 2)
    x[classes == 1] += 3
    twin = gaussian_clone(x, classes, seed=1)
    for c in (0, 1):
        assert np.abs(twin[classes == c].mean(0) - x[classes == c].mean(0)).max() < 0.05
        gap = np.cov(twin[classes == c].T) - np.cov(x[classes == c].T)
        assert np.abs(gap).max() < 0.07
    assert np.abs(excess_kurtosis(twin, classes)).max() < 0.2
    few = gaussian_clone(x[:5], seed=1)
    assert np.linalg.matrix_rank(few - few.mean(0)) <= 4


def test_deleting_weights_at_once_is_deleting_them_one_by_one() -> None:
    rng = np.random.default_rng(0)
    x, classes = Field(size=7).draw(400, 3)
    w = rng.normal(size=(3, 7))
    w[1, 2] = 0
    found = cavity(w, x, classes)
    whole = excess_kurtosis(x @ w.T, classes)
    for k in range(3):
        for j in range(7):
            without = w[k].copy()
            without[j] = 0
            wanted = excess_kurtosis((x @ without)[:, None], classes)[0] - whole[k]
            assert found[k, j] == pytest.approx(wanted, abs=1e-10)
    assert found[1, 2] == 0


def test_participation_and_locality_of_known_weights() -> None:
    point, even = np.eye(16)[:1], np.ones((1, 16))
    assert participation(point)[0] == 1
    assert participation(even)[0] == pytest.approx(1 / 16)
    assert locality(point)[0] == pytest.approx(1)
    assert locality(even)[0] == pytest.approx(0, abs=1e-12)
    bump = np.exp(-((np.arange(16) - 8.0) ** 2) / 4)[None]
    assert locality(np.roll(bump, 9, axis=1))[0] == pytest.approx(locality(bump)[0])
    assert locality(bump)[0] > shuffled_locality(bump, times=200).max()
    picture = np.zeros((1, 3, 8, 8))
    picture[0, :, 2, 5] = 1
    assert locality(picture, 2)[0] == pytest.approx(1)
    # Each unit is dealt out by itself, or units would not be independent cases.
    twins = shuffled_locality(np.repeat(bump, 2, axis=0), times=20)
    assert (twins[:, 0] != twins[:, 1]).all()
    stripe = np.zeros((1, 8, 8))
    stripe[0, :, 5] = 1
    assert locality(stripe, 2)[0] == pytest.approx(0.5)


def test_null_of_locality_is_uniform_for_weights_in_no_order() -> None:
    rng = np.random.default_rng(4)
    found = diagnose(rng.normal(size=(400, 20)), 1, times=99)
    shares = [(found.p_values <= q).mean() for q in (0.1, 0.5, 0.9)]
    # Four standard errors of a share of 400.
    assert shares == pytest.approx([0.1, 0.5, 0.9], abs=4 * 0.5 / 20)


def trained(gaussian: bool, folder: Path) -> tuple[Diagnosis, Diagnosis, float]:
    """Trains the same committee dense and as a ticket; also returns the ticket's accuracy."""
    settings = CommitteeSettings(bias=False, steps=700)
    x, classes = Field(gaussian=gaussian).draw(10_000, 0)
    model = Committee(100, settings, 0)
    layers: list[Any] = []

    def train(model: Any, masks: Masks, noted: Any) -> dict[str, float]:
        found: dict[str, float] = training(x, classes, settings, 0)(model, masks, noted)
        layers.append(model.first.weight.detach().numpy().copy())
        return found

    tickets = find_tickets(model, train, Rounds(rounds=6, share=0.3), folder, target="first")
    dense = diagnose(layers[0], 1, x, classes, times=20)
    earlier = layers[-2] * tickets[-2].masks.tensors["first.weight"].numpy()
    last = diagnose(layers[-1], 1, x, classes, times=20, before=earlier)
    return dense, last, tickets[-1].figures["accuracy"]


def test_pruning_makes_fields_local_and_kurtotic_where_data_have_edges(tmp_path: Path) -> None:
    dense, last, accuracy = trained(False, tmp_path / "edges")
    plain, control, _ = trained(True, tmp_path / "clone")
    found, clone = last.summary(), control.summary()
    assert found["sparsity"] == pytest.approx(1 - 0.7**6, abs=0.01)
    assert accuracy > 0.75
    assert found["locality"] > dense.summary()["locality"] + 0.3
    assert found["locality"] > found["shuffled"]
    assert found["kurtosis"] > 0.3
    assert found["kurtosis"] > dense.summary()["kurtosis"]
    assert abs(clone["kurtosis"]) < 0.1
    assert found["cavity"]["kept"] < -0.1
    assert abs(found["cavity"]["pruned"]) < 0.1
    assert abs(clone["cavity"]["kept"]) < 0.03
    assert plain.summary()["locality"] < 0.4


def test_what_cannot_be_diagnosed_is_one_line() -> None:
    weights = np.ones((2, 4))
    for arguments, why in (
        ((np.ones(4), 1), "two axes"),
        ((np.zeros((2, 4)), 1), "all weights"),
        ((weights, 2), "no 2 axes"),
        ((weights, 1, np.ones((9, 5))), "the same size"),
        ((weights, 1, np.full((9, 4), np.nan)), "not finite"),
        ((weights, 1, np.ones((7, 4))), "at least 8 points"),
    ):
        with pytest.raises(InputError, match=why):
            diagnose(*arguments)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="two positions"):
        Field(size=1)
