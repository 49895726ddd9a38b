"""Read-ME: what is a planner worth that was taken apart into experts, and what are its experts?"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.compression.summary import share
from surefoot.experiments.parts import found_in, run_part
from surefoot.experiments.read_me.config import ReadMeStudyConfig
from surefoot.experiments.read_me.report import render_study
from surefoot.experiments.read_me.summary import cache_rows, way_rows
from surefoot.experiments.read_me.work import ReadMeJob, dense_job, run_job
from surefoot.models.shipped import model_folder
from surefoot.results.run_folder import REPORT_NAME, SUMMARY_NAME

NAME = "read-me"
"""Name of the study."""

TRACES_NAME = "traces.json"
"""File in a folder named after the model: for each text the expert of each token."""


def run_study(study: ReadMeStudyConfig, out: Path, told: Told) -> Path:
    """Runs the study, or goes on with it.

    Returns:
        The report's path.

    Raises:
        InputError: A model cannot be used, or nothing is to be done.
    """
    if not (study.models and study.ways and study.seeds):
        raise InputError("the study needs at least one model, one way and one seed")
    for model in study.models:
        model_folder(model)
    out.mkdir(parents=True, exist_ok=True)
    text = study.model_dump_json()

    def part(name: str, work: Any, function: Any) -> dict[str, Any]:
        return found_in(run_part(NAME, name, out, study, work, function, told, study.workers))

    dense = part("dense", {m: (text, m) for m in study.models}, dense_job)
    jobs = [
        ReadMeJob(text, model, way, seed)
        for seed in study.seeds
        for model in study.models
        for way in study.ways
    ]
    found = part("ways", {j.key: j for j in jobs}, run_job)
    traces = {
        model: _mixed(record["traces"], study.seed)
        for model in study.models
        if (record := found.get(f"{model}/eq4/{study.seeds[0]}")) is not None
    }
    for model, told_traces in traces.items():
        place = out / "traces" / Path(model).name
        place.mkdir(parents=True, exist_ok=True)
        write_atomic(place / TRACES_NAME, json.dumps(told_traces) + "\n")
    summary = {
        "study": study.model_dump(mode="json"),
        "dense": {
            m: {
                "loss": d["loss"],
                "parameters": d["parameters"],
                "tasks": share([d["tasks"]], study.seed),
            }
            for m, d in dense.items()
        },
        "ways": way_rows(found, dense, study.models, study.ways, study.seed),
        "caches": cache_rows(traces, study.seed),
    }
    write_atomic(out / SUMMARY_NAME, json.dumps(summary, indent=2) + "\n")
    write_atomic(out / REPORT_NAME, render_study(summary))
    return out / REPORT_NAME


def _mixed(traces: list[list[int]], seed: int) -> list[list[int]]:
    """Returns traces in the order in which requests of all domains might come."""
    found = list(traces)
    Random(f"requests:{seed}").shuffle(found)
    return found


EXPERIMENT = Experiment(
    NAME,
    "Read-ME: experts of a dense planner by domain against narrow dense planners and random "
    "experts",
    ReadMeStudyConfig,
    run_study,
)
