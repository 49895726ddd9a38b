"""What the commands share: progress and notes on standard error, never on standard output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(stderr=True)
"""For people; results meant for programs go to standard output."""


def note(text: str) -> None:
    """Tells what happens next."""
    console.print(text, highlight=False, markup=False)


def note_doubtful(count: int, where: str) -> None:
    """Says how many answers are doubtful, if any are.

    Args:
        count: Number of doubtful answers.
        where: Where they are shown.
    """
    if count:
        verb = "answer is" if count == 1 else "answers are"
        note(f"{count} {verb} doubtful, in no rate; {where}")


@contextmanager
def resumable() -> Iterator[None]:
    """Ends a command that was stopped with Ctrl-C with one line and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        note("stopped; run the same command again to resume")
        raise typer.Exit(130) from None


def parts(values: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the items of a list option, which may be repeated and take commas."""
    return tuple(p.strip() for value in values or () for p in value.split(",") if p.strip())


class Bar:
    """A progress bar that is called with the number done and the number of all."""

    def __init__(self, title: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(title, total=None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, done: int, total: int, part: str = "") -> None:
        """Moves the bar; ``part`` names the stretch of work that it now shows."""
        self._progress.update(self._task, completed=done, total=total)
        if part:
            self._progress.update(self._task, description=part)
