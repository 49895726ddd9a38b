"""Configuration of the study of answer reading."""

from __future__ import annotations

from pydantic import Field

from surefoot.experiments.base import ExperimentConfig
from surefoot.pddl.extract.readers import DEFAULT_READER
from surefoot.pddl.writing import Split


class AnswerReadingConfig(ExperimentConfig):
    """The study."""

    splits: tuple[Split, ...] = tuple(Split)
    """Which styles are written in."""
    right: int = Field(default=5000, ge=1)
    """Answers of each split that state a plan as it is."""
    damaged: int = Field(default=20_000, ge=1)
    """Answers of each split that are damaged."""
    batch: int = Field(default=500, ge=1)
    """Answers of each case that can be resumed."""
    reader: str = DEFAULT_READER
    """Name of the answer reader."""
    seed: int = 0
    """Seed of all draws."""
