"""The run folder: a manifest, one line per finished episode, a summary and a report.

``runs/NAME/`` holds ``manifest.json``, ``episodes.jsonl``, ``summary.json`` and
``report.html``. Each episode's record is one line that is on the disk when
:meth:`RunFolder.append` returns, so that a run that was killed can be resumed:
the remaining episodes are the manifest's keys without a line.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from surefoot.core.errors import InputError, WriteError
from surefoot.core.files import (
    FolderLock,
    is_leftover,
    sync_folder,
    write_atomic,
    write_error,
)
from surefoot.results.episodes import EPISODES_NAME, Record, read_episodes
from surefoot.results.manifest import MANIFEST_NAME, Manifest, read_manifest

SUMMARY_NAME = "summary.json"
REPORT_NAME = "report.html"


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run on disk, finished or not.

    Attributes:
        manifest: The manifest.
        records: Records of finished episodes by key, in the order of the plan.
    """

    manifest: Manifest
    records: dict[str, Record]


def read_run(folder: Path) -> SavedRun:
    """Reads a run without locking or changing it; an unfinished last line is left out.

    Raises:
        InputError: The folder is no run folder, or a file in it is damaged.
    """
    manifest = read_manifest(folder)
    records, _ = read_episodes(folder / EPISODES_NAME, manifest)
    return SavedRun(manifest, {k: records[k] for k in manifest.keys if k in records})


def check_out(folder: Path) -> None:
    """Checks early, before costly preparation, that a run can be made or resumed in a folder.

    Raises:
        InputError: The path is a file, or a folder that holds other things than a run.
    """
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise InputError("--out is a file; choose another --out", file=str(folder))
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise write_error(error, folder) from None
    if MANIFEST_NAME not in names and not all(map(is_leftover, names)):
        raise InputError(
            "the folder is not empty and holds no run; choose another --out", file=str(folder)
        )


class RunFolder:
    """A run that this process is writing; use it as a context manager.

    Created by :meth:`open`. Only one process at a time can hold a run open. Methods may be
    called from several threads.

    Attributes:
        path: The folder.
        manifest: The manifest (as written when the run was created).
    """

    def __init__(self, path: Path, manifest: Manifest, lock: FolderLock) -> None:
        self._made: list[Path] | None = None  # folders created for it, if it is a new run
        self.path = path
        self.manifest = manifest
        self._lock = lock
        self._planned = frozenset(manifest.keys)
        self._guard = threading.Lock()
        episodes = path / EPISODES_NAME
        self._records, end = read_episodes(episodes, manifest)
        self._file = os.open(episodes, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            os.ftruncate(self._file, end)
            os.fsync(self._file)
            sync_folder(path)
        except BaseException:
            os.close(self._file)
            raise
        self._end = end

    @classmethod
    def open(cls, path: Path, manifest: Manifest) -> RunFolder:
        """Creates a run, or resumes one that was planned in the same way.

        Args:
            path: The run's folder; made if missing (with its parents), may exist if empty.
            manifest: The manifest of the run.

        Raises:
            InputError: The folder holds something else, or a run with another manifest,
                is being written by another process, is damaged, or cannot be written.
        """
        check_out(path)
        made: list[Path] = []
        lock: FolderLock | None = None
        created = False
        try:
            _make_folders(path, made)
            lock = FolderLock(path)
            for entry in path.iterdir():
                if entry.name.endswith(".tmp") and is_leftover(entry.name):
                    entry.unlink()
            if (path / MANIFEST_NAME).exists():
                old = read_manifest(path)
                if difference := old.difference(manifest):
                    raise InputError(
                        f"the folder holds another run: {difference}; choose another --out",
                        file=str(path),
                    )
                return cls(path, old, lock)
            created = True
            write_atomic(path / MANIFEST_NAME, _pretty(manifest.to_json()))
            run = cls(path, manifest, lock)
            run._made = made
            return run
        except BaseException as error:
            if created:
                for name in (MANIFEST_NAME, EPISODES_NAME):
                    (path / name).unlink(missing_ok=True)
            if lock is not None:
                lock.release(remove=created)
            for folder in reversed(made):
                with suppress(OSError):
                    folder.rmdir()
            if isinstance(error, OSError):
                raise write_error(error, path) from None
            raise

    @property
    def pending(self) -> list[str]:
        """Keys of planned episodes that have no record yet, in order."""
        return [key for key in self.manifest.keys if key not in self._records]

    @property
    def records(self) -> dict[str, Record]:
        """Records of finished episodes by key, in the order of the plan."""
        return {k: self._records[k] for k in self.manifest.keys if k in self._records}

    def append(self, key: str, record: Mapping[str, Any]) -> None:
        """Adds the record of a finished episode; it is on the disk when this returns.

        Args:
            key: One of the planned keys, not yet recorded.
            record: Plain JSON data without an entry ``key`` and without NaN.

        Raises:
            ValueError: The key is not pending, or the record is not plain JSON data.
            InputError: The line cannot be written (the file is then as it was before).
        """
        if "key" in record:
            raise ValueError("a record has no entry 'key' of its own")
        line = json.dumps({"key": key, **record}, allow_nan=False).encode() + b"\n"
        with self._guard:
            if self._file < 0:
                raise ValueError("the run is closed")
            if key not in self._planned or key in self._records:
                raise ValueError(f"'{key}' is not a pending episode")
            end = self._end
            try:
                written = os.write(self._file, line)
                while written < len(line):
                    written += os.write(self._file, line[written:])
                os.fsync(self._file)
                self._records[key] = dict(record)
                self._end = end + len(line)
            except BaseException as error:
                self._records.pop(key, None)
                self._end = end
                with suppress(OSError):
                    os.ftruncate(self._file, end)
                if isinstance(error, OSError):
                    raise write_error(error, self.path / EPISODES_NAME) from None
                raise

    def write_summary(self, data: Mapping[str, Any]) -> Path:
        """Writes ``summary.json`` atomically and returns its path."""
        write_atomic(self.path / SUMMARY_NAME, _pretty(dict(data)))
        return self.path / SUMMARY_NAME

    def write_report(self, html: str) -> Path:
        """Writes ``report.html`` atomically and returns its path."""
        write_atomic(self.path / REPORT_NAME, html)
        return self.path / REPORT_NAME

    def close(self) -> None:
        """Closes the file and releases the lock; may be called twice."""
        with self._guard:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
                self._lock.release()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it; a run that an input error ended before any episode leaves no files."""
        refused = isinstance(error, InputError) and not isinstance(error, WriteError)
        if refused and self._made is not None and not self._records:
            self._forget(self._made)
        self.close()

    def _forget(self, made: list[Path]) -> None:
        ours = {MANIFEST_NAME, EPISODES_NAME}
        with suppress(OSError):
            if any(e.name not in ours and not is_leftover(e.name) for e in self.path.iterdir()):
                return
            for name in (MANIFEST_NAME, EPISODES_NAME):
                (self.path / name).unlink(missing_ok=True)
            self._lock.release(remove=True)
            for folder in reversed(made):
                folder.rmdir()


def _pretty(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _make_folders(path: Path, made: list[Path]) -> None:
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        made.append(folder)
