"""Settings of ``surefoot restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Task = Literal["denoise", "inpaint", "sr"]

TASKS: dict[Task, str] = {
    "denoise": "noise removed",
    "inpaint": "unknown pixels filled",
    "sr": "enlarged",
}
"""Description of each task."""


class RestoreSettings(BaseModel):
    """Settings of a restoration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Task
    """Kind of degradation."""
    sigma: float | None = Field(default=None, ge=0, le=255)
    """Standard deviation of the noise, where white is 255; by default estimated for ``denoise`` and
    0 for the other tasks."""
    scale: Literal[2, 4, 8] = 4
    """Enlargement factor of ``sr``."""
    sparsity: float = Field(default=0.0, ge=0, lt=1)
    """Sparsity of a ticket that is searched for on the observed image; 0 for the dense network."""
    steps: int = Field(default=3000, ge=1)
    """Largest number of steps of the fit."""
    search_steps: int = Field(default=500, ge=1)
    """Steps of each fit of the search for a ticket."""
    patience: int = Field(default=500, ge=0)
    """Steps without a lower held-out residual after which the fit ends; 0 for all steps."""
    network: Literal["skip", "decoder"] = "skip"
    """The network."""
    width: int = Field(default=32, ge=1)
    """Channels of each of its levels."""
    depth: int = Field(default=4, ge=1)
    """Largest number of levels; small images allow fewer."""
    held: float = Field(default=0.05, ge=0, lt=1)
    """Fraction of the measured pixels held out for stopping."""
    stop: Literal["held-out", "discrepancy", "last"] = "held-out"
    """Rule that selects the result."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of network, jitter and held-out pixels."""

    @model_validator(mode="after")
    def _fits(self) -> RestoreSettings:
        if self.stop == "held-out" and not self.held:
            raise ValueError("nothing is held out for stopping; choose another stop")
        if self.stop == "discrepancy" and self.sigma == 0:
            raise ValueError("without noise the discrepancy never stops; choose another stop")
        if self.stop == "discrepancy" and self.sigma is None and self.task != "denoise":
            raise ValueError(f"the discrepancy rule needs the noise; give sigma with {self.task}")
        return self


class Inputs(BaseModel):
    """The files of a restoration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Path
    """The image."""
    mask: Path | None = None
    """For ``inpaint``: white where pixels are known. Without it, transparent pixels are unknown."""
    truth: Path | None = None
    """The true image, only for evaluation."""
    ticket: Path | None = None
    """Ticket of another restoration."""
