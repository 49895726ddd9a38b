"""``surefoot train views``: images, answers, and what follows of each view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from surefoot.agents.assembly import make_perceiver
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.planning.base import ENVIRONMENTS, TABLETOP
from surefoot.agents.sensing.observation import ViewModel, fit_views
from surefoot.agents.sensing.scenery import VIEWS, StillScene, render_scene
from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.core.seeds import seeds_of
from surefoot.envs.episodes.pool import LostResult, run_apart
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.results.manifest import Manifest, current_versions
from surefoot.results.run_folder import RunFolder

TIMEOUT_S = 600.0
"""Seconds by the clock after which a scene is lost."""


class ScenesConfig(BaseModel):
    """Scenes that a model is asked about, so that something is learned of its answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str
    """Stage: ``crossing`` or ``tabletop``."""
    perception: str = "local-perception"
    """Model that is shown the images."""
    scenes: int = Field(default=200, ge=1)
    """Scenes of the split ``train``."""
    start: int = Field(default=8_000_000, ge=0)
    """Seeds begin here; they should be none that the model learned from."""
    perturb: tuple[dict[str, Any], ...] = ()
    """What goes wrong with every image."""


class ViewsConfig(ScenesConfig):
    """What is learned about views, and from what."""

    views: int = Field(default=10, ge=0, le=25)
    """Views of each table, drawn; all if 0."""


@dataclass(frozen=True)
class SceneAnswers:
    """Outcome of asking about scenes.

    Attributes:
        model: Identity of the model that was asked.
        seeds: Seeds of all scenes.
        records: What was kept of those that were not lost.
        lost: How many were.
    """

    model: str
    seeds: list[int]
    records: list[Mapping[str, Any]]
    lost: int

    def provenance(self, config: ScenesConfig) -> dict[str, Any]:
        """Returns where what is learned of them is from, for the record."""
        return {
            "seeds": [self.seeds[0], self.seeds[-1]],
            "perturb": list(config.perturb),
            "lost": self.lost,
            "versions": current_versions(),
        }


class SceneJob(NamedTuple):
    """One scene to be asked about."""

    config: Any
    seed: int


def ask_scenes(
    command: str,
    config: ScenesConfig,
    out: Path,
    answered: Callable[[SceneJob], dict[str, Any]],
    *,
    workers: int = 1,
    progress: Progress = silent,
) -> SceneAnswers:
    """Renders scenes and asks about them; can be resumed.

    Args:
        command: What is run, such as ``train views``.
        config: From what is learned.
        out: The ``.json`` file that is made of the answers; these are kept in the folder of the
            same name without ending.
        answered: Does one scene in a process of its own.
        workers: Processes.
        progress: Called after every finished scene.

    Raises:
        InputError: Something is unknown, or too many scenes were lost.
    """
    if config.env not in ENVIRONMENTS:
        raise InputError(f"no environment '{config.env}'; there are {', '.join(ENVIRONMENTS)}")
    if out.suffix != ".json":
        raise InputError("--out must be a .json file", file=str(out))
    model = make_perceiver(config.perception).identity
    seeds = seeds_of("train", config.scenes, config.start)
    manifest = Manifest(
        command,
        config.model_dump(mode="json") | {"model": model},
        [str(seed) for seed in seeds],
        seeds,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with RunFolder.open(out.with_suffix(""), manifest) as run:
        jobs = [SceneJob(config, int(key)) for key in run.pending]
        progress(len(seeds) - len(jobs), len(seeds))
        for job, found in run_apart(answered, jobs, workers=workers, timeout_s=TIMEOUT_S):
            record = {"lost": found.reason} if isinstance(found, LostResult) else found
            run.append(str(job.seed), record)
            progress(len(run.records), len(seeds))
        records = list(run.records.values())
        good: list[Mapping[str, Any]] = [r for r in records if "lost" not in r]
        if 2 * len(good) < len(records):
            why = next(r["lost"] for r in records if "lost" in r)
            raise InputError(f"most scenes were lost, the first by: {why}", file=str(run.path))
    return SceneAnswers(model, seeds, good, len(records) - len(good))


def learn_views(
    config: ViewsConfig, out: Path, *, workers: int = 1, progress: Progress = silent
) -> ViewModel:
    """Renders scenes, asks about them, and writes the view model.

    Args:
        config: From what.
        out: The ``.json`` file, see :func:`ask_scenes`.
        workers: Processes.
        progress: Called after every finished scene.

    Raises:
        InputError: Something is unknown, or too many scenes were lost.
    """
    asked = ask_scenes("train views", config, out, _answered, workers=workers, progress=progress)
    provenance_data = asked.provenance(config) | {"views": config.views}
    views = fit_views(
        config.env, list(map(StillScene.from_json, asked.records)), asked.model, provenance_data
    )
    views.save(out)
    return views


def _answered(job: SceneJob) -> dict[str, Any]:
    config = job.config
    simulation, perceiver = simulated_camera(config.perception)
    shift = Pipeline.build(config.perturb)
    views = config.views or len(VIEWS[TABLETOP])
    return (
        render_scene(simulation, config.env, job.seed, shift, views=views)
        .asked(perceiver)
        .to_json()
    )


@lru_cache(1)
def simulated_camera(perception: str) -> tuple[Simulation, Perceiver]:
    """Returns physics and a perceiver, made once in each process."""
    return Simulation(), make_perceiver(perception)
