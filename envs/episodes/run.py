"""A run of episodes: planned, distributed over processes, resumed, summarized and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from surefoot.core.extras import require
from surefoot.core.files import is_leftover, write_error
from surefoot.core.progress import Progress, silent
from surefoot.envs.episodes.catalogue import make_policy
from surefoot.envs.episodes.config import RunConfig, plan_of
from surefoot.envs.episodes.costs import broken_in, costs_of
from surefoot.envs.episodes.outcome import EpisodeOutcome, EpisodeRecord
from surefoot.envs.episodes.pool import LostResult, run_apart
from surefoot.envs.episodes.protocol import AccountingPolicy
from surefoot.envs.episodes.report import render_report
from surefoot.envs.episodes.runner import EpisodeJob, lost_record, run_episode
from surefoot.results.manifest import Manifest, current_versions
from surefoot.results.run_folder import RunFolder
from surefoot.results.statistics import wilson

MEDIA = "media"
"""Folder of videos and last images in a run folder."""


@dataclass(frozen=True)
class FinishedRun:
    """A finished run.

    Attributes:
        records: Records by key, in the order of the plan.
        summary: Content of ``summary.json``.
        report: Path of the report.
    """

    records: dict[str, dict[str, Any]]
    summary: dict[str, Any]
    report: Path


def episodes_run(
    config: RunConfig, out: Path, *, workers: int = 1, progress: Progress = silent
) -> FinishedRun:
    """Runs all episodes that are missing from a run folder, then writes summary and report.

    Args:
        config: A resolved configuration, see :func:`~.config.resolve`.
        out: The run folder, created or resumed.
        workers: Number of processes; each runs one episode at a time. A policy that talks to a
            person acts in this process, one episode after the other and without a time limit.
        progress: Called after every finished episode.

    Raises:
        InputError: The folder holds something else, the policy cannot be made, or a file
            cannot be written; the same command then resumes the run.
        MissingDependencyError: The simulator, or what the policy needs, is not installed.
    """
    require("pybullet")
    if config.video != "none":
        require("av")
    # A misspelt policy should fail now, not in every episode.
    policy = make_policy(config.policy, config.env, config.options)
    plan = plan_of(config)
    manifest = Manifest(
        "run",
        config.model_dump(mode="json"),
        [spec.key for spec in plan],
        config.seeds,
        versions=current_versions() | {"pybullet": version("pybullet"), "renderer": "tiny"},
    )
    with RunFolder.open(out, manifest) as run:
        media = _tidied(out / MEDIA)
        pending = set(run.pending)
        jobs = [EpisodeJob(config, spec, media) for spec in plan if spec.key in pending]
        done = len(plan) - len(jobs)
        progress(done, len(plan))
        here = isinstance(policy, AccountingPolicy) and policy.foreground
        found: Iterator[tuple[EpisodeJob, EpisodeRecord | LostResult]] = (
            ((job, run_episode(job)) for job in jobs)
            if here
            else run_apart(run_episode, jobs, workers=workers, timeout_s=config.timeout_s)
        )
        for job, result in found:
            if isinstance(result, LostResult):
                result = lost_record(job.spec, result.timed_out, result.reason)
            run.append(job.spec.key, result.to_json())
            done += 1
            progress(done, len(plan))
        records = run.records
        summary = summary_of(config, records)
        run.write_summary(summary)
        pages = policy.pages(out, records) if isinstance(policy, AccountingPolicy) else {}
        report = run.write_report(render_report(config, records, summary, media, pages))
    return FinishedRun(records, summary, report)


def _tidied(media: Path) -> Path:
    """Creates the media folder, or removes incomplete files that a killed run left in it."""
    try:
        media.mkdir(exist_ok=True)
        for path in media.iterdir():
            if is_leftover(path.name):
                path.unlink()
    except OSError as error:
        raise write_error(error, media) from None
    return media


def summary_of(config: RunConfig, records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Counts outcomes by task and in total; every episode is in the denominator."""
    cells = [
        _cell(task, [r for r in records.values() if r["task"] == task]) for task in config.task
    ]
    return {
        "env": config.env,
        "policy": config.policy,
        "difficulty": config.difficulty,
        "perturb": list(config.perturb),
        "cells": [cell for cell in cells if cell["n"]],
        "total": _cell("all", list(records.values())),
    }


def _cell(task: str, records: list[Mapping[str, Any]]) -> dict[str, Any]:
    n = len(records)
    outcomes = Counter(r["outcome"] for r in records)
    good = outcomes[EpisodeOutcome.SUCCESS.value]
    interval = wilson(good, n) if n else None
    mean = partial(_mean, records)
    return {
        "task": task,
        "n": n,
        "success": good,
        "interval": [interval.low, interval.high] if interval else None,
        "outcomes": {o.value: outcomes[o.value] for o in EpisodeOutcome if outcomes[o.value]},
        "goal_reached": sum(r["progress"] >= 1 for r in records),
        "mean_skills": mean(lambda r: len(r["steps"])),
        "mean_simulated_s": mean(lambda r: r["simulated_s"]),
        "mean_progress": mean(lambda r: r["progress"]),
        "broke_rules": sum(bool(broken_in(r)) for r in records),
        "agent": costs_of(records),
    }


def _mean(
    records: list[Mapping[str, Any]], value: Callable[[Mapping[str, Any]], float]
) -> float | None:
    return round(sum(map(value, records)) / len(records), 3) if records else None
