"""Formats numbers for study pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def percent(found: Mapping[str, Any] | None) -> str:
    """Formats a rate with its interval, in per cent; a dash where there is none.

    Args:
        found: ``rate`` and ``interval``, from 0 to 1.
    """
    if found is None or found["rate"] is None:
        return "–"
    low, high = found["interval"]
    return f"{100 * found['rate']:.1f} [{100 * low:.0f}, {100 * high:.0f}]"


def number(value: float | None, digits: int = 2) -> str:
    """Formats a number; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
