"""Kills a command in the middle of its run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def killed(command: Sequence[str], out: Path, episodes: int, seconds: float = 90.0) -> bytes:
    """Starts a command in a group of its own and kills it once episodes are recorded.

    Args:
        command: The command with its arguments.
        out: Its run folder.
        episodes: How many episodes must have been recorded.
        seconds: How long to wait for them.

    Returns:
        What ``episodes.jsonl`` then holds, to the last complete line.
    """
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    lines = out / "episodes.jsonl"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.poll() is None:
        if lines.exists() and lines.read_bytes().count(b"\n") >= episodes:
            break
        time.sleep(0.005)
    assert child.poll() is None, f"it ended by itself, with {child.returncode}"
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    found = lines.read_bytes()
    return found[: found.rfind(b"\n") + 1]
