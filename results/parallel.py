"""Distributes independent work over processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from surefoot.core.errors import HarnessError

_GLANCE = 0.2
"""Seconds between two checks for Ctrl-C."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cpus() -> int:
    """Returns the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parallel_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    initializer: Callable[..., None],
    arguments: tuple[Any, ...] = (),
) -> Iterator[tuple[Item, Result]]:
    """Applies a function to every item, in this process or in several.

    Args:
        function: A module-level function; an exception ends the whole map.
        items: The work.
        workers: Number of processes; 1 means this one.
        initializer: Called once in every process before its first item.
        arguments: Arguments of ``initializer``.

    Yields:
        Items with their results, as they are finished.

    Raises:
        HarnessError: A worker process died.
    """
    if workers <= 1 or len(items) <= 1:
        initializer(*arguments)
        for item in items:
            yield item, function(item)
        return
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    pool = ProcessPoolExecutor(workers, context, _start, (initializer, arguments))
    try:
        with _interrupts_noted() as check:
            rest = iter(items)
            running: dict[Future[Result], Item] = {}
            while True:
                for item in rest:
                    running[pool.submit(function, item)] = item
                    if len(running) >= 4 * workers:
                        break
                if not running:
                    check()
                    return
                done: set[Future[Result]] = set()
                while not done:
                    done, _ = wait(running, _GLANCE, FIRST_COMPLETED)
                    check()
                for future in done:
                    yield running.pop(future), future.result()
    except BrokenProcessPool:
        raise HarnessError("a worker process died; run the same command again to resume") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_noted() -> Iterator[Callable[[], None]]:
    """Defers Ctrl-C; yields a function that raises it where that is safe.

    An interrupt in the middle of :func:`concurrent.futures.wait` would leave futures locked, and
    the pool would wait for them for ever.
    """
    noted = False

    def note(_signal: int, _frame: object) -> None:
        nonlocal noted
        noted = True

    def check() -> None:
        if noted:
            raise KeyboardInterrupt

    usual = signal.getsignal(signal.SIGINT)
    ours = usual is signal.default_int_handler
    if ours and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, note)
        try:
            yield check
        finally:
            signal.signal(signal.SIGINT, usual)
    else:
        yield check


def _start(initializer: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    end_with_parent()
    initializer(*arguments)


def end_with_parent() -> None:
    """Makes this process end if the one that started it was killed.

    It would wait for its pipes for ever, or finish its piece of work, and write into a folder in
    which a second run of the command goes on already.
    """
    parent = multiprocessing.parent_process()
    # The parent may be gone before this is asked; then another process stands in its place.
    number = os.getppid() if parent is None or parent.pid is None else parent.pid
    threading.Thread(target=_end_without, args=(number,), daemon=True).start()


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_GLANCE)
    os._exit(1)
