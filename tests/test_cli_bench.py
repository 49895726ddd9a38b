"""``surefoot bench`` and ``report`` as a user runs them: questions, changed tasks, dry run."""

from __future__ import annotations

import json
from pathlib import Path

from .test_cli import fails, surefoot

SMALL = ("--domains", "grippers,blocksworld", "--difficulty", "0", "--seeds", "0")


def test_questions_are_counted_asked_and_reported(tmp_path: Path) -> None:
    asked = (
        "bench",
        "--planners",
        "random,local",
        *SMALL,
        "--jobs",
        "questions",
        "--question-kinds",
        "applicability,execution",
        "--styles",
        "template",
    )
    counted = surefoot(*asked, "--dry-run")
    assert counted.returncode == 0, counted.stderr
    assert counted.stdout.splitlines()[0] == "24 episodes, 24 of them questions"
    assert "local: 12 episodes, about" in counted.stdout

    out = tmp_path / "run"
    guesses = ("bench", "--planners", "random", *asked[3:], "--out", out)
    done = surefoot(*guesses, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["finished"] == 12
    assert summary["totals"] == []
    assert {c["kind"] for c in summary["questions"]["cells"]} == {"", "applicability", "execution"}
    lines = (out / "episodes.jsonl").read_text()
    again = surefoot(*guesses)
    assert "chance" in again.stdout
    assert (out / "episodes.jsonl").read_text() == lines

    page = tmp_path / "board.html"
    board = surefoot("report", out, "--out", page)
    assert board.returncode == 0, board.stderr
    assert "random" in board.stdout
    assert 'id="questions"' in page.read_text()


def test_changed_tasks_and_what_cannot_be_changed(tmp_path: Path) -> None:
    done = surefoot(
        "bench",
        "--planners",
        "greedy",
        *SMALL,
        "--jobs",
        "replan,reformulate-shuffled",
        "--out",
        tmp_path / "run",
    )
    assert done.returncode == 0, done.stderr
    assert "greedy replan" in done.stdout
    assert "reformulate-shuffled grippers: 1 tasks cannot be changed so" in done.stderr


def test_wrong_planners_and_names_are_one_line(tmp_path: Path) -> None:
    asked = ("bench", *SMALL, "--out", tmp_path / "run")
    line = fails(*asked, "--planners", "fd:lmcut", "--jobs", "questions")
    assert "fd:lmcut answers no questions; leave it out" in line
    assert "jobs.0" in fails(*asked, "--planners", "greedy", "--jobs", "juggle")
    assert "'scored' answers need" in fails(*asked, "--planners", "local", "--answers", "scored")
    assert not (tmp_path / "run").exists()
