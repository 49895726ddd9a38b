"""Grading and benchmarking as one call each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from surefoot.core.progress import Progress, silent
from surefoot.pddl.benchmark.config import read_config
from surefoot.pddl.benchmark.run import BenchRun, bench_run
from surefoot.pddl.extract.readers import DEFAULT_READER
from surefoot.pddl.grading.run import GradedRun, grade_run
from surefoot.pddl.grading.second_reader import SecondReader
from surefoot.pddl.planner import Planner
from surefoot.pddl.reference import lookup


def grade(
    answers: str | Path,
    tasks: str | Path,
    out: str | Path,
    *,
    models: Sequence[str] = (),
    reader: str = DEFAULT_READER,
    second_reader: SecondReader | None = None,
    lexicons: Sequence[str] = (),
    workers: int = 1,
    progress: Progress = silent,
) -> GradedRun:
    """Grades recorded answers into a run folder; no model is the judge.

    Answers whose reading is not sure enough are doubtful and in no rate: ``doubtful`` of the run
    counts them, and its report opens with them.

    Args:
        answers: Folder with ``pNN.pddl.MODEL`` files (or folders of such), or a JSON-lines file
            with ``task``, ``model`` and ``answer``.
        tasks: Folder with ``domain.pddl`` and ``pNN.pddl`` (or folders of such).
        out: The run folder, created or resumed.
        models: Only these models; all by default.
        reader: Name of the answer reader.
        second_reader: A model that reads the doubtful answers again, such as
            ``SecondReader(name, ask)`` with a function from a prompt to a reply.
        lexicons: Lexicon files as ``DOMAIN=FILE``, or one ``FILE`` for the tasks' only domain.
        workers: Processes.
        progress: Called after every graded answer.

    Raises:
        InputError: Answers, tasks or the folder cannot be used.
    """
    return grade_run(
        Path(answers),
        Path(tasks),
        Path(out),
        lookup,
        models=models,
        reader=reader,
        second_reader=second_reader,
        lexicons=lexicons,
        workers=workers,
        progress=progress,
    )


def bench(
    planners: Mapping[str, Planner],
    out: str | Path,
    *,
    progress: Progress = silent,
    **settings: Any,
) -> BenchRun:
    """Benchmarks planners into a run folder.

    Episodes whose answer is not read with enough certainty are in no rate; ``doubtful`` of the
    run counts them.

    Args:
        planners: Planners by name, such as those of
            :func:`surefoot.models.registry.make_planner`.
        out: The run folder, created or resumed.
        progress: Called after every finished episode.
        settings: Fields of :class:`~surefoot.pddl.benchmark.config.BenchConfig`, such as
            ``domains=("blocksworld",)`` and ``seeds="0:5"``.

    Raises:
        InputError: The settings, the tasks or the folder cannot be used.
        HarnessError: The bench's own check of itself failed.
    """
    config = read_config(None, {"planners": tuple(planners), **settings})
    return bench_run(config, Path(out), planners, lookup, progress=progress)
