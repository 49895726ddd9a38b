"""The study of receptive fields, from end to end on small settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.experiments.imp_receptive_fields.config import ReceptiveFieldsConfig
from surefoot.experiments.imp_receptive_fields.report import failing
from surefoot.experiments.imp_receptive_fields.study import ReceptiveFieldsStudy
from surefoot.experiments.imp_receptive_fields.summary import claims, mean_of
from surefoot.experiments.registry import EXPERIMENTS, read_study

SMALL: dict[str, Any] = {
    "cases": {
        "small": {
            "size": 20,
            "points": 400,
            "committee": {"units": 4, "steps": 20, "batch": 50, "bias": False},
        }
    },
    "seeds": [0, 1],
    "rounds": 2,
    "compared": [1, 2],
    "measured": 400,
    "perception": None,
}


def test_it_runs_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    study = ReceptiveFieldsConfig.model_validate(SMALL)

    def stop(done: int, total: int, part: str = "") -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ReceptiveFieldsStudy.run(study, tmp_path / "out", stop)
    begun: list[int] = []
    page = ReceptiveFieldsStudy.run(
        study, tmp_path / "out", lambda done, total, part="": begun.append(done)
    )
    assert begun[0] == 2
    whole = ReceptiveFieldsStudy.run(study, tmp_path / "whole", silent)
    first, second = (
        json.loads((tmp_path / name / "summary.json").read_text()) for name in ("out", "whole")
    )
    assert first == second
    assert page.read_text().count("<img alt") == whole.read_text().count("<img alt") == 8
    rows = first["cases"]["small"]["rows"]
    # A dense training, two rounds, and two rounds of each of the two other orders; twice.
    assert len(rows) == 2 * (3 + 2 + 2)
    left = {(r["order"], r["round"]): r["left"] for r in rows if r["kind"] == "data"}
    assert (
        left["imp", 2] == left["one-shot", 2] == left["random", 2] == pytest.approx(0.49, abs=0.01)
    )
    assert len(first["cases"]["small"]["going"]["data"]) == 3


def made(kurtosis: list[float], locality: list[float], cavity: tuple[float, float]) -> Any:
    """Makes what a job gives, IMP and one round of the others."""
    rows = [
        {
            "order": "imp",
            "round": i,
            "kurtosis": k,
            "locality": x,
            "participation": x,
            "kept": cavity[0],
            "pruned": cavity[1],
        }
        for i, (k, x) in enumerate(zip(kurtosis, locality, strict=True))
    ]
    rows += [{"order": o, "round": 2, "kurtosis": 1.0} for o in ("one-shot", "random")]
    return {"rows": rows, "going": [0.01, cavity[0] / 2, cavity[0]]}


def test_claims_hold_where_they_are_made_to_and_fail_where_not() -> None:
    data = made([0.1, 0.3, 0.2], [0.3, 0.5, 0.9], (-0.4, 0.001))
    clone = made([0.0, 0.0, 0.0], [0.2, 0.3, 0.5], (0.003, 0.0))
    found = {c["name"]: c["holds"] for c in claims({"data": [data], "clone": [clone]})}
    assert found == {
        "pruning makes fields more local": 1,
        "it makes them sparser within (IPR x D)": 1,
        "it raises kurtosis": 1,
        "it raises kurtosis in every round": 0,
        "its kurtosis ends above that of one-shot": 0,
        "its kurtosis ends above that of random masks": 0,
        "Gaussian data do not make fields local": 0,
        "fields end more local on data than on the clone": 1,
        "weights that stay have a cavity, those that go have none": 1,
        "weights go in the order of their cavity in the dense model": 1,
        "the cavity vanishes on the clone": 1,
    }
    other = claims({"data": [clone], "clone": [data]})
    summary = {"cases": {"turned": {"claims": other}}}
    assert ("the cavity vanishes on the clone", ["turned, 0 of 1 seeds"]) in failing(summary)


def test_seeds_without_a_figure_are_left_out() -> None:
    assert mean_of([None, None]) is None
    assert mean_of([2.0, None]) == {"mean": 2.0, "interval": None, "n": 1}


def test_the_shipped_study_can_be_read_and_bad_ones_are_refused(tmp_path: Path) -> None:
    study = read_study(EXPERIMENTS.get("imp-receptive-fields"), None, {})
    assert isinstance(study, ReceptiveFieldsConfig)
    assert len(study.seeds) >= 5
    with pytest.raises(InputError, match="at least one case"):
        ReceptiveFieldsStudy.run(ReceptiveFieldsConfig(cases={}), tmp_path, silent)
    with pytest.raises(InputError, match="none of 1 to 2"):
        read_study(EXPERIMENTS.get("imp-receptive-fields"), None, {"rounds": 2})
    lost = ReceptiveFieldsConfig.model_validate({**SMALL, "perception": {"model": "nowhere"}})
    with pytest.raises(InputError, match="no model here"):
        ReceptiveFieldsStudy.run(lost, tmp_path, silent)


def test_a_model_with_eyes_is_held_against_itself_as_drawn(tmp_path: Path) -> None:
    small = {**SMALL, "seeds": [0], "compared": [2], "perception": {"pictures": 4, "each": 20}}
    page = ReceptiveFieldsStudy.run(ReceptiveFieldsConfig.model_validate(small), tmp_path, silent)
    found = json.loads((tmp_path / "summary.json").read_text())["perception"]
    assert found["locality"]["trained"] != found["locality"]["drawn"]
    assert page.read_text().count("<img alt") == 8 + 48
