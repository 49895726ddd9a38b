"""The study of the Lottery Image Prior, from end to end on small settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.experiments.lottery_image_prior.config import ImagePriorConfig
from surefoot.experiments.lottery_image_prior.study import ImagePriorStudy
from surefoot.experiments.lottery_image_prior.summary import (
    RULES,
    overfit_summary,
    task_summary,
    ticket_against_random,
)
from surefoot.experiments.lottery_image_prior.work import (
    ImagePriorJob,
    judge,
    search,
    stops_within,
    take_picture,
)
from surefoot.experiments.registry import EXPERIMENTS, read_study
from surefoot.sparsity.lottery.restoring.fitting import FitResult, fit
from surefoot.sparsity.lottery.restoring.stopping import FitPoint
from surefoot.sparsity.lottery.restoring.tickets import PriorTicket

SMALL: dict[str, Any] = {
    "scenes": [{"env": "crossing", "seed": 0}],
    "size": 16,
    "tasks": ["denoise", "sr"],
    "scale": 2,
    "rounds": 2,
    "levels": [1, 2],
    "network": {"width": 8, "depth": 2, "code": 4},
    "decoder": {"kind": "decoder", "width": 8, "depth": 2},
    "search": 6,
    "steps": {"denoise": 10, "sr": 10},
    "long": 15,
    "every": 5,
}


def test_it_runs_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    study = ImagePriorConfig.model_validate(SMALL)

    def stop(done: int, total: int, part: str = "") -> None:
        if part == "fits" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ImagePriorStudy.run(study, tmp_path / "out", stop)
    begun: dict[str, int] = {}
    page = ImagePriorStudy.run(
        study, tmp_path / "out", lambda done, total, part="": begun.setdefault(part, done) and None
    ).read_text()
    assert begun == {"pictures": 1, "searches": 3, "fits": 1}
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["sparsity"] == pytest.approx([0, 0.36, 1 - 0.64**2], abs=0.01)
    rows = summary["tasks"]["denoise"]["rows"]
    ways = {(r["way"], r["level"]) for r in rows}
    assert {
        (w, n)
        for w in ("clean", "observed", "one-shot", "random", "layer-random", "snip")
        for n in (1, 2)
    } <= ways
    assert {("dense", 0), ("deep decoder", 0), ("other task (sr)", 2)} <= ways
    assert ("other picture", 2) not in ways, "there is no other one"
    sparse = {r["way"]: r["weights"] for r in rows if r["level"] == 2 and not r["refused"]}
    assert len(set(sparse.values())) == 1
    dense = next(r for r in rows if r["way"] == "dense")
    assert dense["rules"]["oracle"]["psnr"]["mean"] >= dense["rules"]["held-out"]["psnr"]["mean"]
    assert set(summary["tasks"]["sr"]["peers"]) == {"bicubic", "Lanczos"}
    long = {row["way"]: row for row in summary["overfit"]["rows"]}
    assert set(long) == {"dense", "clean", "observed", "layer-random", "deep decoder"}
    assert summary["overfit"]["curves"]["dense"][-1][0] == 15
    assert long["clean"]["rules"]["last"]["step"] == 15
    assert next(r for r in rows if r["way"] == "clean")["rules"]["last"]["step"] == 10
    assert "sensing" not in summary
    assert page.count("data:image/png;base64,") == 1
    assert "35.8 %" in page.partition("<dl")[0]


def record(**psnr: float | None) -> dict[str, Any]:
    """What judging a picture gives: an oracle PSNR by way, ``None`` where a layer was lost."""
    rows: list[dict[str, Any]] = []
    for way, value in psnr.items():
        level = 0 if way == "dense" else 2
        if value is None:
            rows.append({"way": way, "level": level, "refused": "nothing is left"})
            continue
        stops = {rule: {"step": 10, "psnr": value - i} for i, rule in enumerate(RULES)}
        rows.append(
            {
                "way": way,
                "level": level,
                "sparsity": 0.0,
                "weights": 7,
                "stops": stops,
            }
        )
        if way != "random":
            late = {rule: {"step": 15, "psnr": value - 3} for rule in RULES}
            rows[-1] |= {"long": late, "curve": [[5, value], [15, value - 3]]}
    return {"rows": rows, "peers": {"median": 20.0}}


def test_seeds_of_a_picture_are_one_case_and_differences_are_paired() -> None:
    records = {
        "denoise/a/0": record(dense=30, clean=31, **{"layer-random": 30.5}, random=None),
        "denoise/a/1": record(dense=20, clean=23, **{"layer-random": 22.5}, random=None),
        "denoise/b/0": record(dense=28, clean=29, **{"layer-random": 29.5}, random=27),
        "sr/a/0": record(dense=1),
    }
    found = task_summary(records, "denoise")
    rows = {r["way"]: r for r in found["rows"]}
    assert rows["dense"]["rules"]["oracle"]["psnr"]["mean"] == pytest.approx((25 + 28) / 2)
    clean = rows["clean"]["rules"]["held-out"]
    assert clean["psnr"]["mean"] == pytest.approx((26 + 28) / 2)
    assert clean["against"]["mean"] == pytest.approx((2 + 1) / 2)
    assert clean["against"]["n"] == 2
    assert rows["random"]["refused"] == 2
    assert rows["random"]["rules"]["oracle"]["against"]["mean"] == -1
    assert found["peers"]["median"]["mean"] == 20
    study = ImagePriorConfig.model_validate(SMALL)
    against = ticket_against_random(records, study)
    assert against["oracle"]["mean"] == pytest.approx((0.5 - 0.5) / 2)
    overfit = overfit_summary(records)
    assert overfit["curves"]["dense"] == [[5, 26.5], [15, 23.5]]
    late = {row["way"]: row["rules"]["last"] for row in overfit["rows"]}
    assert "random" not in late
    assert late["clean"]["against"]["mean"] == pytest.approx(1.5)
    assert late["layer-random"]["psnr"]["mean"] == pytest.approx((23.5 + 26.5) / 2)
    assert ticket_against_random(records, study, "long")["last"]["mean"] == pytest.approx(0)


def test_tickets_of_several_others_never_saw_the_picture(tmp_path: Path) -> None:
    scenes = [{"env": "tabletop", "seed": seed} for seed in (0, 1, 2)]
    study = ImagePriorConfig.model_validate({**SMALL, "scenes": scenes, "tasks": ["denoise"]})
    for scene in study.scenes:
        take_picture((str(tmp_path / "pictures" / "taken"), scene, study.size))
    for kind in ("clean", "denoise", "several"):
        for number in (0, 1):
            search(ImagePriorJob(study.model_dump_json(), str(tmp_path), number, 0, kind))
    card = PriorTicket.load(tmp_path / "tickets" / "several-0-0" / "02").card
    assert (card.source, card.pictures) == ("clean", ("tabletop-1", "tabletop-2"))
    judged = judge(ImagePriorJob(study.model_dump_json(), str(tmp_path), 0, 0, "denoise"))
    assert "several others" in [row["way"] for row in judged["rows"]]


def test_generators_are_trained_and_asked_without_any_fit(tmp_path: Path) -> None:
    sensing: dict[str, Any] = {
        "known": 40,
        "steps": 2,
        "rounds": 1,
        "share": 0.5,
        "pictures": 2,
        "rows": [20, 40],
        "outliers": 2,
        "spoiled": 20,
        "groups": 5,
        "seek": {"steps": 3, "starts": 1},
    }
    alone = {"scenes": [], "tasks": [], "sensing": sensing}

    def stop(done: int, total: int, part: str = "") -> None:
        if part == "prior" and done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ImagePriorStudy.run(ImagePriorConfig.model_validate(alone), tmp_path / "out", stop)
    told: dict[str, list[tuple[int, int]]] = {}
    page = ImagePriorStudy.run(
        ImagePriorConfig.model_validate(alone),
        tmp_path / "out",
        lambda done, total, part="": told.setdefault(part, []).append((done, total)),
    ).read_text()
    assert told["prior"][-1] == (8, 8), "dense, a ticket and two with random masks, of 2 steps"
    assert set(told) == {"prior", "unseen", "sensing"}
    found = json.loads((tmp_path / "out" / "summary.json").read_text())["sensing"]
    priors = {(row["prior"], row["rows"]) for row in found["clean"]}
    names = {"generator-00", "generator-01", "layer-random-01", "random-01", "linear"}
    assert priors == {(name, rows) for name in names for rows in (20, 40)}
    ticket = next(r for r in found["clean"] if (r["prior"], r["rows"]) == ("generator-01", 20))
    dense = next(r for r in found["clean"] if (r["prior"], r["rows"]) == ("generator-00", 20))
    assert ticket["ahead"]["mean"] == pytest.approx(ticket["psnr"]["mean"] - dense["psnr"]["mean"])
    assert (ticket["ahead"]["n"], dense["ahead"]) == (2, None)
    assert {part["kind"] for part in found["chance"]} == {"layer-random", "random"}
    assert {row["way"] for row in found["spoiled"]} == {"least squares", "median of means"}
    assert "With 2 of 20 rows spoiled" in page
    assert "35.8 %" not in page, "nothing was restored"
    again = {**alone, "sensing": {**sensing, "prior": str(tmp_path / "out" / "prior")}}
    ImagePriorStudy.run(ImagePriorConfig.model_validate(again), tmp_path / "again", silent)
    same = json.loads((tmp_path / "again" / "summary.json").read_text())["sensing"]
    for one, other in zip(found["clean"], same["clean"], strict=True):
        assert one["psnr"] == other["psnr"]
    (tmp_path / "out" / "prior" / "pictures" / "thumbnails.json").unlink()
    with pytest.raises(InputError, match="does not say what was trained on"):
        ImagePriorStudy.run(ImagePriorConfig.model_validate(again), tmp_path / "third", silent)


def test_a_broken_case_goes_on_after_its_last_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [*SMALL["scenes"], {"env": "tabletop", "seed": 0}]
    study = ImagePriorConfig.model_validate({**SMALL, "scenes": scenes, "tasks": ["denoise"]})
    text, out = study.model_dump_json(), str(tmp_path)
    for number, scene in enumerate(study.scenes):
        take_picture((str(tmp_path / "pictures" / "taken"), scene, study.size))
        for kind in ("clean", "denoise"):
            search(ImagePriorJob(text, out, number, 0, kind))
    job = ImagePriorJob(text, out, 0, 0, "denoise")
    whole = judge(job)
    assert "other picture" in [row["way"] for row in whole["rows"]]
    calls = 0

    def counted(*arguments: Any, **named: Any) -> FitResult:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return fit(*arguments, **named)

    monkeypatch.setattr("surefoot.sparsity.lottery.restoring.fitting.fit", counted)
    with pytest.raises(KeyboardInterrupt):
        judge(job)
    again = judge(job)
    # The fit that one-shot pruning takes its weights from is no row, and is done anew.
    fitted = [row for row in whole["rows"] if "stops" in row]
    assert calls == 4 + 1 + len(fitted) - 2
    for one, other in zip(whole["rows"], again["rows"], strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert not list((tmp_path / "fits" / "work").iterdir())


def test_rules_see_only_the_steps_that_count() -> None:
    curve = tuple(
        FitPoint(s, 0.0, r, h, p)
        for s, r, h, p in (
            (10, 0.9, 0.5, 20.0),
            (20, 0.3, 0.4, 22.0),
            (30, 0.2, 0.45, 21.0),
            (40, 0.1, 0.1, 30.0),
        )
    )
    found = stops_within(FitResult(curve, {}, 0.0), 30, 0.5)
    assert {rule: s["step"] for rule, s in found.items()} == {
        "oracle": 20,
        "held-out": 20,
        "last": 30,
        "discrepancy": 30,
    }
    assert stops_within(FitResult(curve, {}, 0.0), 40, 0.6)["discrepancy"]["step"] == 20
    assert "discrepancy" not in stops_within(FitResult(curve, {}, 0.0), 40, 0.0)


def test_the_shipped_study_can_be_read() -> None:
    study = read_study(EXPERIMENTS.get("lottery-image-prior"), None, {})
    assert isinstance(study, ImagePriorConfig)
    assert len(study.scenes) == 8
    assert study.sensing is not None


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"scenes": []}, "at least one scene"),
        ({"tasks": []}, "one seed and one task"),
        ({"seeds": [1, 1]}, "a seed is named twice"),
        ({"scenes": [{"env": "tabletop", "seed": 0}] * 2}, "named twice"),
        ({"levels": [1]}, "hold the last round"),
        ({"levels": [0, 2]}, "between 1 and 2"),
        ({"size": 17}, "no multiple of the scale"),
        ({"steps": {"sr": 5}}, "nothing of denoise"),
    ],
)
def test_settings_that_do_not_go_together(more: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        ImagePriorStudy.run(
            ImagePriorConfig.model_validate({**SMALL, **more}), Path("nowhere"), silent
        )
