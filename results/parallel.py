"""Spreading independent work over processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from surefoot.results.errors import HarnessError

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
        function: A module-level function; what it raises ends the whole map.
        items: The work.
        workers: Number of processes; 1 means this one.
        initializer: Called once in every process before its first item.
        arguments: What ``initializer`` is called with.

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
        rest = iter(items)
        running: dict[Future[Result], Item] = {}
        while True:
            for item in rest:
                running[pool.submit(function, item)] = item
                if len(running) >= 4 * workers:
                    break
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()
    except BrokenProcessPool:
        raise HarnessError("a worker process died; run the same command again to go on") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(initializer: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    initializer(*arguments)
