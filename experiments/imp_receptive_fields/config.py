"""Configuration of the study of receptive fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surefoot.experiments.base import StudyConfig
from surefoot.sparsity.lottery.receptive.committee import CommitteeSettings


class CommitteeCase(BaseModel):
    """Data, and a committee that learns to classify them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(default=100, ge=2)
    """Places D on the ring."""
    gain: float = Field(default=100.0, gt=0)
    """Gain g; a larger one gives sharper edges."""
    lengths: tuple[float, float] = (3.0, 1.0)
    """Correlation lengths of the two classes, in places."""
    points: int = Field(default=20_000, ge=100, multiple_of=2)
    """Training points; the last fifth is held out."""
    committee: CommitteeSettings = CommitteeSettings()
    """The committee and its training."""


class Perception(BaseModel):
    """A shipped vision model against the same model at initialisation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "local-perception"
    """Name of a shipped model, or its folder."""
    pictures: int = Field(default=64, ge=4)
    """Scenes drawn."""
    each: int = Field(default=200, ge=1)
    """Patches per image."""


class ReceptiveFieldsConfig(StudyConfig):
    """The study."""

    cases: dict[str, CommitteeCase]
    """Data with committees, by name."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**62)], ...] = (0, 1, 2, 3, 4)
    """Seeds of data, initial weights and order."""
    rounds: int = Field(default=6, ge=2)
    """Rounds of pruning."""
    share: float = Field(default=0.3, gt=0, lt=1)
    """Fraction of remaining weights pruned per round."""
    compared: tuple[int, ...] = (3, 6)
    """Rounds at whose sparsity one-shot and random masks are trained as well."""
    measured: int = Field(default=5000, ge=100, multiple_of=2)
    """New points on which kurtosis and cavity are measured."""
    perception: Perception | None = Perception()
    """The part on the project's perception model; ``None`` leaves it out."""
    workers: int = Field(default=1, ge=1)
    """Processes."""

    @model_validator(mode="after")
    def _fits(self) -> ReceptiveFieldsConfig:
        if wrong := [r for r in self.compared if not 1 <= r <= self.rounds]:
            raise ValueError(f"compared: round {wrong[0]} is none of 1 to {self.rounds}")
        return self
