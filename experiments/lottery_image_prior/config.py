"""Configuration of the study of the Lottery Image Prior."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from surefoot.experiments.base import StudyConfig
from surefoot.sparsity.lottery.priors.sensing import SenseSettings
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings

Task = Literal["denoise", "inpaint", "sr"]
"""The tasks, in the order of the page."""


class SceneImage(BaseModel):
    """An image from a camera of the simulation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: Literal["tabletop", "crossing"]
    """The environment."""
    seed: int = Field(ge=0, lt=2**31)
    """Seed of the scene."""

    @property
    def name(self) -> str:
        """The job's key."""
        return f"{self.env}-{self.seed}"


class Sensing(BaseModel):
    """A generator of scenes as the prior behind random rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prior: Path | None = None
    """A folder of ``surefoot train prior``; without it the generators are trained here, as by that
    command."""
    known: int = Field(default=3000, ge=2)
    """Training images."""
    steps: int = Field(default=3000, ge=1)
    """Steps of each training."""
    rounds: int = Field(default=3, ge=0)
    """Rounds of tickets; each is one training, and two more with random masks."""
    share: float = Field(default=0.4, gt=0, lt=1)
    """Fraction of remaining weights pruned per round."""
    seed: int = Field(default=0, ge=0, lt=2**62)
    """Seed of the trainings."""
    pictures: int = Field(default=8, ge=1)
    """Unseen images that are measured."""
    rows: tuple[int, ...] = (50, 200, 800)
    """Numbers of random rows."""
    sigma: float = Field(default=0.01, ge=0)
    """Noise of a row, where white is 1."""
    outliers: int = Field(default=5, ge=0)
    """Corrupted rows in a second pass with the dense generator; 0 for no such pass."""
    spoiled: int = Field(default=200, ge=1)
    """Rows of that pass."""
    groups: int = Field(default=20, ge=1)
    """Groups of its median of means."""
    seek: SenseSettings = SenseSettings(steps=250, starts=3)
    """How codes are searched for."""


class ImagePriorConfig(StudyConfig):
    """The study."""

    scenes: tuple[SceneImage, ...]
    """The images; intervals are over these, so precision comes from their number."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**50)], ...] = (0,)
    """Seeds of network, noise and masks; the number of the image is added."""
    size: int = Field(default=48, ge=16)
    """Width and height of the images in pixels."""
    tasks: tuple[Task, ...] = ("denoise", "inpaint", "sr")
    """The restoration tasks; without any, and without scenes, only ``sensing`` is run."""
    sigma: float = Field(default=25, gt=0)
    """Noise for ``denoise``, where white is 255."""
    known: float = Field(default=0.5, gt=0, le=1)
    """Fraction of pixels known for ``inpaint``."""
    scale: int = Field(default=4, ge=2)
    """How many times ``sr`` enlarges."""
    network: NetworkSettings = NetworkSettings(width=16, depth=3, code=16)
    """The skip network."""
    decoder: NetworkSettings = NetworkSettings(kind="decoder", width=28, depth=4)
    """The deep decoder, of about as many weights as the sparsest ticket."""
    share: float = Field(default=0.36, gt=0, lt=1)
    """Fraction of remaining weights pruned per round; .36 is two of the paper's rounds at once."""
    rounds: int = Field(default=4, ge=1)
    """Rounds; the last gives the ticket used for all tasks."""
    levels: tuple[int, ...] = (1, 2, 3, 4)
    """Rounds whose sparsity ``denoise`` looks at."""
    search: int = Field(default=200, ge=1)
    """Steps of each fit of a search."""
    steps: dict[Task, int] = Field({"denoise": 400, "inpaint": 400, "sr": 400})
    """Steps of each evaluated fit, by task."""
    long: int = Field(default=1200, ge=1)
    """Steps of the fits that show overfitting, for ``denoise``."""
    held: float = Field(default=0.05, gt=0, lt=1)
    """Fraction of the measurements that is held out."""
    every: int = Field(default=25, ge=1)
    """Steps between records."""
    sensing: Sensing | None = None
    """Random rows with a generator as the prior; left out without it."""
    workers: int = Field(default=1, ge=1)
    """Processes."""
