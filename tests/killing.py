"""Kills a command in the middle of its run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.waiting import until


def recorded(out: Path) -> int:
    """How many complete lines ``episodes.jsonl`` of a run folder has."""
    lines = out / "episodes.jsonl"
    return lines.read_bytes().count(b"\n") if lines.exists() else 0


def killed(command: Sequence[str], out: Path, episodes: int) -> bytes:
    """Starts a command in a group of its own and kills it once episodes are recorded.

    Args:
        command: The command with its arguments.
        out: Its run folder.
        episodes: How many episodes must have been recorded.

    Returns:
        What ``episodes.jsonl`` then holds, to the last complete line.
    """
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until(lambda: recorded(out) >= episodes or child.poll() is not None)
    assert child.poll() is None, f"it ended by itself, with {child.returncode}"
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    found = (out / "episodes.jsonl").read_bytes()
    return found[: found.rfind(b"\n") + 1]
