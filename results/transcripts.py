"""What was said in a run: every text once by its hash, and rounds of unfinished episodes.

``transcripts/texts.jsonl`` holds a line ``{"sha256", "text"}`` for every different text, and
``transcripts/rounds.jsonl`` a line for every round of an episode that has several. Both are
appended and on the disk when the call returns, so that a run that was killed loses no answer that
had come.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import sync_folder, write_error

TRANSCRIPTS_NAME = "transcripts"
_TEXTS, _ROUNDS = "texts.jsonl", "rounds.jsonl"


def text_key(text: str) -> str:
    """Returns the hash by which a text is stored."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_texts(folder: Path) -> dict[str, str]:
    """Reads the texts of a run by their hashes; empty if it has none.

    Args:
        folder: The run folder.

    Raises:
        InputError: They are damaged.
    """
    return {row["sha256"]: row["text"] for row in _read(folder / TRANSCRIPTS_NAME / _TEXTS)[0]}


class Transcripts:
    """The texts and rounds of a run that this process is writing; use it as a context manager.

    Files are made when there is something to write. Methods may be called from several threads.

    Args:
        folder: The run folder, which this process holds open.

    Raises:
        InputError: A file is damaged or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / TRANSCRIPTS_NAME
        self._guard = threading.Lock()
        self._files: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self._rounds: dict[str, list[dict[str, Any]]] = {}
        rows, self._ends[_TEXTS] = _read(self._folder / _TEXTS)
        for row in rows:
            self.texts[row["sha256"]] = row["text"]
        rows, self._ends[_ROUNDS] = _read(self._folder / _ROUNDS)
        for row in rows:
            self._rounds.setdefault(row.pop("key"), []).append(row)

    def keep(self, texts: Sequence[str]) -> list[str]:
        """Stores texts that are not stored yet.

        Returns:
            Their hashes.

        Raises:
            InputError: They cannot be written.
        """
        keys = [text_key(text) for text in texts]
        with self._guard:
            new = {k: t for k, t in zip(keys, texts, strict=True) if k not in self.texts}
            self._append(_TEXTS, [{"sha256": k, "text": t} for k, t in new.items()])
            self.texts |= new
        return keys

    def add_round(self, key: str, data: Mapping[str, Any]) -> None:
        """Stores a round of an episode that goes on.

        Args:
            key: The episode.
            data: Plain JSON data.

        Raises:
            InputError: It cannot be written.
        """
        with self._guard:
            self._append(_ROUNDS, [{"key": key, **data}])
            self._rounds.setdefault(key, []).append(dict(data))

    def rounds(self, key: str) -> list[dict[str, Any]]:
        """Returns the rounds of an episode in their order."""
        return list(self._rounds.get(key, ()))

    def _append(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        content = b"".join(json.dumps(row, allow_nan=False).encode() + b"\n" for row in rows)
        try:
            file = self._open(name)
            written = 0
            while written < len(content):
                written += os.write(file, content[written:])
            os.fsync(file)
            self._ends[name] += len(content)
        except OSError as error:
            if name in self._files:
                with suppress(OSError):
                    os.ftruncate(self._files[name], self._ends[name])
            raise write_error(error, self._folder / name) from None

    def _open(self, name: str) -> int:
        if name not in self._files:
            self._folder.mkdir(exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._files[name] = os.open(self._folder / name, flags, 0o666)
            os.ftruncate(self._files[name], self._ends[name])  # a line torn by a kill
            sync_folder(self._folder)
        return self._files[name]

    def close(self) -> None:
        """Closes the files."""
        with self._guard:
            for file in self._files.values():
                os.close(file)
            self._files.clear()

    def __enter__(self) -> Transcripts:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Returns the rows of a file, and the length of its sound part in bytes."""
    try:
        content = path.read_bytes() if path.exists() else b""
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the transcripts: {reason}", file=str(path)) from None
    lines = content.split(b"\n")
    lines.pop()  # empty, or torn when the run was killed
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError
        except (ValueError, RecursionError):
            raise InputError(
                "damaged line of the transcripts", file=str(path), line=number
            ) from None
        rows.append(row)
    return rows, sum(len(line) + 1 for line in lines)
