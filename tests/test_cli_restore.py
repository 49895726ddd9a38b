"""``surefoot restore``: kinds of pictures, bad input, resumption, the page."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.sparsity.lottery.restoring.files import ImageFile, read_image
from surefoot.sparsity.lottery.restoring.memory import bytes_for, free_bytes
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings
from surefoot.sparsity.lottery.restoring.running import restore as restore_picture
from surefoot.sparsity.lottery.restoring.settings import Inputs, RestoreSettings

torch.set_num_threads(1)

RUNNER = CliRunner()
SMALL = ("--steps", "30", "--set", "width=8", "--set", "depth=2", "--set", "search_steps=10")


def run(*arguments: Any) -> tuple[int, str]:
    result = RUNNER.invoke(app, ["restore", *map(str, arguments)])
    return result.exit_code, result.output + str(result.exception or "")


def scene(height: int = 21, width: int = 17) -> Any:
    y, x = np.mgrid[:height, :width] / height
    return np.stack([x, 0.5 + 0.4 * np.sin(6 * y), (x + y > 1) * 0.8])


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    path = tmp_path / "noisy.png"
    values = scene() + np.random.default_rng(0).normal(0, 0.1, (3, 21, 17))
    ImageFile(values).write(path)
    ImageFile(scene()).write(tmp_path / "truth.png")
    return path


def test_noise_goes_and_the_page_says_how_it_was_stopped(noisy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, output = run(
        noisy,
        "--task",
        "denoise",
        "--out",
        out,
        "--truth",
        tmp_path / "truth.png",
        "--sparsity",
        0.5,
        *SMALL,
    )
    assert code == 0, output
    assert "stopped by: held-out" in output
    summary = json.loads((out / "summary.json").read_text())
    assert summary["estimated"]
    assert summary["sigma"] == pytest.approx(25.5, rel=0.25)
    assert summary["ticket"]["source"] == "observed"
    assert summary["ticket"]["sparsity"] == pytest.approx(0.5, abs=0.005)
    assert set(summary["stops"]) >= {"held-out", "oracle", "last"}
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "uses the truth" in page
    assert "non-local means" in page
    assert read_image(out / "restored.png").size == (21, 17)
    assert not (out / "work").exists()
    # Done is done; and its ticket serves another picture.
    before = (out / "restored.png").stat().st_mtime_ns
    assert (
        run(
            noisy,
            "--task",
            "denoise",
            "--out",
            out,
            "--truth",
            tmp_path / "truth.png",
            "--sparsity",
            0.5,
            *SMALL,
        )[0]
        == 0
    )
    assert (out / "restored.png").stat().st_mtime_ns == before
    first = (out / "restored.png").read_bytes()
    (out / "restored.png").unlink()  # made anew, and all the same
    assert (
        run(
            noisy,
            "--task",
            "denoise",
            "--out",
            out,
            "--truth",
            tmp_path / "truth.png",
            "--sparsity",
            0.5,
            *SMALL,
        )[0]
        == 0
    )
    assert (out / "restored.png").read_bytes() == first
    assert (out / "episodes.jsonl").read_text().count("\n") == 1
    code, output = run(
        noisy,
        "--task",
        "sr",
        "--ticket",
        out / "ticket",
        "--out",
        tmp_path / "no",
        *SMALL,
        "--set",
        "held=0.99999",
    )
    assert (code, (tmp_path / "no").exists()) == (1, False), output
    card = out / "ticket" / "ticket.json"
    text = card.read_text()
    card.write_text(text.replace('"width": 8', '"width": 9'))
    code, output = run(
        noisy, "--task", "denoise", "--ticket", out / "ticket", "--out", tmp_path / "no"
    )
    assert "not of the network on its card" in output
    assert not (tmp_path / "no").exists()
    card.write_text(text)
    code, output = run(
        noisy,
        "--task",
        "sr",
        "--scale",
        2,
        "--out",
        tmp_path / "next",
        "--ticket",
        out / "ticket",
        *SMALL,
    )
    assert code == 0, output
    carried = json.loads((tmp_path / "next" / "summary.json").read_text())
    assert carried["ticket"]["brought"]
    assert read_image(tmp_path / "next" / "restored.png").size == (42, 34)


def test_holes_are_filled_and_what_is_known_of_them_counts(tmp_path: Path) -> None:
    known = np.random.default_rng(1).random((21, 17)) < 0.6
    ImageFile(np.where(known, scene(), 0.0)).write(tmp_path / "holes.png")
    Image.fromarray((known * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    ImageFile(np.where(known, scene(), 1.0), known.astype(float)).write(tmp_path / "clear.png")
    results = []
    for name, extra in (("holes", ("--mask", tmp_path / "mask.png")), ("clear", ())):
        code, output = run(
            tmp_path / f"{name}.png", "--task", "inpaint", "--out", tmp_path / name, *extra, *SMALL
        )
        assert code == 0, output
        results.append(read_image(tmp_path / name / "restored.png"))
        # The page shows before what was known, and not what lay beneath.
        page = (tmp_path / name / "report.html").read_text()
        assert "uses the true image" not in page
        first = page.partition("data:image/png;base64,")[2].partition('"')[0]
        (tmp_path / "before.png").write_bytes(b64decode(first))
        before = read_image(tmp_path / "before.png")
        assert before.alpha is not None
        assert np.array_equal(before.alpha > 0, known)
        assert not before.values[:, ~known].any()
    # What lies under unknown pixels makes no difference.
    assert np.array_equal(results[0].values, results[1].values)
    assert results[1].alpha is None


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16"])
def test_kinds_of_pictures(mode: str, tmp_path: Path) -> None:
    values = (np.moveaxis(scene(), 0, -1) * 255).astype(np.uint8)
    image = Image.fromarray(values)
    if mode == "I;16":
        image = Image.fromarray(values[..., 1].astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(np.where(values[..., 2] > 0, 255, 40).astype(np.uint8)))
    image.save(tmp_path / "in.png")
    code, output = run(
        tmp_path / "in.png", "--task", "denoise", "--sigma", 10, "--out", tmp_path / "out", *SMALL
    )
    assert code == 0, output
    done = Image.open(tmp_path / "out" / "restored.png")
    assert done.size == (17, 21)
    assert done.mode == {"P": "RGB", "1": "L", "I;16": "L"}.get(mode, mode)
    if mode in ("LA", "RGBA"):
        assert np.array_equal(np.asarray(done)[..., -1], np.asarray(image)[..., -1])


@pytest.mark.parametrize("task", ["denoise", "sr"])
def test_a_constant_picture_is_itself(task: str, tmp_path: Path) -> None:
    ImageFile(np.full((3, 9, 6), 0.2)).write(tmp_path / "flat.png")
    code, output = run(tmp_path / "flat.png", "--task", task, "--out", tmp_path / "out", *SMALL)
    assert code == 0, output
    assert "one colour" in output
    done = read_image(tmp_path / "out" / "restored.png")
    assert done.size == ((9, 6) if task == "denoise" else (36, 24))
    assert np.allclose(done.values, 51 / 255)
    assert "one colour" in (tmp_path / "out" / "report.html").read_text()


def test_one_known_pixel_gives_its_colour(noisy: Path, tmp_path: Path) -> None:
    known = np.zeros((21, 17), np.uint8)
    known[3, 4] = 255
    Image.fromarray(known).save(tmp_path / "one.png")
    code, output = run(
        noisy,
        "--task",
        "inpaint",
        "--mask",
        tmp_path / "one.png",
        "--out",
        tmp_path / "out",
        *SMALL,
    )
    assert code == 0, output
    values, done = read_image(noisy).values, read_image(tmp_path / "out" / "restored.png")
    assert np.allclose(done.values, values[:, 3:4, 4:5])


def test_memory_grows_with_the_picture_and_its_channels() -> None:
    small, wide = NetworkSettings(width=16), NetworkSettings(width=64)
    # The peaks that were measured at 512 x 512, in bytes a pixel.
    for settings, peak in ((small, 2793), (wide, 5481), (NetworkSettings(kind="decoder"), 1418)):
        assert peak * 0.8 < bytes_for((512, 512), settings) / 512**2 < peak * 1.25
    assert bytes_for((3000, 4000), small) > 40 * bytes_for((512, 512), small)
    assert 2**20 < free_bytes() < 2**50


def test_bad_input_is_one_line(noisy: Path, tmp_path: Path) -> None:
    black = tmp_path / "black.png"
    Image.fromarray(np.zeros((21, 17), np.uint8)).save(black)
    small = tmp_path / "small.png"
    Image.fromarray(np.full((5, 5), 255, np.uint8)).save(small)
    large = tmp_path / "large.png"
    Image.new("1", (9000, 8000)).save(large)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(noisy.read_bytes()[:400])
    Image.fromarray(np.ones((9, 9), np.float32)).save(tmp_path / "float.tiff")
    ImageFile(np.random.default_rng(0).random((1, 2, 40))).write(tmp_path / "thin.png")
    denoise, inpaint = ("--task", "denoise"), ("--task", "inpaint")
    cases = [
        ((tmp_path / "none.png", *denoise), "no such file"),
        ((tmp_path / "text.png", *denoise), "not a readable image"),
        ((tmp_path / "float.tiff", *denoise), "8 or 16 bits"),
        ((tmp_path / "thin.png", *denoise), "each side needs three"),
        ((noisy, "--task", "polish"), "task"),
        ((noisy, *denoise, "--mask", black), "--mask is for inpaint"),
        ((noisy, *inpaint), "give --mask"),
        ((noisy, *inpaint, "--mask", black), "has no known pixel"),
        ((noisy, *inpaint, "--mask", small), "a mask of 5 x 5"),
        ((noisy, *denoise, "--truth", small), "the true image has shape"),
        ((noisy, *denoise, "--ticket", tmp_path / "none"), "no ticket here"),
        ((noisy, "--task", "sr", "--scale", 3), "scale"),
        ((noisy, "--task", "sr", "--stop", "discrepancy"), "give sigma"),
        ((noisy, *denoise, "--set", "held=0"), "choose another stop"),
        ((noisy, *denoise, "--sigma", -1), "sigma"),
        ((noisy, *denoise, "--seed", 2**70), "seed"),
        ((noisy, *denoise, "--set", "width=200000"), "GiB are free"),
        ((large, *denoise), "9000 x 8000 pixels is too large"),
        ((tmp_path / "black.png", "--task", "sr", "--ticket", tmp_path), "no ticket here"),
        ((tmp_path, *denoise), "not a readable image"),
        ((tmp_path / "cut.png", *denoise), "not a readable image"),
        ((tmp_path / "empty.png", *denoise), "not a readable image"),
        ((noisy, *denoise, "--sparsity", 0.999, *SMALL), "nothing is left of"),
    ]
    for number, (arguments, words) in enumerate(cases):
        code, output = run(*arguments, "--out", tmp_path / f"out{number}")
        assert code != 0, arguments
        assert words in output, (arguments, output)
        assert "Traceback" not in output
        assert not (tmp_path / f"out{number}").exists(), arguments


def test_a_stopped_run_goes_on_to_the_same_picture(
    noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surefoot.sparsity.lottery.restoring.fitting.SAVE_S", 0.0)
    settings = RestoreSettings(
        task="denoise", sigma=25, sparsity=0.3, steps=60, search_steps=25, width=8, depth=2
    )
    calls: list[tuple[str, int]] = []
    whole = restore_picture(
        Inputs(image=noisy),
        settings,
        tmp_path / "whole",
        progress=lambda done, _, part="": calls.append((part, done)),
    )
    count = len(calls)
    for last in (2, 3):
        cut: list[tuple[str, int]] = []

        def stopping(
            done: int,
            total: int,
            part: str = "",
            last: int = last,
            cut: list[tuple[str, int]] = cut,
        ) -> None:
            cut.append((part, done))
            if len(cut) == last:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            restore_picture(Inputs(image=noisy), settings, tmp_path / "cut", progress=stopping)
        assert not (tmp_path / "cut" / "restored.png").exists()
    calls = []
    again = restore_picture(
        Inputs(image=noisy),
        settings,
        tmp_path / "cut",
        progress=lambda done, _, part="": calls.append((part, done)),
    )
    assert 0 < len(calls) < count
    assert {k: v["step"] for k, v in again["stops"].items()} == {
        k: v["step"] for k, v in whole["stops"].items()
    }
    one, other = ((tmp_path / n / "restored.png").read_bytes() for n in ("whole", "cut"))
    assert one == other
