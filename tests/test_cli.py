"""The commands as a user runs them: results, exit codes, one line for bad input, resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import killed, recorded
from tests.waiting import HANGING_S, until

from .pddl.test_grading import GOOD, SHORT, folder

COMMAND = [sys.executable, "-m", "surefoot"]


def surefoot(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=HANGING_S
    )


def fails(*arguments: object) -> str:
    """Runs a command that must end with exit code 2 and one line; returns the line."""
    done = surefoot(*arguments)
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_grade_writes_a_run(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"a": SHORT, "b": GOOD, "c": ""})
    out = tmp_path / "run"
    done = surefoot("grade", root, "--tasks", root, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "blocksworld" in done.stdout
    names = {p.name for p in out.iterdir()}
    assert {"manifest.json", "episodes.jsonl", "summary.json", "report.html"} <= names
    cells = json.loads((out / "summary.json").read_text())["cells"]
    assert [(c["model"], c["n"], c["valid"], c["not_run"]) for c in cells] == [
        ("a", 1, 1, 0),
        ("b", 1, 1, 0),
        ("c", 0, 0, 1),
    ]
    again = surefoot("grade", root, "--tasks", root, "--out", out, "--json")
    assert json.loads(again.stdout)["cells"] == cells


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    answers = {f"m{i:03}": f"{SHORT}\n\nAnswer {i}." for i in range(400)}
    root = folder(tmp_path / "set", answers)
    out = tmp_path / "run"
    arguments = ["grade", str(root), "--tasks", str(root), "--out", str(out)]
    kept = killed([*COMMAND, *arguments, "--workers", "1"], out, 5)
    assert 5 <= kept.count(b"\n") < 400
    done = surefoot(*arguments)
    assert done.returncode == 0, done.stderr
    after = (out / "episodes.jsonl").read_bytes()
    assert after.startswith(kept)
    assert after.count(b"\n") == 400


def test_ctrl_c_is_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {f"m{i:03}": f"{SHORT}\n{i}" for i in range(600)})
    out = tmp_path / "run"
    arguments = ["grade", str(root), "--tasks", str(root), "--out", str(out), "--workers", "2"]
    child = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    lines = out / "episodes.jsonl"
    until(lambda: recorded(out) >= 5 or child.poll() is not None)
    os.killpg(child.pid, signal.SIGINT)
    errors = child.communicate(timeout=HANGING_S)[1]
    assert child.returncode == 130
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert not (out / "report.html").exists()
    assert surefoot(*arguments).returncode == 0
    assert lines.read_bytes().count(b"\n") == 600


def test_bad_input_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"m": SHORT})
    place = root / "blocksworld"
    out = tmp_path / "run"

    def bad(*arguments: object) -> str:
        line = fails("grade", *arguments, "--out", out)
        assert not out.exists()
        return line

    assert "no such folder" in bad(root, "--tasks", tmp_path / "absent")
    assert "no such folder or file of answers" in bad(tmp_path / "absent", "--tasks", root)
    (tmp_path / "empty").mkdir()
    assert "no domain.pddl" in bad(root, "--tasks", tmp_path / "empty")
    assert "no answers found" in bad(tmp_path / "empty", "--tasks", root)
    original = (place / "p01.pddl").read_text()
    for content, words in [
        (b"\x00\xff\x13" * 1000, "p01.pddl:1:1: not a text file"),
        (original.rstrip()[:-1].encode(), "p01.pddl:"),
        (b"(" * 2_000_000, "p01.pddl:1:201:"),
        (b"(define (problem " + b"x" * 5_000_000, "p01.pddl:1:"),
        (original.replace("(on b4 b1)", "(on b4 b7)").encode(), "p01.pddl:3:"),
    ]:
        (place / "p01.pddl").write_bytes(content)
        assert words in bad(root, "--tasks", root)
    (place / "p01.pddl").write_text(original)
    (place / "p01.pddl.m").write_bytes(bytes(range(256)))
    assert "not a text file" in bad(root, "--tasks", root)


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"m": SHORT})
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("precious")
    assert "holds no run" in fails("grade", root, "--tasks", root, "--out", mine)
    assert (mine / "thesis.txt").read_text() == "precious"
    assert [p.name for p in mine.iterdir()] == ["thesis.txt"]
    other = folder(tmp_path / "other", {"m": GOOD})
    run = tmp_path / "run"
    assert surefoot("grade", root, "--tasks", root, "--out", run).returncode == 0
    assert "choose another --out" in fails("grade", other, "--tasks", other, "--out", run)


def test_a_plan_of_100_000_steps(tmp_path: Path) -> None:
    long = "\n".join(["unstack(b1, b2)", "stack(b1, b2)"] * 50_000)
    root = folder(tmp_path / "set", {"m": long, "k": "unknown-thing(b1)\n" * 20_000})
    done = surefoot("grade", root, "--tasks", root, "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    cells = json.loads(done.stdout)["cells"]
    assert sum(c["n"] for c in cells) == 2
    assert sum(c["harness_errors"] for c in cells) == 0


def test_usage(tmp_path: Path) -> None:
    assert surefoot("--version").stdout.strip()
    assert "grippers" in surefoot("list").stdout
    assert surefoot("grade").returncode == 2
    assert surefoot("nonsense").returncode == 2


def test_demo_of_grading(tmp_path: Path) -> None:
    pytest.importorskip("up_fast_downward")
    out = tmp_path / "demo"
    done = surefoot("demo", "grading", "--out", out)
    assert done.returncode == 0, done.stderr
    cells = json.loads((out / "run" / "summary.json").read_text())["cells"]
    rates = {
        m: sum(c["valid"] for c in cells if c["model"] == m)
        for m in ("fd-lmcut", "free-text", "damaged")
    }
    assert rates["fd-lmcut"] == 10
    assert rates["free-text"] == 10
    assert rates["damaged"] <= 1
    assert (out / "run" / "report.html").stat().st_size > 10_000
