"""Spreading work over processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from surefoot.core.errors import HarnessError
from surefoot.results.parallel import parallel_map, usable_cpus
from tests.waiting import alive, until

_offset = 0


def prepare(offset: int) -> None:
    global _offset
    _offset = offset


def shifted(number: int) -> tuple[int, int]:
    return number + _offset, os.getpid()


def dies(number: int) -> int:
    if number == 3:
        os._exit(9)
    return number


def fails(number: int) -> int:
    raise ValueError(f"bad {number}")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_item_once(workers: int) -> None:
    results = dict(
        parallel_map(shifted, range(40), workers=workers, initializer=prepare, arguments=(100,))
    )
    assert {i: r[0] for i, r in results.items()} == {i: i + 100 for i in range(40)}
    elsewhere = {pid for _, pid in results.values()} - {os.getpid()}
    assert bool(elsewhere) == (workers > 1)


def test_a_dead_worker_is_our_failure() -> None:
    with pytest.raises(HarnessError, match="worker process died"):
        list(parallel_map(dies, range(8), workers=2, initializer=prepare, arguments=(0,)))


def test_errors_come_through() -> None:
    with pytest.raises(ValueError, match="bad"):
        list(parallel_map(fails, range(8), workers=2, initializer=prepare, arguments=(0,)))


def test_there_is_a_processor(tmp_path: Path) -> None:
    assert usable_cpus() >= 1


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.2, 0.4])
def test_an_interrupt_ends_the_map_wherever_it_comes(delay: float) -> None:
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))

    def interrupted() -> None:
        timer.start()
        for _ in parallel_map(
            shifted, range(10**6), workers=2, initializer=prepare, arguments=(0,)
        ):
            pass

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        timer.join()
        signal.signal(signal.SIGINT, usual)


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    # Results larger than a pipe holds: without a reader their writers would wait for ever.
    script = (
        "import os, sys\n"
        "from surefoot.results.parallel import parallel_map\n"
        "def ready(path):\n"
        "    open(f'{path}/{os.getpid()}', 'w').close()\n"
        "def large(number):\n"
        "    return b'x' * 1_000_000\n"
        "for _ in parallel_map(large, range(1000), workers=2, initializer=ready,\n"
        "                      arguments=(sys.argv[1],)):\n"
        "    print('one', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=pipe, stdout=pipe
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"one\n"
        until(lambda: len(list(tmp_path.iterdir())) == 2)
        workers = [int(p.name) for p in tmp_path.iterdir()]
        child.kill()
    until(lambda: not any(map(alive, workers)))
