"""The public names of the families, which load nothing before they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("family", ["", ".experts", ".lowrank", ".pruning"])
def test_names_exist_and_are_loaded_late(family: str) -> None:
    code = (
        f"import sys, surefoot.sparsity{family} as p; print('torch' in sys.modules); "
        "print(sorted(p.__all__) == sorted(p._PLACES), all(hasattr(p, n) for n in p.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True"]
