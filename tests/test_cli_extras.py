"""Commands without extras: each says in one line what to install, or does without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from surefoot.core.extras import EXTRAS

HIDING = """
import sys
for name in {hidden}:
    sys.modules[name] = None
sys.argv = ["surefoot", *{arguments}]
from surefoot.cli.entry import run
run()
"""
MODULES = [m for extra in EXTRAS.values() for m in extra.packages]


def without(
    *arguments: str, hidden: list[str] = MODULES, cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Runs a command where no module of any extra can be imported."""
    code = HIDING.format(hidden=hidden, arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize(
    ("command", "extras"),
    [
        ("bench --planners fd:ff --domains kitchen", "planners"),
        ("bench --planners symk --domains kitchen", "planners"),
        ("bench --planners local --domains kitchen", "local"),
        ("calibrate agent --env crossing --out o", "sim,local"),
        ("compress local-agent --recipe wanda-50 --out o", "local"),
        ("demo", "planners,verify,sim,local"),
        ("diagnose receptive-fields local-perception --out o", "local"),
        ("experiment know-where-uncertain", "sim"),
        ("experiment read-me", "local"),
        ("list envs", "sim"),
        ("list perturbations", "sim"),
        ("merge a b --out o", "local"),
        ("mix a=x b=y --out o", "local"),
        ("refactor local-planner --out o", "local"),
        ("restore x.png --task denoise --out o", "local"),
        ("run --env crossing", "sim"),
        ("run --policy agent", "sim,verify,local"),
        ("sense --env crossing --out o", "sim,local"),
        ("serve local", "local,serve"),
        ("train perception --out o", "sim,local"),
        ("train planner --out o", "local"),
        ("train views --env crossing --out o", "sim,local"),
    ],
)
def test_one_line_says_what_to_install(command: str, extras: str, tmp_path: Path) -> None:
    done = without(*command.split(), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: this needs ")
    if sys.version_info < (3, 12) or "sim" not in extras:
        assert line.endswith(f": pip install 'surefoot[{extras}]'")
    else:
        assert "pybullet" in line or "'surefoot[sim]'" in line
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_of_an_extra_is_our_own_failure(tmp_path: Path) -> None:
    done = without("list", "domains", hidden=["surefoot.pddl.domains"], cwd=tmp_path)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_the_base_lists_what_it_can(tmp_path: Path) -> None:
    done = without("list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "blocksworld" in done.stdout
    assert "wanda-50" in done.stdout
    wanted = "missing the server of local models: pip install 'surefoot[serve]'"
    assert wanted in " ".join(done.stdout.split())
    assert {line.partition(":")[0] for line in done.stderr.splitlines()} == {
        "envs",
        "policies",
        "tasks",
        "skills",
        "perturbations",
    }
    studies = without("list", "experiments", cwd=tmp_path).stdout
    assert "Language models are judged on feasibility" in studies


def test_the_doctor_says_what_is_absent_and_that_is_no_failure(tmp_path: Path) -> None:
    done = without("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    marks = [line.split()[0] for line in done.stdout.splitlines()]
    assert marks.count("absent") == 7 + len(EXTRAS)
    assert marks.count("ok") == 2
    assert "absent  agent          pip install 'surefoot[planners,verify,sim,local]'" in done.stdout


def test_the_base_grades_the_demo(tmp_path: Path) -> None:
    hidden = [m for m in MODULES if m != "torch"]  # SciPy looks for it in sys.modules
    done = without("demo", "grading", "--out", "g", hidden=hidden, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "without plans of Fast Downward" in done.stderr
    summary = json.loads((tmp_path / "g" / "run" / "summary.json").read_text())
    valid = {c["model"]: (c["valid"], c["n"]) for c in summary["totals"]}
    assert valid == {"free-text": (10, 10), "damaged": (0, 10)}
