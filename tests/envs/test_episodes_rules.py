"""Driving rules in the records of episodes: kept by the expert, broken by who never waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surefoot.cli.main import app
from tests.envs.driving_rules import broken_rules


class Heedless:
    """Drives straight on whatever there is."""

    reason = ""

    def begin(self, env: object, observation: object, info: object) -> None:
        self._left = 80

    def act(self, observation: object, info: object) -> int | None:
        self._left -= 1
        return 1 if self._left else None


def heedless(env: str) -> Heedless:
    return Heedless()


@pytest.mark.parametrize("policy", ["scripted", "tests.envs.test_episodes_rules:heedless"])
def test_broken_rules_are_those_of_an_independent_judge(tmp_path: Path, policy: str) -> None:
    out = tmp_path / "run"
    arguments = [
        "run",
        "--env",
        "crossing",
        "--policy",
        policy,
        "--task",
        "straight-at-light",
        "--difficulty",
        "0.8",
        "--seeds",
        "0:4",
        "--video",
        "none",
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    broken = []
    for line in (out / "episodes.jsonl").read_text().splitlines():
        extra = json.loads(line)["extra"]
        judged = broken_rules([frozenset(names) for names in extra["labels"]])
        assert set(extra["broken_rules"]) == judged
        broken.append(judged)
    total = json.loads((out / "summary.json").read_text())["total"]
    assert total["broke_rules"] == sum(map(bool, broken))
    assert (not any(broken)) is (policy == "scripted")
    page = (out / "report.html").read_text()
    assert ("Broken rules:" in page) is any(broken)
