"""What a study of looking compares: its configuration, its strategies and their budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from surefoot.agents.assembly import DEFAULT_PLANNERS
from surefoot.agents.planning.base import CROSSING, ENVIRONMENTS
from surefoot.agents.sensing.observation import load_views
from surefoot.agents.sensing.scenery import VIEWS, load_stills
from surefoot.core.errors import InputError
from surefoot.core.seeds import read_seeds, split_of_seed

LOOKING = ("sweep", "random", "set-size", "entropy")
"""Strategies that are compared; without looks they are all the same."""

DEFAULT_SEEDS = "calibration:160,test:150"
"""Seeds of a study of simulated scenes, in the syntax of :func:`surefoot.core.seeds.read_seeds`."""

LEAST_SET_SCENES = 4
"""Fewest scenes that calibrate the sets at stop."""


class StudyConfig(BaseModel):
    """A study of looking."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str
    """Stage: ``crossing`` or ``tabletop``."""
    perception: str = "local-perception"
    """Model that is shown the images."""
    planner: str = ""
    """Planner; the reference program on the crossing and Fast Downward on the table if empty."""
    stills: str = ""
    """File of scenes with answers, made before, instead of simulated ones and a model."""
    views: str = "builtin"
    """How informative views are: a file, or ``builtin``."""
    strategies: tuple[str, ...] = Field(default=LOOKING, min_length=1)
    """Ways to choose views."""
    budgets: tuple[int, ...] = ()
    """Most looks beyond the first; up to all views of the crossing, up to four at the table."""
    policy: int = Field(default=60, ge=4)
    """Scenes of the split ``calibration`` that fit the constants of the policies."""
    seeds: tuple[int, ...] = ()
    """Seeds of the scenes: of the split ``calibration`` the first ``policy`` fit the policies and
    the others calibrate the sets at stop; those of ``test`` are tried, those of ``train`` left out.
    If empty, :data:`DEFAULT_SEEDS`, or all scenes of ``stills``."""
    alpha: float = Field(default=0.1, gt=0, lt=1)
    """Allowed fraction of scenes in which some fact is missed."""
    perturb: tuple[dict[str, Any], ...] = ()
    """What goes wrong with every image."""
    timeout_s: float = Field(default=900.0, gt=0)
    """Seconds by the clock after which work on a scene is lost."""


class LookingMethod(NamedTuple):
    """A strategy with its budget.

    Attributes:
        strategy: The strategy; ``none`` without looks.
        looks: Most looks beyond the first.
    """

    strategy: str
    looks: int

    @property
    def name(self) -> str:
        """Names it in files."""
        return f"{self.strategy}-{self.looks}"


class SceneSeeds(NamedTuple):
    """Seeds of a study by what their scenes are for.

    Attributes:
        policy: Seeds of scenes that fit the constants of the policies.
        sets: Seeds of scenes that calibrate the sets at stop.
        test: Seeds of scenes that the calibrated agents are tried on.
    """

    policy: tuple[int, ...]
    sets: tuple[int, ...]
    test: tuple[int, ...]


def resolve_study(config: StudyConfig) -> StudyConfig:
    """Checks a configuration and fills in what it leaves to the environment.

    Raises:
        InputError: Something is unknown or impossible.
    """
    if config.env not in ENVIRONMENTS:
        raise InputError(f"no environment '{config.env}'; there are {', '.join(ENVIRONMENTS)}")
    for name in config.strategies:
        if name not in LOOKING:
            raise InputError(f"no strategy '{name}'; there are {', '.join(LOOKING)}")
    most = len(VIEWS[config.env]) - 1
    budgets = config.budgets or tuple(range(min(4, most) + 1))
    if min(budgets) < 0 or max(budgets) > most:
        raise InputError(f"budgets must lie from 0 to {most}, the views beyond the first")
    if {"set-size", "entropy"} & set(config.strategies):
        load_views(config.views, config.env)
    seeds = tuple(dict.fromkeys(config.seeds or _default_seeds(config)))
    planner = config.planner or (
        "guide" if config.env == CROSSING else DEFAULT_PLANNERS[config.env]
    )
    resolved = config.model_copy(
        update={
            "seeds": seeds,
            "budgets": tuple(sorted(set(budgets))),
            "strategies": tuple(dict.fromkeys(config.strategies)),
            "planner": planner,
        }
    )
    scene_seeds(resolved)
    return resolved


def _default_seeds(config: StudyConfig) -> list[int]:
    if config.stills:
        return [still.seed for still in load_stills(Path(config.stills))[1]]
    return read_seeds(DEFAULT_SEEDS)


def scene_seeds(config: StudyConfig) -> SceneSeeds:
    """Returns the seeds of a resolved configuration by what their scenes are for.

    Raises:
        InputError: They are too few.
    """
    calibration, test = (
        tuple(seed for seed in config.seeds if split_of_seed(seed) == split)
        for split in ("calibration", "test")
    )
    least = config.policy + LEAST_SET_SCENES
    if len(calibration) < least or not test:
        raise InputError(
            f"the seeds have {len(calibration)} of the split calibration and {len(test)} of the "
            f"split test; {config.policy} for the policies, {LEAST_SET_SCENES} for the sets and 1 "
            f"to test on are needed: give seeds such as {DEFAULT_SEEDS}, or fewer policy scenes"
        )
    return SceneSeeds(calibration[: config.policy], calibration[config.policy :], test)


def ways_of(config: StudyConfig) -> list[LookingMethod]:
    """Returns all strategies with all budgets; without looks there is one."""
    found = [LookingMethod("none", 0)] if 0 in config.budgets else []
    return found + [LookingMethod(s, b) for s in config.strategies for b in config.budgets if b]
