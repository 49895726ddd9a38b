"""``surefoot train``: what is refused, and that a short run leaves what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surefoot.cli.main import app

RUNNER = CliRunner()


def run(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, ["train", *arguments])
    return result.exit_code, result.output + str(result.exception or "")


NOT_HERE = "cannot be tuned here"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--base", "guide"), NOT_HERE),
        (("--base", "no/such"), NOT_HERE),
        (("--method", "magic"), "magic"),
        (("--threshold", "2"), "threshold"),
    ],
)
def test_wrong_settings_of_a_refinement_are_refused(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    code, told = run("refine", "--out", str(tmp_path / "out"), *arguments)
    assert code != 0
    assert why in told
    assert not (tmp_path / "out").exists()


def test_the_agents_planner_trains(tmp_path: Path) -> None:
    code, told = run("agent-planner", "--out", str(tmp_path), "--steps", "1", "--threads", "1")
    assert code == 0
    assert "step 1 of 1" in told
    assert json.loads((tmp_path / "recipe.json").read_text())["careless"] == 0.35
    assert json.loads((tmp_path / "model" / "surefoot.json").read_text())["prompt_style"] == "agent"


def test_the_scene_prior_trains_dense_and_as_a_ticket(tmp_path: Path) -> None:
    arguments = (
        "prior",
        "--out",
        str(tmp_path / "out"),
        "--num-images",
        "40",
        "--size",
        "16",
        "--steps",
        "2",
        "--num-rounds",
        "1",
        "--fraction",
        "0.5",
    )
    code, told = run(*arguments)
    assert code == 0, told
    assert "50.0 % zeros" in told
    for name in ("generator-00", "generator-01"):
        assert (tmp_path / "out" / name / "model.safetensors").is_file()
    assert not (tmp_path / "out" / "random-01").exists()
    code, told = run(*arguments, "--controls")
    assert code == 0, told
    for name in ("random-01", "layer-random-01"):
        assert str(tmp_path / "out" / name) in told.replace("\n", "")
        assert (tmp_path / "out" / name / "model.safetensors").is_file()
    code, told = run(*arguments, "--seed", "1")
    assert code != 0
    assert "other settings" in told
    code, told = run("prior", "--out", str(tmp_path / "b"), "--views", "moon")
    assert code != 0
    assert "no viewpoint 'moon'" in told
    code, told = run("prior", "--out", str(tmp_path / "b"), "--size", "20")
    assert "take 8, 16, 32 or 64" in told
