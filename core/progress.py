"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Called as long work goes on; the command line's progress bar is one."""

    def __call__(self, done: int, total: int, part: str = "") -> None:
        """Reports progress.

        Args:
            done: Units of work that are done.
            total: All units of work.
            part: Name of the stretch of work at hand, such as a study's part; ``""`` where there
                is only one.
        """
        ...


Note = Callable[[str], None]
"""Called with one line that is worth knowing while work goes on."""


def silent(done: int, total: int, part: str = "") -> None:
    """Reports nothing."""


def unnoted(line: str) -> None:
    """Drops a note."""
