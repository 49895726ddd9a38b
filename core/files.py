"""Atomic writing of files, and locking of folders."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from surefoot.core.errors import InputError, WriteError

LOCK_NAME = ".lock"
"""File in a run folder that the writing process holds locked."""

_held: set[Path] = set()
"""Folders that this process has locked (locks of the system do not exclude their own process)."""


def write_atomic(path: Path, content: str | bytes) -> None:
    """Writes a file completely or not at all, even if the process or machine dies.

    Args:
        path: Where to write; an existing file is replaced.
        content: Bytes, or text that is written as UTF-8 (lone surrogates become ``?``).

    Raises:
        WriteError: The file cannot be written.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(error, path) from None


def write_within(path: Path, content: str | bytes) -> None:
    """Writes a file atomically, and creates its folder first if that is missing.

    Raises:
        WriteError: The file or its folder cannot be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(error, path.parent) from None
    write_atomic(path, content)


def write_error(error: OSError, path: Path) -> WriteError:
    """Converts a failed write to an error that names the file."""
    reason = (error.strerror or type(error).__name__).lower()
    return WriteError(f"cannot write: {reason}", file=str(path))


def sync_folder(folder: Path) -> None:
    """Makes new and renamed entries of a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_leftover(name: str) -> bool:
    """Whether a file name is that of the lock or of an unfinished atomic write."""
    return name == LOCK_NAME or (name.startswith(".") and name.endswith(".tmp"))


class FolderLock:
    """An exclusive lock on a folder, released at the latest when the process ends.

    Worker processes that are forked while the lock is held do not keep it alive.

    Args:
        folder: An existing folder.

    Raises:
        InputError: Another run of Surefoot is writing there, or locking fails.
    """

    def __init__(self, folder: Path) -> None:
        import fcntl

        self._folder = folder.resolve()
        self._path = self._folder / LOCK_NAME
        if self._folder in _held:
            raise self._busy()
        descriptor = -1
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            entry = os.stat(self._path)
        except (BlockingIOError, PermissionError, FileNotFoundError) as error:
            if descriptor < 0:
                raise write_error(error, self._path) from None
            os.close(descriptor)
            raise self._busy() from None
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
                self._path.unlink()
            raise write_error(error, self._path) from None
        if entry.st_ino != os.fstat(descriptor).st_ino:  # its owner has just removed it
            os.close(descriptor)
            raise self._busy()
        self._descriptor = descriptor
        _held.add(self._folder)

    def _busy(self) -> InputError:
        return InputError(
            "another process is writing to this run; wait for it or choose another --out",
            file=str(self._folder),
        )

    def release(self, *, remove: bool = False) -> None:
        """Releases the lock; may be called twice.

        Args:
            remove: Also delete the lock file.
        """
        if self._folder not in _held or self._descriptor < 0:
            return
        if remove:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1
        _held.discard(self._folder)
