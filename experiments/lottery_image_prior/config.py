"""What the study of the Lottery Image Prior runs."""

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
    """A picture that a camera of the simulation took."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: Literal["tabletop", "crossing"]
    """Which world."""
    seed: int = Field(ge=0, lt=2**31)
    """Seed of the scene."""

    @property
    def name(self) -> str:
        """Its name."""
        return f"{self.env}-{self.seed}"


class Sensing(BaseModel):
    """A generator of scenes as the prior behind random rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prior: Path | None = None
    """A folder of ``surefoot train prior``; without it the generators are trained here, as that
    command does it."""
    known: int = Field(default=3000, ge=2)
    """Pictures that are trained on."""
    steps: int = Field(default=3000, ge=1)
    """Steps of each training."""
    rounds: int = Field(default=3, ge=0)
    """Rounds of tickets; each is one training, and two more with masks by chance."""
    share: float = Field(default=0.4, gt=0, lt=1)
    """Share of the living that goes each round."""
    seed: int = Field(default=0, ge=0, lt=2**62)
    """Seed of the trainings."""
    pictures: int = Field(default=8, ge=1)
    """Unseen pictures that are measured."""
    rows: tuple[int, ...] = (50, 200, 800)
    """Numbers of random rows."""
    sigma: float = Field(default=0.01, ge=0)
    """Noise of a row, where white is 1."""
    outliers: int = Field(default=5, ge=0)
    """Rows that are spoiled in a second pass with the dense generator; none without."""
    spoiled: int = Field(default=200, ge=1)
    """Rows of that pass."""
    groups: int = Field(default=20, ge=1)
    """Groups of its median of means."""
    seek: SenseSettings = SenseSettings(steps=250, starts=3)
    """How codes are sought."""


class ImagePriorConfig(StudyConfig):
    """The study."""

    scenes: tuple[SceneImage, ...]
    """The pictures; intervals are over these, so they are what the study has many of."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**50)], ...] = (0,)
    """Seeds of network, noise and masks; the number of the picture is added."""
    size: int = Field(default=48, ge=16)
    """Width and height of the pictures."""
    tasks: tuple[Task, ...] = ("denoise", "inpaint", "sr")
    """What is done to them; with none, and no scenes, only ``sensing`` is left."""
    sigma: float = Field(default=25, gt=0)
    """Noise for ``denoise``, where white is 255."""
    known: float = Field(default=0.5, gt=0, le=1)
    """Share of pixels known for ``inpaint``."""
    scale: int = Field(default=4, ge=2)
    """How many times ``sr`` enlarges."""
    network: NetworkSettings = NetworkSettings(width=16, depth=3, code=16)
    """The skip network."""
    decoder: NetworkSettings = NetworkSettings(kind="decoder", width=28, depth=4)
    """The deep decoder, of about as many weights as the sparsest ticket."""
    share: float = Field(default=0.36, gt=0, lt=1)
    """Share of the living that goes each round; 36 % are two rounds of the paper at once."""
    rounds: int = Field(default=4, ge=1)
    """Rounds; the last gives the ticket that all tasks are done with."""
    levels: tuple[int, ...] = (1, 2, 3, 4)
    """Rounds whose sparsity ``denoise`` looks at."""
    search: int = Field(default=200, ge=1)
    """Steps of each fit of a search."""
    steps: dict[Task, int] = Field({"denoise": 400, "inpaint": 400, "sr": 400})
    """Steps of each fit that is judged, by task."""
    long: int = Field(default=1200, ge=1)
    """Steps of the fits that show what too many do, for ``denoise``."""
    held: float = Field(default=0.05, gt=0, lt=1)
    """Share of what is measured that is held out."""
    every: int = Field(default=25, ge=1)
    """Steps from note to note."""
    sensing: Sensing | None = None
    """Random rows with a generator as the prior; left out without it."""
    workers: int = Field(default=1, ge=1)
    """Processes."""
