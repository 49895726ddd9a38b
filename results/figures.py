"""Figures as text, for the tables of reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MISSING = "–"
"""What a table shows where there is no figure."""


def number(value: float | None, digits: int = 2) -> str:
    """Writes a number; a dash if there is none."""
    return MISSING if value is None else f"{value:.{digits}f}"


def whole_percent(value: float | None) -> str:
    """Writes a fraction as a whole percentage, such as ``90 %``; a dash if there is none."""
    return MISSING if value is None else f"{100 * value:.0f} %"


def with_interval(value: float, low: float, high: float, form: str = ".2f") -> str:
    """Writes a number with its interval, such as ``1.72 [1.65, 1.79]``.

    Args:
        value: The number.
        low: Lower end of the interval.
        high: Upper end of the interval.
        form: Format specification of all three.
    """
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def points(value: float, low: float, high: float) -> str:
    """Writes a difference of rates in percentage points, such as ``12 [5, 19] points``.

    Args:
        value: The difference, from -1 to 1.
        low: Lower end of its interval.
        high: Upper end of its interval.
    """
    return f"{with_interval(100 * value, 100 * low, 100 * high, '.0f')} points"


def rate(successes: int, n: int, low: float, high: float) -> str:
    """Writes a rate with its interval, such as ``50 % [24, 76]``; a dash without any case.

    Args:
        successes: Number of successes.
        n: Number of cases.
        low: Lower end of the interval, from 0 to 1.
        high: Upper end of the interval, from 0 to 1.
    """
    if not n:
        return MISSING
    return f"{100 * successes / n:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def percent(found: Mapping[str, Any] | None) -> str:
    """Writes a measured rate with its interval in percent, without the sign; a dash if none.

    Args:
        found: ``rate`` and ``interval``, from 0 to 1.
    """
    if found is None or found["rate"] is None:
        return MISSING
    low, high = found["interval"]
    return f"{100 * found['rate']:.1f} [{100 * low:.0f}, {100 * high:.0f}]"
