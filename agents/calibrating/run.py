"""``surefoot calibrate agent``: episodes of the policy that looks, and the artefact."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from surefoot.agents.agent import Tools
from surefoot.agents.assembly import make_perceiver, make_sensing, planner_of
from surefoot.agents.calibrating.fitting import blank, calibrated, fit_policy
from surefoot.agents.calibrating.stops import LookingStop, stop_of
from surefoot.agents.environments.base import AgentEnv
from surefoot.agents.environments.making import agent_env
from surefoot.agents.guarantees import AgentCalibration, load_calibration
from surefoot.agents.operator import make_operator
from surefoot.agents.planning.base import CROSSING, ENVIRONMENTS
from surefoot.agents.planning.planners.guide import GuidePlanner
from surefoot.agents.planning.planners.search import TableSearch
from surefoot.agents.planning.registry import make as make_planner
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.reports.records import (
    PREDICTIONS_NAME,
    FactRecord,
    Origin,
    PlanRecord,
    write_predictions,
)
from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.core.seeds import split_of_seed
from surefoot.envs.episodes.catalogue import get_environment
from surefoot.envs.episodes.config import AGENT_SIZE
from surefoot.envs.episodes.pool import LostResult, run_apart
from surefoot.envs.episodes.protocol import Env
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.results.manifest import Manifest, current_versions
from surefoot.results.run_folder import RunFolder

RENDERER = "tiny"
"""PyBullet's software renderer."""

POLICY_NAME = "looking.json"
"""What was found from the first half of the episodes, in the folder of the episodes."""

_LEAST = 4


class CalibrationConfig(BaseModel):
    """What an agent is calibrated on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str
    """Stage: ``crossing`` or ``tabletop``."""
    agent: AgentSettings = AgentSettings()
    """The agent."""
    seeds: tuple[int, ...]
    """Seeds of the split ``calibration``; tasks take turns."""
    difficulty: str = ""
    """Difficulty as the environment names it; its own default when empty."""
    perturb: tuple[dict[str, Any], ...] = ()
    """Perturbations by name and arguments, in order."""
    decisions: int = Field(default=12, ge=1, le=240)
    """On the crossing: one decision is drawn from this many first decisions of each episode."""
    timeout_s: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds by the clock after which an episode is lost."""


MakeParts = Callable[[str, str, Path | None], Tools]
"""Makes an agent's parts for a stage from its settings, as JSON, and the calibration so far."""

MakeAgentEnv = Callable[[Env, Mapping[str, Any]], AgentEnv]
"""Makes the agent's environment from a simulated one and what its reset returned."""


class CalibrationJob(NamedTuple):
    """One episode to calibrate on."""

    config: CalibrationConfig
    key: str
    task: str
    seed: int
    policy: Path | None


Episodes = Callable[
    [Sequence[CalibrationJob]], Iterable[tuple[CalibrationJob, dict[str, Any] | LostResult]]
]
"""Runs episodes, in any order."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration that was made.

    Attributes:
        calibration: The artefact.
        path: Where it is.
        folder: Folder of the episodes, with ``predictions.jsonl``.
        lost: Episodes that came to nothing.
    """

    calibration: AgentCalibration
    path: Path
    folder: Path
    lost: int


def calibrate_agent(
    config: CalibrationConfig,
    out: Path,
    *,
    workers: int = 1,
    progress: Progress = silent,
    episodes: Episodes | None = None,
) -> Calibrated:
    """Runs the episodes that are missing, and makes the artefact of them.

    In the first half of the episodes the agent looks as often as it may; the constants of its
    policy follow. In the second half that policy is run, and calibrated on what it believed when
    it stopped looking: at the first decision on the table, where the world stands still; at one
    decision, drawn beforehand, on the crossing.

    Args:
        config: What to run.
        out: The artefact, a ``.json`` file; the episodes are kept in the folder of the same name
            without ending.
        workers: Processes.
        progress: Called after every finished episode.
        episodes: Runs them; by default :func:`run_job`, in processes of their own.

    Raises:
        InputError: A seed of another split, too few of them, something unknown, or a folder that
            holds something else.
    """
    jobs = _jobs(config, out)
    model = make_perceiver(config.agent.perception, config.agent.models).identity
    make_sensing(
        config.env, config.agent, model
    )  # what does not fit is an error before the first episode
    folder = out.with_suffix("")
    manifest = Manifest(
        "calibrate agent",
        config.model_dump(mode="json"),
        [j.key for j in jobs],
        config.seeds,
        versions=_versions(),
    )
    if episodes is None:
        episodes = partial(run_apart, run_job, workers=workers, timeout_s=config.timeout_s)
    out.parent.mkdir(parents=True, exist_ok=True)
    with RunFolder.open(folder, manifest) as run:
        half = len(jobs) // 2
        _run(run, jobs[:half], episodes, progress)
        first = _stops(run.records, jobs[:half])
        if not first:
            raise InputError(_why_lost(run.records), file=str(folder))
        policy = fit_policy(
            config.env,
            model,
            first,
            config.agent.alpha,
            moving=config.env == CROSSING,
            sensing=config.agent.looking,
        )
        policy = replace(policy, renderer=RENDERER)
        policy.save(folder / POLICY_NAME)
        _run(run, jobs[half:], episodes, progress)
        second = _stops(run.records, jobs[half:])
        if not second:
            raise InputError(_why_lost(run.records), file=str(folder))
        lost = len(jobs) - len(first) - len(second)
        made = calibrated(
            policy,
            second,
            planner=planner_of(config.env, config.agent),
            provenance=_provenance(config, first, second, lost),
        )
        origin = Origin(model, RENDERER, f"agent {config.env}")
        write_predictions(folder / PREDICTIONS_NAME, _records(second, origin, config))
        made.save(out)
    return Calibrated(made, out, folder, lost)


def _jobs(config: CalibrationConfig, out: Path) -> list[CalibrationJob]:
    if config.env not in ENVIRONMENTS:
        raise InputError(f"no environment '{config.env}'; there are {', '.join(ENVIRONMENTS)}")
    if out.suffix != ".json":
        raise InputError("--out must be a .json file", file=str(out))
    for seed in config.seeds:
        if split_of_seed(seed) != "calibration":
            raise InputError(
                f"seed {seed} is of the split '{split_of_seed(seed)}'; calibrate on seeds of the "
                f"split 'calibration', such as calibration:300"
            )
    if len(set(config.seeds)) < _LEAST:
        raise InputError(f"at least {_LEAST} different seeds are needed")
    tasks = get_environment(config.env).tasks()
    seeds = list(dict.fromkeys(config.seeds))
    half = len(seeds) // 2
    return [
        CalibrationJob(
            config,
            f"{'first' if i < half else 'second'}/{tasks[i % len(tasks)]}/{seed}",
            tasks[i % len(tasks)],
            seed,
            None if i < half else out.with_suffix("") / POLICY_NAME,
        )
        for i, seed in enumerate(seeds)
    ]


def _run(
    run: RunFolder, jobs: Sequence[CalibrationJob], episodes: Episodes, progress: Progress
) -> None:
    pending = set(run.pending)
    todo = [job for job in jobs if job.key in pending]
    total = len(run.manifest.keys)
    progress(total - len(pending), total)
    for job, found in episodes(todo):
        record = {"lost": found.reason} if isinstance(found, LostResult) else found
        run.append(job.key, record)
        progress(len(run.records), total)


def run_job(
    job: CalibrationJob, make_parts: MakeParts | None = None, make_env: MakeAgentEnv | None = None
) -> dict[str, Any]:
    """Runs an episode and returns what was believed at stop, as JSON data.

    Args:
        job: The episode.
        make_parts: Makes the agent; by default it is made as its settings say.
        make_env: Makes the environment of the agent; by default :func:`agent_env`.
    """
    config = job.config
    tools = (make_parts or _tools)(config.env, config.agent.model_dump_json(), job.policy)
    env: Env | None = None
    try:
        env = get_environment(config.env).make(
            job.task,
            get_environment(config.env).difficulty(config.difficulty),
            Pipeline.build(config.perturb).faults(),
            AGENT_SIZE,
        )
        _, info = env.reset(seed=job.seed)
        found = (make_env or agent_env)(env, info)
        decision = 1
        if found.moving:
            decision = Random(f"calibrated decision:{job.seed}").randint(1, config.decisions)
        judged = not isinstance(tools.planner, GuidePlanner | TableSearch)
        stop = stop_of(job.key, config.agent, tools, found, decision, judged=judged)
    finally:
        if env is not None:
            env.close()
    return stop.to_json() if stop is not None else {"lost": "nothing was seen"}


@lru_cache(2)
def _tools(env: str, agent: str, policy: Path | None) -> Tools:
    settings = AgentSettings.model_validate_json(agent)
    perceiver = make_perceiver(settings.perception, settings.models)
    known = (
        blank(env, perceiver.identity)
        if policy is None
        else load_calibration(policy, env=env, model=perceiver.identity)
    )
    sensing = make_sensing(env, settings, perceiver.identity)
    return Tools(
        perceiver,
        known,
        make_planner(planner_of(env, settings), settings.models),
        sensing.strategy,
        make_operator("none"),
        sensing.restorer,
        sensing.restoring_s,
    )


def _stops(
    records: Mapping[str, Mapping[str, Any]], jobs: Sequence[CalibrationJob]
) -> list[LookingStop]:
    return [
        LookingStop.from_json(job.key, records[job.key])
        for job in jobs
        if job.key in records and "lost" not in records[job.key]
    ]


def _why_lost(records: Mapping[str, Mapping[str, Any]]) -> str:
    why = next((str(r["lost"]) for r in records.values() if "lost" in r), "no episodes")
    return f"every episode of one half was lost, the first by: {why}"


def _records(
    stops: Sequence[LookingStop], origin: Origin, config: CalibrationConfig
) -> list[FactRecord | PlanRecord]:
    shift = " ".join(f"{spec['name']}={spec.get('severity', '')}" for spec in config.perturb)
    found: list[FactRecord | PlanRecord] = []
    for stop in stops:
        for question, belief in zip(stop.questions, stop.belief, strict=True):
            truth = (stop.truth[question.fact],)
            found.append(
                FactRecord(
                    stop.key,
                    question.fact,
                    question.options,
                    belief,
                    truth,
                    group=question.kind,
                    origin=origin,
                    perturbation=shift,
                )
            )
        if stop.plan is not None:
            text, confidence, good = stop.plan
            found.append(
                PlanRecord(stop.key, text, confidence, good, origin=origin, perturbation=shift)
            )
    return found


def _provenance(
    config: CalibrationConfig,
    first: Sequence[LookingStop],
    second: Sequence[LookingStop],
    lost: int,
) -> dict[str, Any]:
    digest = sha256()
    for stop in (*first, *second):
        digest.update(json.dumps(stop.to_json(), sort_keys=True).encode())
    return {
        "seeds": [min(config.seeds), max(config.seeds)],
        "episodes": [len(first), len(second)],
        "lost": lost,
        "perturb": list(config.perturb),
        "difficulty": config.difficulty,
        "decisions": config.decisions if config.env == CROSSING else 1,
        "alpha": config.agent.alpha,
        "sha256": digest.hexdigest(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    return current_versions() | {"pybullet": version("pybullet"), "renderer": RENDERER}
