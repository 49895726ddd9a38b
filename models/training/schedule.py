"""Shared by all trainings: the learning rate schedule, and the record of a folder's recipe."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic

CURVE_NAME = "curve.jsonl"
"""File with one line per evaluation on the validation data."""


def rate_fraction(step: int, steps: int) -> float:
    """Returns the fraction of the peak learning rate: 2 % warm-up, then a cosine down to 2 %."""
    warm = max(1, steps // 50)
    if step < warm:
        return (step + 1) / warm
    fraction = (step - warm) / max(1, steps - warm)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fraction))


def check_recipe(recipe: Mapping[str, Any], out: Path) -> None:
    """Records the recipe of a folder.

    Raises:
        InputError: It holds another recipe's training.
    """
    path = out / "recipe.json"
    text = json.dumps(recipe, indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise InputError("another training lies here; choose another --out", file=str(out))
    write_atomic(path, text)
