"""Work in separate processes: one that dies or hangs loses its own item only."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from surefoot.core.errors import WriteError
from surefoot.results.parallel import end_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")


STARTING = 600.0
"""Seconds that a process may take to start; long, so that only a hanging process reaches it."""


LEAVING = 10.0
"""Seconds that an idle process may take to exit."""


@dataclass(frozen=True, slots=True)
class LostResult:
    """Stands in for a result that was lost.

    Attributes:
        timed_out: Whether the time limit was reached; otherwise its process died or it raised.
        reason: One line.
    """

    timed_out: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Refused:
    """Sent by a process that cannot write a file; the item is then not done and must not count."""

    error: WriteError


class _Ready:
    """Sent by a process once it has started and imported what it needs."""


@dataclass
class _Worker(Generic[Item]):
    process: BaseProcess
    pipe: Connection
    item: Item | None = None
    ready: bool = False
    deadline: float = float("inf")


def run_apart(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[tuple[Item, Result | LostResult]]:
    """Applies a function to every item, each in a freshly started (spawned) Python process.

    A process handles one item after the other; one that dies, or is killed at its time limit, is
    replaced. Nothing is shared, since physics and renderer require it.

    Args:
        function: A module-level function; items and results must be picklable.
        items: The work.
        workers: Number of processes.
        timeout_s: Wall-clock seconds for each item, counted from when its process has started.
        clock: Returns the current time in seconds for the limits.

    Yields:
        Items with their results or losses, as they are finished.

    Raises:
        WriteError: A process could not write a file; all running items are ended.
    """
    context = multiprocessing.get_context("spawn")
    rest = deque(items)
    crew: list[_Worker[Item]] = []

    def hire() -> _Worker[Item]:
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(function, there), daemon=True)
        process.start()
        there.close()
        return _Worker(process, here)

    def give(worker: _Worker[Item]) -> None:
        worker.item = rest.popleft() if rest else None
        if worker.item is not None:
            limit = timeout_s if worker.ready else STARTING
            worker.deadline = clock() + limit
            worker.pipe.send(worker.item)

    try:
        for _ in range(min(workers, len(items))):
            crew.append(hire())
            give(crew[-1])
        while busy := [w for w in crew if w.item is not None]:
            pause = min(w.deadline for w in busy) - clock()
            ready = set(wait([w.pipe for w in busy], max(0.0, pause)))
            for worker in busy:
                item = worker.item
                assert item is not None
                if worker.pipe in ready:
                    try:
                        result: Result | LostResult | _Ready | _Refused = worker.pipe.recv()
                    except (EOFError, OSError):
                        worker.process.join()
                        code = worker.process.exitcode or 0
                        result = LostResult(False, f"its process died ({_cause(code)})")
                    if isinstance(result, _Ready):
                        worker.ready = True
                        worker.deadline = clock() + timeout_s
                        continue
                    if isinstance(result, _Refused):
                        raise result.error
                elif clock() >= worker.deadline:
                    limit = timeout_s if worker.ready else STARTING
                    result = LostResult(True, f"not done after {limit:g} s")
                else:
                    continue
                lost = isinstance(result, LostResult) and result.timed_out
                if lost or not worker.process.is_alive():
                    _dismiss(worker)
                    crew.remove(worker)
                    if rest:
                        worker = hire()
                        crew.append(worker)
                        give(worker)
                else:
                    give(worker)
                yield item, result
    finally:
        for worker in crew:
            _dismiss(worker)


def _dismiss(worker: _Worker[Item]) -> None:
    """Ends a process; an idle one exits by itself, so that it can clean up."""
    worker.pipe.close()
    if worker.item is None:
        worker.process.join(LEAVING)
    worker.process.kill()
    worker.process.join()


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _work(function: Callable[[Item], Result], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    end_with_parent()
    pipe.send(_Ready())
    while True:
        try:
            item = pipe.recv()
        except (EOFError, OSError):
            return
        result: Result | LostResult | _Refused
        try:
            result = function(item)
        except WriteError as error:
            result = _Refused(error)
        except Exception as error:
            result = LostResult(False, f"{type(error).__name__}: {error}"[:300])
        pipe.send(result)
