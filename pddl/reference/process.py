"""Runs a program under limits that hold, whatever the program does about them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_GRACE = 1.0
"""Seconds between asking a program to end and killing it."""

_LAUNCH = """
import os, resource, sys
cpu, memory = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
if memory:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""Sets the limits in the child itself: code between fork and exec is unsafe with threads."""


class ProcessEnding(StrEnum):
    """How a program ended."""

    EXIT = "exit"
    """By itself, with an exit code."""
    TIMEOUT = "timeout"
    """Stopped at the wall-clock or processor-time limit."""
    SIGNAL = "signal"
    """By a signal that was not ours."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use.

    Attributes:
        seconds: Wall-clock time of the whole process group, and processor time of each process.
        memory_mb: Address space of each process in MiB; 0 for no limit.
    """

    seconds: float = 60.0
    memory_mb: int = 8192


@dataclass(frozen=True, slots=True)
class FinishedProcess:
    """A program that has ended.

    Attributes:
        ending: How.
        code: Exit code, or the number of the signal.
        seconds: Wall-clock time in seconds.
        output: Standard output and standard error together.
    """

    ending: ProcessEnding
    code: int
    seconds: float
    output: str


def run_limited(command: Sequence[str], folder: Path, limits: Limits) -> FinishedProcess:
    """Runs a program in a session of its own and leaves nothing of it behind.

    At the limit the whole process group is asked to end and, a second later, killed; what
    is left of the group after a normal end is killed as well.

    Args:
        command: Program and arguments.
        folder: Working directory; the output is kept there in ``output.log``.
        limits: What it may use.

    Raises:
        FileNotFoundError: The program does not exist.
    """
    log = folder / "output.log"
    cpu = max(1, int(limits.seconds + 0.999))
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(cpu)]
    launcher.append(str(limits.memory_mb * 2**20))
    start = time.monotonic()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*launcher, *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        timed_out = False
        try:
            process.wait(limits.seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            _end_group(process)
    seconds = time.monotonic() - start
    output = log.read_text(encoding="utf-8", errors="replace")
    code = process.returncode
    if timed_out or code == -signal.SIGXCPU:
        return FinishedProcess(ProcessEnding.TIMEOUT, code, seconds, output)
    if code < 0:
        return FinishedProcess(ProcessEnding.SIGNAL, -code, seconds, output)
    return FinishedProcess(ProcessEnding.EXIT, code, seconds, output)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process group and reaps its leader."""
    if process.poll() is None:
        _signal(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
