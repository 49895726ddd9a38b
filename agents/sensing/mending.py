"""``surefoot train restoring``: pictures, raw and restored, answers, and what follows of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from surefoot.agents.assembly import make_perceiver
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.restorers import make_restorer
from surefoot.agents.planning.base import STAGES
from surefoot.agents.sensing.restoring import Pair, RestoringModel, fit_restoring
from surefoot.agents.sensing.scenery import picture_scene
from surefoot.envs.episodes.pool import Lost, run_apart
from surefoot.envs.perturbations.pipeline import Pipeline, seeds_of
from surefoot.envs.simulation.client import Simulation
from surefoot.results.errors import InputError
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import RunFolder

TIMEOUT_S = 900.0
"""Seconds by the clock after which a scene is lost."""


class RestoringConfig(BaseModel):
    """What is learned about restoring, and from what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str = "tabletop"
    """Stage: ``crossing`` or ``tabletop``."""
    perception: str = "local-perception"
    """Model that is shown the pictures."""
    restorer: str = "median"
    """Way to restore, see :func:`~surefoot.agents.perception.restorers.make_restorer`."""
    scenes: int = Field(default=100, ge=1)
    """Scenes of the split ``train``."""
    start: int = Field(default=8_000_000, ge=0)
    """Seeds begin here; they should be none that the model learned from."""
    views: int = Field(default=4, ge=2, le=25)
    """Views of each table, drawn; at the crossing all three."""
    perturb: tuple[dict[str, Any], ...] = ({"name": "noise", "severity": 0.8},)
    """What goes wrong with every picture."""


class _Job(NamedTuple):
    config: RestoringConfig
    seed: int


def learn_restoring(
    config: RestoringConfig,
    out: Path,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> RestoringModel:
    """Pictures scenes, restores the pictures, asks about both, and writes what restoring tells.

    Args:
        config: From what.
        out: The ``.json`` file; answers are kept in the folder of the same name without ending, so
            that work which was stopped goes on.
        workers: Processes.
        progress: Told about every finished scene.

    Raises:
        InputError: Something is unknown, or too many scenes were lost.
    """
    if config.env not in STAGES:
        raise InputError(f"no environment '{config.env}'; there are {', '.join(STAGES)}")
    if out.suffix != ".json":
        raise InputError("--out must be a .json file", file=str(out))
    make_restorer(config.restorer)
    model = make_perceiver(config.perception).identity
    seeds = seeds_of("train", config.scenes, config.start)
    manifest = Manifest(
        "train restoring", config.model_dump(mode="json") | {"model": model},
        [str(seed) for seed in seeds], seeds,
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    with RunFolder.open(out.with_suffix(""), manifest) as run:
        jobs = [_Job(config, int(key)) for key in run.pending]
        progress(len(seeds) - len(jobs), len(seeds))
        for job, found in run_apart(_answered, jobs, workers=workers, timeout_s=TIMEOUT_S):
            record = {"lost": found.reason} if isinstance(found, Lost) else found
            run.append(str(job.seed), record)
            progress(len(run.records), len(seeds))
        good = [r for r in run.records.values() if "lost" not in r]
        if 2 * len(good) < len(run.records):
            why = next(r["lost"] for r in run.records.values() if "lost" in r)
            raise InputError(f"most scenes were lost, the first by: {why}", file=str(run.path))
    pairs = [
        Pair(FactQuestion(f, text, tuple(options), kind), truth, raw, restored)
        for record in good
        for (f, text, options, kind), truth, raw, restored in record["pairs"]
    ]
    seconds = float(np.mean([s for record in good for s in record["seconds"]]))
    found_model = fit_restoring(config.env, model, config.restorer, seconds, pairs)
    found_model.save(out)
    return found_model


def _answered(job: _Job) -> dict[str, Any]:
    config = job.config
    simulation, perceiver = _eyes(config.perception)
    restorer = make_restorer(config.restorer)
    scene = picture_scene(
        simulation, config.env, job.seed, Pipeline.build(config.perturb), views=config.views
    )
    pairs, seconds = [], []
    for rgb, questions in scene.shots.values():
        begun = time.perf_counter()
        restored = restorer(rgb)
        seconds.append(time.perf_counter() - begun)
        both = zip(
            questions, perceiver.ask(rgb, list(questions)),
            perceiver.ask(restored, list(questions)), strict=True,
        )  # fmt: skip
        for q, raw, after in both:
            if q.fact in scene.truth and scene.truth[q.fact] in q.options:
                asked = [q.fact, q.text, list(q.options), q.kind]
                pairs.append([asked, scene.truth[q.fact], _short(raw), _short(after)])
    return {"pairs": pairs, "seconds": seconds}


def _short(answer: Any) -> list[float]:
    return [round(float(p), 5) for p in answer]


@lru_cache(1)
def _eyes(perception: str) -> tuple[Simulation, Perceiver]:
    return Simulation(), make_perceiver(perception)
