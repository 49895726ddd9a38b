"""The study of co-occurrence, from end to end on small settings."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.experiments.co_occurrence.config import CoOccurrenceConfig
from surefoot.experiments.co_occurrence.facts import FactSequences, fact_sequences
from surefoot.experiments.co_occurrence.report import assumption, verdict
from surefoot.experiments.co_occurrence.study import CoOccurrenceStudy
from surefoot.experiments.parts import check_place, found_in, run_part
from surefoot.experiments.registry import EXPERIMENTS, read_study

SMALL: dict[str, Any] = {
    "cases": {
        "drawn": {
            "drawn": {"n": 12, "length": 4, "words": 40},
            "flow": {"width": 12, "hidden": 8, "steps": 60, "every": 10},
        },
        "facts": {
            "facts": {"n": 12, "size": 8, "length": 5},
            "flow": {"width": 12, "hidden": 8, "steps": 60, "every": 10},
        },
    },
    "seeds": [0, 1],
    "workers": 1,
}


def test_it_runs_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    study = CoOccurrenceConfig.model_validate(SMALL)

    def stop(done: int, total: int, part: str = "") -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CoOccurrenceStudy.run(study, tmp_path / "out", stop)
    begun: list[int] = []
    CoOccurrenceStudy.run(study, tmp_path / "out", lambda done, total, part="": begun.append(done))
    assert begun[0] == 3
    whole = CoOccurrenceStudy.run(study, tmp_path / "whole", silent)
    first, second = (
        json.loads((tmp_path / name / "summary.json").read_text()) for name in ("out", "whole")
    )
    assert first["cases"] == second["cases"]
    page = whole.read_text()
    assert "<animate " in page
    assert "nL = 60 is larger" in page
    assert "(clear b1)" in page
    row = first["cases"]["drawn"]["checks"][0]
    assert row["n"] == 2
    assert 0 <= row["holds"] <= 2


def test_facts_say_yes_where_the_action_can_be_taken() -> None:
    facts = FactSequences(n=24, size=8, length=5)
    data = fact_sequences(facts, 1)
    assert set(data.names[:2]) == {"(on-table b1)", "(clear b1)"}
    assert data.names[2] == "(arm-empty)"
    assert data.labels.sum() == 0
    assert data.ids.shape == (24, 5)
    assert (fact_sequences(facts, 1).ids == data.ids).all()
    assert (fact_sequences(facts, 2).ids != data.ids).any()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"action": ("fly", "b1")}, "no action of blocksworld"),
        ({"action": ("putdown", "b1")}, "needs three"),
        ({"n": 10}, "multiple of 6"),
        ({"action": ("pickup", "b99")}, "do not show all cases"),
        ({"domain": "nowhere"}, "nowhere"),
    ],
)
def test_facts_that_cannot_be_used(more: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        fact_sequences(FactSequences(**{"n": 24, "size": 5, "length": 4, **more}), 0)


@pytest.mark.parametrize(
    ("seeds", "rate", "why"),
    [
        ([0], 1e6, r"drawn/learned/0: step \d+: the output is not finite"),
        ([1, 1], 0.02, "a seed is named twice"),
    ],
)
def test_a_study_that_cannot_be_done(
    seeds: list[int], rate: float, why: str, tmp_path: Path
) -> None:
    case = {**SMALL["cases"]["drawn"]}
    study = CoOccurrenceConfig.model_validate(
        {
            **SMALL,
            "cases": {"drawn": {**case, "flow": {**case["flow"], "rate": rate}}},
            "seeds": seeds,
        }
    )
    with pytest.raises(InputError, match=why):
        CoOccurrenceStudy.run(study, tmp_path / "out", silent)


def test_a_folder_of_other_work_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    check_place("co-occurrence", out)
    run_part(
        "co-occurrence", "none", out, CoOccurrenceConfig.model_validate(SMALL), {}, print, silent, 1
    )
    (out / "summary.json").write_text("{}")
    check_place("co-occurrence", out)
    with pytest.raises(InputError, match="holds the study co-occurrence"):
        check_place("imp-receptive-fields", out)
    (out / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"'thesis\.tex', which is not part of a study"):
        check_place("co-occurrence", out)
    with pytest.raises(InputError, match="is a file"):
        check_place("co-occurrence", out / "thesis.tex")
    found = CliRunner().invoke(app, ["experiment", "co-occurrence", "--out", str(out / "none")])
    assert "holds a run" in str(found.exception)


def test_the_first_paragraph_says_what_was_found() -> None:
    assert "no capability" in verdict(1.0)
    assert "does matter" in verdict(40.0)
    assert assumption(["x", "y"]) == "fails in every case here"
    assert assumption(["x", ""]) == "fails in 1 of 2 cases here"
    assert assumption([""]) == "holds here"


def threads(_: int) -> dict[str, str]:
    """Returns the thread variables of a worker."""
    return {k: v for k, v in os.environ.items() if k.endswith("_NUM_THREADS")}


def test_each_worker_has_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    records = run_part(
        "x",
        "part",
        tmp_path,
        CoOccurrenceConfig.model_validate(SMALL),
        {"a": 0},
        threads,
        silent,
        1,
    )
    found = found_in(records)["a"]
    assert {found["OMP_NUM_THREADS"], found["OPENBLAS_NUM_THREADS"]} == {"1"}
    assert found["MKL_NUM_THREADS"] == "3"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_seeds_are_zero_or_more() -> None:
    with pytest.raises(ValueError, match=r"seeds\.0"):
        CoOccurrenceConfig.model_validate({**SMALL, "seeds": [-1]})


def test_the_shipped_study_can_be_read() -> None:
    experiment = EXPERIMENTS.get("co-occurrence")
    study = read_study(experiment, None, {})
    assert isinstance(study, CoOccurrenceConfig)
    assert len(study.cases) == 3
    with pytest.raises(InputError, match="at least one case"):
        CoOccurrenceStudy.run(CoOccurrenceConfig(cases={}), Path("nowhere"), silent)
