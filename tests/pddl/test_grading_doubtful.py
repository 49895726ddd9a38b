"""Doubtful answers: in no rate, counted apart everywhere, and shown first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from surefoot.cli.main import run_command
from surefoot.core.chat import ReplyStatus
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.leaderboard import make_leaderboard, render_leaderboard
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.first_use import grade
from surefoot.pddl.grading.records import AnswerOutcome, AnswerRecord, PaperLabel
from surefoot.pddl.language import write_plan
from surefoot.pddl.planner import PlanReply, PlanRequest
from surefoot.pddl.reference import FD_FF, lookup

from .test_grading import PROBLEM, SHORT, folder
from .test_grading_report import Balance

pytestmark = pytest.mark.quick

UNCLEAR = "1. Pick up b4.\n2. Stack it in the corner."
"""The second line says something of an argument that names no object."""


def tasks(root: Path) -> Path:
    folder(root, {"a": SHORT, "b": UNCLEAR})
    for name in ("p02", "p03"):
        (root / "blocksworld" / f"{name}.pddl").write_text(PROBLEM)
        (root / "blocksworld" / f"{name}.pddl.a").write_text(SHORT)
    (root / "blocksworld" / "p02.pddl.b").write_text(SHORT)
    (root / "blocksworld" / "p03.pddl.b").write_text("stack(b4, b1)")
    return root


def test_it_is_in_no_rate_and_counted_apart(tmp_path: Path) -> None:
    root = tasks(tmp_path / "set")
    run = grade(root, root, tmp_path / "run")
    assert run.doubtful == 1
    (record,) = (r for r in run.records if r.kind is AnswerOutcome.DOUBTFUL)
    assert (record.paper, record.cost, record.sub_label) == (PaperLabel.NONE, None, "")
    assert record.read_as == "goal_unmet"
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["doubtful"] == 1
    rows = {c["model"]: c for c in summary["cells"]}
    assert (rows["b"]["n"], rows["b"]["valid"], rows["b"]["doubtful"]) == (2, 1, 1)
    assert rows["a"]["doubtful"] == 0
    (pair,) = summary["comparisons"]
    assert (pair["n"], pair["only_first"], pair["doubtful"]) == (2, 1, 1)


def test_the_report_opens_with_it(tmp_path: Path) -> None:
    root = tasks(tmp_path / "set")
    run = grade(root, root, tmp_path / "run")
    page = run.report.read_text()
    check = Balance()
    check.feed(page)
    assert (check.wrong, check.open, check.loads) == ([], [], [])
    text = " ".join(page.split())
    opening = text[text.index("<h1>") : text.index("answers graded")]
    assert "1 answer is not read with enough certainty" in opening
    assert "line 2: <q>2. Stack it in the corner.</q> read as <code>(putdown b4)" in opening
    assert "without naming an object" in opening
    anchor = opening.split('<li><a href="#')[1].split('"')[0]
    assert anchor in check.ids
    assert "In no rate: 1 doubtful." in text
    assert "n = 2, 1 doubtful" in text


def test_without_doubts_nothing_is_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"m": SHORT})
    run = grade(root, root, tmp_path / "run")
    page = run.report.read_text().lower()
    assert "doubtful" not in page.split("</style>")[1]


def test_the_command_says_how_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tasks(tmp_path / "set")
    assert (
        run_command(["grade", str(root), "--tasks", str(root), "--out", str(tmp_path / "r")]) == 0
    )
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith("1 answer is doubtful, in no rate")
    head = next(line for line in said.out.splitlines() if "model" in line)
    assert "doubtful" in head


def test_samples_leave_it_out(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {})
    texts = (SHORT, UNCLEAR, "stack(b4, b1)")
    for number, text in enumerate(texts):
        (root / "blocksworld" / f"p01.pddl.m.sample-{number}").write_text(text)
    run = grade(root, root, tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    (row,) = summary["samples"]
    assert (row["most"], row["doubtful"]) == (2, 1)
    assert row["passes"][0]["rate"] == 0.5
    assert run.doubtful == 1


def test_older_records_are_read(tmp_path: Path) -> None:
    root = tasks(tmp_path / "set")
    for record in grade(root, root, tmp_path / "run").records:
        data = record.to_json()
        for key in ("doubts", "read_as", "reader", "second_reading"):
            del data[key]
        data["steps"] = [{k: v for k, v in s.items() if k != "doubts"} for s in data["steps"]]
        old = AnswerRecord.from_json(json.loads(json.dumps(data)))
        assert (old.doubts, old.reader, old.kind) == ((), "text", record.kind)
        assert AnswerRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_the_leaderboard_counts_it_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tasks(tmp_path / "set")
    grade(root, root, tmp_path / "run")
    board = make_leaderboard([tmp_path / "run"])
    assert {c.model: (c.n, c.doubtful) for c in board.totals} == {"a": (3, 0), "b": (2, 1)}
    (pair,) = board.comparisons
    assert pair["doubtful"] == 1
    page = render_leaderboard(board, {})
    assert "left out, doubtful" in page
    assert run_command(["report", str(tmp_path / "run")]) == 0
    assert "doubtful" in capsys.readouterr().out


class Mumbler:
    """A model whose last step is vague at first, and plain once it is asked to be."""

    name = "mumbler"
    reads_text = True

    def __init__(self, vague: int = 1000) -> None:
        self.heard: list[str] = []
        self.vague = vague

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, request in enumerate(requests):
            self.heard.append(request.messages[-1].text)
            plan = FD_FF.solve(request.task).plan
            assert plan is not None
            text = write_plan(plan)
            if len(request.messages) == 1 and len(self.heard) <= self.vague:
                lines = [line for line in text.splitlines() if line.startswith("(")]
                text = "\n".join([*lines[:-1], "Stack it in the corner."])
            yield i, PlanReply(ReplyStatus.ANSWERED, text)


@pytest.mark.parametrize("mode", ["repair-binary", "repair-first"])
def test_a_bench_asks_to_write_it_plainly(tmp_path: Path, mode: str) -> None:
    model = Mumbler()
    bench = BenchConfig.model_validate(
        {
            "planners": ["mumbler"],
            "domains": ["blocksworld"],
            "difficulty": [0],
            "seeds": [0],
            "modes": [mode],
        }
    )
    done = bench_run(bench, tmp_path / "run", {"mumbler": model}, lookup)
    (episode,) = done.episodes
    assert episode.attempts[0]["kind"] == "doubtful"
    assert episode.solved
    said = model.heard[1]
    assert "could not be read" in said
    assert "without naming an object" in said
    assert "(action argument ...)" in said
    assert "valid" not in said
    assert "wrong" not in said
    assert done.doubtful == 0


def test_a_bench_counts_it_apart(tmp_path: Path) -> None:
    bench = BenchConfig.model_validate(
        {"planners": ["mumbler"], "domains": ["blocksworld"], "difficulty": [0], "seeds": [0]}
    )
    done = bench_run(bench, tmp_path / "run", {"mumbler": Mumbler()}, lookup)
    assert (done.doubtful, done.summary["doubtful"]) == (1, 1)
    (total,) = done.summary["totals"]
    assert (total["n"], total["valid"], total["doubtful"]) == (0, 0, 1)
    assert "mumbler 1" in done.report.read_text()
    assert "Doubtful answers to look at" in (tmp_path / "run" / "answers.html").read_text()


def test_a_bench_says_which_pairs_of_names_it_leaves_out(tmp_path: Path) -> None:
    bench = BenchConfig.model_validate(
        {
            "planners": ["mumbler"],
            "domains": ["blocksworld"],
            "difficulty": [0, 1],
            "seeds": [0, 1],
            "renamings": ["none", "synonym"],
            "styles": ["template"],
            "renaming_seeds": [0],
        }
    )
    done = bench_run(bench, tmp_path / "run", {"mumbler": Mumbler(1)}, lookup)
    (row,) = done.summary["generalization"]
    assert (row["pairs"], row["doubtful"]) == (3, 1)
    assert [(r["n"], r["doubtful"]) for r in done.summary["sizes"]] == [(1, 1), (2, 0)]
    (row,) = done.summary["extrapolation"]
    assert (row["large"], row["doubtful"]) == ([2, 2], 1)
    page = done.report.read_text()
    assert "left out, doubtful" in page
    assert "doubtful, any size" in page
