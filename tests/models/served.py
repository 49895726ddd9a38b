"""``surefoot serve`` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from openai import OpenAI

from tests.waiting import HANGING_S, until

KEY = "sk-serve-test"


@dataclass
class Served:
    """A running server.

    Attributes:
        url: Its address, with ``/v1``.
        process: Its process.
        log: What it told.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def client(self) -> OpenAI:
        return OpenAI(base_url=self.url, api_key=KEY, max_retries=0, timeout=HANGING_S)

    def health(self) -> dict[str, float]:
        address = self.url.removesuffix("/v1") + "/health"
        found: dict[str, float] = httpx2.get(address, timeout=HANGING_S).json()
        return found

    def stop(self) -> int:
        """Presses Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(HANGING_S)


@contextmanager
def serving(log: Path, *arguments: str) -> Iterator[Served]:
    """Starts a server and waits until it answers."""
    command = [sys.executable, "-m", "surefoot", "serve", *arguments, "--port", "0"]
    settings = {**os.environ, "SUREFOOT_SERVE_KEY": KEY, "OMP_NUM_THREADS": "1", "COLUMNS": "300"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=settings, stdout=out, stderr=out)
    try:
        said = re.compile(r"serving \S+ at (http\S+)\n")
        until(lambda: said.search(log.read_text()) or process.poll() is not None)
        found = said.search(log.read_text())
        assert found is not None, log.read_text()
        yield Served(found[1], process, log)
    finally:
        process.terminate()
        process.wait(HANGING_S)
