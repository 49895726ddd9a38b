"""Fits: zeros that stay, rules of stopping, resumption to the bit, clear errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.lottery import Masks
from surefoot.sparsity.lottery.criteria import one_shot
from surefoot.sparsity.lottery.restoring.fidelity import psnr
from surefoot.sparsity.lottery.restoring.fitting import STATE_NAME, FitSettings, fit
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings, Prior, make_network
from surefoot.sparsity.lottery.restoring.operators import Denoise, InverseProblem, observe
from surefoot.sparsity.lottery.restoring.stopping import FitPoint, StopTracker, chosen_stop

torch.set_num_threads(1)

SETTINGS = FitSettings(steps=60, every=5, smoothing=0.9)


def truth(size: int = 20) -> torch.Tensor:
    y, x = np.mgrid[:size, :size] / size
    values = np.stack([x, 0.5 + 0.4 * np.sin(6 * y), (x + y > 1) * 0.8])
    return torch.tensor(values[None], dtype=torch.float32)


def network(seed: int = 0) -> Prior:
    return make_network((20, 20), 3, NetworkSettings(width=8, depth=2, code=8), seed)


def problem(sigma: float = 0.1) -> InverseProblem:
    return observe(Denoise(), truth(), sigma, seed=1).hold(0.1, seed=2)


def test_masked_weights_are_zero_after_every_step() -> None:
    net = network()
    masks = one_shot(net, Masks.full(net), 0.6)
    seen = 0

    def look(step: int, fitted: torch.nn.Module) -> None:
        nonlocal seen
        seen += 1
        for name, weight in masks.parameters(fitted).items():
            assert bool((weight[~masks.tensors[name]] == 0).all()), step

    fit(net, problem(), SETTINGS, masks=masks, on_step=look)
    assert seen == 60
    assert any(bool((p[masks.tensors[n]] != 0).all()) for n, p in masks.parameters(net).items())


def test_the_curve_and_each_stop() -> None:
    found = fit(
        network(), problem(), FitSettings(steps=400, every=10, smoothing=0.9), truth=truth()
    )
    steps = [p.step for p in found.curve]
    assert steps == list(range(10, 401, 10))
    stops = found.stops
    assert stops["last"].step == 400
    best = max(found.curve, key=lambda p: p.psnr or 0)
    assert (stops["oracle"].step, stops["oracle"].psnr) == (best.step, best.psnr)
    assert stops["oracle"].psnr == pytest.approx(
        psnr(stops["oracle"].picture.numpy(), truth().numpy())
    )
    assert stops["held-out"].step == min(found.curve, key=lambda p: p.held or 9).step
    first = next(p for p in found.curve if p.residual <= 0.1**2)
    assert stops["discrepancy"].step == first.step
    assert float(problem().residual(stops["discrepancy"].picture)) == pytest.approx(first.residual)
    assert best.psnr is not None
    assert best.psnr > psnr(problem().measured.numpy(), truth().numpy()) + 2
    assert 0 < stops["discrepancy"].seconds <= stops["last"].seconds <= found.seconds


def test_without_jitter_and_smoothing_the_picture_is_the_networks() -> None:
    net = network()
    found = fit(net, problem(), FitSettings(steps=20, every=10, smoothing=0, jitter=0))
    assert torch.equal(found.stops["last"].picture, net().detach())


def test_the_mean_of_pictures_is_as_bright_as_they_are() -> None:
    plain = FitSettings(steps=1, every=1, jitter=0)
    first = network()().detach()
    for smoothing in (0.5, 0.99):
        found = fit(network(), problem(), plain.model_copy(update={"smoothing": smoothing}))
        assert torch.allclose(found.stops["last"].picture, first, atol=1e-6)
    longer = FitSettings(steps=3, every=1, jitter=0, smoothing=0.9)
    pictures: list[torch.Tensor] = [first]
    found = fit(
        network(), problem(), longer, on_step=lambda step, net: pictures.append(net().detach())
    )
    weights = torch.tensor([0.81, 0.9, 1.0])
    mean = sum(w * p for w, p in zip(weights, pictures, strict=False)) / weights.sum()
    assert torch.allclose(found.stops["last"].picture, mean, atol=1e-5)


def test_a_stopped_fit_goes_on_to_the_bit(tmp_path: Path) -> None:
    net = network()
    masks = one_shot(net, Masks.full(net), 0.5)
    whole = fit(net, problem(), SETTINGS, masks=masks, truth=truth())

    def breaking(step: int, _: Any) -> None:
        if step == 33:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(
            network(),
            problem(),
            SETTINGS,
            masks=masks,
            truth=truth(),
            folder=tmp_path,
            on_step=breaking,
            save_s=0,
        )
    done: list[int] = []
    again = network()
    found = fit(
        again,
        problem(),
        SETTINGS,
        masks=masks,
        truth=truth(),
        folder=tmp_path,
        on_step=lambda step, _: done.append(step),
    )
    assert done == list(range(31, 61))
    assert found.curve == whole.curve
    for rule, stop in whole.stops.items():
        assert torch.equal(stop.picture, found.stops[rule].picture)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    assert (
        fit(network(), problem(), SETTINGS, masks=masks, truth=truth(), folder=tmp_path).curve
        == whole.curve
    )
    with pytest.raises(InputError, match="holds another fit"):
        fit(network(1), problem(), SETTINGS, masks=masks, folder=tmp_path)
    (tmp_path / STATE_NAME).write_bytes(b"broken")
    with pytest.raises(InputError, match="not the state of a fit"):
        fit(network(), problem(), SETTINGS, masks=masks, folder=tmp_path)


def test_patience_ends_a_fit() -> None:
    patient = FitSettings(steps=2000, every=5, smoothing=0, rate=0.02, patience=40)
    found = fit(network(), problem(0.3), patient)
    assert found.curve[-1].step < 2000
    assert found.curve[-1].step - found.stops["held-out"].step >= 40


def test_a_loss_that_is_not_finite_is_one_line() -> None:
    @torch.no_grad()
    def spoil(step: int, fitted: torch.nn.Module) -> None:
        if step == 4:
            next(fitted.parameters()).fill_(float("nan"))

    with pytest.raises(InputError, match="not finite at step 5; lower the rate"):
        fit(network(), problem(), FitSettings(steps=9), on_step=spoil)


def test_rules_that_cannot_be_followed() -> None:
    stops = StopTracker(0.0)
    picture = torch.zeros(1, 1, 2, 2)
    stops.update(FitPoint(5, 0.1, 0.0), picture, 1.0)
    stops.update(FitPoint(10, 0.1, 0.0), picture + 1, 2.0)
    assert set(stops.found) == {"last"}
    assert chosen_stop(stops.found, "discrepancy").step == 10
    with pytest.raises(InputError, match="true image"):
        chosen_stop(stops.found, "oracle")
    with pytest.raises(InputError, match="nothing was held out"):
        chosen_stop(stops.found, "held-out")


def test_each_network_is_fitted_with_the_jitter_of_its_paper() -> None:
    decoder = NetworkSettings(kind="decoder", width=8, depth=2)
    pictures = [
        fit(make_network((20, 20), 3, decoder, 0), problem(), FitSettings(steps=5, jitter=jitter))
        .stops["last"]
        .picture
        for jitter in (None, 0, 0.1)
    ]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])
    skip = [
        fit(network(), problem(), FitSettings(steps=5, jitter=jitter)).stops["last"].picture
        for jitter in (None, 1 / 30, 0)
    ]
    assert torch.equal(skip[0], skip[1])
    assert not torch.equal(skip[0], skip[2])
