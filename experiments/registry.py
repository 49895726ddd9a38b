"""The experiments by name, and their configurations."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from surefoot.core.config import check_config, read_config_file
from surefoot.core.registry import Registry
from surefoot.experiments.base import Experiment

EXPERIMENTS: Registry[Experiment] = Registry("experiments", "experiment")
"""Experiments by name."""

for _name in (
    "answer-reading",
    "co-occurrence",
    "compression",
    "imp-receptive-fields",
    "know-where-uncertain",
    "lottery-image-prior",
    "model-glue",
    "o1-planning",
    "read-me",
):
    _module = _name.replace("-", "_")
    EXPERIMENTS.builtin(_name, f"surefoot.experiments.{_module}.study:EXPERIMENT")


def read_study(
    experiment: Experiment, path: Path | None, overrides: Mapping[str, Any]
) -> BaseModel:
    """Reads a study from its own ``study.yaml`` or another file, with overrides applied.

    Args:
        experiment: The experiment.
        path: YAML file instead of its own.
        overrides: Fields given on the command line.

    Raises:
        InputError: The file or a value cannot be used.
    """
    data = read_config_file(path or own_file(experiment))
    return check_config(experiment.config, {**data, **overrides}, file=path)


def own_file(experiment: Experiment) -> Path:
    """Returns the YAML file beside the module of an experiment's configuration."""
    module = sys.modules[experiment.config.__module__]
    return Path(str(module.__file__)).with_name("study.yaml")
