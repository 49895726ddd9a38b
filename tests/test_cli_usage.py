"""The command line as a whole: its help, its messages, ``--config``, completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from surefoot.cli.commands import COMMANDS, PANELS, help_text
from surefoot.cli.main import app

COMMAND = [sys.executable, "-m", "surefoot"]


def surefoot(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_the_help_lists_every_command_by_panel() -> None:
    done = surefoot("--help")
    assert done.returncode == 0
    assert done.stdout == help_text()
    assert [line.rstrip(":") for line in done.stdout.splitlines() if line.endswith(":")] == [
        *PANELS,
        "Options",
    ]
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_help_and_version_import_no_library() -> None:
    code = (
        "import sys; sys.argv = ['surefoot', '--help']\n"
        "from surefoot.cli.entry import run\n"
        "try:\n    run()\n"
        "finally:\n    heavy = {'typer', 'rich', 'pydantic', 'numpy'} & set(sys.modules)\n"
        "    print(sorted(heavy), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "[]\n"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("--help", "--version")], capture_output=True, text=True
    )
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_takes_a_configuration(name: str) -> None:
    group = typer.main.get_command(app)
    context = group.make_context("surefoot", [name], resilient_parsing=True)
    command = group.get_command(context, name)  # type: ignore[attr-defined]
    leaves = command.commands.values() if hasattr(command, "commands") else [command]
    for leaf in leaves:
        options = {option for param in leaf.params for option in getattr(param, "opts", ())}
        assert "--config" in options
        # one meaning each: a folder of tasks, a policy of episodes
        assert ("--tasks" in options) <= (name in ("bench", "grade"))
        assert ("--policy" in options) <= (name == "run")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["graed"], "there is no command 'graed'; did you mean 'grade'?; see surefoot --help"),
        (["grade"], "ANSWERS is missing; see surefoot grade --help"),
        (["run", "--sedes", "5"], "surefoot run has no option '--sedes'; did you mean '--seeds'?"),
        (["run", "--fps", "x"], "--fps must be a whole number, not 'x'"),
        (["run", "--fps"], "option '--fps' needs a value"),
        (["merge", "a", "--threshold", "7"], "--threshold must be at most 1"),
        (
            ["merge", "a", "--method", "mean"],
            "--method 'mean' is not one of 'linear', 'task-arithmetic'",
        ),
        (["list", "domains", "more"], "unexpected argument more"),
        (["bench", "--json=x"], "option '--json' takes no value"),
    ],
)
def test_a_wrong_command_line_is_one_line_in_our_words(arguments: list[str], message: str) -> None:
    done = surefoot(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1


def test_no_command_is_no_success() -> None:
    done = surefoot()
    assert (done.returncode, done.stdout) == (2, help_text())


def test_a_configuration_gives_values_that_the_command_line_wins_over(tmp_path: Path) -> None:
    run = tmp_path / "predictions.jsonl"
    row = {
        "kind": "fact",
        "scene": "0",
        "fact": "f",
        "options": ["a", "b"],
        "probabilities": [0.9, 0.1],
    }
    lines = [json.dumps({**row, "scene": str(i), "truth": "a"}) for i in range(40)]
    run.write_text("\n".join(lines) + "\n")
    config = tmp_path / "calibrate.yaml"
    config.write_text("alpha: 0.3\nnum-resplits: 7\njson: true\n")
    arguments = ["calibrate", "recorded", str(run), "--config", str(config)]
    done = surefoot(*arguments, "--out", str(tmp_path / "a"))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "a" / "calibration.json").read_text())["settings"]["alpha"] == 0.3
    done = surefoot(*arguments, "--out", str(tmp_path / "b"), "--alpha", "0.2")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "b" / "calibration.json").read_text())["settings"]["alpha"] == 0.2
    for text, message in (
        ("alhpa: 0.3\n", "has no option 'alhpa'; did you mean 'alpha'?"),
        ("alpha: many\n", "--alpha must be a number, not 'many'"),
    ):
        config.write_text(text)
        done = surefoot(*arguments, "--out", str(tmp_path / "c"))
        assert done.returncode == 2
        assert message in done.stderr
        assert not (tmp_path / "c").exists()


def test_shells_complete_commands_and_options() -> None:
    done = surefoot(_SUREFOOT_COMPLETE="complete_bash", COMP_WORDS="surefoot gr", COMP_CWORD="1")
    assert "grade" in done.stdout.split()
    done = surefoot(
        _SUREFOOT_COMPLETE="complete_bash", COMP_WORDS="surefoot grade --ta", COMP_CWORD="2"
    )
    assert done.stdout.split() == ["--tasks"]
