"""Diagnosis of any model's first layer: which layer, what it sees, what is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.sparsity.lottery.receptive.layers import FirstLayer, candidates, read_first_layer
from surefoot.sparsity.lottery.receptive.measures import excess_kurtosis
from surefoot.sparsity.lottery.receptive.patches import PatchImage, cut, images_in
from surefoot.sparsity.lottery.receptive.running import FieldSettings, look_at, run_diagnosis

torch.set_num_threads(1)


def saved(path: Path, **shapes: tuple[int, ...]) -> Path:
    generator = torch.Generator().manual_seed(0)
    tensors = {k.replace("__", "."): torch.randn(s, generator=generator) for k, s in shapes.items()}
    save_file(tensors, path)
    return path


def edges(folder: Path, count: int = 8, mode: str = "RGB") -> Path:
    """Writes pictures of bright squares on dark ground."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(folder.name))
    for i in range(count):
        pixels = np.full((40, 40), 30, np.uint8)
        for _ in range(6):
            x, y = rng.integers(0, 30, 2)
            pixels[y : y + 9, x : x + 9] = rng.integers(60, 255)
        Image.fromarray(pixels).convert(mode).save(folder / f"{i}.png")
    return folder


def test_the_layer_that_sees_pixels_is_found(tmp_path: Path) -> None:
    model = saved(
        tmp_path / "a.safetensors",
        stem__weight=(4, 3, 5, 5),
        deep__weight=(4, 1, 3, 3),
        head__weight=(2, 48),
    )
    layer = read_first_layer(model)
    assert (layer.name, layer.channels, layer.size, layer.patch) == ("stem.weight", 3, (5, 5), True)
    linear = read_first_layer(model, "head")
    assert linear.weights.shape == (2, 3, 4, 4)
    assert not linear.patch
    assert read_first_layer(model, "head", (1, 6, 8)).weights.shape == (2, 1, 6, 8)
    assert read_first_layer(model, shape=(1, 6, 8)).name == "head.weight"
    frames = saved(tmp_path / "b.safetensors", video__weight=(4, 3, 2, 7, 7))
    assert read_first_layer(frames).weights.shape == (4, 6, 7, 7)
    plain = saved(tmp_path / "c.safetensors", first__weight=(5, 64), bias=(5,), last__weight=(1, 5))
    assert read_first_layer(plain).weights.shape == (5, 1, 8, 8)


def test_one_by_one_convolutions_and_square_blocks_see_no_pixels() -> None:
    shapes: dict[str, tuple[int, ...]] = {
        "point": (8, 3, 1, 1),
        "wide": (8, 64, 3, 3),
        "odd": (4, 7),
        "sound": (4, 1, 9),
        "grey": (8, 1, 3, 3),
        "flat": (4, 9),
        "one": (1, 9),
    }
    assert candidates(shapes) == ((), ("grey",), ("flat",))


@pytest.mark.parametrize(
    ("shapes", "name", "shape", "why"),
    [
        (
            {"a": (4, 3, 3, 3), "b": (4, 3, 5, 5)},
            "",
            None,
            "several layers.*choose one with --layer.* a, b",
        ),
        ({"a": (4, 7)}, "", None, "no layer sees pixels"),
        ({"a": (4, 3, 3, 3)}, "c", None, "no layer is called 'c'; there are a"),
        ({"a": (4, 7)}, "a", None, "do not form a square"),
        ({"a": (4, 9)}, "a", (3, 2, 2), "do not form 3x2x2"),
        ({"a": (9,)}, "a", None, r"has shape \[9\]"),
        ({"x__a": (4, 9), "y__a": (4, 9)}, "a", None, "several layers are called 'a'"),
    ],
)
def test_layers_that_cannot_be_told(
    tmp_path: Path,
    shapes: dict[str, tuple[int, ...]],
    name: str,
    shape: tuple[int, int, int] | None,
    why: str,
) -> None:
    with pytest.raises(InputError, match=why):
        read_first_layer(saved(tmp_path / "m.safetensors", **shapes), name, shape)


def test_weights_that_are_not_finite_or_no_weights(tmp_path: Path) -> None:
    save_file({"a": torch.full((4, 3, 3, 3), torch.nan)}, tmp_path / "m.safetensors")
    with pytest.raises(InputError, match="not finite"):
        read_first_layer(tmp_path / "m.safetensors")
    (tmp_path / "text").write_text("no")
    with pytest.raises(InputError, match="not a file of safetensors"):
        read_first_layer(tmp_path / "text")


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P"])
def test_pictures_of_every_kind_get_three_channels(tmp_path: Path, mode: str) -> None:
    found = list(images_in(edges(tmp_path / "all", 2, mode)))
    assert [p.pixels.shape for p in found] == [(3, 40, 40)] * 2
    assert found[0].kind == ""
    # Bright squares stay bright in every mode; pixels lie in [-1, 1].
    assert -1 <= found[0].pixels.min() < -0.7
    assert found[0].pixels.max() > 0.2


def test_patches_lie_in_their_pictures_and_have_their_classes(tmp_path: Path) -> None:
    edges(tmp_path / "all" / "x", 3)
    edges(tmp_path / "all" / "yy", 2)
    layer = FirstLayer("a", np.ones((2, 1, 5, 4)), True)
    whole = list(images_in(tmp_path / "all"))
    found = cut(whole, layer, 10, 1)
    assert found.points.shape == (50, 1, 5, 4)
    assert found.names == ("x", "yy")
    assert found.classes is not None
    assert list(found.classes) == [0] * 30 + [1] * 20
    grey = np.tensordot((0.299, 0.587, 0.114), whole[4].pixels, axes=1)
    windows = np.lib.stride_tricks.sliding_window_view(grey, (5, 4)).reshape(-1, 20)
    for patch in found.points[40:].reshape(10, 20):
        assert np.abs(windows - patch).max(1).min() < 1e-12
    assert (cut(whole, layer, 10, 1).points == found.points).all()
    assert (cut(whole, layer, 10, 2).points != found.points).any()


def test_a_unit_that_sees_all_sees_the_mean_of_pixels() -> None:
    rng = np.random.default_rng(0)
    pixels = [rng.normal(size=(3, 8, 12)) for _ in range(16)]
    layer = FirstLayer("a", np.ones((2, 3, 4, 6)), False)
    found = cut([PatchImage(p) for p in pixels], layer, 99, 0)
    assert found.points.shape == (16, 3, 4, 6)
    blocks = pixels[3].reshape(3, 4, 2, 6, 2).mean((2, 4))
    assert np.abs(found.points[3] - blocks).max() < 1e-6


@pytest.mark.parametrize(
    ("pictures", "channels", "why"),
    [
        ([np.ones((3, 9, 9))] * 4, 3, "images are constant"),
        ([np.ones((3, 4, 9))], 3, "fewer than the 5 x 5"),
        ([np.full((3, 9, 9), np.inf)], 3, "not finite"),
        ([np.ones((3, 9, 9))], 7, "the layer has 7"),
        ([], 3, "0 patches are too few"),
    ],
)
def test_pictures_that_cannot_be_used(pictures: list[np.ndarray], channels: int, why: str) -> None:
    layer = FirstLayer("a", np.ones((2, channels, 5, 5)), True)
    with pytest.raises(InputError, match=why):
        cut([PatchImage(p) for p in pictures], layer, 20, 0)


def test_sixteen_bits_are_not_cut_to_white(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 400).reshape(20, 20)
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "deep.png")
    (found,) = images_in(tmp_path)
    assert found.pixels.shape == (3, 20, 20)
    assert np.abs(found.pixels[0] - (values / 65535 - 0.5) / 0.5).max() < 1e-4


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        list(images_in(tmp_path / "none"))
    with pytest.raises(InputError, match="no PNG or JPEG"):
        list(images_in(tmp_path))
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(InputError, match="not a readable image"):
        list(images_in(tmp_path))
    (tmp_path / "a.png").unlink()
    Image.new("1", (9000, 8000)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match="too large"):
        list(images_in(tmp_path))


def test_contrast_that_varies_is_told_from_shape() -> None:
    rng = np.random.default_rng(3)
    # Gaussian pictures, each with a contrast of its own: kurtotic, but without any edge.
    pictures = [PatchImage(s * rng.normal(size=(3, 20, 20))) for s in rng.lognormal(0, 0.8, 60)]
    layer = FirstLayer("a", rng.normal(size=(6, 3, 5, 5)), True)
    found = look_at(layer, cut(pictures, layer, 40, 0), FieldSettings(times=19))
    low, high = found["intervals"]["kurtosis"]
    assert found["summary"]["kurtosis"] > 2
    assert low < found["summary"]["kurtosis"] < high
    assert abs(found["summary"]["clone_kurtosis"]) < 0.2
    assert abs(found["even"]["kurtosis"] - found["even"]["clone"]) < 0.2


def test_the_interval_of_kurtosis_is_about_the_figure_itself() -> None:
    rng = np.random.default_rng(5)
    layer = FirstLayer("a", rng.normal(size=(1, 1, 3, 3)), True)
    pictures = [PatchImage(rng.normal(size=(1, 12, 12)) ** 3, "ab"[i % 2]) for i in range(40)]
    patches = cut(pictures, layer, 50, 0)
    found = look_at(layer, patches, FieldSettings(times=19))
    h = patches.points.reshape(len(patches.points), -1) @ layer.weights.reshape(1, -1).T
    own = float(excess_kurtosis(h, patches.classes)[0])
    assert found["summary"]["kurtosis"] == pytest.approx(own)
    low, high = found["intervals"]["kurtosis"]
    assert low < own < high
    assert high - low < own


def test_the_command_writes_a_page_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = saved(tmp_path / "m.safetensors", stem__weight=(6, 3, 5, 5))
    images = edges(tmp_path / "pictures")
    told = [
        "diagnose",
        "receptive-fields",
        str(model),
        "--images",
        str(images),
        "--num-patches",
        "50",
    ]
    first = CliRunner().invoke(app, [*told, "--out", str(tmp_path / "out")])
    assert first.exit_code == 0, first.output
    assert "unpruned units are more local" in first.output
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<img alt") == 6
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["patches"]["count"], summary["patches"]["pictures"]) == (400, 8)
    assert len(summary["units"]) == 6
    # What was found is read, not measured anew ...
    monkeypatch.setattr("surefoot.sparsity.lottery.receptive.running.look_at", None)
    again = CliRunner().invoke(app, [*told, "--out", str(tmp_path / "out")])
    assert again.exit_code == 0
    (images / "0.png").write_bytes((images / "1.png").read_bytes())
    changed = CliRunner().invoke(app, [*told, "--out", str(tmp_path / "out")])
    assert "hashes.pictures" in str(changed.exception)  # ... unless the pictures are others
    other = CliRunner().invoke(app, [*told, "--out", str(tmp_path / "out"), "--seed", "1"])
    assert isinstance(other.exception, InputError)
    assert "another run" in str(other.exception)


def test_a_stopped_diagnosis_leaves_a_folder_to_go_on_with(tmp_path: Path) -> None:
    layer = FirstLayer("a", np.random.default_rng(0).normal(size=(3, 3, 5, 5)), True)
    images = edges(tmp_path / "pictures")

    def stop() -> list[PatchImage]:
        raise KeyboardInterrupt

    more = {"model": "m", "source": "files", "hashes": {}}
    settings = FieldSettings(each=20, times=19)
    with pytest.raises(KeyboardInterrupt):
        run_diagnosis(layer, stop, settings, tmp_path / "out", **more)
    found = run_diagnosis(layer, lambda: images_in(images), settings, tmp_path / "out", **more)
    assert found["summary"]["units"] == 3


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--shape", "3x4"], "not of the form"),
        (["--shape", "3x4x0"], "at least 1"),
        ([], "give --images"),
    ],
)
def test_bad_options_are_one_line(tmp_path: Path, more: list[str], why: str) -> None:
    model = saved(tmp_path / "m.safetensors", stem__weight=(6, 3, 5, 5))
    told = ["diagnose", "receptive-fields", str(model), "--out", str(tmp_path / "out"), *more]
    found = CliRunner().invoke(app, told)
    assert isinstance(found.exception, InputError)
    assert why in str(found.exception)


def test_the_perception_network_is_looked_at_on_scenes_of_its_own(tmp_path: Path) -> None:
    found = CliRunner().invoke(
        app,
        [
            "diagnose",
            "receptive-fields",
            "local-perception",
            "--num-images",
            "4",
            "--num-patches",
            "40",
            "--out",
            str(tmp_path / "out"),
        ],
    )
    assert found.exit_code == 0, found.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["layer"].endswith("embedding_layer_1.convolution.weight")
    assert summary["summary"]["shape"] == [24, 3, 3, 3]
    assert summary["patches"]["pictures"] == 4


def test_units_of_one_weight_and_units_that_see_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    weights = np.zeros((3, 1, 4, 4))
    weights[0, 0, 1, 1] = 1  # its only weight has no cavity
    weights[1, 0, 0, 0] = 2  # sees a pixel that never changes
    pixels = [rng.normal(size=(1, 4, 4)) for _ in range(40)]
    for picture in pixels:
        picture[0, 0, 0] = 0
    layer = FirstLayer("a", weights, False)
    found = run_diagnosis(
        layer,
        lambda: [PatchImage(p) for p in pixels],
        FieldSettings(times=19),
        tmp_path,
        model="m",
        source="drawn",
        hashes={},
    )
    assert found["summary"]["living"] == 2
    assert found["summary"]["cavity"] == {}
    assert [u["kurtosis"] is None for u in found["units"]] == [False, True, True]
    assert np.isfinite(found["summary"]["kurtosis"])
    page = (tmp_path / "report.html").read_text()
    assert "nothing left" in page
    assert "nan" not in page
    blind = FirstLayer("a", weights[1:2], False)
    with pytest.raises(InputError, match="every unit is constant"):
        look_at(blind, cut([PatchImage(p) for p in pixels], blind, 1, 0), FieldSettings(times=19))
