"""What holds for all tests: none is judged by the clock, each has one thread and its extras.

Tests of parts whose extras are not installed are left out.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from surefoot.core.extras import EXTRAS

# Read when numpy and torch are first loaded, here and in what the tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# An example may take as long as the machine needs for it.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

NEEDS = {
    ("core/test_registry.py",): "sim verify",
    ("verification",): "verify",
    ("envs",): "sim verify",
    ("agents", "experiments"): "sim local planners verify",
    ("sparsity",): "local sim quant merge",
    ("models/test_answering.py", "models/test_hf.py", "models/test_hf_images.py"): "local",
    ("models/test_perception_training.py", "models/test_training.py"): "local sim",
    ("models/test_tuning.py", "models/test_zoo.py"): "local sim peft",
    ("models/test_serving.py",): "local serve",
    ("models/test_planners.py",): "planners",
    ("test_cli_verify.py",): "verify",
    ("test_cli.py",): "planners",
    ("test_cli_bench.py",): "local planners",
    ("test_cli_doctor.py",): "planners verify sim local serve merge peft quant",
    ("test_cli_serve.py",): "local serve",
    ("test_cli_compress.py", "test_cli_refactor.py", "test_cli_train.py"): "local sim quant peft",
    ("test_cli_merge.py", "test_cli_mix.py", "test_cli_restore.py"): "local sim merge",
}
"""Extras that tests use, by folder or file."""

ORACLES = {
    ("pddl/test_validator_oracle.py", "pddl/test_random_tasks.py"): "unified_planning",
}
"""Peers that tests compare with, by file."""

_absent = {name for name, extra in EXTRAS.items() if extra.missing}
collect_ignore = [
    str(Path(__file__).parent / place)
    for places, extras in NEEDS.items()
    if _absent & set(extras.split())
    for place in places
]
collect_ignore += [
    str(Path(__file__).parent / place)
    for places, module in ORACLES.items()
    if find_spec(module) is None
    for place in places
]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves modules without the mark unread by ``make quick``: to import all takes longest."""
    quick = str(config.getoption("markexpr")).startswith("quick")
    if quick and collection_path.match("test_*.py"):
        return "pytest.mark.quick" not in collection_path.read_text() or None
    return None
