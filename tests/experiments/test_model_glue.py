"""The study of Model-GLUE from end to end, and its figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.experiments import EXPERIMENTS, read_study
from surefoot.experiments.model_glue.config import ModelGlueConfig
from surefoot.experiments.model_glue.report import render_study
from surefoot.experiments.model_glue.summary import chosen_names, routing_rows, rows_of
from surefoot.experiments.model_glue.work import task_sets
from surefoot.models.training.data import split_of
from surefoot.pddl.compact import compact_prompt

QUICK: dict[str, Any] = {
    "seeds": [0, 1],
    "domains": ["blocksworld", "tabletop"],
    "steps": 2,
    "stranger": 2,
    "search": 2,
    "choose": 2,
    "test": 2,
    "prompts": 3,
    "workers": 2,
    "merges": {"mean": {"method": "linear"}, "ties": {"method": "ties", "density": 0.5}},
    "heuristics": {"greedy": {"order": "score", "coefficients": "mean"}},
    "evolutions": {"cma": {"method": "linear", "evaluations": 4, "population": 3}},
    "mixtures": {
        "ffn": {"level": "ffn", "route": "token", "gate": "trained"},
        "model": {"level": "model", "shared": "base"},
    },
}


def solved(*values: bool) -> dict[str, dict[str, bool]]:
    names = ("a-1-0", "a-1-1", "b-1-0", "b-1-1")
    return {s: dict(zip(names, values, strict=True)) for s in ("search", "choose", "test")}


SINGLES: dict[str, Any] = {
    "base/0": solved(True, False, True, False),
    "a/0": solved(True, True, False, False),
    "b/0": solved(False, False, True, False),
    "stranger/0": solved(True, True, True, True),
}


def test_ways_are_measured_against_the_best_specialist() -> None:
    ways: dict[str, Any] = {
        "merge": {"mean/0": solved(True, True, True, False)},
        "mixture": {"mix/0": solved(True, True, True, True), "lost/1": solved(*[False] * 4)},
    }
    rows = {r["name"]: r for r in rows_of(SINGLES, ways, ("a", "b"), (0,), 0)}
    assert rows["best single, chosen"]["test"]["rate"] == 0.5
    assert rows["each task to its domain's planner"]["test"]["rate"] == 0.75
    oracle = rows["any of the planners (oracle of each task)"]
    assert oracle["test"]["rate"] == 0.75  # the stranger is no specialist of the base
    assert rows["mean"]["against_best"]["points"] == 0.25
    assert rows["mean"]["relative"] == 0.5
    assert rows["mean"]["against_base"]["points"] == 0.25
    assert rows["mix"]["domains"] == {"a": 1.0, "b": 1.0}
    assert rows["best way, chosen"]["test"]["rate"] == 1.0
    assert "lost" not in rows
    assert chosen_names(SINGLES, ways, ("a", "b"), (0,)) == [{"single": "a", "way": "mix"}]


def test_what_is_chosen_does_not_depend_on_the_test() -> None:
    lucky = solved(False, False, False, False)
    lucky["test"] = dict.fromkeys(lucky["test"], True)
    ways: dict[str, Any] = {"merge": {"lucky/0": lucky, "mean/0": solved(True, True, True, False)}}
    rows = {r["name"]: r for r in rows_of(SINGLES, ways, ("a", "b"), (0,), 0)}
    assert rows["lucky"]["test"]["rate"] == 1.0
    assert rows["best way, chosen"]["test"]["rate"] == 0.75


def test_gates_are_judged_by_their_own_domains() -> None:
    record = {
        "routed": {"a": [0.75, 0.25], "b": [0.5, 0.5]},
        "own": [1.0, 0.5],
        "parameters": {"active": 1, "total": 2},
    }
    (row,) = routing_rows({"m/0": record}, ("a", "b"), (0,))
    assert row["right"] == {"a": 0.75, "b": 0.5}
    assert row["own"] == 0.75


def test_no_task_is_in_two_sets_and_none_was_learned_from() -> None:
    study = ModelGlueConfig.model_validate({**QUICK, "search": 4, "choose": 3, "test": 5})
    sets = task_sets(study)
    assert {s: len(tasks) for s, tasks in sets.items()} == {"search": 8, "choose": 6, "test": 10}
    prompts = {s: {compact_prompt(t.task) for t in tasks.values()} for s, tasks in sets.items()}
    assert not prompts["search"] & prompts["choose"]
    assert not (prompts["search"] | prompts["choose"]) & prompts["test"]
    assert {split_of(p) for p in prompts["search"] | prompts["choose"]} == {"validation"}
    assert {split_of(p) for p in prompts["test"]} == {"test"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"domains": ["blocksworld"]}, "at least two domains"),
        ({"zoos": ["here"]}, "2 seeds need as many zoos"),
        ({"mixtures": {"mean": {"level": "ffn"}}}, "the same name"),
        ({"base": "nowhere"}, "no model here"),
        ({"domains": ["blocksworld", "chess"]}, "no planner learns from the domain 'chess'"),
    ],
)
def test_what_cannot_be_run_is_told_at_once(
    tmp_path: Path, changed: dict[str, Any], why: str
) -> None:
    study = ModelGlueConfig.model_validate({**QUICK, **changed})
    with pytest.raises(InputError, match=why):
        EXPERIMENTS.get("model-glue").run(study, tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


def test_the_shipped_study_is_whole() -> None:
    study: Any = read_study(EXPERIMENTS.get("model-glue"), None, {})
    assert len(study.domains) >= 6
    assert study.stranger
    assert {m.method for m in study.merges.values()} == {
        "linear",
        "task-arithmetic",
        "ties",
        "dare-linear",
        "dare-ties",
    }
    assert {m.level for m in study.mixtures.values()} == {"ffn", "block", "model"}


@pytest.mark.slow
def test_the_study_runs_and_goes_on(tmp_path: Path) -> None:
    study = ModelGlueConfig.model_validate(QUICK)
    experiment = EXPERIMENTS.get("model-glue")
    page = experiment.run(study, tmp_path, silent)
    first = json.loads((tmp_path / "summary.json").read_bytes())
    names = {r["name"] for r in first["rows"]}
    assert {"base", "blocksworld", "stranger", "mean", "greedy", "cma", "ffn", "model"} <= names
    assert all(s["best"] >= s["single"] for s in first["searches"])
    assert len(first["families"][0]["families"]) == 2
    assert "Model-GLUE" in page.read_text(encoding="utf-8")
    calls: list[tuple[int, int]] = []
    experiment.run(study, tmp_path, lambda done, total, part="": calls.append((done, total)))
    assert all(done == total for done, total in calls)
    assert json.loads((tmp_path / "summary.json").read_bytes()) == first
    assert render_study(first) == page.read_text(encoding="utf-8")
