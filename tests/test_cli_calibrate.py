"""``surefoot calibrate`` as people call it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from surefoot.calibration.reports.records import FactRecord, PlanRecord, write_predictions
from surefoot.cli.calibrate_bench import read_run_predictions
from surefoot.cli.entry import run
from surefoot.core.chat import OptionRequest, OptionScores, ReplyStatus
from surefoot.core.errors import InputError
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.planner import PlanReply, PlanRequest
from surefoot.pddl.reference import lookup


def surefoot(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "surefoot", "calibrate", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
    )


def here(monkeypatch: pytest.MonkeyPatch, cwd: Path, *args: object) -> object:
    """Calls the command in this process, which saves loading everything; returns its exit code."""
    monkeypatch.chdir(cwd)
    monkeypatch.setattr(sys, "argv", ["surefoot", "calibrate", *map(str, args)])
    with pytest.raises(SystemExit) as caught:
        run()
    return caught.value.code


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    records: list[FactRecord | PlanRecord] = []
    for scene in range(120):
        for fact in range(3):
            p = rng.dirichlet([0.5, 0.5, 0.5])
            truth = "abc"[rng.choice(3, p=p)]
            given = tuple(float(v) for v in p / p.sum())
            records.append(FactRecord(f"s{scene}", f"f{fact}", ("a", "b", "c"), given, (truth,)))
        sure = float(rng.random())
        records.append(PlanRecord(f"s{scene}", "plan", sure, bool(rng.random() < sure)))
    (tmp_path / "run").mkdir()
    write_predictions(tmp_path / "run" / "predictions.jsonl", records)
    return tmp_path


def test_a_run_is_calibrated_and_reported(run_folder: Path) -> None:
    done = surefoot("run", "--alpha", "0.2", cwd=run_folder)
    assert done.returncode == 0, done.stderr
    assert "all facts of a scene (max)" in done.stdout
    assert "calibrated on 180 facts of 60 scenes" in done.stdout
    assert "report: run/calibration.html" in done.stderr
    data = json.loads((run_folder / "run" / "calibration.json").read_text())
    assert data["settings"]["alpha"] == 0.2
    assert (run_folder / "run" / "calibration.html").exists()


def test_json_and_options(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    args = (
        "run/predictions.jsonl",
        "--json",
        "--method",
        "aps",
        "--joint",
        "bonferroni",
        "--no-groups",
        "--num-resplits",
        50,
        "--seed",
        3,
        "--delta",
        0.2,
    )
    assert here(monkeypatch, run_folder, *args, "--out", "here/mine.json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["settings"] == {
        "alpha": 0.1,
        "delta": 0.2,
        "score": "aps",
        "joint": "bonferroni",
        "groups": False,
        "seed": 3,
    }
    assert data["facts"]["resplits"][0]["resplits"] == 50
    assert (run_folder / "here" / "mine.html").exists()
    chosen = [row["sets"] for row in data["facts"]["sets"] if row["chosen"]]
    assert chosen == ["all facts of a scene (Bonferroni)"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("missing",), "missing: there is no such run"),
        (("empty",), "empty: this folder holds neither predictions.jsonl nor a run of bench"),
        (("nan",), "nan/predictions.jsonl:1: 'confidence' must lie in [0, 1], not nan"),
        (("torn",), "torn/predictions.jsonl:1: damaged line: this is no JSON"),
        (("run", "--alpha", "1.5"), "--alpha is 1.5; it must lie in [0, 1]"),
        (("run", "--alpha", "nan"), "--alpha is nan"),
        (("run", "--delta", "0"), "--delta is 0.0"),
        (("run", "--method", "best"), "--method is 'best'; choose one of: lac, aps, raps, top-k"),
        (("run", "--joint", "all"), "--joint is 'all'; choose one of: max, bonferroni, none"),
        (("run", "--model", "eye"), "no record has model 'eye', only: ''"),
        (("run", "--out", "run/predictions.jsonl"), "--out must be a folder or a .json file"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    run_folder: Path,
    args: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("empty", "nan", "torn"):
        (run_folder / name).mkdir()
    (run_folder / "nan" / "predictions.jsonl").write_text(
        '{"kind": "plan", "scene": "s", "plan": "p", "confidence": NaN, "satisfied": true}\n'
    )
    (run_folder / "torn" / "predictions.jsonl").write_text("{broken\n{}\n")
    code = here(monkeypatch, run_folder, *args)
    told = capsys.readouterr()
    assert code == 2
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert message in told.err
    assert told.err.count("\n") == 1
    assert not list(run_folder.rglob("calibration.*"))


class Pupil:
    """Gives every option a share that depends on its place."""

    name = "pupil"
    reads_text = True
    scores_options = True

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, _ in enumerate(requests):
            yield i, PlanReply(ReplyStatus.ANSWERED, "yes")

    def score(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, OptionScores]]:
        for i, request in enumerate(requests):
            shares = np.arange(len(request.options), 0, -1.0)
            found = tuple(float(s) for s in shares / shares.sum())
            yield i, OptionScores(request.options, found, "made up")


def test_scored_questions_of_a_bench_become_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {
        "planners": ["pupil"],
        "domains": ["blocksworld", "grippers"],
        "seeds": [0, 1, 2],
        "jobs": ["questions"],
        "styles": ["template"],
        "answers": ["scored"],
        "question_forms": ["boolean", "choice"],
    }
    bench_run(BenchConfig.model_validate(fields), tmp_path / "run", {"pupil": Pupil()}, lookup)
    found = read_run_predictions(tmp_path / "run")
    assert {f.scene for f in found.facts} >= {"blocksworld/3-0", "grippers/1-2"}
    assert len(found.plans) == sum(f.group == "validation, boolean" for f in found.facts) > 0
    lines = (tmp_path / "run" / "episodes.jsonl").read_text().splitlines()
    answers = {
        (r["case"]["task"], r["case"]["question"]): r["asked"]["answers"]
        for r in map(json.loads, lines)
    }
    assert all(list(f.truth) == answers[f.scene, f.fact] for f in found.facts)
    for plan in found.plans:
        question = plan.plan.split()[0]
        assert plan.satisfied == (answers[plan.scene, question] == ["yes"])
        assert plan.confidence == pytest.approx(2 / 3)
    assert here(monkeypatch, tmp_path, "run", "--alpha", "0.3", "--out", "cal") == 0
    assert "never act" in capsys.readouterr().out


def test_a_bench_without_probabilities_says_what_to_do(tmp_path: Path) -> None:
    fields = {
        "planners": ["pupil"],
        "domains": ["blocksworld"],
        "seeds": [0],
        "jobs": ["questions"],
        "styles": ["template"],
        "answers": ["text"],
        "question_forms": ["boolean"],
    }
    bench_run(BenchConfig.model_validate(fields), tmp_path / "run", {"pupil": Pupil()}, lookup)
    with pytest.raises(InputError, match="--answers scored"):
        read_run_predictions(tmp_path / "run")
