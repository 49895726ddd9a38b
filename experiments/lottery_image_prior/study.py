"""Lottery Image Prior: what do tickets restore, and what of it is the oracle's and the layers'?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.lottery_image_prior.config import ImagePriorConfig, Sensing
from surefoot.experiments.lottery_image_prior.report import render_study
from surefoot.experiments.lottery_image_prior.sensed import (
    check_prior,
    make_prior,
    sense_picture,
    sensing_summary,
    unseen_pictures,
)
from surefoot.experiments.lottery_image_prior.summary import (
    overfit_summary,
    task_summary,
    ticket_against_random,
)
from surefoot.experiments.lottery_image_prior.work import (
    ImagePriorJob,
    has_several,
    judge,
    search,
    take_picture,
)
from surefoot.experiments.parts import all_found, run_part
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME

NAME = "lottery-image-prior"
"""Name of the study."""

_LONG = 6 * 3600.0
"""Seconds for one case: a picture is fitted some twenty times, on a busy machine for an hour."""


def run_study(study: ImagePriorConfig, out: Path, told: Told) -> Path:
    """Runs the study, or goes on with it.

    Returns:
        The report's path.

    Raises:
        InputError: The study's settings do not go together, or a picture cannot be taken.
        HarnessError: A search or a fit was lost.
    """
    _check(study)
    out.mkdir(parents=True, exist_ok=True)
    summary: dict[str, Any] = {"study": study.model_dump(mode="json")}
    shown = {}
    if study.tasks:
        summary |= _restored(study, out, told)
        taken = out / "pictures" / "taken"
        shown = {s.name: (taken / f"{s.name}.png").read_bytes() for s in study.scenes}
    if study.sensing is not None:
        summary["sensing"] = _sensed(study, study.sensing, out, told)
    write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
    write_atomic(out / REPORT_NAME, render_study(summary, shown))
    return out / REPORT_NAME


def _restored(study: ImagePriorConfig, out: Path, told: Told) -> dict[str, Any]:
    """Returns what untrained networks restore, dense and sparse."""
    text, place = study.model_dump_json(), str(out.resolve())
    taken = out / "pictures" / "taken"
    shots = {s.name: (str(taken.resolve()), s, study.size) for s in study.scenes}
    pictures = _part("pictures", out, study, shots, take_picture, told)
    numbers = range(len(study.scenes))

    def jobs(kinds: tuple[str, ...]) -> dict[str, Any]:
        made = [
            ImagePriorJob(text, place, number, seed, kind)
            for kind in kinds
            for seed in study.seeds
            for number in numbers
        ]
        return {j.key: j for j in made}

    several = ("several",) if has_several(study) else ()
    kinds = ("clean", *several, *study.tasks)
    searches = _part("searches", out, study, jobs(kinds), search, told)
    records = _part("fits", out, study, jobs(study.tasks), judge, told)
    return {
        "pictures": pictures,
        "sparsity": next(iter(searches.values()))["sparsity"],
        "tasks": {task: task_summary(records, task) for task in study.tasks},
        "overfit": overfit_summary(records) if "denoise" in study.tasks else None,
        "against_random": ticket_against_random(records, study),
        "against_random_long": ticket_against_random(records, study, "long"),
        "search_seconds": sum(r["seconds"] for r in searches.values()),
    }


def _sensed(study: ImagePriorConfig, sensing: Sensing, out: Path, told: Told) -> dict[str, Any]:
    """Returns what generators find behind random rows, dense and sparse."""
    prior = make_prior(sensing, out, lambda done, total: told("prior", done, total))
    work = unseen_pictures(sensing, prior, out, lambda done, total: told("unseen", done, total))
    return sensing_summary(_part("sensing", out, study, work, sense_picture, told))


def _check(study: ImagePriorConfig) -> None:
    if study.sensing is not None and study.sensing.prior is not None:
        check_prior(study.sensing.prior)
    if not study.tasks and study.sensing is not None:
        return
    if not study.scenes or not study.seeds or not study.tasks:
        raise InputError("the study needs at least one scene, one seed and one task")
    if len(set(study.seeds)) < len(study.seeds):
        raise InputError("a seed is named twice")
    if len({s.name for s in study.scenes}) < len(study.scenes):
        raise InputError("a scene is named twice")
    if len(study.scenes) > 1000:
        raise InputError("more than 1000 scenes would share seeds")
    if any(not 0 < level <= study.rounds for level in study.levels):
        raise InputError(f"levels lie between 1 and {study.rounds}, the number of rounds")
    if missing := [task for task in study.tasks if task not in study.steps]:
        raise InputError(f"steps say nothing of {missing[0]}")
    if study.rounds not in study.levels:
        raise InputError(f"levels hold the last round, {study.rounds}")
    if study.size % study.scale:
        raise InputError(f"a size of {study.size} is no multiple of the scale, {study.scale}")


def _part(
    name: str, out: Path, study: ImagePriorConfig, work: dict[str, Any], function: Any, told: Told
) -> dict[str, Any]:
    records = run_part(NAME, name, out, study, work, function, told, study.workers, timeout_s=_LONG)
    return all_found(name, out, work, records)


EXPERIMENT = Experiment(
    NAME,
    "Lottery Image Prior: tickets resist too many steps; much of it is how many weights each "
    "layer keeps",
    ImagePriorConfig,
    run_study,
)
