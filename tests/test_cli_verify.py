"""``surefoot verify`` as people call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from surefoot.cli.entry import run

PLAN = "1. If the light is green and there is no pedestrian, turn right.\n2. Otherwise, stop.\n"
PLAN += "3. Go back to step 1.\n"


def surefoot(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "surefoot", "verify", *map(str, args)],
        capture_output=True,
        text=True,
        cwd=cwd,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plan.txt").write_text(PLAN)
    (tmp_path / "safe.py").write_text("while True:\n    stop()\n")
    (tmp_path / "book.yaml").write_text(
        "name: mine\nobservations: {ped: someone is there}\n"
        "actions: {go: it goes, stay: it stays}\n"
        "rules:\n  - {name: careful, formula: G(ped -> !go), meaning: Do not go towards people.}\n"
    )
    (tmp_path / "go.txt").write_text("go\n")
    (tmp_path / "empty.yaml").write_text("name: none\nrules: []\n")
    (tmp_path / "alone.yaml").write_text("name: w\ninitial: {ped: false}\nbits: {ped: constant}\n")
    return tmp_path


def test_a_broken_rule(folder: Path) -> None:
    done = surefoot(
        "plan.txt", "--rules", "driving", "--world", "driving", "--svg", "out.svg", cwd=folder
    )
    assert done.returncode == 1, done.stderr
    assert "violated" in done.stdout
    assert "of 15 rules hold" in done.stdout
    assert "Rule 'no-right-into-traffic' (critical) is broken." in done.stdout
    assert "Suggestion: before 'turn right', check: if car from left: stop." in done.stdout
    assert (folder / "out.svg").read_text().startswith("<svg")
    assert (folder / "out.automaton.svg").read_text().startswith("<svg")


def test_json(folder: Path) -> None:
    done = surefoot("go.txt", "--rules", "book.yaml", "--json", cwd=folder)
    assert done.returncode == 1
    data = json.loads(done.stdout)
    (rule,) = data["rules"]
    assert (data["holds"], rule["status"], rule["triggered"]) == (False, "violated", True)
    assert rule["witness"]["prefix"] == [{"facts": ["ped", "go"], "words": "sees ped; does: go"}]
    assert rule["feedback"]["suggestions"] == ["before 'go', check: if ped: stay"]
    waiting = surefoot("go.txt", "--rules", "book.yaml", "--json", "--idle", "stay", cwd=folder)
    (rule,) = json.loads(waiting.stdout)["rules"]
    assert rule["feedback"]["suggestions"] == ["before 'go', wait until no ped"]


def test_every_verdict_shows_how_the_plan_was_read(folder: Path) -> None:
    args = ["plan.txt", "--rules", "driving", "--world", "driving"]
    text = surefoot(*args, cwd=folder).stdout
    assert text.startswith("I read this as:\n  [1]\n  if green light and no pedestrian:\n")
    assert "(while it waits" not in text  # this plan never waits
    read_as = json.loads(surefoot(*args, "--json", cwd=folder).stdout)["read_as"]
    assert read_as["program"][1:3] == ["if green light and no pedestrian:", "    turn right"]
    assert (read_as["idle"], read_as["never"], read_as["set_aside"]) == ("stop", [], [])


def test_errors_are_json_too(folder: Path) -> None:
    (folder / "two.txt").write_text("1. Stop, then turn right if the light is green.\n2. Honk.\n")
    done = surefoot("two.txt", "--rules", "driving", "--json", cwd=folder)
    assert (done.returncode, done.stderr) == (2, "")
    error = json.loads(done.stdout)["error"]
    assert (error["file"], error["line"], error["column"]) == ("two.txt", 1, None)
    first, second = error["not_understood"]
    assert first["words"] == "Stop, then turn right if the light is green"
    assert "'stop; if green light: (turn right)'" in first["why"]
    assert (second["line"], second["step"], second["words"]) == (2, 2, "Honk")
    bad = surefoot("go.txt", "--rules", "empty.yaml", "--json", cwd=folder)
    assert "has no rules" in json.loads(bad.stdout)["error"]["message"]
    assert "not_understood" not in json.loads(bad.stdout)["error"]


def test_mends_keep_the_task_and_idle_is_one(folder: Path) -> None:
    (folder / "there.yaml").write_text("name: w\nalways: [ped]\n")
    done = surefoot("go.txt", "--rules", "book.yaml", "--world", "there.yaml", cwd=folder)
    assert done.returncode == 1
    assert "Suggestion" not in done.stdout  # 'if ped: stay' would never go
    (folder / "wait.json").write_text('[{"wait_until": "ped"}, "stay", {"proceed": 1}]')
    (folder / "act.yaml").write_text(
        "name: acts\nobservations: {ped: someone}\nactions: {go: it goes, stay: it stays}\n"
        "rules:\n  - {name: act, formula: G(go | stay)}\n"
    )
    done = surefoot("wait.json", "--rules", "act.yaml", "--json", cwd=folder)
    (rule,) = json.loads(done.stdout)["rules"]
    assert rule["feedback"]["suggestions"] == ["while the plan waits, do 'go' (--idle go)"]
    assert surefoot("wait.json", "--rules", "act.yaml", "--idle", "go", cwd=folder).returncode == 0


SCHEMA = {
    "holds": bool,
    "satisfied": int,
    "read_as": {"program": list, "idle": (str, type(None)), "never": list, "set_aside": list},
    "rules": [
        {
            "name": str,
            "formula": str,
            "severity": str,
            "timing": str,
            "status": str,
            "triggered": (bool, type(None)),
            "witness": (dict, type(None)),
        }
    ],
}
"""The documented keys of ``--json``; a broken rule has ``feedback`` too."""


def agrees(data: object, schema: object) -> bool:
    if isinstance(schema, dict):
        assert isinstance(data, dict)
        assert set(schema) <= set(data) <= set(schema) | {"feedback"}
        return all(agrees(data[key], schema[key]) for key in schema)
    if isinstance(schema, list):
        assert isinstance(data, list)
        return all(agrees(item, schema[0]) for item in data)
    return isinstance(data, schema)  # type: ignore[arg-type]


def test_json_has_the_documented_keys(folder: Path) -> None:
    args = ["plan.txt", "--rules", "driving", "--world", "driving", "--json"]
    data = json.loads(surefoot(*args, cwd=folder).stdout)
    assert agrees(data, SCHEMA)
    broken = [rule for rule in data["rules"] if rule["status"] == "violated"]
    keys = {"step", "line", "facts", "text", "suggestions", "breaks"}
    assert broken
    assert all(set(rule["feedback"]) == keys for rule in broken)


def test_rules_that_hold(folder: Path) -> None:
    done = surefoot("go.txt", "--rules", "book.yaml", "--world", "alone.yaml", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "holds, never triggered" in done.stdout
    args = ["safe.py", "--rules", "driving", "--world", "driving", "--rule", "stop-at-stop-sign"]
    one = surefoot(*args, cwd=folder)
    assert one.returncode == 0
    assert "1 of 1 rules hold" in one.stdout
    prompt = surefoot(*args, "--prompt", cwd=folder)
    assert prompt.stdout == "All rules hold.\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["none.txt", "--rules", "driving"], "none.txt: cannot read the plan"),
        (["go.txt", "--rules", "driving"], "go.txt:1: 'go' is not an action"),
        (["go.txt", "--rules", "empty.yaml"], "has no rules"),
        (["go.txt", "--rules", "drivign"], "did you mean 'driving'"),
        (["go.txt", "--rules", "book.yaml", "--world", "mars"], "there is no world 'mars'"),
        (["go.txt", "--rules", "book.yaml", "--world", "book.yaml"], "is not known"),
        (["go.txt", "--rules", "book.yaml", "--idle", "sleep"], "'sleep' is not an action"),
        (["go.txt", "--rules", "book.yaml", "--rule", "carefull"], "did you mean 'careful'"),
        (["go.txt", "--rules", "book.yaml", "--json", "--prompt"], "choose one"),
        (["go.txt", "--rules", "book.yaml", "--timing", "never"], "--timing 'never' is not one of"),
        (["go.txt", "--rules", "book.yaml", "--svg", "no/o.svg"], "cannot write"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    folder: Path,
    args: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["surefoot", "verify", *args])
    with pytest.raises(SystemExit) as caught:
        run()
    told = capsys.readouterr().err
    assert caught.value.code == 2, told
    assert words in " ".join(told.replace("│", " ").split())
    assert len(told.splitlines()) == 1
    assert told.startswith("error: ")
