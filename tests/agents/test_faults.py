"""What goes wrong around an agent is a counted outcome or one clear line, and runs go on."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from surefoot.agents.perception.perceiver import ModelPerceiver
from surefoot.agents.perception.questions import FactQuestion
from surefoot.core.chat import OptionScores, Request
from surefoot.core.errors import HarnessError, InputError
from surefoot.envs.episodes.catalogue import make_policy
from surefoot.envs.episodes.protocol import AccountingPolicy
from surefoot.envs.episodes.run import episodes_run
from surefoot.models.protocol import OptionScorer
from surefoot.results.run_folder import read_run
from tests.agents.seeing import SeeingServer, agent_run, calibration, one_episode
from tests.killing import killed

COMMAND = [sys.executable, "-m", "surefoot"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SeeingServer]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    found = SeeingServer()
    yield found
    found.close()


def test_a_server_that_dies_in_the_middle(server: SeeingServer, tmp_path: Path) -> None:
    server.left = 20
    config = agent_run(server, tmp_path, "crossing", max_steps=12)
    record = one_episode(config, tmp_path / "run")
    assert record.outcome == "model_error"
    assert "500" in record.reason
    assert 1 <= len(record.steps) < 12  # it had begun
    thoughts = json.loads((tmp_path / "run" / record.extra["agent"]["steps"]).read_text())
    assert len(thoughts["moments"]) == len(record.steps) + 1


@pytest.mark.parametrize(
    ("chat", "outcome"), [("500", "model_error"), ("chatter", "unparsable"), ("filter", "refused")]
)
def test_planners_that_do_not_plan(
    server: SeeingServer, tmp_path: Path, chat: str, outcome: str
) -> None:
    server.chat = chat
    options = {"planner": "openai:m", "samples": 2}
    record = one_episode(agent_run(server, tmp_path, options=options), tmp_path / "run")
    assert (record.outcome, record.steps) == (outcome, []), record.reason
    assert record.reason


@pytest.mark.parametrize(
    ("mood", "outcome"), [("nan", "model_error"), ("even", "refused"), ("torn", "refused")]
)
def test_models_that_know_nothing(
    server: SeeingServer, tmp_path: Path, mood: str, outcome: str
) -> None:
    server.mood = mood
    record = one_episode(agent_run(server, tmp_path), tmp_path / "run")
    assert (record.outcome, record.steps) == (outcome, []), record.reason
    if mood == "torn":
        assert record.extra["agent"]["looks"] == 2


class Nonsense(OptionScorer):
    def __init__(self, probabilities: Sequence[float]) -> None:
        self.probabilities = tuple(probabilities)

    def score(self, request: Request, options: Sequence[str]) -> OptionScores:
        return OptionScores(tuple(options), self.probabilities, "likelihood")


def test_answers_that_are_no_probabilities() -> None:
    question = FactQuestion("light", "What does it show?", ("red", "green"), "light")
    image = np.zeros((8, 8, 3), np.uint8)
    for wrong in ((float("nan"), 0.5), (0.2, 0.3), (1.5, -0.5), (1.0,), ()):
        with pytest.raises(HarnessError, match="no probabilities for 'What does it show\\?'"):
            ModelPerceiver(Nonsense(wrong), "x").ask(image, [question])
    assert ModelPerceiver(Nonsense((0.3, 0.7)), "x").ask(image, [question])[0].tolist() == [
        0.3,
        0.7,
    ]


def test_a_camera_that_drops_frames(server: SeeingServer, tmp_path: Path) -> None:
    """It gives the picture before once more; an agent in doubt asks in the end."""
    server.mood = "torn"
    options = {"operator": "oracle"}
    different = {}
    for shift in ([], ["dropped-frames=1"]):
        config = agent_run(server, tmp_path, options=options, perturb=shift, max_steps=1)
        record = one_episode(config, tmp_path / f"run{len(shift)}")
        assert record.outcome == "out_of_steps", record.reason
        assert record.extra["agent"]["looks"] == 2
        media = tmp_path / f"run{len(shift)}" / "media"
        different[len(shift)] = len({p.read_bytes() for p in media.glob("*look*.jpg")})
    assert different == {0: 3, 1: 1}
    crossing = agent_run(server, tmp_path, "crossing", max_steps=3, perturb=["dropped-frames=1"])
    assert one_episode(crossing, tmp_path / "other").outcome == "out_of_steps"


def test_what_cannot_be_used_is_told_before_anything_starts(
    server: SeeingServer, tmp_path: Path
) -> None:
    other = calibration(tmp_path, "crossing", "guide", model="openai:another")
    swept = str(calibration(tmp_path, "tabletop", "fd"))
    for options, words in (
        ({"calibration": str(other)}, "is for environment 'crossing', not 'tabletop'"),
        ({"lookz": 2}, "lookz: is not known; known: perception, planner"),
        ({"operator": "human"}, "is asked at a terminal"),
        ({"planner": "magic"}, "unknown planner 'magic'; known: guide"),
        ({"perception": "hf:/no/such/model"}, "no model here"),
        ({"perception": "openai:other"}, "is for model 'openai:m', not 'openai:other'"),
        ({"calibration": "absent.json"}, "cannot read the calibration"),
        ({"calibration": swept, "looks": 3}, "is for sensing 'sweep, 2 more looks"),
        ({"calibration": swept, "sensing": "random"}, "not 'random, 2 more looks"),
        ({"calibration": swept, "gate": "scores"}, "until u_p is 0.9'; make one"),
    ):
        with pytest.raises(InputError, match=words):
            episodes_run(agent_run(server, tmp_path, options=options), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    harmless: tuple[dict[str, object], ...] = ({}, {"alpha": 0.3}, {"gate": "none", "looks": 9})
    for more in harmless:  # nothing rests on what it is not for
        given = agent_run(server, tmp_path, options={"calibration": swept, **more})
        policy = make_policy(given.policy, given.env, given.options)
        assert isinstance(policy, AccountingPolicy)
        assert not policy.foreground


def command(server: SeeingServer, tmp_path: Path, out: Path, **given: object) -> list[str]:
    config = agent_run(server, tmp_path, **given).model_dump(mode="json")
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(config))
    return [*COMMAND, "run", "--config", str(path), "--out", str(out), "--workers", "1"]


def test_a_full_disk_ends_the_run_and_counts_nothing(server: SeeingServer, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the first picture does not fit."""
    out = tmp_path / "run"
    arguments = command(server, tmp_path, out)
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)),
    )
    assert done.returncode == 2, done
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert line.endswith("cannot write: file too large")
    assert read_run(out).records == {}
    left = [p.name for p in out.rglob("*") if p.is_file()]
    assert sorted(left) == [".lock", "episodes.jsonl", "manifest.json"]
    again = subprocess.run(arguments, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert [r["outcome"] for r in read_run(out).records.values()] == ["success"]


def test_a_killed_run_comes_to_the_same_records(server: SeeingServer, tmp_path: Path) -> None:
    seeds = [8, 9, 18]
    config = agent_run(server, tmp_path, seeds=seeds)
    whole = episodes_run(config, tmp_path / "whole").records
    out = tmp_path / "run"
    kept = killed(command(server, tmp_path, out, seeds=seeds), out, 1)
    assert 1 <= kept.count(b"\n") < 3
    found = episodes_run(config, out).records
    for record in (*whole.values(), *found.values()):
        del record["wall_s"]
    assert found == whole
