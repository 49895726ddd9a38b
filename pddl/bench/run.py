"""Runs a bench into a run folder; goes on where an earlier try stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surefoot.pddl.bench.cases import Case, load_source, make_cases
from surefoot.pddl.bench.config import BenchConfig
from surefoot.pddl.bench.dialogue import Dialogue
from surefoot.pddl.bench.optima import with_common_bounds
from surefoot.pddl.bench.profile import profile
from surefoot.pddl.bench.report import write_reports
from surefoot.pddl.bench.selftest import self_test
from surefoot.pddl.bench.summary import Episode, summarize
from surefoot.pddl.grading.grader import BoundsLookup
from surefoot.pddl.planner import Planner, ReplyStatus
from surefoot.pddl.reference.bounds import content_key
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import REPORT_NAME, RunFolder, check_out

Progress = Callable[[int, int], None]
"""Called with the number of episodes done and the number of all."""

_BATCH = 256
"""Episodes of one planner that are prepared at a time."""


@dataclass(frozen=True)
class BenchRun:
    """What a bench left.

    Attributes:
        folder: The run folder.
        episodes: Finished episodes in the planned order.
        summary: What stands in ``summary.json``.
        unanswered: Episodes without an answer by what the server said; running the same
            bench again asks them again.
        report: The report's path.
    """

    folder: Path
    episodes: tuple[Episode, ...]
    summary: dict[str, Any]
    unanswered: dict[str, str]
    report: Path


def bench_run(
    config: BenchConfig,
    out: Path,
    planners: Mapping[str, Planner],
    bounds: BoundsLookup,
    *,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> BenchRun:
    """Runs all episodes that have no record yet and writes summary and report.

    Args:
        config: The bench.
        out: The run folder; an unfinished run of the same bench is gone on with.
        planners: A planner for every name in the configuration.
        bounds: Looks up what is known of a task's optimal cost.
        settings: Settings of the planners, for the manifest; nothing secret.
        progress: Told how far the run is.

    Raises:
        InputError: The configuration, the tasks or the folder cannot be used.
        HarnessError: The bench's own check of itself failed; nothing is graded then.
    """
    check_out(out)
    cases = make_cases(config, {name: p.reads_text for name, p in planners.items()})
    manifest = Manifest(
        command="bench",
        config={**config.model_dump(mode="json"), "settings": dict(settings or {})},
        keys=[case.key for case in cases],
        seeds=list(config.seeds),
        hashes={"tasks": _digest(cases, config)},
    )
    self_test({case.domain for case in cases if case.size is not None}, planners)
    unanswered: dict[str, str] = {}
    with RunFolder.open(out, manifest) as run:
        pending = set(run.pending)
        done = len(cases) - len(pending)

        def tell() -> None:
            if progress is not None:
                progress(done, len(cases))

        tell()
        for name, planner in planners.items():
            todo = [c for c in cases if c.planner == name and c.key in pending]
            for start in range(0, len(todo), _BATCH):
                live = [Dialogue(c, config, bounds) for c in todo[start : start + _BATCH]]
                while live:
                    more: list[Dialogue] = []
                    for index, reply in planner.solve([d.request() for d in live]):
                        dialogue = live[index]
                        if reply.status is ReplyStatus.SERVER_ERROR:
                            unanswered[dialogue.case.key] = reply.message
                            continue
                        dialogue.take(reply)
                        if not dialogue.finished:
                            more.append(dialogue)
                            continue
                        run.append(dialogue.case.key, dialogue.to_json())
                        done += 1
                        tell()
                    live = more
        episodes = with_common_bounds(Episode.from_json(r) for r in run.records.values())
        summary = summarize(episodes, planned=len(cases), seed=config.seed)
        summary |= profile(episodes)
        run.write_summary(summary)
        meta = {"date": run.manifest.created, **run.manifest.versions}
        write_reports(out, episodes, summary, meta)
    return BenchRun(out, episodes, summary, unanswered, out / REPORT_NAME)


def _digest(cases: list[Case], config: BenchConfig) -> str:
    digest = hashlib.sha256()
    for place in dict.fromkeys((c.domain, c.size, c.seed, c.task) for c in cases):
        source = load_source(*place, config.tasks)
        digest.update(f"{place[-1]}\0{content_key(source.task)}\0\0".encode())
    return digest.hexdigest()
