"""Records, artefacts and the report: read strictly, kept exactly, true to the simulators."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from surefoot.calibration.conformal.joint import JointMethod
from surefoot.calibration.conformal.scores import Score
from surefoot.calibration.metrics.coverage import covered, joint_coverage
from surefoot.calibration.reports.artefact import (
    Artefact,
    Settings,
    calibrate,
    load_artefact,
    one_per_scene,
)
from surefoot.calibration.reports.outcome import CalibrationRun
from surefoot.calibration.reports.records import (
    FactRecord,
    Origin,
    PlanRecord,
    Predictions,
    read_predictions,
    write_predictions,
)
from surefoot.calibration.reports.run import calibrate_run
from surefoot.calibration.reports.tables import FactTable, with_splits
from surefoot.core.errors import InputError
from tests.calibration.simulators import scenes

ORIGIN = Origin("eye-1", "tiny", "places")


def fact_records(n: int, seed: int, facts: int = 8, shuffled: bool = False) -> list[FactRecord]:
    rng = np.random.default_rng(seed)
    cases = scenes(rng, n, facts)
    labels = rng.permuted(cases.labels) if shuffled else cases.labels
    options = tuple(f"option-{k}" for k in range(cases.probabilities.shape[2]))
    return [
        FactRecord(
            f"s{i}",
            f"f{j}",
            options,
            tuple(cases.probabilities[i, j].tolist()),
            (options[labels[i, j]],),
            group=f"g{j % 2}",
            origin=ORIGIN,
        )
        for i in range(n)
        for j in range(facts)
    ]


def plan_records(n: int, seed: int, steep: float = 6.0) -> list[PlanRecord]:
    rng = np.random.default_rng(seed)
    sure = rng.random(n)
    fine = rng.random(n) < 1 / (1 + np.exp(-steep * (sure - 0.4)))
    return [
        PlanRecord(f"s{i}", "p", float(sure[i]), bool(fine[i]), origin=ORIGIN) for i in range(n)
    ]


def done(
    tmp_path: Path, records: list[FactRecord | PlanRecord], **wanted: object
) -> CalibrationRun:
    facts = tuple(r for r in records if isinstance(r, FactRecord))
    plans = tuple(r for r in records if isinstance(r, PlanRecord))
    settings = replace(Settings(), **wanted)  # type: ignore[arg-type]
    return calibrate_run(Predictions(facts, plans), settings, tmp_path / "out", resplits=300)


FACT = {
    "kind": "fact",
    "scene": "s",
    "fact": "f",
    "options": ["a", "b"],
    "probabilities": [0.75, 0.25],
    "truth": "a",
}
PLAN = {"kind": "plan", "scene": "s", "plan": "p", "confidence": 0.5, "satisfied": True}


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    several = replace(
        fact_records(1, 0, 1)[0],
        truth=("option-0", "option-3"),
        step=2,
        split="test",
        perturbation="fog=0.3",
    )
    plan = replace(plan_records(1, 0)[0], rules={"yield": True, "stop": False})
    write_predictions(tmp_path / "predictions.jsonl", [*fact_records(3, 1), several, plan])
    found = read_predictions(tmp_path)
    assert found.facts == (*fact_records(3, 1), several)
    assert found.plans == (plan,)
    assert read_predictions(tmp_path / "predictions.jsonl").sha256 == found.sha256
    assert found.keep(lambda r: r.scene == "s0").sha256 != found.sha256


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "no JSON"),
        ("[1]", "must be a JSON object"),
        (json.dumps(FACT | {"kind": "guess"}), "'fact' or 'plan'"),
        (json.dumps({k: v for k, v in FACT.items() if k != "truth"}), "needs 'truth'"),
        (json.dumps(FACT | {"colour": "red"}), "no entry 'colour'"),
        (json.dumps(FACT | {"probabilities": [float("nan"), 0.5]}), "must lie in"),
        (json.dumps(FACT | {"probabilities": [10**400, 0]}), "must lie in"),
        (json.dumps(FACT | {"probabilities": [0.75, 0.5]}), "sum to 1.25"),
        (json.dumps(FACT | {"probabilities": [1.0]}), "2 options, but 1"),
        (json.dumps(FACT | {"probabilities": ["0.5", "0.5"]}), "must be numbers"),
        (json.dumps(FACT | {"options": [], "probabilities": []}), "at least one"),
        (json.dumps(FACT | {"options": ["a", "a"]}), "twice"),
        (json.dumps(FACT | {"truth": "c"}), "none of the options"),
        (json.dumps(FACT | {"truth": []}), "at least one"),
        (json.dumps(FACT | {"step": -1}), "from 0"),
        (json.dumps(FACT | {"step": True}), "wrong type"),
        (json.dumps(FACT | {"scene": 3}), "wrong type"),
        (json.dumps(FACT | {"scene": "\ud800"}), "half a character"),
        (json.dumps(FACT | {"split": "train"}), "calibration, test"),
        (json.dumps(PLAN | {"confidence": float("nan")}), "must lie in"),
        (json.dumps(PLAN | {"confidence": True}), "wrong type"),
        (json.dumps(PLAN | {"satisfied": 1}), "wrong type"),
        (json.dumps(PLAN | {"rules": {"a": 1}}), "true or false"),
        (json.dumps(FACT), "recorded twice"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text(f"{json.dumps(FACT)}\n\n{line}\n{json.dumps(PLAN)}\n")
    with pytest.raises(InputError, match=message) as caught:
        read_predictions(tmp_path)
    assert (caught.value.line, caught.value.file) == (3, str(file))
    assert "\n" not in str(caught.value)


def test_a_torn_last_line_is_left_out_but_an_empty_file_refused(tmp_path: Path) -> None:
    file = tmp_path / "predictions.jsonl"
    file.write_text(json.dumps(FACT) + "\n" + json.dumps(PLAN)[:20])
    assert len(read_predictions(file).records) == 1
    file.write_text("\n")
    with pytest.raises(InputError, match="no predictions"):
        read_predictions(file)
    with pytest.raises(InputError, match="no such file"):
        read_predictions(tmp_path / "missing.jsonl")


def test_scenes_are_split_as_a_whole_and_by_seed() -> None:
    records = Predictions(tuple(fact_records(40, 0)), tuple(plan_records(40, 0)))
    first, again, other = with_splits(records, 1), with_splits(records, 1), with_splits(records, 2)
    assert first == again != other
    known = {r.scene for r in first.in_split("calibration").records}
    new = {r.scene for r in first.in_split("test").records}
    assert (len(known), len(new), known & new) == (20, 20, set())
    assert with_splits(first, 5) == first


def test_impossible_splits_are_refused() -> None:
    facts = fact_records(4, 0, 2)
    with pytest.raises(InputError, match="1 of 8 records carry a split"):
        with_splits(Predictions((replace(facts[0], split="test"), *facts[1:]), ()), 0)
    both = [replace(f, split="test" if i % 2 else "calibration") for i, f in enumerate(facts)]
    with pytest.raises(InputError, match="in both splits"):
        with_splits(Predictions(tuple(both), ()), 0)
    with pytest.raises(InputError, match="fewer than two scenes"):
        with_splits(Predictions(tuple(facts[:2]), ()), 0)
    test = tuple(replace(f, split="test") for f in facts)
    with pytest.raises(InputError, match="no record is marked calibration"):
        calibrate_run(Predictions(test, ()), Settings(), Path("nowhere"))


def test_records_of_several_models_must_be_told_apart() -> None:
    facts = fact_records(4, 0, 2)
    other = [replace(f, origin=replace(ORIGIN, model="eye-2")) for f in facts]
    mixed = Predictions((*facts, *other), ())
    with pytest.raises(InputError, match="choose one with --model: eye-1, eye-2"):
        mixed.only(model=None)
    assert mixed.only(model="eye-2", renderer=None).facts == tuple(other)
    with pytest.raises(InputError, match="no record has model 'eye-3', only: eye-1, eye-2"):
        mixed.only(model="eye-3")
    with pytest.raises(InputError, match="have 2"):
        calibrate(mixed, Settings())


def test_with_several_acceptable_answers_the_likeliest_is_the_truth() -> None:
    record = FactRecord("s", "f", ("a", "b", "c"), (0.5, 0.3, 0.2), ("c", "b"))
    table = FactTable.of([record])
    assert table.labels.tolist() == [1]
    assert table.correct.tolist() == [False]
    assert FactTable.of([replace(record, truth=("a", "c"))]).correct.tolist() == [True]


@pytest.mark.parametrize("score", list(Score))
@pytest.mark.parametrize("joint", list(JointMethod))
def test_an_artefact_comes_back_with_the_same_sets(
    tmp_path: Path, score: Score, joint: JointMethod
) -> None:
    records = Predictions(tuple(fact_records(60, 0)), tuple(plan_records(60, 0)))
    for groups in (True, False):
        made = calibrate(records, Settings(0.1, score=score, joint=joint, groups=groups))
        made.save(tmp_path / "a.json")
        read = load_artefact(tmp_path / "a.json", model="eye-1", renderer="tiny", labels="places")
        new = FactTable.of(fact_records(30, 1))
        assert (read.sets(new) == made.sets(new)).all()
        assert read.to_json() == made.to_json()
        assert (read.settings, read.origin, read.acts) == (made.settings, made.origin, made.acts)
        assert read.satisfaction is not None
        assert made.satisfaction is not None
        asked = np.linspace(0, 1, 11)
        assert (read.satisfaction.interval(asked) == made.satisfaction.interval(asked)).all()
    assert made.data["sha256"] == records.sha256
    assert {"surefoot", "mapie", "numpy"} <= set(made.versions)


def saved(tmp_path: Path) -> Path:
    records = Predictions(tuple(fact_records(30, 0)), tuple(plan_records(30, 0)))
    calibrate(records, Settings()).save(tmp_path / "a.json")
    return tmp_path / "a.json"


@pytest.mark.parametrize(
    ("trait", "message"),
    [
        ("model", "the model 'eye-1', not for 'other'"),
        ("renderer", "the renderer 'tiny'"),
        ("labels", "the label set 'places'"),
    ],
)
def test_an_artefact_for_something_else_is_refused(
    tmp_path: Path, trait: str, message: str
) -> None:
    asked = {"model": "eye-1", "renderer": "tiny", "labels": "places"}
    path = saved(tmp_path)
    assert isinstance(load_artefact(path, **asked), Artefact)
    with pytest.raises(InputError, match=message) as caught:
        load_artefact(path, **(asked | {trait: "other"}))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format="other"), "no calibration of the format"),
        (lambda d: d["joint"].update(threshold=0.5), "does not belong to its scores"),
        (lambda d: d["split"].update(threshold=0.5), "give"),
        (lambda d: d["settings"].update(alpha=0.2), "do not belong to the settings"),
        (lambda d: d["settings"].update(score="best"), "damaged calibration"),
        (lambda d: d["plans"].update(confidence=[2.0]), "in \\[0, 1\\]"),
        (lambda d: d.pop("acts"), "damaged calibration"),
        (lambda d: d.update(joint=3), "damaged calibration"),
    ],
)
def test_a_damaged_artefact_is_refused(tmp_path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    path = saved(tmp_path)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=message):
        load_artefact(path, model="eye-1", renderer="tiny", labels="places")


def test_no_artefact_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_artefact(tmp_path / "missing.json", model="eye-1")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="no JSON"):
        load_artefact(tmp_path / "broken.json", model="eye-1")


def test_joint_sets_reach_their_target_and_sets_of_each_fact_do_not(tmp_path: Path) -> None:
    found = done(tmp_path, [*fact_records(600, 3)]).facts
    assert found is not None
    rows = {row.name: row for row in found.rows}
    alone, joint = rows["each fact"], rows["all facts of a scene (max)"]
    assert joint.chosen
    assert alone.coverage.low < 0.9 < alone.coverage.high + 0.03
    assert 0.3 < alone.joint.value < 0.65, "the naive way: each fact at 90 %"
    assert joint.joint.interval.low < 0.9 < joint.joint.interval.high + 0.03
    assert joint.sizes.mean.value > alone.sizes.mean.value
    for resplits in found.resplits:
        assert resplits.law.p_value(resplits.counts) > 1e-3
        standard_error = resplits.coverage.std() / np.sqrt(len(resplits.counts))
        assert abs(resplits.coverage.mean() - resplits.law.mean) < 4 * standard_error
    assert len(found.resplits) == 2
    assert found.drift[1] is None
    assert found.asking.success_trial == joint.joint
    assert found.asking.help_step.value == pytest.approx(1 - joint.sizes.singletons.value)


def test_an_artefact_keeps_its_promise_over_many_calibrations() -> None:
    """Joint coverage on fresh scenes, over 200 calibrations of 60 scenes each."""
    rates = []
    new = FactTable.of(fact_records(300, 10_000, 4))
    pool = fact_records(400, 20_000, 4)
    for seed in range(200):
        chosen = set(np.random.default_rng(seed).choice(400, 60, replace=False))
        some = tuple(f for i in chosen for f in pool[4 * i : 4 * i + 4])
        made = calibrate(Predictions(some, ()), Settings(groups=False))
        rates.append(joint_coverage(covered(made.sets(new), new.acceptable), new.scenes).value)
    assert 0.87 < np.mean(rates) < 0.94


def test_shuffled_labels_cost_size_and_not_coverage() -> None:
    found = []
    for shuffled in (False, True):
        records = fact_records(300, 5, shuffled=shuffled)
        made = calibrate(Predictions(tuple(records[:1200]), ()), Settings(joint=JointMethod.MAX))
        new = FactTable.of(records[1200:])
        sets = made.sets(new)
        hits = joint_coverage(covered(sets, new.acceptable), new.scenes)
        found.append((hits.value, sets.sum(axis=1).mean()))
    (honest, small), (blind, large) = found
    assert min(honest, blind) > 0.83
    assert large > small + 0.5


def test_acts_are_bounded_and_never_acting_is_a_result(tmp_path: Path) -> None:
    good = done(tmp_path, [*plan_records(1500, 0)], alpha=0.1)
    assert good.facts is None
    assert good.plans is not None
    assert good.artefact.acts is not None
    assert not good.artefact.acts.abstains
    assert good.plans.violations is not None
    assert good.plans.violations.value < 0.15
    assert 0.1 < good.plans.acted.value < 0.9
    assert good.plans.scores["ECE, Venn–Abers"].value < good.plans.scores["ECE"].value
    never = done(tmp_path, [*plan_records(60, 0, steep=0.0)], alpha=0.05)
    assert never.plans is not None
    assert never.plans.violations is None
    assert never.summary()["plans"]["threshold"] is None
    assert never.summary()["plans"]["abstains"] is True
    assert "never act" in never.report_path.read_text()


def test_all_plans_fine_or_all_broken_has_no_auroc_and_no_error(tmp_path: Path) -> None:
    for fine in (True, False):
        records = [replace(p, satisfied=fine) for p in plan_records(200, 0)]
        found = done(tmp_path, [*records])
        assert found.plans is not None
        assert "AUROC" not in found.plans.scores
        assert found.artefact.acts is not None
        assert found.artefact.acts.abstains is not fine


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_both_ends_of_alpha(tmp_path: Path, alpha: float) -> None:
    found = done(tmp_path, [*fact_records(60, 0, 3), *plan_records(60, 0)], alpha=alpha)
    assert found.facts is not None
    chosen = next(row for row in found.facts.rows if row.chosen)
    assert chosen.joint.value == (1.0 if alpha == 0 else 0.0)
    assert chosen.sizes.mean.value == (6.0 if alpha == 0 else 0.0)
    assert found.report_path.read_text().startswith("<!doctype html>")


def test_few_scenes_and_single_options_give_full_sets(tmp_path: Path) -> None:
    found = done(tmp_path, [*fact_records(8, 0, 2)])
    assert found.facts is not None
    assert all(row.joint.value == 1 for row in found.facts.rows)
    assert found.facts.slab is None
    one = [FactRecord(f"s{i}", "f", ("only",), (1.0,), ("only",), origin=ORIGIN) for i in range(30)]
    alone = done(tmp_path, [*one]).facts
    assert alone is not None
    assert alone.rows[0].coverage.value == 1
    assert len(alone.resplits) == 1


def test_the_report_is_safe_complete_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    records = [
        replace(f, group=evil, fact=evil + f.fact, origin=Origin(evil, "", ""))
        for f in fact_records(60, 0)
    ]
    plans = [replace(p, origin=Origin(evil, "", "")) for p in plan_records(60, 0)]
    first = done(tmp_path, [*records, *plans])
    page = first.report_path.read_text()
    assert evil not in page
    for part in ("sets", "resplits", "sizes", "reliability", "risk", "groups", "plans"):
        assert f'<h2 id="{part}"' in page
    assert "beta-binomial law" in page
    assert first.report_path.name == "calibration.html"
    again = done(tmp_path, [*records, *plans])
    assert json.dumps(first.summary()) == json.dumps(again.summary())
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "calibration.html",
        "calibration.json",
    }


def test_one_row_of_each_scene_is_drawn() -> None:
    names = np.array(["b", "a", "b", "c", "a"])
    found = one_per_scene(names, 0)
    assert sorted(names[found]) == ["a", "b", "c"]
    assert len({tuple(one_per_scene(names, s)) for s in range(20)}) > 1
    assert one_per_scene(np.array([]), 0).tolist() == []
