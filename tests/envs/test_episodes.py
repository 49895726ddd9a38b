"""Runs of episodes: outcomes, crashes in the denominator, resume, reports, the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.core.seeds import read_seeds
from surefoot.envs.episodes.catalogue import get_environment
from surefoot.envs.episodes.config import plan_of, resolve
from surefoot.envs.episodes.pool import LostResult, run_apart
from surefoot.envs.episodes.run import episodes_run
from surefoot.envs.recording.video import read_video
from surefoot.results.run_folder import read_run
from tests.killing import killed
from tests.waiting import alive, until

COMMAND = [sys.executable, "-m", "surefoot"]
HERE = Path(__file__).parents[2]


def config(**given: Any) -> Any:
    base = {"env": "tabletop", "task": ["tower"], "difficulty": "easy", "video": "none"}
    return resolve({**base, **given})


def square(x: int, hangs: Path) -> int:
    if x == 3:
        os._exit(7)
    if x == 4:
        hangs.touch()
        signal.pause()
    if x == 5:
        raise ValueError("five")
    return x * x


def test_work_apart_survives_its_workers(tmp_path: Path) -> None:
    found: dict[int, int | LostResult] = {}
    hangs, ticks = tmp_path / "hangs", count(1)

    def clock() -> float:  # runs once nothing is under way but what hangs
        return float(next(ticks)) if len(found) == 7 and hangs.exists() else 0.0

    work = partial(square, hangs=hangs)
    for x, result in run_apart(work, list(range(8)), workers=2, timeout_s=3, clock=clock):
        found[x] = result
    assert {x: y for x, y in found.items() if x not in (3, 4, 5)} == {
        0: 0,
        1: 1,
        2: 4,
        6: 36,
        7: 49,
    }
    assert found[3] == LostResult(False, "its process died (exit code 7)")
    assert found[4] == LostResult(True, "not done after 3 s")
    assert found[5] == LostResult(False, "ValueError: five")


def writes(path: str) -> None:
    while True:
        Path(path).write_text(str(os.getpid()))
        time.sleep(0.02)


def test_a_worker_ends_once_its_parent_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from surefoot.envs.episodes.pool import run_apart\n"
        "from tests.envs.test_episodes import writes\n"
        "if __name__ == '__main__':\n"
        "    list(run_apart(writes, [sys.argv[1]], workers=1, timeout_s=3600))\n"
    )
    (tmp_path / "main.py").write_text(script)
    mark = tmp_path / "mark"
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    with subprocess.Popen([sys.executable, tmp_path / "main.py", mark], env=env) as child:
        until(lambda: mark.is_file() and mark.read_text())
        child.kill()
    worker = int(mark.read_text())
    until(lambda: not alive(worker))


def test_a_run_is_filmed_counted_and_repeatable(tmp_path: Path) -> None:
    wanted = config(seeds=[0], video="all", fps=2, perturb=[{"name": "fog", "severity": 0.3}])
    done = episodes_run(wanted, tmp_path / "a")
    (record,) = done.records.values()
    assert record["outcome"] == "success"
    assert record["progress"] == 1
    assert [s["status"] for s in record["steps"]] == ["done"] * len(record["steps"])
    assert len(record["steps"]) >= 4
    assert "(on" in record["extra"]["facts"][-2]
    video = read_video(tmp_path / "a" / "media" / record["media"]["video"])
    assert len(video) >= 2 * record["simulated_s"]
    assert video[0].shape == (448, 832, 3)
    assert done.summary["total"]["success"] == 1
    page = done.report.read_text()
    assert "data:image/jpeg;base64," in page
    assert f'href="media/{record["media"]["video"]}"' in page
    plain = episodes_run(config(seeds=[0]), tmp_path / "b").records["tower/easy/0"]
    for name in ("outcome", "steps", "simulated_s", "extra"):
        assert plain[name] == record[name]  # filming and fog change nothing in the world


def test_every_kind_of_trouble_is_an_outcome(tmp_path: Path) -> None:
    wanted = config(seeds=[0, 2, 3, 4, 5], policy="tests.envs.policies:Trouble", timeout_s=3600)
    done = episodes_run(wanted, tmp_path / "run", workers=2)
    found = {r["seed"]: (r["outcome"], r["reason"]) for r in done.records.values()}
    assert found == {
        0: ("sim_error", "its process died (SIGKILL)"),
        2: ("policy_error", "RuntimeError: a bug in two lines"),
        3: ("gave_up", "not in the mood"),
        4: ("policy_error", "IndexError: tuple index out of range"),
        5: ("success", ""),
    }
    total = done.summary["total"]
    assert (total["n"], total["success"]) == (5, 1)
    assert sum(total["outcomes"].values()) == 5
    assert total["interval"][1] < 0.7
    page = done.report.read_text()
    assert "its process died (SIGKILL)" in page
    assert not [p for p in (tmp_path / "run" / "media").iterdir() if p.name.endswith(".tmp")]


def test_an_episode_that_hangs_is_a_timeout(tmp_path: Path) -> None:
    wanted = config(seeds=[1], policy="tests.envs.policies:Trouble", timeout_s=2)
    done = episodes_run(wanted, tmp_path / "run")
    assert [(r["outcome"], r["reason"]) for r in done.records.values()] == [
        ("timeout", "not done after 2 s")
    ]
    assert done.summary["total"]["outcomes"]["timeout"] == 1
    assert not [p for p in (tmp_path / "run" / "media").iterdir() if p.name.endswith(".tmp")]


def test_steps_end(tmp_path: Path) -> None:
    wanted = config(seeds=[0], policy="tests.envs.policies:Homing", max_steps=3)
    record = episodes_run(wanted, tmp_path / "run").records["tower/easy/0"]
    assert record["outcome"] == "out_of_steps"
    assert [s["skill"] for s in record["steps"]] == ["(home)"] * 3


def test_only_failures_are_filmed(tmp_path: Path) -> None:
    wanted = config(seeds=[3, 5], policy="tests.envs.policies:Trouble", video="failures", fps=1)
    records = episodes_run(wanted, tmp_path / "run").records
    assert set(records["tower/easy/3"]["media"]) == {"video", "last"}
    assert set(records["tower/easy/5"]["media"]) == {"last"}
    assert len(list((tmp_path / "run" / "media").iterdir())) == 3


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = [
        "run",
        "--task",
        "tower",
        "--difficulty",
        "easy",
        "--seeds",
        "0:3",
        "--video",
        "none",
        "--out",
        str(out),
    ]
    kept = killed([*COMMAND, *arguments, "--workers", "1"], out, 1)
    assert 1 <= kept.count(b"\n") < 3
    (out / "media" / ".torn.mp4.0000.tmp").write_bytes(b"half")
    done = subprocess.run([*COMMAND, *arguments, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (out / "episodes.jsonl").read_bytes().startswith(kept)
    assert json.loads(done.stdout)["total"]["n"] == 3
    assert len(read_run(out).records) == 3
    assert not (out / "media" / ".torn.mp4.0000.tmp").exists()


def test_bad_options_name_the_valid_ones(tmp_path: Path) -> None:
    for arguments, words in {
        ("--env", "kitchen"): "unknown environment 'kitchen'; known: tabletop, crossing",
        ("--task", "fly"): "no tabletop task 'fly'; there are tidy, tower",
        ("--env", "crossing", "--task", "tidy"): "there are left-at-light",
        ("--difficulty", "brutal"): "there are easy, medium, hard",
        ("--env", "crossing", "--difficulty", "x"): "a number from 0 to 1",
        ("--policy", "magic"): "there are scripted, agent, or MODULE:FUNCTION",
        ("--perturb", "snow"): "unknown perturbation 'snow'; known: camera-pose",
        ("--perturb", "fog=3"): "severity",
        ("--seeds", "a"): "seeds are such as 5, 0:10, 1,4,7 or train|calibration|test:20",
        ("--video", "some"): "'all', 'failures' or 'none'",
    }.items():
        done = CliRunner().invoke(app, ["run", *arguments, "--out", str(tmp_path / "run")])
        assert isinstance(done.exception, InputError), arguments
        assert words in str(done.exception)
    arguments = ["run", "--task", "fly", "--out", str(tmp_path / "run")]
    whole = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
    assert whole.returncode == 2
    assert len(whole.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
    for policy in ("tests.envs.policies:Absent", "no.such.module:x", "tests.envs.policies:nothing"):
        with pytest.raises(InputError, match="policy"):
            episodes_run(config(policy=policy), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_seeds_and_plans() -> None:
    assert read_seeds("3,7:9,20") == [3, 7, 8, 20]
    assert read_seeds("test:3") == [8, 9, 18]
    for text in ("", "x:4", "1:y", "0:999999999", ","):
        with pytest.raises(InputError):
            read_seeds(text)
    both = config(task=["tower", "tidy"], seeds=[1, 0, 1])
    assert [spec.key for spec in plan_of(both)] == [
        "tower/easy/1",
        "tower/easy/0",
        "tidy/easy/1",
        "tidy/easy/0",
    ]
    foggy = ["fog=0.2"]
    crossing = resolve({"env": "crossing", "perturb": foggy})
    assert crossing.perturb[0]["distance"] == 12
    assert crossing.difficulty == "0.5"
    assert crossing.task == get_environment("crossing").tasks()


def test_lists() -> None:
    def listed(*what: str) -> str:
        done = CliRunner().invoke(app, ["list", *what])
        assert done.exit_code == 0, done.exception
        return done.stdout

    assert [line.split()[0] for line in listed("envs").splitlines()] == ["tabletop", "crossing"]
    assert "left-at-light" in listed("tasks")
    assert "tidy" in listed("tasks")
    assert "open-lid" in listed("skills")
    perturbations = listed("perturbations")
    assert "Koschmieder" in perturbations
    assert "exposure=0.6" in perturbations
    everything = listed()
    for part in ("grippers", "o1-planning", "crossing", "tidy", "open-lid", "dusk"):
        assert part in everything
    bad = CliRunner().invoke(app, ["list", "cats"])
    assert "there are domains, experiments, envs" in str(bad.exception)


def test_a_yaml_file_does_as_the_options(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "task: [tower]\ndifficulty: easy\nseeds: test:1\nvideo: none\nperturb: [dusk]\n"
    )
    out = tmp_path / "run"
    done = CliRunner().invoke(
        app, ["run", "--config", str(path), "--out", str(out), "--workers", "1"]
    )
    assert done.exit_code == 0, done.exception
    assert "tower" in done.stdout
    saved = read_run(out)
    assert saved.manifest.seeds == [8]
    assert [p["name"] for p in saved.manifest.config["perturb"]] == [
        "exposure",
        "colour-shift",
        "noise",
    ]
    path.write_text("taks: [tower]\n")
    bad = CliRunner().invoke(app, ["run", "--config", str(path), "--out", str(out)])
    assert "taks" in str(bad.exception)


@pytest.mark.slow
def test_perturbations_lower_success(tmp_path: Path) -> None:
    """Hands that miss must show in the outcome, or the fault does nothing."""
    success = {}
    for noise in (0.0, 1.0):
        specs = [f"position-noise={noise}"]
        wanted = config(task=["tidy"], seeds=range(10), perturb=specs, max_steps=12)
        done = episodes_run(wanted, tmp_path / f"run{noise}", workers=2)
        success[noise] = done.summary["total"]["success"]
    assert success[0.0] == 10
    assert success[1.0] < 8
