"""The study of compression: figures worked out by hand, and a small one from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.experiments import EXPERIMENTS, read_study
from surefoot.experiments.compression.config import CompressionStudyConfig, pruning
from surefoot.experiments.compression.optimizers import WAYS
from surefoot.experiments.compression.summary import (
    difference,
    frontier_rows,
    grid_rows,
    optimizer_rows,
    orders,
    rank_rows,
    share,
)
from surefoot.sparsity.recipe import Allocate, Sparsify
from surefoot.sparsity.training.settings import RecoverSettings

torch.set_num_threads(1)
SMALL: dict[str, Any] = {
    "models": ["local-agent"],
    "seeds": [0, 1],
    "samples": 16,
    "tasks": 12,
    "pruners": ["wanda"],
    "allocations": ["uniform", "permuted"],
    "patterns": [0.5, "2:4"],
    "reductions": [0.2],
    "steps": 4,
    "train_steps": 4,
    "train_batch": 4,
    "optimizers": ["adamw", "qgalore", "lora"],
    "frontier": ["low-rank-30"],
    "episodes": 6,
    "workers": 2,
}
DENSE = {"m": {"tasks": {"a": True, "b": True, "c": True, "d": False}}}


def cell(solved: str, loss: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "loss": {"before": 0.5, "after": loss},
        "sparsity": 0.5,
        "parameters": 1.0,
        "error": 0.1,
        "trained": None,
        "tasks": {name: name in solved for name in "abcd"},
        **more,
    }


def test_shares_and_differences_are_over_seeds_with_tasks_as_clusters() -> None:
    runs = [cell("ab")["tasks"], cell("a")["tasks"]]
    found = share(runs)
    assert found is not None
    assert (found["rate"], found["seeds"], found["n"]) == (0.375, [0.5, 0.25], 4)
    low, high = found["interval"]
    assert low < 0.375 < high
    assert share([{}]) is None
    against = difference(runs, [DENSE["m"]["tasks"]] * 2)
    assert against is not None
    assert against["points"] == pytest.approx(0.375 - 0.75)
    assert difference(runs, runs[:1]) is None


def test_a_grid_compares_with_the_dense_model_and_with_uniform_zeros() -> None:
    records = {
        "m/wanda/uniform/0.5/0": cell("ab", 0.8),
        "m/wanda/uniform/0.5/1": cell("ab", 1.0),
        "m/wanda/alpha/0.5/0": cell("abc", 0.7),
        "m/wanda/alpha/0.5/1": cell("abc", 0.7),
        "m/magnitude/uniform/0.5/0": cell("a", 0.6),
        "m/magnitude/uniform/0.5/1": cell("a", 0.6),
        "m/wanda/alpha/2:4/0": {"refused": "cannot be met"},
        "m/wanda/uniform/2:4/0": cell("b"),
    }
    rows = grid_rows(records, DENSE)
    by = {(r["pruner"], r["allocation"], r["pattern"]): r for r in rows}
    alpha = by["wanda", "alpha", "0.5"]
    assert alpha["against_uniform"]["points"] == 0.25
    assert alpha["against_dense"]["points"] == 0
    assert by["wanda", "uniform", "0.5"]["loss"] == pytest.approx(0.9)
    assert by["wanda", "alpha", "2:4"]["refused"] == "cannot be met"
    first, second = orders(rows)
    assert (first["by_tasks"], first["by_loss"]) == (["wanda", "magnitude"], ["magnitude", "wanda"])
    assert first["allocations"]["wanda"] == ["alpha", "uniform"]
    assert second["by_tasks"] == ["wanda"]


def test_recoveries_are_judged_by_the_loss_after_them() -> None:
    tuned = cell("abc", 2.0, trained=10) | {"loss": {"before": 0.5, "after": 2.0, "recovered": 0.6}}
    rows = rank_rows({"m/welore/0.2/0": {"none": cell("a", 2.0), "lrc": tuned}}, DENSE)
    lrc, none = rows
    assert (none["recovery"], none["loss"], none["trained"]) == ("none", 2.0, None)
    assert (lrc["recovery"], lrc["loss"], lrc["trained"]) == ("lrc", 0.6, 10)


def test_optimizers_are_compared_by_seed() -> None:
    def run(solved: str, held: float) -> dict[str, Any]:
        return {
            "tasks": cell(solved)["tasks"],
            "held_after": held,
            "memory": {"weights": 4},
            "trainable": 7,
            "looks": 2,
            "seconds": 1.0,
        }

    rows = optimizer_rows(
        {"adamw/0": run("abc", 0.1), "adamw/1": run("ab", 0.3), "qgalore/1": run("abcd", 0.4)}
    )
    base, other = rows
    assert base["held"] == pytest.approx(0.2)
    assert base["against_adamw"]["points"] == 0
    assert other["against_adamw"]["points"] == 0.5  # with seed 1 alone


def test_the_frontier_is_of_those_that_no_other_beats_in_both() -> None:
    def place(token: float, solved: str) -> dict[str, Any]:
        return {
            "label": "masked",
            "bytes": 10,
            "measured": {"token_p50": token},
            "tasks": cell(solved)["tasks"],
            "episodes": {},
        }

    rows = frontier_rows(
        {"dense": place(4.0, "abc"), "fast": place(2.0, "ab"), "bad": place(3.0, "a")}, "dense"
    )
    assert [(r["recipe"], r["speed"], r["front"]) for r in rows] == [
        ("dense", 1.0, True),
        ("fast", 2.0, True),
        ("bad", 4 / 3, False),
    ]
    assert (rows[1]["tasks"]["lost"], rows[1]["tasks"]["won"]) == (1, 0)
    assert "episodes" not in rows[0]


def test_recipes_of_the_grid_and_all_ways_to_train_are_valid() -> None:
    study = CompressionStudyConfig()
    made = pruning(study, "sparsegpt", "permuted", "2:4", 3)
    assert made.seed == 3
    assert made.find(Allocate).shuffled
    assert made.find(Sparsify).block == 32
    assert not pruning(study, "wanda", "alpha", 0.5, 0).find(Allocate).shuffled
    assert set(study.optimizers) == set(WAYS)
    for way in WAYS.values():
        RecoverSettings(steps=1, **way)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"models": ["nowhere"]}, "no model here"),
        ({"optimizers": ["sgd"]}, "no way to train 'sgd'; there are adamw"),
        ({"frontier": ["best"]}, "unknown recipe 'best'"),
    ],
)
def test_what_is_unknown_is_one_line(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    experiment = EXPERIMENTS.get("compression")
    with pytest.raises(InputError, match=told):
        experiment.run(read_study(experiment, None, given), tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_small_study_from_end_to_end_and_again(tmp_path: Path) -> None:
    experiment = EXPERIMENTS.get("compression")
    study, out = read_study(experiment, None, SMALL), tmp_path / "out"
    page = experiment.run(study, out, silent)
    summary = json.loads((out / "summary.json").read_text())
    assert len(summary["grid"]) == 4
    assert all(r["sparsity"] == pytest.approx(0.5, abs=0.01) for r in summary["grid"])
    assert {r["recovery"] for r in summary["ranks"]} == {"none", "lrc", "n-lrc", "lora", "full"}
    trained = {r["recovery"]: r["trained"] for r in summary["ranks"] if r["method"] == "welore"}
    assert trained["lora"] <= trained["lrc"] < trained["full"]
    assert [r["way"] for r in summary["optimizers"]] == ["adamw", "qgalore", "lora"]
    assert [r["recipe"] for r in summary["frontier"]] == ["dense", "low-rank-30"]
    assert all(r["episodes"]["n"] == 6 for r in summary["frontier"])
    first = page.read_text()
    again = experiment.run(study, out, silent).read_text()
    assert again == first
