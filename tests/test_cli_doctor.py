"""The doctor tries the real things, and says so when one is missing."""

from __future__ import annotations

import pytest
import torch
from typer.testing import CliRunner

from surefoot.cli import doctor
from surefoot.cli.main import app
from surefoot.core.extras import EXTRAS

torch.set_num_threads(1)


def test_all_is_well_here() -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 9 + len(EXTRAS)
    assert all(line.startswith("ok ") for line in lines if line.split()[1] != "rerun")


def test_what_fails_is_named_and_the_rest_still_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: type("U", (), {"free": 5})())
    command = ["doctor", "--model", "openai:m", "--set", "nonsense=1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert ["disk" in failed[0], "nonsense" in failed[1], len(failed)] == [True, True, 2]
