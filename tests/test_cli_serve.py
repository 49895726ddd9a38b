"""``surefoot serve`` with bad input: one line and exit code 2."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError, MissingDependencyError
from surefoot.models.serving.running import bind

pytestmark = pytest.mark.quick


def told(*arguments: str) -> BaseException | None:
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert result.exit_code != 0
    return result.exception


def test_places_without_a_model(tmp_path: Path) -> None:
    for place in (str(tmp_path), "nowhere", f"hf:{tmp_path}"):
        error = told(place)
        assert isinstance(error, InputError)
        assert "no model here" in str(error)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        error = told("local", "--port", str(port))
    assert isinstance(error, InputError)
    assert f"cannot listen at 127.0.0.1:{port}" in str(error)


def test_an_address_of_elsewhere() -> None:
    with pytest.raises(InputError, match=r"cannot listen at 192\.0\.2\.1:0"):
        bind("192.0.2.1", 0)


def test_a_model_without_experts_takes_no_budget() -> None:
    error = told("local", "--expert-budget", "64MB")
    assert isinstance(error, InputError)
    assert "no experts" in str(error)


def test_without_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from surefoot.models.serving.app import make_app

    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingDependencyError, match=r"surefoot\[serve\]"):
        make_app(None, "m")  # type: ignore[arg-type]
