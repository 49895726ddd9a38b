"""The process that runs Spot: started at the first formula, kept warm, replaced when it dies.

This process never imports Spot, whose licence is the GPL; only the separate program ``spot_worker``
does. Each process has its own worker, also after a fork.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from signal import SIGPROF, Signals
from threading import Lock
from time import monotonic
from typing import IO, Any

from surefoot.core.errors import HarnessError, MissingDependencyError

START_SECONDS = 600.0
"""Longest wait in seconds for a new process to report that it is ready."""

ANSWER_SECONDS = 3600.0
"""Longest wall-clock wait for an answer; long, so that only a hanging process reaches it."""

_PROGRAM = Path(__file__).with_name("spot_worker.py")

_INSTALL = (
    "on Linux x86-64 run \"pip install 'surefoot[verify]'\" (the package is spottl and is imported "
    "as spot); elsewhere install Spot from conda-forge: 'conda install -c conda-forge spot'"
)


class WorkerDiedError(Exception):
    """Spot's process ended before it answered; the message says how.

    Attributes:
        code: Its exit code, or minus the number of the signal that ended it.
    """

    def __init__(self, code: int) -> None:
        self.code = code
        ended = f"by {Signals(-code).name}" if code < 0 else f"with exit code {code}"
        super().__init__(f"its process ended {ended}")


class SpotProcess:
    """A running process with Spot, shared by threads; a fork gets its own process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: _Worker | None = None
        self._version: str | None = None

    @property
    def pid(self) -> int | None:
        """Id of the running process; None if there is none."""
        return None if self._worker is None else self._worker.process.pid

    def version(self) -> str:
        """Returns the version of Spot.

        Raises:
            MissingDependencyError: Spot is not installed.
            WorkerDiedError: Its process died twice before it reported its version.
        """
        with self._lock:
            if self._version is None:
                try:
                    self._started()
                except WorkerDiedError:
                    self._started()
            assert self._version is not None
            return self._version

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the answer to a request, which is repeated once if the process dies.

        Args:
            order: A request as :mod:`~surefoot.verification.translation.spot_worker` reads it.

        Raises:
            TimeoutError: The request's processor time was used up before there was an answer.
            WorkerDiedError: The process died twice.
            MissingDependencyError: Spot is not installed.
        """
        with self._lock:
            try:
                return self._once(order)
            except WorkerDiedError:
                return self._once(order)

    def close(self) -> None:
        """Ends the process, if there is one; the next request starts another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def after_fork(self) -> None:
        """Releases the parent's process in a child; a thread may have held the lock."""
        self._lock = Lock()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.let_go()

    def _once(self, order: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._started().exchange(json.dumps(order).encode() + b"\n", ANSWER_SECONDS)
        except BaseException:  # also Ctrl-C: the next request must not read this answer
            self.close()
            raise
        if answer.pop("last"):
            self.close()
        return answer

    def _started(self) -> _Worker:
        if self._worker is not None and self._worker.owner != os.getpid():
            self._worker.let_go()
            self._worker = None
        if self._worker is None:
            try:
                self._worker = _Worker()
            except OSError as error:
                raise HarnessError(f"Spot's process cannot be started: {error}") from None
            try:
                self._version = self._worker.greet()
            except BaseException:
                self.close()
                raise
        return self._worker


class _Worker:
    """One process and the pipes to it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def greet(self) -> str:
        """Returns Spot's version, which the process reports first."""
        try:
            about = self.exchange(b"", START_SECONDS)
        except TimeoutError:
            raise HarnessError(f"Spot does not start within {START_SECONDS:g} s") from None
        if "missing" in about:
            raise MissingDependencyError(f"Spot {about['missing']}; {_INSTALL}")
        if "other" in about:
            raise MissingDependencyError(
                f"the installed package 'spot' ({about['other']}) is not the library of "
                f"omega-automata: run 'pip uninstall spot', then {_INSTALL}"
            )
        return str(about["version"])

    def exchange(self, message: bytes, seconds: float) -> dict[str, Any]:
        """Writes a message and reads one line."""
        deadline, received = monotonic() + seconds, bytearray()
        into, out = (pipe.fileno() for pipe in self._pipes)
        with DefaultSelector() as selector:
            selector.register(out, EVENT_READ)
            if message:
                selector.register(into, EVENT_WRITE)
            while not received.endswith(b"\n"):
                ready = selector.select(max(deadline - monotonic(), 0.0))
                if not ready and monotonic() >= deadline:
                    raise TimeoutError
                for key, _ in ready:
                    if key.fd == out:
                        chunk = os.read(out, 1 << 20)
                        if not chunk:
                            raise self._ended()
                        received += chunk
                        continue
                    try:
                        message = message[os.write(into, message) :]
                    except BrokenPipeError:
                        raise self._ended() from None
                    if not message:
                        selector.unregister(into)
        answer: dict[str, Any] = json.loads(received)
        return answer

    def close(self) -> None:
        """Ends the process and waits until it has ended."""
        self.process.kill()
        self.process.wait()
        self._close_pipes()

    def let_go(self) -> None:
        """Closes this side's copies of the pipes; the process belongs to the parent."""
        self.process.returncode = 0  # the parent waits for its end
        self._close_pipes()

    def _close_pipes(self) -> None:
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.close()

    def _ended(self) -> TimeoutError | WorkerDiedError:
        try:
            code = self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:  # its pipes are closed, but it runs on
            self.process.kill()
            code = self.process.wait()
        return TimeoutError() if code == -SIGPROF else WorkerDiedError(code)


SPOT = SpotProcess()
"""The Spot process of this process."""

atexit.register(SPOT.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SPOT.after_fork)
