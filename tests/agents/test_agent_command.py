"""``surefoot run`` with the agent as a user types it, and a person at the terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from surefoot.agents.gates import GATES
from surefoot.agents.operator import OPERATORS
from surefoot.agents.sensing.registry import STRATEGIES
from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.results.run_folder import read_run
from tests.agents.seeing import SeeingServer, agent_run
from tests.waiting import HANGING_S

COMMAND = [sys.executable, "-m", "surefoot"]


@pytest.fixture
def server() -> Iterator[SeeingServer]:
    found = SeeingServer("torn")
    yield found
    found.close()


def test_a_person_is_asked_at_the_terminal(server: SeeingServer, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    config = agent_run(server, tmp_path, options={"looks": 0})
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    out = tmp_path / "run"
    arguments = ["run", "--config", str(path), "--out", str(out), "--set", "operator=human"]
    refused = subprocess.run(
        [*COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines() == [
        "error: the operator 'human' is asked at a terminal, and standard input is none"
    ]
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    heard = bytearray()

    def answer() -> None:
        assert child.stderr is not None
        while piece := child.stderr.read1(4096):  # type: ignore[attr-defined]
            heard.extend(piece)
            if heard.endswith(b"> "):
                heard.extend(b"\n")
                os.write(ours, b"1\n")

    listener = threading.Thread(target=answer)
    listener.start()
    assert child.wait(HANGING_S) == 0, heard.decode()
    listener.join()
    os.close(ours)
    said = heard.decode()
    assert "Where is the red cylinder?" in said
    assert "[1] on the table" in said
    assert "1 of 1 episodes are done" in said
    (record,) = read_run(out).records.values()
    assert record["outcome"] == "success"
    assert record["extra"]["agent"]["asked"] == said.count("[1] on the table") >= 2


def test_settings_win_over_the_file(server: SeeingServer, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(agent_run(server, tmp_path).model_dump(mode="json")))
    out = tmp_path / "run"
    arguments = [
        "run",
        "--config",
        str(path),
        "--out",
        str(out),
        "--workers",
        "1",
        "--max-steps",
        "1",
        "--set",
        "gate=none",
        "--set",
        "models.retries=1",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.exception
    assert "0.0 looks again" in done.stdout
    options = read_run(out).manifest.config["options"]
    assert (options["gate"], options["looks"]) == ("none", 2)
    assert (options["models"]["retries"], options["models"]["base_url"]) == (1, server.url)
    for pair, words in (
        ("looks", "not of the form NAME=VALUE"),
        ("=3", "not of the form NAME=VALUE"),
        ("looks=[", "setting 'looks': not a YAML value"),
        ("gate=maybe", "unknown gate 'maybe'; known: sets, scores, aggregate, none"),
        ("models.colour=red", "models.colour: is not known"),
    ):
        bad = CliRunner().invoke(app, [*arguments[:5], "--set", pair])
        assert isinstance(bad.exception, InputError), pair
        assert words in str(bad.exception)


def test_lists_of_what_agents_are_made_of() -> None:
    def names(what: str) -> list[str]:
        done = CliRunner().invoke(app, ["list", what])
        assert done.exit_code == 0, done.exception
        return [line.split()[0] for line in done.stdout.splitlines()]

    assert names("gates") == list(GATES)
    assert names("operators") == list(OPERATORS)
    assert names("strategies") == list(STRATEGIES)
    assert {"guide", "fd[:SEARCH]", "symk", "local-agent", "hf:PLACE"} <= set(names("planners"))
