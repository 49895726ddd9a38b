"""Configuration of the study of Model-GLUE."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from surefoot.experiments.base import StudyConfig
from surefoot.models.training.zoo import DOMAINS, SpecialistRecipe, StrangerRecipe, ZooRecipe
from surefoot.sparsity.merging.evolutionary import EvolutionarySettings
from surefoot.sparsity.merging.heuristic import HeuristicSettings, Method
from surefoot.sparsity.merging.mixtures import MixtureSettings


class Merge(BaseModel):
    """A merge with equal weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Method
    """The operator."""
    density: float = 1.0
    """Fraction of the differences that TIES and DARE keep."""
    scale: float = 1.0
    """Scale of the difference that is added to the base."""


class Mixed(MixtureSettings):
    """A mixture, and what its experts share."""

    shared: Literal["mean", "base"] = "mean"
    """Whether the layers that all experts share are the specialists' mean, or the base's."""


class ModelGlueConfig(StudyConfig):
    """The study."""

    base: str = "local-planner"
    """The planner that specialists are tuned from: a shipped one, or a folder."""
    zoos: tuple[Path, ...] = ()
    """Folders of zoos, as ``surefoot train zoo`` makes them, one for each seed; trained within the
    study's folder if there are none."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of zoos and searches."""
    domains: tuple[str, ...] = DOMAINS
    """Domains of the specialists and of all tasks."""
    steps: int = Field(default=400, ge=1)
    """Steps of each specialist's tuning."""
    stranger: int = Field(default=1200, ge=0)
    """Steps of the planner of another family; 0 for none."""
    search: int = Field(default=15, ge=1)
    """Tasks of each domain that guide searches, of the validation split."""
    choose: int = Field(default=15, ge=1)
    """Tasks of each domain by which a strategy is chosen, others of the same split."""
    test: int = Field(default=40, ge=1)
    """Tasks of each domain of the test split, on which everything is reported."""
    merges: dict[str, Merge]
    """Merges with equal weights, by name."""
    heuristics: dict[str, HeuristicSettings]
    """Greedy searches, by name."""
    evolutions: dict[str, EvolutionarySettings]
    """Evolutionary searches, by name."""
    mixtures: dict[str, Mixed]
    """Mixtures, by name."""
    prompts: int = Field(default=24, ge=1)
    """Prompts of each domain, of the training split, that gates are made of."""
    seed: int = 0
    """Seed of tasks and bootstraps."""

    def recipe(self, seed: int) -> ZooRecipe:
        """Returns how the zoo of a seed is trained."""
        stranger = StrangerRecipe(steps=self.stranger) if self.stranger else None
        return ZooRecipe(self.domains, SpecialistRecipe(steps=self.steps), stranger, seed)
