"""Read-ME: what is a planner worth that was taken apart into experts, and what are its experts?"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.experiments.base import Study
from surefoot.experiments.compression.summary import share
from surefoot.experiments.read_me.config import ReadMeStudyConfig
from surefoot.experiments.read_me.report import render_study
from surefoot.experiments.read_me.summary import cache_rows, way_rows
from surefoot.experiments.read_me.work import ReadMeJob, dense_job, run_job
from surefoot.models.shipped import model_folder

TRACES_NAME = "traces.json"
"""File in a folder named after the model: for each text the expert of each token."""


class ReadMeStudy(Study[ReadMeStudyConfig]):
    """Takes planners apart into experts in several ways, and replays traces through caches."""

    name = "read-me"
    claim = (
        "Read-ME: experts of a dense planner by domain against narrow dense planners and random "
        "experts"
    )

    def check(self) -> None:
        """Checks that there is something to do and that every model exists."""
        if not (self.config.models and self.config.ways and self.config.seeds):
            raise InputError("the study needs at least one model, one way and one seed")
        for model in self.config.models:
            model_folder(model)

    def results(self) -> tuple[dict[str, Any], str]:
        """Runs all parts and writes traces; returns the summary and the report."""
        config, text = self.config, self.text
        dense = self.part("dense", {m: (text, m) for m in config.models}, dense_job)
        jobs = [
            ReadMeJob(text, model, way, seed)
            for seed in config.seeds
            for model in config.models
            for way in config.ways
        ]
        found = self.part("ways", {j.key: j for j in jobs}, run_job)
        traces = {
            model: _mixed(record["traces"], config.seed)
            for model in config.models
            if (record := found.get(f"{model}/eq4/{config.seeds[0]}")) is not None
        }
        for model, trace in traces.items():
            place = self.out / "traces" / Path(model).name
            place.mkdir(parents=True, exist_ok=True)
            write_atomic(place / TRACES_NAME, json.dumps(trace) + "\n")
        summary = {
            "study": config.to_json(),
            "dense": {
                m: {
                    "loss": d["loss"],
                    "parameters": d["parameters"],
                    "tasks": share([d["tasks"]], config.seed),
                }
                for m, d in dense.items()
            },
            "ways": way_rows(found, dense, config.models, config.ways, config.seed),
            "caches": cache_rows(traces, config.seed),
        }
        return summary, render_study(summary)


def _mixed(traces: list[list[int]], seed: int) -> list[list[int]]:
    """Returns traces in the order in which requests of all domains might come."""
    found = list(traces)
    Random(f"requests:{seed}").shuffle(found)
    return found


EXPERIMENT = ReadMeStudy.experiment(ReadMeStudyConfig)
