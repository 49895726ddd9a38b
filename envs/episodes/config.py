"""What a run of episodes is: environment, task, seeds, what goes wrong, who acts."""

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
"""Pixels of observed images for policies of one's own."""

AGENT_SIZE = 160
"""The same for the agent, whose shipped model was trained on such pictures."""


class Filming(StrEnum):
    """Which episodes get a video."""

    ALL = "all"
    """Every one."""
    FAILURES = "failures"
    """Those that do not succeed."""
    NONE = "none"
    """None; contact sheets are made all the same."""


class RunConfig(BaseModel):
    """A run of episodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str
    """Environment: ``tabletop`` or ``crossing``."""
    policy: str = SCRIPTED
    """Who acts: ``scripted``, ``agent``, or ``module:function`` whose function makes a policy."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the policy, handed to what makes it."""
    task: tuple[str, ...] = ()
    """Tasks; all of the environment's when empty."""
    difficulty: str = ""
    """Difficulty as the environment names it; its own default when empty."""
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    """Seeds; every task is done with each."""
    perturb: tuple[dict[str, Any], ...] = ()
    """Perturbations by name and arguments, in order; or texts as on the command line."""
    size: int = Field(default=0, ge=0, le=1024)
    """Width and height in pixels of the images that are observed; 0 for what suits the policy."""
    max_steps: int = Field(default=0, ge=0, le=10_000)
    """Skills that an episode may take; 0 for what suits the environment."""
    timeout_s: float = Field(default=300.0, gt=0, le=86_400)
    """Seconds by the clock after which an episode is ended as a timeout."""
    video: Filming = Filming.ALL
    """Which episodes get a video."""
    fps: int = Field(default=6, ge=1, le=60)
    """Pictures that a video shows of a simulated second."""


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
    """Checks a run's configuration and fills in what it leaves to the environment.

    Raises:
        InputError: A value is unknown; the message names those that there are.
    """
    config = check_config(RunConfig, {**given, "perturb": _specs(given.get("perturb", ()))})
    stage = get_environment(config.env)
    tasks = config.task or stage.tasks()
    for task in tasks:
        if task not in stage.tasks():
            raise InputError(f"no {config.env} task '{task}'; there are {', '.join(stage.tasks())}")
    check_policy(config.policy)
    if config.options and config.policy == SCRIPTED:
        raise InputError(f"options: the policy '{SCRIPTED}' has none")
    if not config.seeds:
        raise InputError("a run needs at least one seed")
    pipeline = Pipeline.build(config.perturb)
    specs = tuple(stage.adapted(spec) for spec in pipeline.specs())
    return config.model_copy(
        update={
            "task": tuple(dict.fromkeys(tasks)),
            "difficulty": stage.difficulty(config.difficulty),
            "seeds": tuple(dict.fromkeys(config.seeds)),
            "perturb": specs,
            "size": config.size or (AGENT_SIZE if config.policy in POLICIES else SIZE),
            "max_steps": config.max_steps or stage.max_steps,
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
