"""``surefoot train views``: pictures, answers, and what follows of each view."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from surefoot.agents.assembly import make_perceiver
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.planning.base import STAGES, TABLETOP
from surefoot.agents.sensing.observation import ViewModel, fit_views
from surefoot.agents.sensing.scenery import VIEWS, Still, picture_scene
from surefoot.envs.episodes.pool import Lost, run_apart
from surefoot.envs.perturbations.pipeline import Pipeline, seeds_of
from surefoot.envs.simulation.client import Simulation
from surefoot.results.errors import InputError
from surefoot.results.manifest import Manifest, current_versions
from surefoot.results.run_folder import RunFolder

TIMEOUT_S = 600.0
"""Seconds by the clock after which a scene is lost."""

Progress = Callable[[int, int], None]


class ViewsConfig(BaseModel):
    """What is learned about views, and from what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str
    """Stage: ``crossing`` or ``tabletop``."""
    perception: str = "local-perception"
    """Model that is shown the pictures."""
    scenes: int = Field(default=200, ge=1)
    """Scenes of the split ``train``."""
    start: int = Field(default=8_000_000, ge=0)
    """Seeds begin here; they should be none that the model learned from."""
    views: int = Field(default=10, ge=0, le=25)
    """Views of each table, drawn; all if 0."""
    perturb: tuple[dict[str, Any], ...] = ()
    """What goes wrong with every picture."""


class _Job(NamedTuple):
    config: ViewsConfig
    seed: int


def learn_views(
    config: ViewsConfig, out: Path, *, workers: int = 1, progress: Progress | None = None
) -> ViewModel:
    """Pictures scenes, asks about them, and writes what each view tells.

    Args:
        config: From what.
        out: The ``.json`` file; scenes with answers are kept in the folder of the same name
            without ending, so that work which was stopped goes on.
        workers: Processes.
        progress: Told about every finished scene.

    Raises:
        InputError: Something is unknown, or too many scenes were lost.
    """
    if config.env not in STAGES:
        raise InputError(f"no environment '{config.env}'; there are {', '.join(STAGES)}")
    if out.suffix != ".json":
        raise InputError("--out must be a .json file", file=str(out))
    model = make_perceiver(config.perception).identity
    seeds = seeds_of("train", config.scenes, config.start)
    manifest = Manifest(
        "train views", config.model_dump(mode="json") | {"model": model},
        [str(seed) for seed in seeds], seeds,
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda _done, _all: None)
    with RunFolder.open(out.with_suffix(""), manifest) as run:
        jobs = [_Job(config, int(key)) for key in run.pending]
        tell(len(seeds) - len(jobs), len(seeds))
        for job, found in run_apart(_answered, jobs, workers=workers, timeout_s=TIMEOUT_S):
            record = {"lost": found.reason} if isinstance(found, Lost) else found
            run.append(str(job.seed), record)
            tell(len(run.records), len(seeds))
        records = list(run.records.values())
        good = [Still.from_json(r) for r in records if "lost" not in r]
        if 2 * len(good) < len(records):
            why = next(r["lost"] for r in records if "lost" in r)
            raise InputError(f"most scenes were lost, the first by: {why}", file=str(run.path))
        told = {
            "seeds": [seeds[0], seeds[-1]], "perturb": list(config.perturb),
            "views": config.views, "lost": len(records) - len(good),
            "versions": current_versions(),
        }  # fmt: skip
        views = fit_views(config.env, good, model, told)
        views.save(out)
    return views


def _answered(job: _Job) -> dict[str, Any]:
    config = job.config
    simulation, perceiver = _eyes(config.perception)
    shift = Pipeline.build(config.perturb)
    views = config.views or len(VIEWS[TABLETOP])
    return (
        picture_scene(simulation, config.env, job.seed, shift, views=views)
        .asked(perceiver)
        .to_json()
    )


@lru_cache(1)
def _eyes(perception: str) -> tuple[Simulation, Perceiver]:
    return Simulation(), make_perceiver(perception)
