"""Runs a bench into a run folder; an interrupted one resumes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surefoot.core.chat import ReplyStatus
from surefoot.core.progress import Progress, silent
from surefoot.pddl.benchmark.cases import BenchCase, make_cases
from surefoot.pddl.benchmark.config import BenchConfig, BenchJob
from surefoot.pddl.benchmark.dialogue import Dialogue
from surefoot.pddl.benchmark.optima import with_common_bounds
from surefoot.pddl.benchmark.profile import profile
from surefoot.pddl.benchmark.quiz import Quiz, ask_all
from surefoot.pddl.benchmark.quiz_cases import make_quiz_cases
from surefoot.pddl.benchmark.quiz_summary import QuizEpisode, is_quiz, summarize_quiz
from surefoot.pddl.benchmark.report import write_reports
from surefoot.pddl.benchmark.selftest import self_test
from surefoot.pddl.benchmark.summary import Episode, summarize
from surefoot.pddl.benchmark.tasks import BenchTasks
from surefoot.pddl.grading.doubtful import count_doubtful
from surefoot.pddl.grading.grader import BoundsLookup
from surefoot.pddl.planner import Planner
from surefoot.pddl.reference.bounds import content_key
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import REPORT_NAME, RunFolder, check_out

_BATCH = 256
"""Episodes of one planner that are prepared at a time."""


@dataclass(frozen=True)
class BenchRun:
    """The result of a bench.

    Attributes:
        folder: The run folder.
        episodes: Finished episodes that ask for a plan, in the planned order.
        quizzes: Answered questions, in the planned order.
        summary: What stands in ``summary.json``.
        unanswered: Episodes without an answer by what the server said; running the same
            bench again asks them again.
        report: The report's path.
        warnings: What was read of given tasks although it looks like a mistake.
    """

    folder: Path
    episodes: tuple[Episode, ...]
    quizzes: tuple[QuizEpisode, ...]
    summary: dict[str, Any]
    unanswered: dict[str, str]
    report: Path
    warnings: tuple[str, ...] = ()

    @property
    def doubtful(self) -> int:
        """Number of episodes whose answer is not read with enough certainty to count."""
        return count_doubtful(e.graded for e in self.episodes)


def bench_run(
    config: BenchConfig,
    out: Path,
    planners: Mapping[str, Planner],
    bounds: BoundsLookup,
    *,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> BenchRun:
    """Runs all episodes that have no record yet and writes summary and report.

    Args:
        config: The bench.
        out: The run folder; an unfinished run of the same bench is resumed.
        planners: A planner for every name in the configuration.
        bounds: Looks up what is known of a task's optimal cost.
        settings: Settings of the planners, for the manifest; nothing secret.
        progress: Called after every finished episode.

    Raises:
        InputError: The configuration, the tasks or the folder cannot be used.
        HarnessError: The bench's own check of itself failed; nothing is graded then.
    """
    check_out(out)
    tasks = BenchTasks(config)
    cases = all_cases(tasks, planners)
    manifest = Manifest(
        command="bench",
        config={**config.to_json(), "settings": dict(settings or {})},
        keys=[case.key for case in cases],
        seeds=list(config.seeds),
        hashes={"tasks": _digest(cases, tasks)},
    )
    self_test(
        {case.domain for case in cases if case.size is not None},
        planners,
        questions=BenchJob.QUESTIONS in config.jobs,
    )
    unanswered: dict[str, str] = {}
    with RunFolder.open(out, manifest) as run:
        pending = set(run.pending)
        done = len(cases) - len(pending)

        progress(done, len(cases))

        def keep(case: BenchCase, record: dict[str, Any] | str) -> None:
            nonlocal done
            if isinstance(record, str):
                unanswered[case.key] = record
                return
            run.append(case.key, record)
            done += 1
            progress(done, len(cases))

        for name, planner in planners.items():
            todo = [c for c in cases if c.planner == name and c.key in pending]
            plans = [c for c in todo if not c.question]
            asked = [c for c in todo if c.question]
            for start in range(0, len(plans), _BATCH):
                live = [Dialogue(c, tasks, bounds) for c in plans[start : start + _BATCH]]
                for dialogue, message in converse(planner, live):
                    keep(dialogue.case, message or dialogue.to_json())
            for start in range(0, len(asked), _BATCH):
                quizzes = [Quiz(c, tasks) for c in asked[start : start + _BATCH]]
                for quiz, record in ask_all(planner, quizzes):
                    keep(quiz.case, record)
        records = list(run.records.values())
        episodes = with_common_bounds(Episode.from_json(r) for r in records if not is_quiz(r))
        answered = tuple(QuizEpisode.from_json(r) for r in records if is_quiz(r))
        summary = summarize(episodes, planned=len(cases), seed=config.seed)
        summary |= profile(episodes)
        summary["finished"] = len(records)
        if config.plan_jobs not in ((), (BenchJob.PLAN,)):
            summary["unchanged"] = tasks.missing_variants()
        if BenchJob.QUESTIONS in config.jobs:
            summary["questions"] = summarize_quiz(answered, tasks.missing_questions())
        if tasks.unsupported:
            summary["unsupported"] = tasks.unsupported
        run.write_summary(summary)
        meta = {"date": run.manifest.created, **run.manifest.versions}
        write_reports(out, episodes, summary, meta, answered)
    report = out / REPORT_NAME
    return BenchRun(out, episodes, answered, summary, unanswered, report, tasks.warnings)


def all_cases(tasks: BenchTasks, planners: Mapping[str, Planner]) -> list[BenchCase]:
    """Lists all episodes, those that ask for plans first.

    Raises:
        InputError: A domain, size, folder or planner cannot be used.
    """
    reads = {name: p.reads_text for name, p in planners.items()}
    return [*make_cases(tasks, reads), *make_quiz_cases(tasks, planners)]


def converse(planner: Planner, live: list[Dialogue]) -> Iterator[tuple[Dialogue, str]]:
    """Holds dialogues until each is finished or its server fails.

    Yields:
        Each dialogue, with what the server said where it failed, else ``""``.
    """
    while live:
        more: list[Dialogue] = []
        for index, reply in planner.solve([d.request() for d in live]):
            dialogue = live[index]
            if reply.status is ReplyStatus.SERVER_ERROR:
                yield dialogue, reply.message or "the server failed"
                continue
            dialogue.take(reply)
            if dialogue.finished:
                yield dialogue, ""
            else:
                more.append(dialogue)
        live = more


def _digest(cases: list[BenchCase], tasks: BenchTasks) -> str:
    digest = hashlib.sha256()
    for place in dict.fromkeys(c.place for c in cases):
        digest.update(f"{place.name}\0{content_key(tasks[place].task)}\0\0".encode())
    for job, place in dict.fromkeys((c.job, c.place) for c in cases):
        if job == BenchJob.QUESTIONS:
            digest.update(f"{job}\0{tasks.questions(place)!r}\0\0".encode())
        elif job != BenchJob.PLAN:
            variant = tasks.variant(BenchJob(job), place)
            assert variant is not None
            digest.update(f"{job}\0{content_key(variant.task)}\0\0".encode())
    return digest.hexdigest()
