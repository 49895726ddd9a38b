"""The house: packages, floors, sizes, speed of import."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
ROOMS = {name: ROOT / place for name, place in CONFIG["package-dir"].items()}
FLOORS = {
    "results": 0,
    "pddl": 1,
    "verification": 1,
    "calibration": 1,
    "envs": 2,
    "models": 2,
    "sparsity": 2,
    "agents": 3,
    "experiments": 4,
    "cli": 5,
}
MODULES = {
    ".".join((room, *path.relative_to(place).with_suffix("").parts)): path
    for room, place in ROOMS.items()
    for path in sorted(place.rglob("*.py"))
}


def floor(module: str) -> tuple[str, int]:
    parts = module.split(".")
    room = parts[1] if len(parts) > 1 else "cli"
    return (room, FLOORS[room]) if room in FLOORS else ("cli", 5)


def test_the_packages_are_the_folders_with_code() -> None:
    found = {name.rpartition(".")[0] for name in MODULES}
    assert found == set(CONFIG["packages"])
    for name, path in MODULES.items():
        assert (path.parent / "__init__.py").exists(), name


def test_rooms_import_only_from_lower_floors() -> None:
    upward = []
    for name, path in MODULES.items():
        room, level = floor(name)
        for node in ast.walk(ast.parse(path.read_text())):
            targets = []
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name} imports relatively"
                targets = [node.module or ""]
            for target in targets:
                if not target.startswith("surefoot."):
                    continue
                other, other_level = floor(target)
                if other != room and other_level >= level:
                    upward.append(f"{name} imports {target}")
    assert upward == []


def test_no_file_is_long() -> None:
    files = [p for p in ROOT.rglob("*.py") if not {".venv", "build"} & set(p.parts)]
    assert len(files) > 60
    assert [p.name for p in files if len(p.read_text().splitlines()) > 600] == []


@pytest.mark.parametrize(
    "room",
    [
        "surefoot",
        "surefoot.calibration",
        "surefoot.pddl",
        "surefoot.results",
        "surefoot.verification",
    ],
)
def test_rooms_load_nothing_heavy(room: str) -> None:
    heavy = (
        "numpy",
        "scipy",
        "torch",
        "matplotlib",
        "jinja2",
        "rich",
        "spot",
        "unified_planning",
        "mapie",
    )
    code = f"import sys, {room}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("room", ["calibration", "pddl", "verification"])
def test_the_public_names_exist(room: str) -> None:
    code = f"import surefoot.{room} as p; print(all(hasattr(p, n) for n in p.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True")
