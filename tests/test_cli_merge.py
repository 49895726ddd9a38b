"""``surefoot merge`` on planners made of the one that comes with Surefoot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.experiments.local_models.tasks import plan_scorer
from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_planner
from surefoot.models.shipped import LOCAL_PLANNER
from surefoot.models.training.data import split_of, unseen_instances
from surefoot.pddl.compact import compact_prompt
from tests.sparsity.merging.zoos import add_tokenizer, fine_tune, weights
from tests.sparsity.tiny import make

torch.set_num_threads(1)

RUNNER = CliRunner()
FEW = ("--domains", "blocksworld", "--num-tasks", "4")


def run(*arguments: str | Path) -> tuple[int, str]:
    result = RUNNER.invoke(app, ["merge", *map(str, arguments)])
    return result.exit_code, " ".join((result.output + str(result.exception or "")).split())


@pytest.fixture(scope="module")
def planners(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("planners")
    return (
        fine_tune(LOCAL_PLANNER, folder / "near", 1, 0.001),
        fine_tune(LOCAL_PLANNER, folder / "far", 2, 0.008),
    )


def test_a_merge_is_written_told_and_repeated(planners: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "merged"
    code, told = run(
        *planners,
        "--base",
        "local-planner",
        "--method",
        "ties",
        "--weights",
        "0.7,0.3",
        "--density",
        "0.8",
        "--scale",
        "0.9",
        "--out",
        out,
    )
    assert code == 0, told
    recipe = json.loads((out / "merge.json").read_bytes())["recipe"]
    assert recipe == {
        "method": "ties",
        "weights": {"all": [0.7, 0.3]},
        "density": 0.8,
        "scale": 0.9,
        "seed": 0,
    }
    assert make_planner(f"hf:{out}", ModelOptions()).name == f"hf:{out}"
    again = tmp_path / "again"
    code, told = run(
        *planners, "--base", "local-planner", "--recipe", out / "merge.json", "--out", again
    )
    assert code == 0, told
    assert "not the models" not in told
    pair = [(p / "model.safetensors").read_bytes() for p in (out, again)]
    assert pair[0] == pair[1]
    code, told = run(
        *reversed(planners),
        "--base",
        "local-planner",
        "--recipe",
        out / "merge.json",
        "--out",
        tmp_path / "other",
    )
    assert code == 0, told
    assert "these are not the models that the recipe was made for" in told


def test_a_dry_run_shows_families_and_writes_nothing(
    planners: tuple[Path, Path], tmp_path: Path
) -> None:
    code, told = run(*planners, "local-planner", "local-agent", "--dry-run")
    assert code == 0, told
    assert "family 1: near, far, local-planner" in told
    assert "family 2: local-agent (another vocabulary;" in told
    code, told = run(*planners, "--base", "local-planner", "--dry-run", "--threshold", "1")
    assert code == 0, told
    assert "family 2: far" in told
    assert "changes among each other" in told


def test_a_search_is_gone_on_with_and_ends_with_the_best(
    planners: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    search = ("--search", "heuristic", *FEW, "--set", "coefficients=mean", "--num-test-tasks", "4")
    code, told = run(*planners, "--out", out, *search)
    assert code == 0, told
    assert "valid plans for 4 tasks of the search" in told
    assert "best of 3 candidates" in told
    assert "other tasks, best candidate" in told
    summary = json.loads((out / "summary.json").read_bytes())
    assert summary["best"]["score"] >= max(summary["singles"].values())
    scored = plan_scorer(["blocksworld"], 4, split="validation")(out / "model")
    assert sum(scored.values()) / 4 == summary["best"]["score"]
    assert {k: float(v) for k, v in scored.items()} == summary["best"]["parts"]
    before = (out / "episodes.jsonl").read_bytes()
    code, told = run(*planners, "--out", out, *search)
    assert code == 0, told
    assert (out / "episodes.jsonl").read_bytes() == before
    code, told = run(*planners, "--out", out, *search[:-2], "--num-tasks", "5")
    assert code != 0
    assert "another run" in told


def test_evolution_is_bounded(planners: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, told = run(
        *planners,
        "--out",
        out,
        "--search",
        "evolutionary",
        "--domains",
        "blocksworld",
        "--num-tasks",
        "2",
        "--set",
        "evaluations=4",
        "--base",
        "local-planner",
        "--method",
        "ties",
    )
    assert code == 0, told
    assert "best of 4 candidates" in told
    assert len((out / "episodes.jsonl").read_text().splitlines()) == 4


def test_one_model_and_equal_ones_are_the_result(
    planners: tuple[Path, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(planners[0], copy)
    for name, models, why in (
        ("one", planners[:1], "there is only one model, so it is the result"),
        ("two", (planners[0], copy), "all models hold the same weights"),
    ):
        code, told = run(*models, "--out", tmp_path / name)
        assert code == 0, told
        assert why in told
        merged = weights(tmp_path / name)
        assert all(torch.equal(t, merged[k]) for k, t in weights(planners[0]).items())


def test_what_cannot_be_merged_is_told_in_a_line(
    planners: tuple[Path, Path], tmp_path: Path
) -> None:
    near, far = map(str, planners)
    stranger = make("gpt2", tmp_path / "gpt2")
    worded = add_tokenizer(fine_tune(planners[0], tmp_path / "worded", 3), renamed="ROBOT")
    other = fine_tune(LOCAL_PLANNER, tmp_path / "other", 4, 1.0)
    out = str(tmp_path / "out")
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    cases: tuple[tuple[tuple[str, ...], str], ...] = (
        ((near, str(worded), "--out", out), "another vocabulary; 2 tokens differ, such as 'ROBOT'"),
        ((near, str(stranger), "--out", out), "one of them has no tokenizer"),
        (
            (near, far, "--base", str(other), "--method", "ties", "--out", out),
            "near was not tuned from the base: their similarity is 0.0",
        ),
        ((near, str(other), "--out", out), "other is of another family than near"),
        ((near, str(tmp_path), "--out", out), "no model here"),
        ((near, far, "--method", "ties", "--out", out), "give one with --base"),
        (
            (
                near,
                far,
                "--base",
                "local-planner",
                "--method",
                "ties",
                "--density",
                "1.5",
                "--out",
                out,
            ),
            "density 1.5 is not in (0, 1]",
        ),
        ((near, far, "--weights", "1", "--out", out), "2 models need 2 weights, and 1 were given"),
        ((near, far, "--weights", "1,x", "--out", out), "not numbers with commas"),
        ((near, far, "--weights=1,-1", "--out", out), "weights sum to 0"),
        ((near, far, "--out", str(full)), "exists already"),
        ((near, far, "--out", f"{near}/x"), "lies in a model's folder"),
        ((near, far, "--set", "order=score", "--out", out), "--set goes with --search"),
        (
            (near, far, "--search", "evolutionary", "--scale", "2", "--out", out),
            "finds density and scale itself",
        ),
        ((near, far, "--search", "heuristic", "--set", "grid=1", "--out", out), "known: kind"),
        (
            (near, far, "--search", "heuristic", "--domains", "chess", "--out", out),
            "no planner learns from the domain 'chess'",
        ),
        ((near, "--search", "heuristic", *FEW, "--out", out), "two different models"),
        ((near, far, "--recipe", str(tmp_path / "no.json"), "--out", out), "no recipe here"),
        ((near, far, "--recipe", f"{near}/config.json", "--out", out), "config.json"),
        ((near, far, "--recipe", "x", "--scale", "1", "--out", out), "--recipe says it all"),
        (
            ("local-agent", "local-agent-refined", "--search", "heuristic", "--out", out),
            "only small planners",
        ),
    )
    for arguments, why in cases:
        code, told = run(*arguments)
        assert code != 0, why
        assert why in told, told
        assert not Path(out).exists()


def test_tasks_of_a_search_are_none_of_the_test() -> None:
    asked = [
        {compact_prompt(i.task) for i in unseen_instances("blocksworld", 4, 10, 0, split)}
        for split in ("validation", "test")
    ]
    assert asked[0] & asked[1] == set()
    assert {split_of(p) for p in asked[0]} == {"validation"}
    with pytest.raises(InputError, match="no planner learns from the domain 'x'"):
        plan_scorer(["x"], 3)
