"""Runs a bench into a run folder; an interrupted one resumes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import ModelRefusedError
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
from surefoot.pddl.benchmark.turns import round_from_json, round_to_json, turn_of
from surefoot.pddl.grading.doubtful import count_doubtful
from surefoot.pddl.grading.grader import BoundsLookup
from surefoot.pddl.planner import Planner
from surefoot.pddl.reference.bounds import content_key
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import REPORT_NAME, RunFolder, check_out
from surefoot.results.transcripts import Transcripts

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
        stopped: Contestants that were not asked to the end, with what their server said.
        warnings: What was read of given tasks although it looks like a mistake.
    """

    folder: Path
    episodes: tuple[Episode, ...]
    quizzes: tuple[QuizEpisode, ...]
    summary: dict[str, Any]
    unanswered: dict[str, str]
    report: Path
    stopped: dict[str, str] = field(default_factory=dict)
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
    execution: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> BenchRun:
    """Runs all episodes that have no record yet and writes summary and report.

    Args:
        config: The bench.
        out: The run folder; an unfinished run of the same bench is resumed.
        planners: A planner for every name in the configuration.
        bounds: Looks up what is known of a task's optimal cost.
        settings: What of the planners' settings answers depend on, for the manifest.
        execution: The other settings, which may change when the run is resumed; nothing secret.
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
        hashes={"tasks": _digest(cases, tasks), **_identities(planners)},
        execution=dict(execution or {}),
    )
    self_test(
        {case.domain for case in cases if case.size is not None},
        planners,
        questions=BenchJob.QUESTIONS in config.jobs,
    )
    unanswered: dict[str, str] = {}
    stopped: dict[str, str] = {}
    with RunFolder.open(out, manifest) as run, Transcripts(out) as transcripts:
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
            try:
                for start in range(0, len(plans), _BATCH):
                    live = [Dialogue(c, tasks, bounds) for c in plans[start : start + _BATCH]]
                    for dialogue, message in converse(planner, live, transcripts):
                        keep(dialogue.case, message or dialogue.to_json())
                for start in range(0, len(asked), _BATCH):
                    quizzes = [Quiz(c, tasks) for c in asked[start : start + _BATCH]]
                    for quiz, record in ask_all(planner, quizzes, transcripts):
                        keep(quiz.case, record)
            except ModelRefusedError as error:
                stopped[name] = str(error)
                left = {c.key for c in todo} & set(run.pending)
                unanswered |= {key: str(error) for key in run.pending if key in left}
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
        if left_out := _left_out(records):
            summary["left_out"] = left_out
        if tasks.unsupported:
            summary["unsupported"] = tasks.unsupported
        run.write_summary(summary)
        meta = {"date": run.manifest.created, **run.manifest.versions}
        write_reports(out, episodes, summary, meta, answered, run.records)
    report = out / REPORT_NAME
    return BenchRun(out, episodes, answered, summary, unanswered, report, stopped, tasks.warnings)


def all_cases(tasks: BenchTasks, planners: Mapping[str, Planner]) -> list[BenchCase]:
    """Lists all episodes, those that ask for plans first.

    Raises:
        InputError: A domain, size, folder or planner cannot be used.
    """
    reads = {name: p.reads_text for name, p in planners.items()}
    return [*make_cases(tasks, reads), *make_quiz_cases(tasks, planners)]


def converse(
    planner: Planner, live: list[Dialogue], transcripts: Transcripts | None = None
) -> Iterator[tuple[Dialogue, str]]:
    """Holds dialogues until each is finished or its server fails.

    Args:
        planner: Who is asked.
        live: The dialogues.
        transcripts: Where texts are stored, and rounds of dialogues that go on; dialogues
            resume after the rounds that are stored.

    Yields:
        Each dialogue, with what the server said where it failed, else ``""``.
    """
    if transcripts is not None:
        for dialogue in live:
            _resume(dialogue, transcripts)
    while live:
        more: list[Dialogue] = []
        for index, reply in planner.solve([d.request() for d in live]):
            dialogue = live[index]
            if reply.status is ReplyStatus.SERVER_ERROR:
                yield dialogue, reply.message or "the server failed"
                continue
            turn: dict[str, Any] = {}
            if transcripts is not None and dialogue.case.style:
                turn = turn_of(dialogue.messages, reply.text, reply.thinking, transcripts)
            dialogue.take(reply, turn)
            if dialogue.finished:
                yield dialogue, ""
                continue
            if transcripts is not None and turn:  # a search costs nothing to be run again
                transcripts.add_round(dialogue.case.key, round_to_json(reply, turn))
            more.append(dialogue)
        live = more


def _resume(dialogue: Dialogue, transcripts: Transcripts) -> None:
    """Takes the rounds again that were stored before a run was killed."""
    for data in transcripts.rounds(dialogue.case.key):
        reply = round_from_json(data, transcripts.texts)
        if reply is None or dialogue.finished:
            return
        dialogue.take(reply, data["turn"])


def _identities(planners: Mapping[str, Planner]) -> dict[str, str]:
    """Returns a hash of what is known of the planners' own content, such as weights."""
    known = {name: getattr(p, "content_identity", "") for name, p in planners.items()}
    known = {name: identity for name, identity in known.items() if identity}
    if not known:
        return {}
    return {"models": hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()}


def _left_out(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Lists the settings that servers refused, by planner."""
    found: dict[str, set[str]] = {}
    for record in records:
        for attempt in record["attempts"]:
            if names := attempt.get("left_out"):
                found.setdefault(record["case"]["planner"], set()).update(names)
    return {name: sorted(names) for name, names in found.items()}


def _digest(cases: list[BenchCase], tasks: BenchTasks) -> str:
    digest = hashlib.sha256()
    for place in dict.fromkeys(c.place for c in cases):
        digest.update(f"{place.name}\0{content_key(tasks[place].task)}\0\0".encode())
        if tasks[place].prompt:
            digest.update(f"{tasks[place].prompt}\0\0".encode())
    for job, place in dict.fromkeys((c.job, c.place) for c in cases):
        if job == BenchJob.QUESTIONS:
            digest.update(f"{job}\0{tasks.questions(place)!r}\0\0".encode())
        elif job != BenchJob.PLAN:
            variant = tasks.variant(BenchJob(job), place)
            assert variant is not None
            digest.update(f"{job}\0{content_key(variant.task)}\0\0".encode())
    return digest.hexdigest()
