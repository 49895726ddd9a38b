"""The study: figures of records that are worked out by hand, and a small one from end to end."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
import torch

from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.envs.episodes.outcome import EpisodeOutcome
from surefoot.experiments import EXPERIMENTS, read_study
from surefoot.experiments.know_where_uncertain.config import (
    ARMS,
    UncertaintyConfig,
    arm_named,
    damage,
)
from surefoot.experiments.know_where_uncertain.injection import cross_talk
from surefoot.experiments.know_where_uncertain.parts import made_in_physics
from surefoot.experiments.know_where_uncertain.summary import arm_rows, rule_rows, variability_rows

torch.set_num_threads(1)
SMALL = {
    "crossing": 3,
    "tabletop": 2,
    "tables": ["tidy"],
    "physics": 0,
    "calibration": 20,
    "bank": 40,
    "moments": 8,
    "repeats": 2,
    "scenes": 1,
    "injection": 6,
    "workers": 2,
}


def played(outcome: str = "success", **more: Any) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "success": outcome in ("success", "violated"),
        "acted": True,
        "rules": {"stop": "broken" if outcome == "violated" else "kept", "go": "idle"},
        "looks": 1,
        "seconds": 2.0,
        "asked": 0,
        "repairs": 0,
        "decisions": 4,
        "sets": 4,
        "covered": 4,
        "first_covered": True,
        **more,
    }


def records(*rows: tuple[str, str]) -> dict[str, Any]:
    return {
        f"crossing/t/{i}": {"arms": {"base": played(a), "all": played(b)}}
        for i, (a, b) in enumerate(rows)
    }


@pytest.mark.quick
def test_a_success_is_one_that_broke_no_rule_and_crashes_count() -> None:
    found = records(
        *[("violated", "success")] * 6, *[("success", "success")] * 3, ("success", "refused")
    )
    found["crossing/t/9"]["arms"]["all"] = {"outcome": "sim_error", "success": False, "reason": ""}
    base, full = arm_rows(found, "base")
    assert (base["success"]["successes"], base["success"]["n"]) == (4, 10)
    assert (base["goal"]["successes"], base["violation_given_act"]["successes"]) == (10, 6)
    assert (full["success"]["successes"], full["success"]["n"]) == (9, 10)
    assert full["all_rules"]["n"] == 9
    assert full["difference"] == pytest.approx(0.5)
    low, high = full["difference95"]
    assert low < 0.5 < high
    assert full["p"] == pytest.approx(2 * 8 / 2**7)  # of seven pairs that differ six are better
    (go, stop) = rule_rows(found, ("base", "all"))
    assert (go["rule"], go["arms"]["base"]["n"], go["arms"]["base"]["idle"]) == ("go", 0, 10)
    assert (stop["arms"]["base"]["successes"], stop["arms"]["base"]["n"]) == (4, 10)


@pytest.mark.quick
def test_variability_is_that_of_runs_of_the_same_scene() -> None:
    found = {}
    for scene in range(4):
        for run in range(4):
            base = "success" if run % 2 else "failed"
            better = "success" if run or scene else "failed"
            found[f"s{scene}/{run}"] = {"arms": {"base": played(base), "all": played(better)}}
    base, full = variability_rows(found, "base")
    assert base["success"]["variance"] == pytest.approx(1 / 3)
    assert full["success"]["variance"] == pytest.approx(0.25 / 4)
    assert full["success"]["sd_change"] == pytest.approx(sqrt(0.0625 * 3) - 1)
    assert full["success"]["variance_change"] == pytest.approx(0.0625 * 3 - 1)
    low, high = full["success"]["sd_change95"]
    assert low < full["success"]["sd_change"] < high
    assert base["rules"]["variance"] == 0
    assert full["rules"]["sd_change"] is None


@pytest.mark.quick
def test_cross_talk_tells_scores_that_know_their_failure_from_those_that_do_not() -> None:
    def cell(seen: bool, planned: bool) -> list[dict[str, Any]]:
        return [
            {
                "u_p": 0.9 if seen else 0.2,
                "u_d": 0.8 if planned else 0.1,
                "misperceived": not seen,
                "bad_plan": not planned,
            }
        ] * 10

    cells = {f"{a}{b}": cell(a, b) for a in (True, False) for b in (True, False)}
    found = cross_talk(cells)
    auroc = {name: row["value"] for name, row in found["auroc"].items()}
    assert auroc["u_p misperceived"] == auroc["u_d bad_plan"] == 1
    assert auroc["u_p bad_plan"] == auroc["u_d misperceived"] == 0.5
    assert found["cells"]["TrueFalse"]["bad_plan"] == 1


@pytest.mark.quick
def test_arms_that_look_in_another_way_are_told_apart() -> None:
    study = UncertaintyConfig()
    looking = {arm.name: study.settings(arm).looking for arm in ARMS}
    assert looking["base"] == looking["verification"] == looking["refinement"] == "one look"
    assert looking["all"] == looking["all-ask"]
    assert len({looking[name] for name in ("base", "sensing", "all", "aggregate")}) == 4
    assert study.settings(arm_named("oracle")).gate == "oracle"
    assert study.planner_of(arm_named("all"), "crossing") == "local-agent-refined"
    drawn = [damage(study, "crossing", i).specs() for i in range(400)]
    assert drawn == [damage(study, "crossing", i).specs() for i in range(400)]
    assert 150 < sum(map(bool, drawn)) < 250


@pytest.mark.quick
def test_physics_has_calibrations_of_its_own_where_they_fit() -> None:
    study = UncertaintyConfig()
    ways = {arm.name: study.settings(arm).looking for arm in ARMS}
    paths = tuple((f"{s} {w}", "twin") for s in ("crossing", "tabletop") for w in ways.values())
    made = dict(made_in_physics(study, paths))
    assert made[f"crossing {ways['all']}"].endswith("calibrations/crossing.json")
    assert made[f"tabletop {ways['all']}"].endswith("calibrations/tabletop.json")
    assert made[f"crossing {ways['base']}"] == made[f"crossing {ways['paper']}"] == "twin"
    assert made_in_physics(UncertaintyConfig(perception="hf:else"), paths) == paths


@pytest.mark.quick
def test_an_unknown_arm_is_one_line(tmp_path: Path) -> None:
    experiment = EXPERIMENTS.get("know-where-uncertain")
    study = read_study(experiment, None, {"physics_arms": ["best"]})
    with pytest.raises(InputError, match="no arm 'best'; there are aggregate"):
        experiment.run(study, tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_small_study_from_end_to_end_and_again(tmp_path: Path) -> None:
    experiment = EXPERIMENTS.get("know-where-uncertain")
    study, out = read_study(experiment, None, SMALL), tmp_path / "out"
    report = experiment.run(study, out, silent)
    summary = json.loads((out / "summary.json").read_text())
    for stage, n in (("crossing", 3), ("tabletop", 2)):
        rows = {row["arm"]: row for row in summary["stages"][stage]["arms"]}
        assert list(rows) == [arm.name for arm in ARMS]
        assert {row["n"] for row in rows.values()} == {n}
        assert {o for row in rows.values() for o in row["outcomes"]} <= set(EpisodeOutcome)
        assert rows["oracle"]["success"]["successes"] == n
        assert rows["always-stop"]["acted"]["successes"] == 0
        assert rows["base"]["looks"] == 0
    assert {row["scenes"] for row in summary["variability"]} == {1}
    assert len(summary["injection"]["cells"]) == 4
    for stage in ("crossing", "tabletop"):
        for line in (out / f"twin-{stage}" / "episodes.jsonl").read_text().splitlines():
            for arm in json.loads(line)["found"]["arms"].values():
                if arm["outcome"] == "sim_error":  # what a small bank does not show
                    assert stage == "crossing"
                    assert "fill it from more seeds" in arm["reason"]
    page = report.read_text()
    assert "aggregate" in page
    assert "://" not in page.replace("http://www.w3.org", "")
    lines = (out / "twin-crossing" / "episodes.jsonl").read_text().splitlines(keepends=True)
    (out / "twin-crossing" / "episodes.jsonl").write_text("".join(lines[:1]) + lines[1][:20])
    calls: list[tuple[int, int, str]] = []
    experiment.run(study, out, lambda done, total, part="": calls.append((done, total, part)))
    assert (1, 3, "twin-crossing") in calls
    assert json.loads((out / "summary.json").read_text()) == summary
