"""Waits for what happens, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

HANGING_S = 900.0
"""Seconds after which a test is taken to hang: a guard only, no test's outcome hinges on it."""


def until(condition: Callable[[], object], seconds: float = HANGING_S) -> None:
    """Returns once a condition holds.

    Raises:
        AssertionError: It still does not hold after so long that something must hang.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
