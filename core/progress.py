"""Progress callbacks of long work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Callback for the progress of long work, such as the command line's progress bar."""

    def __call__(self, done: int, total: int, part: str = "") -> None:
        """Reports progress.

        Args:
            done: Number of finished units of work.
            total: Number of all units of work.
            part: Name of the current part of the work, such as a study's part; ``""`` if there is
                only one.
        """
        ...


Note = Callable[[str], None]
"""Called with one line of information during long work."""


def silent(done: int, total: int, part: str = "") -> None:
    """Reports nothing."""


def unnoted(line: str) -> None:
    """Drops a note."""
