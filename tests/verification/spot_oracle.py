"""Spot in the process of the tests, to compare with; Surefoot itself never loads it."""

from __future__ import annotations

import warnings
from functools import cache
from types import ModuleType


@cache
def load_spot() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of SWIG, which made its bindings
        import spot
    module: ModuleType = spot
    return module
