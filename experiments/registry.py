"""The experiments by name, and their configurations."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from surefoot.core.config import check_config, read_config_file
from surefoot.core.errors import InputError
from surefoot.experiments.base import Experiment

_NAMES = (
    "co-occurrence",
    "compression",
    "imp-receptive-fields",
    "know-where-uncertain",
    "lottery-image-prior",
    "model-glue",
    "o1-planning",
    "read-me",
)


def list_experiments() -> tuple[str, ...]:
    """Returns the names of all experiments."""
    return _NAMES


def get_experiment(name: str) -> Experiment:
    """Returns an experiment by name.

    Raises:
        InputError: There is none of this name.
    """
    if name not in _NAMES:
        raise InputError(f"unknown experiment '{name}'; known: {', '.join(_NAMES)}")
    module = import_module(f"surefoot.experiments.{_module(name)}")
    experiment: Experiment = module.EXPERIMENT
    return experiment


def read_study(
    experiment: Experiment, path: Path | None, overrides: Mapping[str, Any]
) -> BaseModel:
    """Reads a study: the shipped file or another, with the command line's values over it.

    Args:
        experiment: The experiment.
        path: YAML file in place of the shipped one.
        overrides: Fields given on the command line.

    Raises:
        InputError: The file or a value cannot be used.
    """
    if path is not None:
        data = read_config_file(path)
    else:
        shipped = files("surefoot.experiments") / f"{_module(experiment.name)}.yaml"
        with as_file(shipped) as place:
            data = read_config_file(place)
    return check_config(experiment.config, {**data, **overrides}, file=path)


def _module(name: str) -> str:
    return name.replace("-", "_")
