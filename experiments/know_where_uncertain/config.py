"""Configuration of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import Field

from surefoot.agents.settings import AgentSettings
from surefoot.envs.perturbations.catalogue import image_perturbations
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.experiments.base import StudyConfig

CROSSING, TABLETOP = "crossing", "tabletop"


@dataclass(frozen=True, slots=True)
class StudyArm:
    """One configuration of the agent.

    Attributes:
        name: Its name.
        what: What it does, in one line.
        changes: Fields of the agent's settings that differ from :data:`PLAIN`.
        refined: Whether the planner is the refined one.
        perfect: Whether the planner is the reference, as for the oracle.
    """

    name: str
    what: str
    changes: Mapping[str, Any]
    refined: bool = False
    perfect: bool = False


PLAIN: dict[str, Any] = {
    "gate": "none",
    "sensing": "none",
    "verify": False,
    "samples": 1,
    "repairs": 0,
}
"""The baseline: one look per decision, one plan, no gate."""

_SENSING = {"gate": "scores", "sensing": "entropy", "t_d": 0.0}
_CHECKS = {"verify": True, "samples": 4, "repairs": 2}

ARMS = (
    StudyArm("base", "one look, one plan, acts on the likeliest world", {}),
    StudyArm("sensing", "looks again until u_p of every fact reaches 1 - alpha", _SENSING),
    StudyArm("verification", "plans are verified in the likeliest world, and repaired", _CHECKS),
    StudyArm("refinement", "as base, with the planner refined on verified plans", {}, refined=True),
    StudyArm(
        "paper",
        "looks again until u_p is 1 - alpha, acts if u_d reaches t_d, refined planner",
        {"gate": "scores", "sensing": "entropy", "samples": 4},
        refined=True,
    ),
    StudyArm(
        "all",
        "looks again, verifies in every world of the joint set, repairs, refined planner",
        {**_CHECKS, "gate": "sets", "sensing": "entropy"},
        refined=True,
    ),
    StudyArm(
        "all-0.2",
        "the same with joint sets at alpha 0.2",
        {**_CHECKS, "gate": "sets", "sensing": "entropy", "alpha": 0.2},
        refined=True,
    ),
    StudyArm(
        "all-0.3",
        "the same with joint sets at alpha 0.3",
        {**_CHECKS, "gate": "sets", "sensing": "entropy", "alpha": 0.3},
        refined=True,
    ),
    StudyArm(
        "all-ask",
        "as all, and asks when it cannot go on",
        {**_CHECKS, "gate": "sets", "sensing": "entropy", "operator": "oracle"},
        refined=True,
    ),
    StudyArm(
        "aggregate",
        "KnowNo: one uncertainty; too high: look again, then ask",
        {"gate": "aggregate", "sensing": "entropy", "operator": "oracle"},
    ),
    StudyArm("always-ask", "asks for every fact", {"gate": "always-ask", "operator": "oracle"}),
    StudyArm("always-stop", "never moves", {"gate": "always-stop"}),
    StudyArm(
        "oracle",
        "knows the truth, and plans by the reference planner",
        {**_CHECKS, "gate": "oracle"},
        perfect=True,
    ),
)
"""All arms."""

BASE = "base"
"""The arm that all others are compared with."""


class UncertaintyConfig(StudyConfig):
    """The study."""

    perception: str = "local-perception"
    """Perception model."""
    planner: str = "local-agent"
    """Planner of all arms that are not refined."""
    refined: str = "local-agent-refined"
    """Planner of the refined arms."""
    alpha: float = Field(default=0.1, gt=0, lt=1)
    """Level of the joint sets."""
    looks: int = Field(default=4, ge=0, le=20)
    """Further looks for one decision."""
    crossing: int = Field(default=402, ge=0)
    """Episodes of each arm on the crossing's twin, cycling through its tasks."""
    tabletop: int = Field(default=400, ge=0)
    """The same on the table's twin."""
    tables: tuple[str, ...] = ("tidy", "tower", "sort", "table")
    """Tasks of the table."""
    difficulty: str = "easy"
    """Difficulty of the table's tasks."""
    physics: int = Field(default=100, ge=0)
    """Episodes of each arm in full physics, half of them in each environment."""
    physics_arms: tuple[str, ...] = ("base", "paper", "all", "all-0.3", "oracle")
    """Arms that are run in full physics."""
    calibration: int = Field(default=300, ge=20)
    """Episodes for calibrating each way of looking, per environment."""
    bank: int = Field(default=150, ge=6)
    """Scenes of each split from which images of the crossing are taken."""
    moments: int = Field(default=8, ge=1)
    """Time steps per scene."""
    shifted: float = Field(default=0.5, ge=0, le=1)
    """Fraction of time steps (crossing) or episodes (table) whose images are damaged."""
    mildest: float = Field(default=0.2, ge=0, le=1)
    """Least severity of that damage."""
    worst: float = Field(default=0.6, ge=0, le=1)
    """Greatest severity of it."""
    repeats: int = Field(default=30, ge=0)
    """Runs of each fixed scene, for the variability."""
    scenes: int = Field(default=24, ge=0)
    """Fixed scenes on the crossing."""
    variable: tuple[str, ...] = (
        "base",
        "sensing",
        "verification",
        "refinement",
        "paper",
        "all",
        "all-0.3",
    )
    """Arms whose variability is measured."""
    injection: int = Field(default=200, ge=0)
    """Cases in each cell of the 2 x 2 injection."""
    seed: int = 0
    """Seed of the bootstrap."""

    def settings(self, arm: StudyArm) -> AgentSettings:
        """Returns the settings of an arm."""
        return AgentSettings.model_validate(
            {
                **PLAIN,
                "alpha": self.alpha,
                "t_p": 1 - self.alpha,
                "looks": self.looks,
                "perception": self.perception,
                **arm.changes,
            }
        )

    def planner_of(self, arm: StudyArm, stage: str) -> str:
        """Returns the planner of an arm."""
        if arm.perfect:
            return "guide" if stage == CROSSING else "fd"
        return self.refined if arm.refined else self.planner


def damage(study: UncertaintyConfig, *key: object) -> Pipeline:
    """Draws the damage to images: none, or one kind of image perturbation.

    Args:
        study: Gives fraction and severity.
        key: What the draw is seeded by.
    """
    rng = Random(f"study-damage:{':'.join(map(str, key))}")
    if rng.random() >= study.shifted:
        return Pipeline()
    name = rng.choice(image_perturbations())
    return Pipeline.parse([f"{name}={rng.uniform(study.mildest, study.worst):.3f}"])


def arm_named(name: str) -> StudyArm:
    """Returns an arm by name."""
    return next(arm for arm in ARMS if arm.name == name)
