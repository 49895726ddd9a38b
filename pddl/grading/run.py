"""Grades a whole set of answers into a run folder; an interrupted run can be resumed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from surefoot.core.progress import Progress, silent
from surefoot.pddl.extract.readers import DEFAULT_READER
from surefoot.pddl.grading.answers import Answer, TaskFiles, find_answers, find_tasks
from surefoot.pddl.grading.doubtful import count_doubtful, doubtful_cases, left_out
from surefoot.pddl.grading.grader import (
    BoundsLookup,
    LexiconSource,
    TaskLoader,
    grade,
    task_digest,
    unsupported_record,
)
from surefoot.pddl.grading.lexicon_options import read_lexicon_options
from surefoot.pddl.grading.published import published_cell
from surefoot.pddl.grading.records import (
    SOLVED,
    UNGRADED,
    AnswerOutcome,
    AnswerRecord,
    unsupported_tasks,
)
from surefoot.pddl.grading.report import write_report
from surefoot.pddl.grading.samples import sample_rows, solved_fractions
from surefoot.pddl.grading.second_reader import NoReplyError, SecondReader
from surefoot.pddl.grading.summary import Cell, make_cells, model_totals
from surefoot.pddl.language import UnsupportedPddlError
from surefoot.results.manifest import Manifest
from surefoot.results.parallel import parallel_map
from surefoot.results.run_folder import REPORT_NAME, RunFolder, check_out
from surefoot.results.statistics import PairedComparison, compare_paired


@dataclass(frozen=True)
class GradedRun:
    """The content of a finished run.

    Attributes:
        folder: The run folder.
        records: All answers, in the order in which they were found.
        cells: Counts by model and domain.
        totals: Counts by model.
        comparisons: Models compared in pairs on the tasks that both were run on.
        report: The report's path.
        lexicons: Where each domain's lexicon comes from.
        warnings: What was read of the tasks although it looks like a mistake.
        unanswered: Doubtful answers to which the second reader gave no reply, with what went
            wrong; grading the same answers again asks it again.
    """

    folder: Path
    records: tuple[AnswerRecord, ...]
    cells: tuple[Cell, ...]
    totals: tuple[Cell, ...]
    comparisons: tuple[PairedComparison, ...]
    report: Path
    lexicons: Mapping[str, LexiconSource] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unanswered: Mapping[str, str] = field(default_factory=dict)

    @property
    def doubtful(self) -> int:
        """Number of answers whose reading is not sure enough to count."""
        return count_doubtful(self.records)

    @property
    def readers(self) -> dict[str, int]:
        """Number of graded answers by the reader whose reading is graded."""
        return dict(Counter(r.reader for r in self.records if r.kind not in UNGRADED))

    @property
    def unsupported(self) -> dict[str, str]:
        """What is not supported of each task that could not be read."""
        return unsupported_tasks(self.records)

    def summary(self) -> dict[str, Any]:
        """Returns what stands in ``summary.json``."""
        return {
            "cells": [_with_published(cell) for cell in self.cells],
            "totals": [cell.to_json() for cell in self.totals],
            "comparisons": [
                {
                    "first": c.first,
                    "second": c.second,
                    "n": c.n,
                    "only_first": c.only_first,
                    "only_second": c.only_second,
                    "mcnemar_p": c.p_value,
                    "holm_p": c.adjusted,
                    "doubtful": c.left_out,
                }
                for c in self.comparisons
            ],
            "samples": [row.to_json() for row in sample_rows(self.records)],
            "doubtful": self.doubtful,
            "readers": self.readers,
            "unsupported": self.unsupported,
            "lexicons": {domain: asdict(origin) for domain, origin in self.lexicons.items()},
        }


def grade_run(
    source: Path,
    tasks_folder: Path,
    out: Path,
    bounds: BoundsLookup,
    *,
    models: Sequence[str] = (),
    reader: str = DEFAULT_READER,
    second_reader: SecondReader | None = None,
    lexicons: Sequence[str] = (),
    workers: int = 1,
    progress: Progress = silent,
) -> GradedRun:
    """Grades answers and writes the run folder.

    All tasks are read before the folder is made, so that bad input leaves nothing behind.

    Args:
        source: Folder or JSON-lines file of answers.
        tasks_folder: Folder of tasks.
        out: The run folder; an unfinished run of the same answers is resumed.
        bounds: Looks up what is known of a task's optimal cost.
        models: Grade only these models; empty for all.
        reader: Name of the answer reader.
        second_reader: A model that reads the doubtful answers again.
        lexicons: Lexicon files as ``DOMAIN=FILE``, or one ``FILE`` for the tasks' only domain;
            each is used instead of the lexicon beside its domain and of a built-in one.
        workers: Number of processes.
        progress: Called after every graded answer.

    Raises:
        InputError: Answers, tasks or the folder cannot be used.
    """
    check_out(out)
    tasks = find_tasks(tasks_folder)
    answers = {_key(a): a for a in find_answers(source, tasks, models)}
    loader = TaskLoader(bounds, reader, read_lexicon_options(lexicons, tasks.values()))
    other = {} if reader == DEFAULT_READER else {"reader": reader}
    if second_reader is not None:
        other["second_reader"] = second_reader.name
    needed = {a.task.name: a.task for a in answers.values()}
    digests, refused = _read_tasks(loader, needed)
    outside = {d: x.sha256 for d, x in loader.lexicons.items() if x.kind in ("given", "beside")}
    manifest = Manifest(
        command="grade",
        config={
            "answers": str(source),
            "tasks": str(tasks_folder),
            "models": list(models),
            **other,
        },
        keys=list(answers),
        hashes={
            "answers": _digest(f"{key}\0{a.text}" for key, a in answers.items()),
            "tasks": _digest(f"{name}\0{digest}" for name, digest in digests.items()),
            **{f"lexicon of {domain}": digest for domain, digest in sorted(outside.items())},
        },
    )
    with RunFolder.open(out, manifest) as run:
        pending = [answers[key] for key in run.pending]
        done = len(answers) - len(pending)
        progress(done, len(answers))
        waiting: dict[str, AnswerRecord] = {}
        unanswered: dict[str, str] = {}
        for answer, record in parallel_map(
            _grade_here, pending, workers=workers, initializer=_prepare, arguments=(loader, refused)
        ):
            if second_reader is not None and record["kind"] == AnswerOutcome.DOUBTFUL:
                # here and not in a worker: a model may hold a connection or a device
                try:
                    task = loader.load(answer.task)
                    record = grade(answer, task, second_reader).to_json()
                except NoReplyError as error:
                    waiting[_key(answer)] = AnswerRecord.from_json(record)
                    unanswered[_key(answer)] = str(error)
                    continue
            run.append(_key(answer), record)
            done += 1
            progress(done, len(answers))
        finished = {key: AnswerRecord.from_json(r) for key, r in run.records.items()}
        known = finished | waiting
        graded = replace(
            _gather(out, tuple(known[key] for key in answers)),
            lexicons=loader.lexicons,
            warnings=tuple(loader.warnings),
            unanswered=unanswered,
        )
        run.write_summary(graded.summary())
        write_report(
            graded.report,
            graded.records,
            graded.cells,
            graded.totals,
            graded.comparisons,
            {
                (c.domain, c.model): p
                for c in graded.cells
                if (p := published_cell(c.domain, c.model))
            },
            {
                "date": run.manifest.created,
                "answers": str(source),
                "tasks": str(tasks_folder),
                "lexicons": "; ".join(f"{d}: {x}" for d, x in loader.lexicons.items()),
                **({"read by": _readers_line(graded)} if second_reader is not None else {}),
                **run.manifest.versions,
            },
        )
    return graded


def _readers_line(run: GradedRun) -> str:
    graded = ", ".join(f"{name}: {count}" for name, count in run.readers.items())
    return f"{graded or 'none'} (graded answers)"


_loader: TaskLoader | None = None
"""The tasks of this process; workers inherit them or read them anew."""

_refused: Mapping[str, str] = {}
"""What is not supported of the tasks that could not be read."""


def _prepare(loader: TaskLoader, refused: Mapping[str, str]) -> None:
    global _loader, _refused
    _loader, _refused = loader, refused


def _grade_here(answer: Answer) -> dict[str, Any]:
    assert _loader is not None
    if answer.task.name in _refused:
        return unsupported_record(answer, _refused[answer.task.name]).to_json()
    return grade(answer, _loader.load(answer.task)).to_json()


def _read_tasks(
    loader: TaskLoader, needed: Mapping[str, TaskFiles]
) -> tuple[dict[str, str], dict[str, str]]:
    """Reads tasks; returns their hashes, and what is not supported of those that cannot be read.

    Raises:
        InputError: A task cannot be read, or none is supported.
    """
    digests: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name, place in needed.items():
        try:
            digests[name] = loader.load(place).sha256
        except UnsupportedPddlError as error:
            if len(needed) == len(refused) + 1:
                raise
            refused[name] = error.reason
            digests[name] = task_digest(place)
    return digests, refused


def _key(answer: Answer) -> str:
    sample = f" sample-{answer.sample}" if answer.sample else ""
    return f"{answer.task.name} {answer.model}{sample}"


def _digest(parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "replace") + b"\0\0")
    return digest.hexdigest()


def _gather(out: Path, records: tuple[AnswerRecord, ...]) -> GradedRun:
    solved = solved_fractions(
        (r.model, r.task, r.kind in SOLVED) for r in records if r.kind not in UNGRADED
    )
    unclear = doubtful_cases((r, r.task) for r in records)
    return GradedRun(
        out,
        records,
        tuple(make_cells(records)),
        tuple(model_totals(records)),
        tuple(
            replace(c, left_out=left_out(solved, unclear, c.first, c.second))
            for c in compare_paired(solved)
        ),
        out / REPORT_NAME,
    )


def _with_published(cell: Cell) -> dict[str, Any]:
    published = published_cell(cell.domain, cell.model)
    data = cell.to_json()
    if published is not None:
        data["published"] = {
            "success": published.success,
            **published.labels,
            "source": published.source,
        }
    return data
