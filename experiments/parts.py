"""Parts of a study, each a run folder of its own that can be resumed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from surefoot.core.errors import HarnessError, InputError
from surefoot.core.files import is_leftover, write_error
from surefoot.core.progress import Progress
from surefoot.envs.episodes.pool import LostResult, run_apart
from surefoot.results.manifest import MANIFEST_NAME, Manifest, current_versions, read_manifest
from surefoot.results.run_folder import RunFolder

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that set how many threads libraries use."""

TIMEOUT = 900.0
"""Default seconds of wall-clock time for one case."""

Item = TypeVar("Item")
Records = Mapping[str, Mapping[str, Any]]


_OURS = (".json", ".jsonl", ".html")
"""Suffixes of the files that studies write beside the folders of their parts."""


def check_place(experiment: str, out: Path) -> None:
    """Checks early that a folder can hold a study: it is empty, or holds an unfinished run of it.

    Args:
        experiment: Name of the study.
        out: The folder, which may not exist.

    Raises:
        InputError: It holds a run, another study, or other work.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError("--out is a file; choose another --out", file=str(out))
    try:
        entries = [e for e in out.iterdir() if not is_leftover(e.name)]
    except OSError as error:
        raise write_error(error, out) from None
    if any(e.name == MANIFEST_NAME for e in entries):
        raise InputError("the folder holds a run; choose another --out", file=str(out))
    for entry in entries:
        if entry.is_file() and entry.suffix not in _OURS:
            raise InputError(
                f"the folder holds '{entry.name}', which is not part of a study; "
                "choose another --out",
                file=str(out),
            )
        if (entry / MANIFEST_NAME).is_file():
            command = read_manifest(entry).command.split()
            if command[0] == "experiment" and command[1] != experiment:
                raise InputError(
                    f"the folder holds the study {command[1]}; choose another --out", file=str(out)
                )


def run_part(
    experiment: str,
    name: str,
    out: Path,
    study: BaseModel,
    work: Mapping[str, Item],
    function: Callable[[Item], Any],
    progress: Progress,
    workers: int,
    timeout_s: float = TIMEOUT,
) -> Records:
    """Runs the cases of a part that its folder lacks.

    Args:
        experiment: Name of the study.
        name: Name of the part and of its folder.
        out: The study's folder.
        study: The study.
        work: Items to work on, by key.
        function: Runs one case in a process of its own; its return value is recorded.
        progress: Called as cases finish.
        workers: Processes.
        timeout_s: Seconds of wall-clock time for one case.

    Returns:
        All records, by key.
    """
    manifest = Manifest(
        f"experiment {experiment} {name}",
        study.model_dump(mode="json", exclude={"workers"}),
        list(work),
        versions=current_versions(),
    )
    with RunFolder.open(out / name, manifest) as run:
        progress(len(work) - len(run.pending), len(work), name)
        todo = [_Case(key, work[key], function) for key in run.pending]
        done = len(work) - len(todo)
        with _one_thread():
            for case, result in run_apart(_do, todo, workers=workers, timeout_s=timeout_s):
                record = (
                    {"lost": result.reason} if isinstance(result, LostResult) else {"found": result}
                )
                run.append(case.key, record)
                done += 1
                progress(done, len(work), name)
        return run.records


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limits processes started within to one thread each, unless the variables are already set.

    numpy reads the variables once, at import; one thread per processor in every worker would
    oversubscribe the machine.
    """
    missing = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, "1"))
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


class _Case:
    """An item of work with its key."""

    def __init__(self, key: str, item: Any, function: Callable[[Any], Any]) -> None:
        self.key, self.item, self.function = key, item, function


def _do(case: _Case) -> Any:
    import torch

    torch.set_num_threads(1)
    return case.function(case.item)


def found_in(records: Records) -> dict[str, Any]:
    """Returns results by key, without the lost cases."""
    return {k: r["found"] for k, r in records.items() if r.get("found") is not None}


def all_found(name: str, out: Path, work: Mapping[str, Any], records: Records) -> dict[str, Any]:
    """Returns results by key, for a study that needs every case of a part.

    Args:
        name: Name of the part.
        out: The study's folder.
        work: The items, by key.
        records: What :func:`run_part` returned.

    Raises:
        InputError: A case was refused, such as for a loss that is not finite.
        HarnessError: A case was lost in another way.
    """
    found = found_in(records)
    for key in work:
        if key not in found:
            kind, _, reason = str(records[key].get("lost")).partition(": ")
            if kind == InputError.__name__:
                raise InputError(f"{key}: {reason}")
            raise HarnessError(
                f"{key} was lost ({records[key].get('lost')}); delete {out / name} to do it again"
            )
    return found
