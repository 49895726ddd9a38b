"""Configuration of a run of episodes: environment, tasks, seeds, perturbations, policy."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.config import check_config
from surefoot.core.errors import InputError
from surefoot.envs.episodes.catalogue import POLICIES, SCRIPTED, check_policy, get_environment
from surefoot.envs.perturbations.pipeline import Pipeline

SIZE = 224
"""Width and height in pixels of observed images for user-defined policies."""

AGENT_SIZE = 160
"""The same for the agent, whose shipped model was trained on images of this size."""


class Filming(StrEnum):
    """Which episodes get a video."""

    ALL = "all"
    """Every episode."""
    FAILURES = "failures"
    """Episodes that do not succeed."""
    NONE = "none"
    """No episode; the contact sheet is still made."""


class RunConfig(BaseModel):
    """A run of episodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str
    """Environment: ``tabletop`` or ``crossing``."""
    policy: str = SCRIPTED
    """``scripted``, ``agent``, or ``module:function``, a function that returns a policy."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the policy, passed to its factory."""
    task: tuple[str, ...] = ()
    """Tasks; all tasks of the environment if empty."""
    difficulty: str = ""
    """Difficulty as the environment names it; the environment's default if empty."""
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    """Seeds; every task is run with each."""
    perturb: tuple[dict[str, Any], ...] = ()
    """Perturbations by name and arguments, in order, or as texts like on the command line."""
    size: int = Field(default=0, ge=0, le=1024)
    """Width and height in pixels of the observed images; 0 for the policy's default."""
    max_steps: int = Field(default=0, ge=0, le=10_000)
    """Most skills per episode; 0 for the environment's default."""
    timeout_s: float = Field(default=300.0, gt=0, le=86_400)
    """Wall-clock seconds after which an episode ends as a timeout."""
    video: Filming = Filming.ALL
    """Which episodes get a video."""
    fps: int = Field(default=6, ge=1, le=60)
    """Video frames per simulated second."""


class EpisodeSpec(NamedTuple):
    """One planned episode.

    Attributes:
        key: Its name within the run, such as ``tidy/medium/3``.
        task: The task.
        seed: The seed.
    """

    key: str
    task: str
    seed: int


def resolve(given: Mapping[str, Any]) -> RunConfig:
    """Checks a run's configuration and fills in the environment's defaults.

    Raises:
        InputError: A value is unknown; the message lists the known ones.
    """
    config = check_config(RunConfig, {**given, "perturb": _specs(given.get("perturb", ()))})
    adapter = get_environment(config.env)
    known = adapter.tasks()
    tasks = config.task or known
    for task in tasks:
        if task not in known:
            raise InputError(f"no {config.env} task '{task}'; there are {', '.join(known)}")
    check_policy(config.policy)
    if config.options and config.policy == SCRIPTED:
        raise InputError(f"options: the policy '{SCRIPTED}' has none")
    if not config.seeds:
        raise InputError("a run needs at least one seed")
    pipeline = Pipeline.build(config.perturb)
    specs = tuple(adapter.adapted(spec) for spec in pipeline.specs())
    return config.model_copy(
        update={
            "task": tuple(dict.fromkeys(tasks)),
            "difficulty": adapter.difficulty(config.difficulty),
            "seeds": tuple(dict.fromkeys(config.seeds)),
            "perturb": specs,
            "size": config.size or (AGENT_SIZE if config.policy in POLICIES else SIZE),
            "max_steps": config.max_steps or adapter.max_steps,
        }
    )


def _specs(given: object) -> object:
    """Turns texts such as ``fog=0.3`` among perturbations into names with arguments."""
    if not isinstance(given, list | tuple):
        return given
    specs: list[object] = []
    for item in given:
        specs += Pipeline.parse([item]).specs() if isinstance(item, str) else [item]
    return specs


def plan_of(config: RunConfig) -> list[EpisodeSpec]:
    """Returns the episodes of a resolved configuration, in order."""
    return [
        EpisodeSpec(f"{task}/{config.difficulty}/{seed}", task, seed)
        for task in config.task
        for seed in config.seeds
    ]
