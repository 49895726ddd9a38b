"""Extras: the table is the one of pyproject.toml, and what is missing is said in one line."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import namedtuple
from pathlib import Path

import pytest

from surefoot.core import extras
from surefoot.core.errors import MissingDependencyError
from surefoot.core.extras import EXTRAS, explained, missing, require, require_extras

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OPTIONAL: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]


def name_of(requirement: str) -> str:
    found = re.match(r"[\w-]+", requirement)
    assert found is not None
    return found.group().replace("_", "-").lower()


def test_the_table_is_that_of_the_project() -> None:
    assert set(OPTIONAL) == {*EXTRAS, "all"}
    for name, extra in EXTRAS.items():
        listed = {name_of(r) for r in OPTIONAL[name]}
        assert set(extra.packages.values()) <= listed, name
        also = {name_of(r) for other in EXTRAS if other != name for r in OPTIONAL[other]}
        assert listed - set(extra.packages.values()) <= also, name
    (everything,) = OPTIONAL["all"]
    assert everything == f"surefoot[{','.join(n for n in EXTRAS if n != 'rerun')}]"


def test_the_base_has_nothing_large_and_no_program_of_another_licence() -> None:
    base = {name_of(r) for r in PROJECT["project"]["dependencies"]}
    assert not base & {name_of(r) for rs in OPTIONAL.values() for r in rs}


def test_every_pin_of_the_project_is_exact() -> None:
    pins = {
        name_of(line)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    groups = [OPTIONAL[n] for n in EXTRAS if n != "rerun"]
    groups += [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    assert {name_of(r) for group in groups for r in group} <= pins


def test_what_is_there_is_not_asked_for() -> None:
    require("json", "no_such_module_at_all")
    assert missing("numpy") is None
    assert missing("no_such_module_at_all") is None


def test_what_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "fastapi", "starlette", "up_fast_downward"):
        monkeypatch.setitem(sys.modules, name, None)
    assert str(missing("torch.nn")) == (
        "this needs torch; install it with: pip install 'surefoot[local]'"
    )
    assert "needs fastapi" in str(missing("starlette.exceptions"))
    with pytest.raises(MissingDependencyError) as caught:
        require("torch", "fastapi", "numpy", "torch")
    assert str(caught.value) == (
        "this needs torch and fastapi; install them with: pip install 'surefoot[local,serve]'"
    )
    with pytest.raises(MissingDependencyError, match=r"up-fast-downward; .*\[planners\]'$"):
        require_extras("planners")
    assert EXTRAS["planners"].missing[0] == "up-fast-downward"
    assert EXTRAS["planners"].install == "pip install 'surefoot[planners]'"


def test_what_pip_would_not_bring_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    version = namedtuple("version", "major minor")
    for name in ("pybullet", "spot"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(extras.sys, "version_info", version(3, 12))
    with pytest.raises(MissingDependencyError, match=r"pybullet, but .*Python 3\.11 only"):
        require_extras("sim")
    assert "Python 3.11 only" in EXTRAS["sim"].install
    monkeypatch.setattr(extras.platform, "machine", lambda: "arm64")
    with pytest.raises(MissingDependencyError, match="spottl, but its package is for Linux"):
        require("spot")


def test_what_a_library_says_becomes_our_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "compressed_tensors", None)
    said = ImportError("Loading needs `compressed-tensors`:\n pip install compressed-tensors")
    assert "'surefoot[quant]'" in str(explained(said))
    assert str(explained(ImportError("needs\n flash"), "model")) == "model: needs flash"
    assert str(explained(ImportError("needs flash"))) == "needs flash"
