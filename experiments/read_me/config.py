"""Configuration of the study of Read-ME."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from surefoot.experiments.base import StudyConfig
from surefoot.sparsity.experts.refactoring import RefactorSettings

Way = Literal["eq4", "released", "random", "magnitude", "uniform"]
"""A way to make a model with half of the neurons active; see :data:`WAYS`."""

WAYS: dict[Way, str] = {
    "eq4": "experts by domain, router by equation 4",
    "released": "experts by domain, router by the released loss",
    "random": "experts of the same sizes with neurons dealt out at random, equation 4",
    "magnitude": "one narrow dense model: the neurons that do most over all domains",
    "uniform": "one narrow dense model: neurons drawn at random",
}
"""What each way is."""


class ReadMeStudyConfig(StudyConfig):
    """The study."""

    models: tuple[str, ...] = ("local-planner", "local-agent")
    """Planners of this project: names of shipped ones, or folders."""
    ways: tuple[Way, ...] = ("eq4", "released", "random", "magnitude", "uniform")
    """Ways to compare, all tuned alike."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of texts, routers and random assignments."""
    texts: int = Field(default=2000, ge=1)
    """Training texts."""
    held_out: int = Field(default=160, ge=1)
    """Texts of the validation split, the same for all, that the loss is measured on."""
    tasks: int = Field(default=38, ge=0)
    """Approximate number of unseen tasks that each model is tested on; the same for all."""
    requests: int = Field(default=64, ge=1)
    """Held-out texts whose experts are recorded, token by token, for serving."""
    refactor: RefactorSettings = RefactorSettings()
    """How models are split and tuned; seed and loss are set by the study."""
    seed: int = 0
    """Seed of bootstraps."""
