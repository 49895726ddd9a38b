"""Reading of finished episodes after an interrupted run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.results.manifest import Manifest

EPISODES_NAME = "episodes.jsonl"

Record = dict[str, Any]


def read_episodes(path: Path, manifest: Manifest) -> tuple[dict[str, Record], int]:
    """Reads the records of finished episodes.

    Args:
        path: ``episodes.jsonl``; may be missing.
        manifest: The run's manifest, whose keys the lines must have.

    Returns:
        Records by key in the file's order, and the length in bytes of the sound part of the
        file: what follows is a last line that was torn when the run was killed.

    Raises:
        InputError: A line in the middle is damaged, unplanned or a duplicate.
    """
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the episodes: {reason}", file=str(path)) from None
    lines = content.split(b"\n")
    torn = lines.pop()
    planned = frozenset(manifest.keys)
    records: dict[str, Record] = {}
    end = 0
    for number, line in enumerate(lines, start=1):
        try:
            data = json.loads(line)
            if not isinstance(data, dict):
                raise ValueError
        except (ValueError, RecursionError):
            if number == len(lines) and not torn:
                break
            raise InputError(
                "damaged line in the middle of the episodes; delete the line to have its "
                "episode done again",
                file=str(path),
                line=number,
            ) from None
        key = data.pop("key", None)
        if not isinstance(key, str) or key not in planned or key in records:
            what = (
                "recorded twice"
                if isinstance(key, str) and key in records
                else "not in the manifest"
            )
            raise InputError(f"episode {key!r} is {what}", file=str(path), line=number)
        records[key] = data
        end += len(line) + 1
    return records, end
