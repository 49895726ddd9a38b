"""Perturbations: identity at zero, worse with severity, repeatable, composable."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.core.seeds import seeds_of, split_of_seed
from surefoot.envs.cameras.camera import CameraPose, Lens, render
from surefoot.envs.perturbations.base import (
    Channels,
    ImagePerturbation,
    RandomSource,
    merge_faults,
)
from surefoot.envs.perturbations.catalogue import PERTURBATIONS, build
from surefoot.envs.perturbations.distractors import add_distractors
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.perturbations.pipeline import SCENARIOS, Pipeline
from surefoot.envs.simulation.client import Simulation

IMAGES = [name for name, kind in PERTURBATIONS.items() if issubclass(kind, ImagePerturbation)]
OTHERS = [name for name in PERTURBATIONS if name not in IMAGES]


def picture(rows: int = 96, columns: int = 128) -> Channels:
    y, x = np.mgrid[0:rows, 0:columns]
    rgb = np.stack([x * 255 // columns, y * 255 // rows, 90 + 60 * ((x // 5 + y // 5) % 2)], axis=2)
    rgb[20:40, 30:60] = (220, 40, 30)
    depth = 0.5 + y / rows
    return Channels(rgb.astype(np.uint8), depth.astype(np.float32), (x // 40).astype(np.int32))


def psnr(a: Channels, b: Channels) -> float:
    error = np.mean((a.rgb.astype(float) - b.rgb) ** 2)
    return 10 * np.log10(255**2 / error) if error else np.inf


def at(name: str, severity: float, seed: int = 5, frame: int = 1) -> Channels:
    part = build({"name": name, "severity": severity})
    assert isinstance(part, ImagePerturbation)
    return part.apply(picture(), RandomSource(seed, "front", frame))


@pytest.mark.parametrize("name", IMAGES)
def test_image_perturbations(name: str) -> None:
    clean = picture()
    for kept, channel in zip(clean, at(name, 0.0), strict=True):
        assert np.array_equal(kept, channel)
    steps = [at(name, s) for s in (0.2, 0.35, 0.5, 0.75, 1.0)]
    quality = [psnr(clean, s) for s in steps]
    assert all(a > b for a, b in pairwise(quality)), quality
    assert quality[0] < 60
    for image in steps:
        assert [c.dtype for c in image] == [c.dtype for c in clean]
        assert [c.shape for c in image] == [c.shape for c in clean]
        if name != "occluders":
            assert np.array_equal(image.depth, clean.depth)
            assert np.array_equal(image.segmentation, clean.segmentation)
    again = at(name, 0.5)
    assert np.array_equal(again.rgb, steps[2].rgb)
    assert np.array_equal(picture().rgb, clean.rgb)  # the input is never written to


@pytest.mark.parametrize("name", ["noise", "motion-blur"])
def test_some_are_new_in_every_frame(name: str) -> None:
    assert not np.array_equal(at(name, 0.5, frame=1).rgb, at(name, 0.5, frame=2).rgb)


@pytest.mark.parametrize("name", ["lens-dirt", "occluders", "colour-shift"])
def test_some_stay_for_an_episode(name: str) -> None:
    assert np.array_equal(at(name, 0.5, frame=1).rgb, at(name, 0.5, frame=2).rgb)
    assert not np.array_equal(at(name, 0.5, seed=5).rgb, at(name, 0.5, seed=6).rgb)


def test_noise_has_the_variance_it_says() -> None:
    flat = Channels(np.full((200, 200, 3), 128, np.uint8), picture().depth, picture().segmentation)
    part = build({"name": "noise", "severity": 0.5})
    assert isinstance(part, ImagePerturbation)
    light = (part.apply(flat, RandomSource(1)).rgb / 255.0) ** 2.2
    expected = (128 / 255) ** 2.2 / 80 + 0.01**2
    assert light.var() == pytest.approx(expected, rel=0.06)


def test_fog_follows_distance() -> None:
    foggy = at("fog", 0.8)
    loss = np.abs(foggy.rgb.astype(float) - picture().rgb).mean(axis=(1, 2))
    white = np.abs(foggy.rgb.astype(float) - 205).mean(axis=(1, 2))
    assert white[-10:].mean() < white[:10].mean()
    assert loss.min() > 0
    near = Pipeline.parse(["fog=0.8:distance=100"]).apply(picture(), RandomSource(0))
    assert psnr(picture(), near) > 30 > psnr(picture(), foggy)


def test_occluders_are_really_there() -> None:
    clean, covered = picture(), at("occluders", 1.0)
    hidden = covered.segmentation == -1
    assert hidden.mean() == pytest.approx(0.45, abs=0.01)
    assert (covered.depth[hidden] < 0.1).all()
    assert np.array_equal(covered.rgb[~hidden], clean.rgb[~hidden])
    less = at("occluders", 0.5).segmentation == -1
    assert (hidden | ~less).all()  # what is hidden stays hidden


def test_order_matters_and_specs_build_the_same_again() -> None:
    first = Pipeline.parse(["defocus=0.5", "noise=0.5"])
    second = Pipeline.parse(["noise=0.5", "defocus=0.5"])
    draws = RandomSource(3)
    a, b = first.apply(picture(), draws), second.apply(picture(), draws)
    by_hand = second.parts[1].apply(second.parts[0].apply(picture(), draws), draws)  # type: ignore[attr-defined]
    assert np.array_equal(b.rgb, by_hand.rgb)
    assert psnr(picture(), b) > psnr(picture(), a)  # blur removes noise, noise stays on blur
    again = Pipeline.build(first.specs())
    assert again == first
    assert np.array_equal(again.apply(picture(), draws).rgb, a.rgb)


def test_everything_reaches_the_faults() -> None:
    texts = ["fog=0.3", "grasp-slip=0.5", "grasp-slip=0.5", "friction=1", "delay=1"]
    texts += ["position-noise=0.5", "position-noise=0.5", "distractors"]
    faults = Pipeline.parse(texts).faults()
    assert faults.grasp_slip == pytest.approx(0.75)
    assert faults.position_noise == pytest.approx(0.01 * 2**0.5)
    assert faults.friction == pytest.approx(0.5)
    assert (faults.delay_frames, faults.distractors) == (10, 4)
    assert [spec["name"] for spec in faults.images] == ["fog"]
    for name in PERTURBATIONS:
        assert Pipeline.parse([f"{name}=0"]).faults() == Faults(), name
        assert Pipeline.parse([f"{name}=0.8"]).faults() != Faults(), name
    assert merge_faults(Faults(friction=0.5), [{"friction": 0.5}]).friction == 0.25


def test_scenarios_and_bad_input(tmp_path: Path) -> None:
    for name in SCENARIOS:
        assert Pipeline.scenario(name) == Pipeline.parse([name])
        assert Pipeline.scenario(name, 0.0).faults() == Faults()
        half = [p.severity for p in Pipeline.parse([f"{name}=0.5"]).parts]
        assert half == pytest.approx([p.severity / 2 for p in Pipeline.scenario(name).parts])
    assert set(SCENARIOS).isdisjoint(PERTURBATIONS)
    for text, words in {
        "snow": "unknown perturbation 'snow'; known: camera-pose, .*scenarios dusk",
        "fog=2": "severity: must be at most 1",
        "fog=x": "severity: must be a number",
        "fog=0.2:colour=1": "colour: is not known",
        "fog=0.2:colour": "ARGUMENT=VALUE",
        "dusk=7": r"strength must lie in \[0, 1\]",
    }.items():
        with pytest.raises(InputError, match=words):
            Pipeline.parse([text])
    path = tmp_path / "p.yaml"
    path.write_text("perturbations:\n- {name: fog, severity: 0.3}\n- {name: jpeg}\n")
    assert Pipeline.read(path) == Pipeline.parse(["fog=0.3", "jpeg"])
    path.write_text("perturbations: [fog]")
    with pytest.raises(InputError, match=r"p\.yaml: expected 'perturbations:'"):
        Pipeline.read(path)


def test_splits_are_disjoint() -> None:
    found = {split: seeds_of(split, 200, start=1000) for split in ("train", "calibration", "test")}
    for split, seeds in found.items():
        assert len(set(seeds)) == 200
        assert min(seeds) >= 1000
        assert {split_of_seed(s) for s in seeds} == {split}
    with pytest.raises(InputError, match="no split 'dev'; there are train"):
        seeds_of("dev", 3)


def test_distractors_lie_free_and_still() -> None:
    hashes = set()
    for seed in (1, 1, 2):
        with Simulation() as simulation:
            api = simulation.api
            floor = api.createCollisionShape(api.GEOM_BOX, halfExtents=[1, 1, 0.05])
            table = api.createMultiBody(0, floor, -1, (0, 0, -0.05))
            block = api.createCollisionShape(api.GEOM_BOX, halfExtents=[0.1] * 3)
            api.createMultiBody(1, block, -1, (0, 0, 0.1))
            area = (-0.3, 0.3, -0.3, 0.3)
            made = add_distractors(simulation, 6, seed, area)
            assert list(made.values()) == [f"distractor-{i}" for i in range(1, len(made) + 1)]
            assert len(made) >= 4
            simulation.step(60)
            for body in made:
                touched = {c[2] for c in api.getContactPoints(body)}
                assert touched == {table}
                assert max(map(abs, api.getBaseVelocity(body)[0])) < 0.02
            frame = render(api, CameraPose((0, 0.01, 1.5), (0, 0, 0)), Lens(64, 64))
            assert set(made) <= set(np.unique(frame.segmentation))
            hashes.add(simulation.state_hash())
            assert add_distractors(simulation, 3, seed, (-0.02, 0.02, -0.02, 0.02)) == {}
    assert len(hashes) == 2
