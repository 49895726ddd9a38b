"""``surefoot compress`` on the models that come with Surefoot, and its results put to use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.chat import Message, Request
from surefoot.core.errors import InputError
from surefoot.experiments.local_models.texts import own_texts, texts_of
from surefoot.models.backends.hf import HFModel
from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_planner
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.sparsity.engine.calibration import LABELS, Calibration
from surefoot.sparsity.lowrank.linear import FactoredLinear
from surefoot.sparsity.recipe import read_recipe

torch.set_num_threads(1)

RUNNER = CliRunner()
FEW = ("--set", "calibration.samples=24", "--set", "calibration.held_out=8")


def run(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, list(arguments))
    return result.exit_code, result.output + str(result.exception or "")


@pytest.fixture(scope="module")
def low_rank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compressed") / "low-rank"
    code, told = run(
        "compress",
        "local-planner",
        "--recipe",
        "low-rank-30",
        "--out",
        str(out),
        "--no-measure",
        "--num-tasks",
        "19",
        *FEW,
    )
    assert code == 0, told
    assert "retention" in told
    assert "low-rank: pairs of factors" in told
    return out


def test_the_planner_with_factors_plans_in_the_bench(low_rank: Path, tmp_path: Path) -> None:
    planner = make_planner(f"hf:{low_rank}", ModelOptions(device="cpu"))
    model = planner.model  # type: ignore[attr-defined]
    assert model.notes.prompt_style == "compact"
    network = model.network
    assert any(isinstance(m, FactoredLinear) for m in network.modules())
    code, told = run(
        "bench",
        "--planners",
        f"hf:{low_rank}",
        "--domains",
        "blocksworld",
        "--difficulty",
        "0",
        "--seeds",
        "3",
        "--styles",
        "compact",
        "--out",
        str(tmp_path / "bench"),
        "--json",
    )
    assert code == 0, told
    lines = (tmp_path / "bench" / "episodes.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["key"]
    report = json.loads((low_rank / "compression_report.json").read_text())
    assert 10 < report["tasks"]["n"] <= 19  # some domains have fewer small tasks to hold out
    assert report["calibration"]["source"] == "the training split of prompt style 'compact'"


def test_a_quantized_agent_runs_an_episode(tmp_path: Path) -> None:
    out = tmp_path / "int8"
    code, told = run(
        "compress", "local-agent", "--recipe", "int8", "--out", str(out), "--no-measure", *FEW
    )
    assert code == 0, told
    code, told = run(
        "run",
        "--env",
        "crossing",
        "--policy",
        "agent",
        "--task",
        "straight-at-light",
        "--seeds",
        "0",
        "--max-steps",
        "1",
        "--video",
        "none",
        "--out",
        str(tmp_path / "run"),
        "--workers",
        "1",
        "--set",
        f"planner=hf:{out}",
        "--set",
        "samples=1",
    )
    assert code == 0, told
    (line,) = (tmp_path / "run" / "episodes.jsonl").read_text().splitlines()
    assert json.loads(line)["outcome"] != "crashed"


def test_the_eyes_are_compressed_with_pictures(tmp_path: Path) -> None:
    out = tmp_path / "eyes"
    code, told = run(
        "compress",
        "local-perception",
        "--recipe",
        "wanda-50",
        "--out",
        str(out),
        "--no-measure",
        "--set",
        "calibration.samples=12",
        "--set",
        "calibration.held_out=4",
    )
    assert code == 0, told
    report = json.loads((out / "compression_report.json").read_text())
    assert {x["name"].split(".layers.")[0] for x in report["layers"]} == {"model.language_model"}
    assert report["totals"]["sparsity"] == pytest.approx(0.5)
    model = HFModel(str(out), device="cpu")
    assert model.capabilities().images


def test_pictures_are_asked_about_with_their_answers() -> None:
    wanted = read_recipe("wanda-50", {"calibration": {"samples": 6, "held_out": 2, "batch": 3}})
    found = own_texts(LOCAL_PLANNER.parent / "local-perception", wanted)
    assert found is not None
    data, _ = found
    assert isinstance(data, Calibration)
    assert [len(b["input_ids"]) for b in data.batches] == [3, 3]
    assert len(data.held_out) == 1
    for batch in data.batches:
        told = batch[LABELS] != -100
        assert bool(told.any(1).all())
        assert bool((batch["input_ids"][told] == batch[LABELS][told]).all())
        assert batch["pixel_values"].shape[0] == 3


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("no/such", "--recipe", "int8"), "no model here"),
        (("local-planner", "--recipe", "none.yaml"), "cannot read the recipe"),
        (("local-planner", "--recipe", "magic"), "unknown recipe 'magic'"),
        (("local-planner", "--recipe", "int8", "--set", "quantize.bits=5"), "4 or 8"),
        (("local-planner", "--recipe", "int8", "--set", "quantize.group=100"), "groups of 100"),
        (("local-planner", "--recipe", "wanda-50", "--calibration", "no.txt"), "cannot read"),
        (
            ("local-planner", "--recipe", "low-rank-30", "--set", "factorize.reduction=0.999"),
            "cannot be saved",
        ),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], why: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = RUNNER.invoke(app, ["compress", *arguments, "--out", str(out), *FEW])
    assert isinstance(result.exception, InputError)
    assert why in str(result.exception)
    assert not out.exists()


def test_texts_from_files(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("(on b1 b2) and so on\n" * 60)
    pieces = texts_of(plain, LOCAL_PLANNER, 50)
    assert len(pieces) > 5
    assert {len(ids) for ids, _ in pieces} == {50}
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"text": "(on b1 b2)"}\n\n"(clear b1)"\n')
    assert len(texts_of(lines, LOCAL_PLANNER, 50)) == 2
    lines.write_text('{"text": "(on b1 b2)"}\n{"words": 1}\n')
    with pytest.raises(InputError) as caught:
        texts_of(lines, LOCAL_PLANNER, 50)
    assert str(caught.value).startswith(f"{lines}:2: ")
    plain.write_text("")
    with pytest.raises(InputError, match="no calibration text here"):
        texts_of(plain, LOCAL_PLANNER, 50)


def test_recipes_are_listed() -> None:
    code, told = run("list", "recipes")
    assert code == 0
    assert "low-rank-30" in told


def test_factors_answer_as_their_merged_matrices(low_rank: Path, tmp_path: Path) -> None:
    out = tmp_path / "merged"
    code, told = run(
        "compress",
        "local-planner",
        "--recipe",
        "low-rank-30",
        "--out",
        str(out),
        "--merge",
        "--no-measure",
        *FEW,
    )
    assert code == 0, told
    asked = [Request((Message("user", "on b1 b2\nplan:\n"),), 16)]
    one, other = (
        dict(HFModel(str(folder), device="cpu").generate(asked))[0] for folder in (low_rank, out)
    )
    assert one.text == other.text
