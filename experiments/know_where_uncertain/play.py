"""Episodes of the study: all arms in the same world, in sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from surefoot.agents.agent import Agent, Tools
from surefoot.agents.calibrating.fitting import blank
from surefoot.agents.calibrating.stops import LookingStop, stop_of
from surefoot.agents.environments.base import AgentEnv
from surefoot.agents.episode import EpisodeResult, broken_rules, play
from surefoot.agents.guarantees import AgentCalibration, load_calibration
from surefoot.agents.operator import make_operator
from surefoot.agents.planning.base import AgentPlanner
from surefoot.agents.planning.planners.cached import CachedPlanner
from surefoot.agents.planning.registry import make as make_planner
from surefoot.agents.sensing.registry import make_strategy
from surefoot.core.errors import HarnessError, InputError
from surefoot.experiments.know_where_uncertain.config import StudyArm, UncertaintyConfig, arm_named
from surefoot.experiments.know_where_uncertain.worlds import EpisodeWorld, WorldFactory, worlds_of
from surefoot.verification.formulas.semantics import evaluate
from surefoot.verification.formulas.syntax import Always, Implies

Banks = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class WorldJob:
    """One world with the arms to be played in it.

    Attributes:
        study: The study as JSON.
        banks: Paths of banks by split.
        place: The world.
        arms: Names of arms.
        calibrations: Paths of calibrations by stage and way of looking.
        repeat: Seed of what the agent draws.
    """

    study: str
    banks: Banks
    place: EpisodeWorld
    arms: tuple[str, ...]
    calibrations: tuple[tuple[str, str], ...]
    repeat: int = 0


@lru_cache(8)
def planner_named(spec: str) -> AgentPlanner:
    """Returns a planner; created once per process."""
    return CachedPlanner(make_planner(spec), seeded=True)


@lru_cache(8)
def calibration_at(path: str, stage: str, model: str, looking: str) -> AgentCalibration:
    """Returns a calibration; loaded once per process."""
    return load_calibration(path, env=stage, model=model, sensing=looking)


def play_job(job: WorldJob) -> dict[str, Any]:
    """Plays all arms of a job; an error becomes the outcome of its arm."""
    study = UncertaintyConfig.model_validate_json(job.study)
    worlds = worlds_of(job.study, job.banks)
    return {
        "stage": job.place.stage,
        "task": job.place.task,
        "seed": job.place.seed,
        "repeat": job.repeat,
        "arms": {name: _arm(study, worlds, job, arm_named(name)) for name in job.arms},
    }


def _arm(
    study: UncertaintyConfig, worlds: WorldFactory, job: WorldJob, arm: StudyArm
) -> dict[str, Any]:
    settings = study.settings(arm).model_copy(update={"seed": job.repeat})
    stage: AgentEnv | None = None
    try:
        stage, perceiver = worlds.open(job.place, "test")
        paths = dict(job.calibrations)
        path = paths[f"{job.place.stage} {settings.looking}"]
        calibration = calibration_at(path, job.place.stage, perceiver.identity, settings.looking)
        tools = Tools(
            perceiver,
            calibration,
            planner_named(study.planner_of(arm, job.place.stage)),
            make_strategy(settings.sensing, job.place.stage),
            make_operator(settings.operator),
        )
        agent = Agent(settings, tools, job.place.seed)
        played = play(agent, stage)
    except (HarnessError, InputError, RuntimeError) as error:
        if stage is not None:
            stage.close()
        return {"outcome": "sim_error", "reason": str(error)[:200], "success": False}
    found = _outcome(played, agent, stage, tools)
    stage.close()
    return found


def _outcome(played: EpisodeResult, agent: Agent, stage: AgentEnv, tools: Tools) -> dict[str, Any]:
    return {
        "outcome": played.outcome,
        "reason": played.reason[:200],
        "success": played.success,
        "acted": _acted(agent, stage),
        "rules": rule_states(stage, broken_rules(agent, stage)),
        "looks": agent.counts.looks,
        "seconds": round(stage.seconds(), 2),
        "asked": tools.operator.asked,
        "repairs": agent.counts.repairs,
        "decisions": len(agent.decisions),
        "pauses": agent.counts.pauses,
        "sets": sum(m.covered is not None for m in agent.decisions),
        "covered": sum(m.covered is True for m in agent.decisions),
        "first_covered": agent.decisions[0].covered if agent.decisions else None,
    }


def _acted(agent: Agent, stage: AgentEnv) -> bool:
    """Whether the agent did anything but stand still."""
    return any(m.action and m.action != stage.pause for m in agent.decisions)


def rule_states(stage: AgentEnv, broken: Sequence[str]) -> dict[str, str]:
    """Returns for each rule ``broken``, ``kept`` or, if it never applied, ``idle``.

    A rule G(condition -> ...) applied if its condition was true at some step.
    """
    found: dict[str, str] = {}
    for status in stage.watch():
        rule = status.rule
        called = True
        body = rule.formula.child if isinstance(rule.formula, Always) else None
        if isinstance(body, Implies):
            called = any(evaluate(body.left, [step]) for step in stage.trace())
        found[rule.name] = "broken" if rule.name in broken else "kept" if called else "idle"
    return found


@dataclass(frozen=True, slots=True)
class StopJob:
    """One world in which a way of looking is calibrated.

    Attributes:
        study: The study as JSON.
        banks: Paths of banks by split.
        place: The world, of the split ``calibration``.
        arm: Name of the arm that looks.
        policy: Path of the policy's constants; ``""`` for the first half of the episodes.
        decision: Number of the decision to stop at.
    """

    study: str
    banks: Banks
    place: EpisodeWorld
    arm: str
    policy: str
    decision: int


def stop_job(job: StopJob) -> dict[str, Any] | None:
    """Returns the belief at which the agent stopped looking, as plain JSON data."""
    study = UncertaintyConfig.model_validate_json(job.study)
    worlds = worlds_of(job.study, job.banks)
    stage, perceiver = worlds.open(job.place, "calibration")
    arm = arm_named(job.arm)
    settings = study.settings(arm)
    calibration = (
        calibration_at(job.policy, job.place.stage, perceiver.identity, settings.looking)
        if job.policy
        else blank(job.place.stage, perceiver.identity)
    )
    planner = planner_named(study.planner_of(arm, job.place.stage))
    tools = Tools(
        perceiver,
        calibration,
        planner,
        make_strategy(settings.sensing, job.place.stage),
        make_operator(settings.operator),
    )
    stop: LookingStop | None = stop_of(
        job.place.key, settings, tools, stage, job.decision, judged=True
    )
    return None if stop is None else replace(stop, key=job.place.key).to_json()
