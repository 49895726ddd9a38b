"""``surefoot sense``: what looking again is worth, by strategy and by budget of looks.

Every scene is rendered once from every view and the model is asked once about each image; all
ways of looking meet the same answers. For each strategy and budget the agent is calibrated by
itself: on some scenes the constants of its policy, on others its sets at stop (both of the split
``calibration``), and then tried on scenes of the split ``test``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from surefoot.agents.agent import Agent, Tools
from surefoot.agents.assembly import make_perceiver
from surefoot.agents.calibrating.fitting import (
    blank,
    calibrated,
    fit_policy,
    largest_rank,
)
from surefoot.agents.calibrating.stops import LookingStop, stop_of
from surefoot.agents.guarantees import AgentCalibration, load_calibration
from surefoot.agents.operator import NoOperator
from surefoot.agents.perception.perceiver import RecallingPerceiver
from surefoot.agents.planning.planners.cached import CachedPlanner
from surefoot.agents.planning.registry import make as make_planner
from surefoot.agents.sensing.learning import simulated_camera
from surefoot.agents.sensing.observation import entropy, load_views
from surefoot.agents.sensing.registry import make_strategy
from surefoot.agents.sensing.report import render_report, summarise
from surefoot.agents.sensing.scenery import StillScene, load_stills, render_scene
from surefoot.agents.sensing.still import (
    StillCrossing,
    StillTable,
    still_env,
)
from surefoot.agents.sensing.strategies import Strategy
from surefoot.agents.sensing.study_config import (
    LookingMethod,
    StudyConfig,
    scene_seeds,
    ways_of,
)
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.decisions.router import Route
from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.envs.episodes.pool import LostResult, run_apart
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.results.manifest import Manifest, current_versions
from surefoot.results.run_folder import RunFolder


class _Job(NamedTuple):
    config: StudyConfig
    part: str
    seed: int
    still: dict[str, Any] | None
    folder: Path

    @property
    def key(self) -> str:
        return f"{self.part}/{self.seed}"


@dataclass(frozen=True)
class SensingRun:
    """A study that is done.

    Attributes:
        summary: What ``summary.json`` holds.
        report: The report's path.
    """

    summary: dict[str, Any]
    report: Path


def run_study(
    config: StudyConfig, out: Path, *, workers: int = 1, progress: Progress = silent
) -> SensingRun:
    """Runs what a run folder lacks of a study, and reports on it.

    Args:
        config: A resolved configuration, see :func:`resolve_study`.
        out: The run folder, created or resumed.
        workers: Processes.
        progress: Called after every finished piece of work, with the name of its part.

    Raises:
        InputError: A model or planner cannot be made, the folder holds something else, or all
            scenes of a part were lost.
    """
    model = identity_of(config.perception, config.stills)
    make_planner(config.planner)
    known = _given(config)
    seeds = scene_seeds(config)._asdict()
    keys = [f"picture/{seed}" for part in seeds.values() for seed in part]
    keys += [f"{part}/{seed}" for part, found in seeds.items() for seed in found]
    manifest = Manifest(
        "sense",
        config.model_dump(mode="json") | {"model": model},
        keys,
        [s for found in seeds.values() for s in found],
        versions=current_versions() | {"pybullet": version("pybullet"), "renderer": "tiny"},
    )
    with RunFolder.open(out, manifest) as run:
        for key in run.pending if known else ():
            part, _, number = key.partition("/")
            if part == "picture":
                run.append(key, known[int(number)].to_json())
        _do(
            run,
            [_Job(config, "picture", s, None, out) for f in seeds.values() for s in f],
            workers,
            progress,
        )
        for part, chosen in seeds.items():
            jobs = []
            for seed in chosen:
                record = run.records[f"picture/{seed}"]
                still = None if "lost" in record else record
                jobs.append(_Job(config, part, seed, still, out))
            _do(run, jobs, workers, progress)
            if part != "test":
                _settle(config, part, model, run, chosen, out)
        found = {seed: run.records[f"test/{seed}"] for seed in seeds["test"]}
        scores = {
            way.name: load_calibration(_artefact(out, way), env=config.env, model=model).scenes
            for way in ways_of(config)
        }
        summary = summarise(config, scores, found)
        run.write_summary(summary)
        report = run.write_report(render_report(config, summary))
    return SensingRun(summary, report)


def _given(config: StudyConfig) -> dict[int, StillScene]:
    """Returns the scenes of a file by seed; none without a file."""
    if not config.stills:
        return {}
    _, stills = load_stills(Path(config.stills))
    if any(still.env != config.env for still in stills):
        raise InputError(
            f"not all scenes are of the environment '{config.env}'", file=config.stills
        )
    known = {still.seed: still for still in stills}
    for seed in (seed for part in scene_seeds(config) for seed in part):
        if seed not in known:
            raise InputError(
                f"there is no scene of seed {seed}; give seeds of scenes in the file, or none",
                file=config.stills,
            )
    return known


def _do(run: RunFolder, jobs: Sequence[_Job], workers: int, progress: Progress) -> None:
    pending = set(run.pending)
    todo = [job for job in jobs if job.key in pending]
    done, part = len(jobs) - len(todo), jobs[0].part
    progress(done, len(jobs), part)
    for job, found in run_apart(_work, todo, workers=workers, timeout_s=jobs[0].config.timeout_s):
        run.append(job.key, {"lost": found.reason} if isinstance(found, LostResult) else found)
        done += 1
        progress(done, len(jobs), part)


def _settle(
    config: StudyConfig, part: str, model: str, run: RunFolder, seeds: Sequence[int], out: Path
) -> None:
    """Makes the calibrations that the next part needs."""
    records = [run.records[f"{part}/{seed}"] for seed in seeds]
    good = [r for r in records if "lost" not in r]
    if not good:
        raise InputError(f"every scene was lost, the first by: {records[0]['lost']}")
    (out / "calibrations").mkdir(exist_ok=True)
    for way in ways_of(config):
        path = _artefact(out, way)
        if part == "policy":
            name = way.strategy if way.looks else config.strategies[0]
            stops = [LookingStop.from_json("", r[name]) for r in good]
            stops = [replace(s, looks=s.looks[: way.looks + 1]) for s in stops]
            looking = _settings(config, way).looking
            made = fit_policy(config.env, model, stops, config.alpha, moving=False, sensing=looking)
        else:
            policy = load_calibration(path, env=config.env, model=model)
            made = calibrated(policy, [LookingStop.from_json("", r[way.name]) for r in good])
        made.save(path)


def _artefact(folder: Path, way: LookingMethod) -> Path:
    return folder / "calibrations" / f"{way.name}.json"


def _settings(config: StudyConfig, way: LookingMethod) -> AgentSettings:
    sensing: Any = way.strategy
    return AgentSettings(
        perception=config.perception,
        planner=config.planner,
        sensing=sensing,
        looks=way.looks,
        alpha=config.alpha,
        samples=1,
    )


def _work(job: _Job) -> dict[str, Any]:
    config = job.config
    if job.part == "picture":
        simulation, perceiver = simulated_camera(config.perception)
        shift = Pipeline.build(config.perturb)
        return render_scene(simulation, config.env, job.seed, shift).asked(perceiver).to_json()
    if job.still is None:
        return {"lost": "there are no images of it"}
    still = StillScene.from_json(job.still)
    model = identity_of(config.perception, config.stills)
    perceiver = RecallingPerceiver(model)
    env = still_env(still, perceiver)

    if job.part == "test" and env.done_before:
        return {"idle": "the goal holds already"}

    def tools(way: LookingMethod, calibration: AgentCalibration) -> Tools:
        strategy = _strategy(way.strategy, config.env, config.views)
        return Tools(perceiver, calibration, _planner(config.planner), strategy, NoOperator())

    found: dict[str, Any] = {}
    if job.part == "policy":
        for name in config.strategies:
            way = LookingMethod(name, max(config.budgets))
            known = tools(way, blank(config.env, model))
            found[name] = _stopped(job.key, _settings(config, way), known, env.anew())
        return found
    for way in ways_of(config):
        path = _artefact(job.folder, way)
        known = tools(way, load_calibration(path, env=config.env, model=model))
        settings = _settings(config, way)
        if job.part == "sets":
            found[way.name] = _stopped(job.key, settings, known, env.anew())
        else:
            found[way.name] = tried(settings, known, env.anew())
    return found


def _stopped(
    key: str, settings: AgentSettings, tools: Tools, env: StillTable | StillCrossing
) -> dict[str, Any]:
    stop = stop_of(key, settings, tools, env)
    assert stop is not None
    return stop.to_json()


def tried(settings: AgentSettings, tools: Tools, env: StillTable | StillCrossing) -> dict[str, Any]:
    """Lets an agent decide in a scene and returns how that went, plain JSON data.

    Args:
        settings: How it is put together.
        tools: What it is made of.
        env: The scene.

    Returns:
        ``views``, ``seconds`` (of all moves), ``first_bits`` and ``bits`` (mean entropy of the
        facts after the first look, and at stop); of the facts that the decision relied on
        ``size`` (mean number of options), ``single`` (every one has one), ``covered`` (every truth
        is in its set) and ``score`` (largest rank of a truth); ``waits``, ``acted``,
        ``right`` (it acted, and the plan is good and does this in the true world) and ``wrong``
        (it acted otherwise).
    """
    agent = Agent(settings, tools, env.seed)
    agent.begin(env)
    action = agent.act()
    decision, belief = agent.decisions[-1], agent.belief
    last, first = decision.thoughts[-1], decision.thoughts[0]
    sets = belief.facts(settings.alpha, waiting=decision.waits).of(decision.relied)
    acted = last.route is Route.ACT
    known = [belief.questions[f] for f in sets.members if f in decision.truth]
    score = largest_rank(
        tools.calibration, known, [belief.belief(q.fact) for q in known], decision.truth
    )
    right = acted and _right(env, last.plan, action, decision.truth)
    return {
        "views": list(belief.views),
        "seconds": round(env.seconds(), 3),
        "first_bits": _mean_bits([np.array(list(f.values())) for f in first.facts.values()]),
        "bits": _mean_bits([belief.belief(f) for f in belief.questions]),
        "size": round(sets.mean_size, 4),
        "single": not sets.undecided,
        "covered": sets.holds(decision.truth),
        "score": score,
        "waits": decision.waits,
        "acted": acted,
        "right": right,
        "wrong": acted and not right,
    }


def _right(
    env: StillTable | StillCrossing, plan: str, action: str | None, truth: Mapping[str, str]
) -> bool:
    running = env.adopt(plan)
    if not running.judge([truth]).holds:
        return False
    (wanted,) = running.choices([truth])
    if wanted is not None and not running.allowed(wanted, truth):
        wanted = env.pause
    return action == wanted


def _mean_bits(beliefs: Sequence[Any]) -> float:
    return round(float(np.mean([entropy(b) for b in beliefs])), 5)


@lru_cache(1)
def _planner(spec: str) -> CachedPlanner:
    return CachedPlanner(make_planner(spec))


@lru_cache(1)
def identity_of(perception: str, stills: str) -> str:
    """Returns the identity of the model that a study is of, that of a file of scenes if given."""
    if stills:
        return str(load_stills(Path(stills))[0].get("model", stills))
    return make_perceiver(perception).identity


@lru_cache(8)
def _strategy(name: str, env: str, views: str) -> Strategy:
    known = name in ("set-size", "entropy")
    return make_strategy(name, env, load_views(views, env) if known else None)
