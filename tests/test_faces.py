"""What each room exports: few names that make a first use short, and those that README names."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    "agents",
    "calibration",
    "core",
    "envs",
    "experiments",
    "models",
    "pddl",
    "results",
    "sparsity",
    "verification",
)
MOST = 15
"""Names that a room may export."""

FIRST_USES = {
    "agents": ("Agent", "AgentSettings", "make_agent"),
    "calibration": ("SplitConformal", "JointConformal", "load_artefact"),
    "core": ("InputError", "Progress", "Registry"),
    "envs": ("CrossingEnv", "TabletopEnv", "RunConfig"),
    "experiments": ("EXPERIMENTS",),
    "models": ("make_model", "make_planner", "ModelOptions"),
    "pddl": ("load_task", "parse_plan", "validate", "grade", "bench"),
    "results": ("RunFolder", "read_run", "wilson"),
    "sparsity": ("compress", "read_recipe", "load_compressed"),
    "verification": ("load_rulebook", "parse_program", "check_plan", "Monitor"),
}
"""What a first use of each room needs."""


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_exports_few_names_that_are_all_there(room: str) -> None:
    module = import_module(f"surefoot.{room}")
    assert 0 < len(module.__all__) <= MOST
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(FIRST_USES[room]) <= set(module.__all__)
    with pytest.raises(AttributeError, match=f"'surefoot.{room}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018


@pytest.mark.parametrize("room", ROOMS)
def test_names_come_whatever_was_imported_before(room: str) -> None:
    names = ", ".join(FIRST_USES[room])
    code = "import surefoot.cli.main, surefoot.pddl.grading.run, surefoot.pddl.benchmark.run\n"
    code += f"from surefoot.{room} import {names}\n"
    code += f"assert not any(isinstance(n, type(surefoot)) for n in ({names},))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_module_in_the_readme_is_there() -> None:
    rows = re.findall(
        r"^\| `(surefoot\.[\w.]+)` \| (.*) \|$", (ROOT / "README.md").read_text(), re.M
    )
    assert len(rows) >= 10
    for name, text in rows:
        module = import_module(name)
        for public in re.findall(r"`(\w+)`", text):
            assert hasattr(module, public), f"{name} has no {public}"
