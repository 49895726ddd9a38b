"""The study of Read-ME from end to end, and its figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.experiments import EXPERIMENTS, read_study
from surefoot.experiments.read_me.config import ReadMeStudyConfig
from surefoot.experiments.read_me.report import render_study, share, spread
from surefoot.experiments.read_me.summary import cache_rows, way_rows
from surefoot.experiments.read_me.work import layout_by
from surefoot.results.statistics import mean_interval
from tests.sparsity.experts.dense import dense_model, domain_batches

torch.set_num_threads(1)

QUICK: dict[str, Any] = {
    "models": ["local-planner"],
    "ways": ["eq4", "random", "magnitude", "uniform"],
    "seeds": [0, 1],
    "texts": 60,
    "held_out": 16,
    "tasks": 1,
    "requests": 8,
    "workers": 2,
    "refactor": {
        "samples": 2,
        "length": 256,
        "tune": {
            "rounds": 1,
            "router_steps": 2,
            "expert_steps": 2,
            "router_batch": 4,
            "expert_batch": 4,
            "expert_rate": 5e-4,
        },
    },
}


def record(loss: float, solved: list[bool], *, experts: int = 3) -> dict[str, Any]:
    quality = {
        "loss": loss,
        "agreement": 0.5,
        "repeats": 0.25,
        "shares": [1 / experts] * experts,
        "tasks": {f"t{i}": s for i, s in enumerate(solved)},
    }
    return {
        "before": {**quality, "loss": loss + 1, "agreement": 0.3},
        "after": quality,
        "parameters": {"active": 50, "total": 120, "dense": 100, "router": 5},
        "experts": experts,
        "domains": [str(i) for i in range(experts)],
        "permanent": 0.2,
        "never": 0.1,
        "rounds": [],
        "traces": [],
    }


def test_figures_are_means_over_seeds() -> None:
    records = {
        "m/eq4/0": record(0.2, [True, True]),
        "m/eq4/1": record(0.4, [True, False]),
        "m/magnitude/0": record(0.5, [False, True], experts=1),
        "m/magnitude/1": record(0.7, [False, False], experts=1),
    }
    dense = {"m": {"loss": 0.1, "tasks": {}, "parameters": 100}}
    first, second = way_rows(records, dense, ["m", "none"], ["eq4", "magnitude"], 0)
    assert first["after"]["mean"] == pytest.approx(0.3)
    half = 12.706204736 * np.std([0.2, 0.4], ddof=1) / np.sqrt(2)
    assert first["after"]["interval"] == pytest.approx([0.3 - half, 0.3 + half])
    assert first["tasks_after"]["rate"] == 0.75
    assert first["against_narrow"]["points"] == pytest.approx(0.5)
    assert first["agreement"]["mean"] == 0.5
    assert first["chance"] == pytest.approx(1 / 3)
    assert second["against_narrow"] is None
    assert second["agreement"] is None
    assert mean_interval([2.0]) == {"mean": 2.0, "interval": None, "n": 1}
    assert spread(mean_interval([0.25]), 1, 100) == "25.0"
    assert share(mean_interval([0.5, 1.0])) == "75.0 [0.0, 100.0]"


def test_hit_ratios_are_those_of_the_traces() -> None:
    rows = cache_rows({"m": [[0, 0, 1], [0, 1, 2]], "none": []}, 0)
    assert [r["room"] for r in rows] == [1, 2]
    assert rows[0]["hits"]["lru"] == pytest.approx(1 / 6)
    assert rows[1]["hits"]["lru"] == pytest.approx(3 / 6)
    assert all(r["hits"]["belady"] >= r["hits"]["lru"] for r in rows)


@pytest.mark.parametrize("way", ["eq4", "released", "random", "magnitude", "uniform"])
def test_every_way_has_as_many_neurons_on(way: Any) -> None:
    dense, texts = dense_model(), domain_batches(6)
    layout = layout_by(way, dense, texts, 0.5, seed=3)
    assert layout.experts == (1 if way in ("magnitude", "uniform") else 3)
    for layer in layout.layers:
        assert {len(layer.active(e)) for e in range(layout.experts)} == {32}
    other = layout_by(way, dense, texts, 0.5, seed=4)
    assert (other != layout) == (way in ("random", "uniform"))


def test_the_shipped_study_can_be_read_and_bad_ones_are_told(tmp_path: Path) -> None:
    experiment = EXPERIMENTS.get("read-me")
    study = read_study(experiment, None, {})
    assert isinstance(study, ReadMeStudyConfig)
    assert len(study.seeds) >= 3
    with pytest.raises(InputError, match="ways"):
        read_study(experiment, None, {"ways": ["best"]})
    empty = study.model_copy(update={"ways": ()})
    with pytest.raises(InputError, match="at least one model, one way"):
        experiment.run(empty, tmp_path / "out", silent)
    strange = study.model_copy(update={"models": ("nobody",)})
    with pytest.raises(InputError, match="no model here"):
        experiment.run(strange, tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_study_runs_from_end_to_end(tmp_path: Path) -> None:
    experiment = EXPERIMENTS.get("read-me")
    study = ReadMeStudyConfig.model_validate(QUICK)
    page = experiment.run(study, tmp_path, silent)
    summary = json.loads((tmp_path / "summary.json").read_bytes())
    assert [row["way"] for row in summary["ways"]] == QUICK["ways"]
    for row in summary["ways"]:
        assert row["after"]["mean"] < row["before"]["mean"]
        assert row["before"]["mean"] > summary["dense"]["local-planner"]["loss"]
        assert row["tasks_after"]["n"] == summary["dense"]["local-planner"]["tasks"]["n"]
    traces = json.loads((tmp_path / "traces" / "local-planner" / "traces.json").read_bytes())
    assert len(traces) >= 8
    assert {e for text in traces for e in text} <= set(range(10))
    assert "against magnitude" in page.read_text()
    before = (tmp_path / "summary.json").read_bytes()
    experiment.run(study, tmp_path, silent)  # nothing is left to do
    assert (tmp_path / "summary.json").read_bytes() == before


def test_a_page_without_tasks_or_traces_can_be_made() -> None:
    records = {"m/eq4/0": record(0.2, [])}
    dense = {"m": {"loss": 0.1, "tasks": None, "parameters": 100}}
    summary = {
        "study": ReadMeStudyConfig.model_validate(
            {**QUICK, "models": ["m"], "seeds": [0]}
        ).model_dump(),
        "dense": dense,
        "ways": way_rows(records, dense, ["m"], ["eq4"], 0),
        "caches": [],
    }
    page = render_study(summary)
    assert "0.2000" in page
    assert "Caches" not in page
