"""The examples in the docstrings of sets and quantiles do what they show."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

from surefoot.calibration import conformal

NAMES = [
    f"surefoot.calibration.conformal.{module.name}" for module in iter_modules(conformal.__path__)
]


def test_all_modules_are_found() -> None:
    assert len(NAMES) == 8


@pytest.mark.parametrize("name", ["surefoot.calibration.quantiles", *NAMES])
def test_examples(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0
