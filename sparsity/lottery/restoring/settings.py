"""What ``surefoot restore`` is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Task = Literal["denoise", "inpaint", "sr"]

TASKS: dict[Task, str] = {
    "denoise": "noise taken away",
    "inpaint": "unknown pixels filled",
    "sr": "enlarged",
}
"""What each task does, in words."""


class RestoreSettings(BaseModel):
    """How a picture is restored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Task
    """What is wrong with it."""
    sigma: float | None = Field(default=None, ge=0, le=255)
    """Standard deviation of its noise, where white is 255; estimated for ``denoise``, 0 for the
    other tasks without it."""
    scale: Literal[2, 4, 8] = 4
    """How many times larger ``sr`` makes it."""
    sparsity: float = Field(default=0.0, ge=0, lt=1)
    """Share of the weights of a ticket that is gone, found on the observed picture; 0 for the
    dense network."""
    steps: int = Field(default=3000, ge=1)
    """Steps of the fit, at most."""
    search_steps: int = Field(default=500, ge=1)
    """Steps of each fit of the search for a ticket."""
    patience: int = Field(default=500, ge=0)
    """Steps without a lesser residual held out that end the fit; 0 for all steps."""
    network: Literal["skip", "decoder"] = "skip"
    """The network."""
    width: int = Field(default=32, ge=1)
    """Channels of each of its levels."""
    depth: int = Field(default=4, ge=1)
    """Levels, at most; a small picture has room for fewer."""
    held: float = Field(default=0.05, ge=0, lt=1)
    """Share of the measured pixels that is kept from the fit, to stop by."""
    stop: Literal["held-out", "discrepancy", "last"] = "held-out"
    """Which picture of the fit is the result."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Seed of network, jitter and held-out pixels."""

    @model_validator(mode="after")
    def _fits(self) -> RestoreSettings:
        if self.stop == "held-out" and not self.held:
            raise ValueError("nothing is held out to stop by; choose another stop")
        if self.stop == "discrepancy" and self.sigma == 0:
            raise ValueError("without noise no residual is small enough; choose another stop")
        if self.stop == "discrepancy" and self.sigma is None and self.task != "denoise":
            raise ValueError(f"the discrepancy needs the noise; give sigma with {self.task}")
        return self


class Inputs(BaseModel):
    """The files of a restoration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Path
    """The picture."""
    mask: Path | None = None
    """For ``inpaint``: white where it is known. Without it, what is transparent is unknown."""
    truth: Path | None = None
    """The true picture, which is only compared with."""
    ticket: Path | None = None
    """A ticket that another restoration found."""
