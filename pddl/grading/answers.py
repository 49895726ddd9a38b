"""Finds answers and the tasks that they belong to.

Two forms are read: folders in the layout of the recorded answers (``domain.pddl``,
``pNN.pddl``, ``pNN.pddl.MODEL``; or a folder of such folders), and JSON lines with
``task``, ``model`` and ``answer``. Several samples of a model for one task are files
``pNN.pddl.MODEL.sample-K``, or lines with ``sample``; ``K`` counts from 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.pddl.language.sexpr import decode_text

_NO_MODEL = frozenset({"prompt", "nl"})
"""Endings of files that lie beside the answers but hold none."""

_SAMPLE = re.compile(r"(.+)\.sample-(\d{1,6})$")
"""The ending of an answer file that is one of several; models' names may end in ``.1``."""

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Largest answer file that is read."""


@dataclass(frozen=True, slots=True)
class TaskFiles:
    """Where one task lies.

    Attributes:
        name: ``FOLDER/pNN``.
        domain: The folder's name.
        domain_path: Its ``domain.pddl``.
        problem_path: Its problem file.
    """

    name: str
    domain: str
    domain_path: Path
    problem_path: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer with its task.

    Attributes:
        task: The task's files.
        model: Model name.
        text: The answer.
        place: File (and line) that errors name.
        sample: Which of the model's answers to the task it is, from 0.
    """

    task: TaskFiles
    model: str
    text: str
    place: str
    sample: int = 0


def find_tasks(folder: Path) -> dict[str, TaskFiles]:
    """Lists the tasks of a folder, or of the folders in it.

    Returns:
        Tasks by name, sorted.

    Raises:
        InputError: There is no ``domain.pddl`` or no problem beside it.
    """
    if not folder.is_dir():
        raise InputError("no such folder of tasks", file=str(folder))
    tasks: dict[str, TaskFiles] = {}
    folders = _domain_folders(folder)
    if not folders:
        raise InputError("no domain.pddl here or in a folder below", file=str(folder))
    for place in folders:
        name = place.resolve().name
        for problem in sorted(place.glob("*.pddl")):
            if problem.name != "domain.pddl":
                task = TaskFiles(f"{name}/{problem.stem}", name, place / "domain.pddl", problem)
                tasks[task.name] = task
    if not tasks:
        raise InputError("domain.pddl has no problem files (*.pddl) beside it", file=str(folder))
    return tasks


def _domain_folders(folder: Path) -> list[Path]:
    if (folder / "domain.pddl").is_file():
        return [folder]
    below = sorted(p for p in folder.iterdir() if p.is_dir())
    return [p for p in below if (p / "domain.pddl").is_file()]


def find_answers(
    source: Path, tasks: dict[str, TaskFiles], models: Sequence[str] = ()
) -> list[Answer]:
    """Reads all answers.

    Args:
        source: A folder, a folder of folders, or a JSON-lines file.
        tasks: The tasks by name.
        models: Only these models; empty for all.

    Raises:
        InputError: Nothing is found, a file cannot be read, or a task is unknown.
    """
    if source.is_file():
        answers = list(_from_lines(source, tasks))
    elif source.is_dir():
        answers = list(_from_folder(source, tasks))
    else:
        raise InputError("no such folder or file of answers", file=str(source))
    if models:
        unknown = sorted(set(models) - {a.model for a in answers})
        if unknown:
            raise InputError(f"no answers of model '{unknown[0]}'", file=str(source))
        answers = [a for a in answers if a.model in models]
    if not answers:
        raise InputError(
            "no answers found; expected files pNN.pddl.MODEL or JSON lines with "
            "task, model and answer",
            file=str(source),
        )
    return answers


def _from_folder(source: Path, tasks: dict[str, TaskFiles]) -> Iterator[Answer]:
    names = {task.domain for task in tasks.values()}
    seen: set[tuple[str, str, int]] = set()
    direct = [source] if any(_answer_files(source)) else []
    for folder in direct or sorted(p for p in source.iterdir() if p.is_dir()):
        domain = folder.resolve().name
        if domain not in names:
            if not any(_answer_files(folder)):
                continue
            if len(names) > 1 or not direct:
                raise InputError(f"the tasks have no domain folder '{domain}'", file=str(folder))
            domain = next(iter(names))
        for path in _answer_files(folder):
            problem, _, model = path.name.partition(".pddl.")
            task = tasks.get(f"{domain}/{problem}")
            if task is None:
                raise InputError(f"the tasks have no problem '{domain}/{problem}'", file=str(path))
            named = _SAMPLE.match(model)
            sample = int(named.group(2)) if named else 0
            model = named.group(1) if named else model
            if (task.name, model, sample) in seen:
                raise InputError(
                    f"a second sample {sample} of '{model}' for '{task.name}'", file=str(path)
                )
            seen.add((task.name, model, sample))
            yield Answer(task, model, _read(path), str(path), sample)


def _answer_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.pddl.*")):
        if path.is_file() and path.name.partition(".pddl.")[2] not in _NO_MODEL:
            yield path


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_ANSWER_BYTES:
            raise InputError(
                f"answer is larger than {MAX_ANSWER_BYTES // 2**20} MiB", file=str(path)
            )
        return decode_text(path.read_bytes(), str(path))
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the answer: {reason}", file=str(path)) from None


def _from_lines(path: Path, tasks: dict[str, TaskFiles]) -> Iterator[Answer]:
    text = _read(path)
    seen: set[tuple[str, str, int]] = set()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError("not a JSON object", file=str(path), line=number) from None
        if not isinstance(data, dict):
            raise InputError("not a JSON object", file=str(path), line=number)
        fields: list[str] = []
        for key in ("task", "model", "answer"):
            value = data.get(key)
            if not isinstance(value, str):
                raise InputError(f"'{key}' must be a string", file=str(path), line=number)
            fields.append(value)
        name, model, answer = fields
        task = _by_name(tasks, name)
        if task is None:
            raise InputError(f"the tasks have no '{name}'", file=str(path), line=number)
        sample = data.get("sample", 0)
        if not isinstance(sample, int) or isinstance(sample, bool) or sample < 0:
            raise InputError("'sample' must be 0, 1, 2, …", file=str(path), line=number)
        if (task.name, model, sample) in seen:
            which = f" with sample {sample}" if "sample" in data else ""
            raise InputError(
                f"a second answer of '{model}' to '{task.name}'{which}; several answers are "
                'numbered with "sample": 0, 1, 2, …',
                file=str(path),
                line=number,
            )
        seen.add((task.name, model, sample))
        yield Answer(task, model, answer, f"{path}:{number}", sample)


def _by_name(tasks: dict[str, TaskFiles], name: str) -> TaskFiles | None:
    """Finds a task by its full name, or by the problem alone where that is unique."""
    name = name.removesuffix(".pddl")
    if name in tasks:
        return tasks[name]
    fitting = [task for task in tasks.values() if task.problem_path.stem == name]
    return fitting[0] if len(fitting) == 1 else None
