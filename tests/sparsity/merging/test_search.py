"""Searches for merges: never worse than their start, resumable, and the best is what is saved."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from surefoot.core.errors import HarnessError, InputError, MissingDependencyError
from surefoot.sparsity.merging import (
    METHODS,
    EvolutionarySettings,
    HeuristicSettings,
    MergeRecipe,
    merge_models,
    open_zoo,
    read_search,
    search_merge,
)
from surefoot.sparsity.merging import evolutionary as evolutionary_module
from surefoot.sparsity.merging.evolutionary import SearchSpace, normalised
from surefoot.sparsity.merging.search import SearchSettings
from tests.killing import killed
from tests.sparsity.merging.zoos import fine_tune, tiny_zoo, weights

torch.set_num_threads(1)

Folders = tuple[Path, list[Path]]
Scorer = Callable[[Path], Mapping[str, float]]


@pytest.fixture(scope="module")
def zoo_folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return tiny_zoo(tmp_path_factory.mktemp("zoo"))


def near(folders: Folders, mix: tuple[float, ...]) -> Scorer:
    """Scores a model by how near its blocks are to a mixture of the models: 0 at best."""
    _, tunes = folders
    parts = [weights(t) for t in tunes]
    keys = [k for k in parts[0] if "mlp" in k]
    aims = {k: sum(m * p[k] for m, p in zip(mix, parts, strict=True)) for k in keys}

    def score(folder: Path) -> Mapping[str, float]:
        found = weights(folder)
        return {k: -1e4 * float((found[k] - aims[k]).square().mean()) for k in keys}

    return score


def counted(score: Scorer) -> tuple[Scorer, list[Path]]:
    asked: list[Path] = []

    def counting(folder: Path) -> Mapping[str, float]:
        asked.append(folder)
        return score(folder)

    return counting, asked


@pytest.mark.parametrize("order", ["score", "similarity", "dissimilarity"])
def test_the_greedy_search_finds_what_is_best_on_its_grid(
    zoo_folders: Folders, tmp_path: Path, order: str
) -> None:
    base, tunes = zoo_folders
    settings = HeuristicSettings.model_validate({"order": order})
    score = near(zoo_folders, (0.3, 0.7, 0.0))
    found = search_merge(open_zoo(tunes, base), settings, score, tmp_path / "out")
    assert found.details["order"][0] == "tune-0-1"
    assert sorted(found.details["order"]) == ["tune-0-0", "tune-0-1", "tune-0-2"]
    for before, after in pairwise([None, *found.details["steps"]]):
        if before is not None and before["kept"]:
            assert after["before"] == before["score"]
        assert after["kept"] == (after["score"] >= after["before"])
    if order == "score":  # the third model would only harm, and is left out
        assert found.details["order"][1] == "tune-0-0"
        assert [s["kept"] for s in found.details["steps"]] == [True, False]
        assert found.best.score == pytest.approx(0, abs=1e-6)
        assert found.best.recipe.weights["all"] == pytest.approx((0.3, 0.7, 0.0))


def test_models_are_ordered_by_how_alike_they_are(zoo_folders: Folders, tmp_path: Path) -> None:
    base, tunes = zoo_folders
    near_one = fine_tune(tunes[1], tmp_path / "near", 9, 0.001)
    zoo = open_zoo([tunes[0], near_one, tunes[1]], base)
    for order, last in (("similarity", "tune-0-0"), ("dissimilarity", "near")):
        settings = HeuristicSettings.model_validate({"order": order, "coefficients": "mean"})
        score = near(zoo_folders, (0.0, 1.0, 0.0))
        found = search_merge(zoo, settings, score, tmp_path / order)
        assert found.details["order"][0] == "tune-0-1"
        assert found.details["order"][2] == last


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["heuristic", "evolutionary"])
def test_a_search_is_never_worse_than_its_start_and_saves_its_best(
    zoo_folders: Folders, tmp_path: Path, method: str, kind: str
) -> None:
    base, tunes = zoo_folders
    score = near(zoo_folders, (0.2, 0.9, -0.4))
    settings: SearchSettings
    if kind == "heuristic":
        settings = HeuristicSettings.model_validate({"method": method, "seed": 3})
    else:
        settings = EvolutionarySettings.model_validate(
            {"method": method, "evaluations": 20, "population": 5, "seed": 3}
        )
    found = search_merge(open_zoo(tunes, base), settings, score, tmp_path / "out")
    assert found.best.score >= max(found.singles.values())
    assert found.best.score == max(e.score for e in found.evaluations)
    # what was saved scores what was promised, and so does the recipe merged anew
    parts = score(found.model)
    assert sum(parts.values()) / len(parts) == found.best.score
    again = merge_models(open_zoo(tunes, base), found.best.recipe, tmp_path / "again")
    assert score(again) == parts
    told = read_search(tmp_path / "out")
    assert MergeRecipe.model_validate(told["best"]["recipe"]) == found.best.recipe
    assert told["candidates"] == len(found.evaluations)
    assert not (tmp_path / "out" / "work").exists()


def test_a_score_that_only_falls_leaves_the_best_model(
    zoo_folders: Folders, tmp_path: Path
) -> None:
    _, tunes = zoo_folders
    found = search_merge(
        open_zoo(tunes), HeuristicSettings(), near(zoo_folders, (0.0, 1.0, 0.0)), tmp_path / "out"
    )
    assert [s["kept"] for s in found.details["steps"]] == [False, False]
    assert found.best.recipe.weights["all"] == (0.0, 1.0, 0.0)
    assert all(torch.equal(t, weights(tunes[1])[k]) for k, t in weights(found.model).items())


def test_a_score_that_does_not_drop_is_enough_to_be_kept(
    zoo_folders: Folders, tmp_path: Path
) -> None:
    _, tunes = zoo_folders
    settings = HeuristicSettings(coefficients="mean")
    found = search_merge(open_zoo(tunes), settings, lambda folder: 0.5, tmp_path / "out")
    assert [s["kept"] for s in found.details["steps"]] == [True, True]
    assert found.evaluations[-1].recipe.weights["all"] == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert found.best.number == found.details["last"] == 4  # all were kept, so all are in it
    assert len(found.evaluations) == 5
    evolved = search_merge(
        open_zoo(tunes), EvolutionarySettings(evaluations=5), lambda folder: 0.5, tmp_path / "cma"
    )
    assert evolved.best.number == 0  # nothing was better than the first


def test_evolution_gets_near_what_the_mean_is_far_from(
    zoo_folders: Folders, tmp_path: Path
) -> None:
    base, tunes = zoo_folders
    score = near(zoo_folders, (0.75, 0.25, 0.0))
    settings = EvolutionarySettings(evaluations=110, population=8)
    found = search_merge(open_zoo(tunes, base), settings, score, tmp_path / "out")
    mean = next(
        e.score for e in found.evaluations if e.recipe.weights.get("outside") == (1 / 3,) * 3
    )
    assert found.best.score > 0.1 * mean  # scores are below 0: a tenth of the distance at most
    assert found.best.score > max(found.singles.values())
    blocks = found.best.recipe.weights
    assert blocks["first-half"] == pytest.approx((0.75, 0.25, 0), abs=0.15)


def test_a_search_that_was_stopped_goes_on_and_ends_the_same(
    zoo_folders: Folders, tmp_path: Path
) -> None:
    base, tunes = zoo_folders
    score = near(zoo_folders, (0.5, 0.6, -0.1))
    for name, settings in (
        ("greedy", HeuristicSettings()),
        ("evolution", EvolutionarySettings(method="ties", evaluations=14, population=4)),
    ):
        zoo = open_zoo(tunes, base)
        whole, asked = counted(score)
        expected = search_merge(zoo, settings, whole, tmp_path / f"{name}-whole")
        some, first = counted(score)

        def stopping(folder: Path, some: Scorer = some, first: list[Path] = first):  # type: ignore[no-untyped-def]
            if len(first) == 9:
                raise KeyboardInterrupt
            return some(folder)

        out = tmp_path / name
        with pytest.raises(KeyboardInterrupt):
            search_merge(zoo, settings, stopping, out)
        (out / "work" / ".candidate.tmp").mkdir(parents=True)  # as a killed process leaves it
        rest, second = counted(score)
        found = search_merge(open_zoo(tunes, base), settings, rest, out)
        assert len(first) == 9
        assert not (out / "work").exists()
        assert len(first) + len(second) == len(asked)
        assert [e.recipe for e in found.evaluations] == [e.recipe for e in expected.evaluations]
        assert found.best.recipe == expected.best.recipe
        assert found.details == expected.details
        pair = [(r.model / "model.safetensors").read_bytes() for r in (found, expected)]
        assert pair[0] == pair[1]
        # a third call has nothing left to do
        none, third = counted(score)
        assert search_merge(zoo, settings, none, out).best.recipe == expected.best.recipe
        assert third == []


PROGRAM = """
import sys, torch
from pathlib import Path
from surefoot.sparsity.merging import EvolutionarySettings, open_zoo, search_merge
from safetensors.torch import load_file
torch.set_num_threads(1)
out, base, *tunes = map(Path, sys.argv[1:])
def score(folder):
    tensors = load_file(folder / "model.safetensors")
    return {k: -float((t - 0.01).square().mean()) for k, t in tensors.items() if "mlp" in k}
settings = EvolutionarySettings(evaluations=150, population=4)
print(search_merge(open_zoo(tunes, base), settings, score, out).best.score)
"""


@pytest.mark.slow
def test_a_search_whose_process_is_killed_goes_on(zoo_folders: Folders, tmp_path: Path) -> None:
    base, tunes = zoo_folders
    command = [sys.executable, "-c", PROGRAM]
    places = [str(p) for p in (base, *tunes)]
    out = tmp_path / "killed"
    before = killed([*command, str(out), *places], out, 20)
    assert signal.SIGKILL == 9
    after, whole = (
        subprocess.run(
            [*command, str(place), *places], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        for place in (out, tmp_path / "whole")
    )
    assert after == whole
    kept = (out / "episodes.jsonl").read_bytes()
    assert kept.startswith(before)
    assert kept.count(b"\n") == 150


def test_a_bound_on_candidates_holds(zoo_folders: Folders, tmp_path: Path) -> None:
    _, tunes = zoo_folders
    score, asked = counted(near(zoo_folders, (0.5, 0.5, 0.0)))
    notes: list[str] = []
    found = search_merge(
        open_zoo(tunes),
        HeuristicSettings(evaluations=6),
        score,
        tmp_path / "out",
        note=notes.append,
    )
    assert len(asked) == 6
    assert found.details["stopped"]
    assert notes[-1] == "stopped after 6 candidates, the limit"
    assert found.best.score == max(e.score for e in found.evaluations)


def test_points_become_recipes() -> None:
    space = SearchSpace(EvolutionarySettings(method="dare-ties"), 2)
    assert space.size == 2 * 3 + 2
    middle = space.recipe(space.middle)
    assert set(middle.weights.values()) == {(0.5, 0.5)}
    assert middle.density == pytest.approx(0.55)
    assert middle.scale == pytest.approx(1)
    found = space.recipe([0.2, 0.6, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    assert found.weights["first-half"] == pytest.approx((0.25, 0.75))
    assert found.weights["second-half"] == (0.5, 0.5)  # nothing counts, so all do
    assert found.weights["outside"] == (1.0, 0.0)
    assert found.density == pytest.approx(0.1)
    assert found.scale == pytest.approx(2)
    assert SearchSpace(EvolutionarySettings(), 4).size == 12
    assert normalised([0, 0, 0]) == (1 / 3,) * 3


def test_a_search_that_makes_no_sense_is_told(
    zoo_folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tunes = zoo_folders
    zoo = open_zoo(tunes)
    out = tmp_path / "out"
    cases: tuple[tuple[object, SearchSettings, str], ...] = (
        (open_zoo(tunes[:1]), HeuristicSettings(), "two different models"),
        (open_zoo([tunes[0], tunes[0]]), HeuristicSettings(), "two different models"),
        (zoo, HeuristicSettings(method="ties"), "adds differences to a base"),
        (zoo, HeuristicSettings(evaluations=3), "3 candidates are not enough: the 3 models"),
    )
    for some, settings, why in cases:
        with pytest.raises(InputError, match=why):
            search_merge(some, settings, lambda f: 0.0, out)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="lies in a model's folder"):
        search_merge(zoo, HeuristicSettings(), lambda f: 0.0, tunes[0] / "out")
    assert not out.exists()
    for bad, why in ((float("nan"), "not finite"), ({}, "on no task")):
        with pytest.raises(HarnessError, match=why):
            search_merge(zoo, HeuristicSettings(), lambda f, bad=bad: bad, tmp_path / why)  # type: ignore[misc]
    search_merge(zoo, HeuristicSettings(coefficients="mean"), lambda f: 0.0, out)
    with pytest.raises(InputError, match="another run: config"):
        search_merge(zoo, HeuristicSettings(), lambda f: 0.0, out)
    with pytest.raises(InputError, match="no finished search"):
        read_search(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'surefoot\[merge\]'"):
        search_merge(zoo, EvolutionarySettings(), lambda f: 0.0, tmp_path / "none")
    assert evolutionary_module.LEAST_DENSITY > 0


def test_every_candidate_is_on_the_disk(zoo_folders: Folders, tmp_path: Path) -> None:
    _, tunes = zoo_folders
    score = near(zoo_folders, (0.5, 0.5, 0.0))
    found = search_merge(
        open_zoo(tunes),
        HeuristicSettings(coefficients="mean"),
        score,
        tmp_path / "out",
        label="nearness",
    )
    lines = [json.loads(s) for s in (tmp_path / "out" / "episodes.jsonl").read_text().splitlines()]
    assert [line["score"] for line in lines] == [e.score for e in found.evaluations]
    assert all(len(line["parts"]) == 9 for line in lines)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert manifest["config"]["score"] == "nearness"
