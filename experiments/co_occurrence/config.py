"""Configuration of the study of co-occurrence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from surefoot.experiments.base import StudyConfig
from surefoot.experiments.co_occurrence.facts import FactSequences, fact_sequences
from surefoot.sparsity.dynamics.data import Sequences, draw_sequences, read_sequences
from surefoot.sparsity.dynamics.training import Flow


class DrawnData(BaseModel):
    """A drawn data set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = 120
    """Sequences, a multiple of 6."""
    length: int = 5
    """Words per sequence."""
    words: int = 330
    """Size of the vocabulary."""
    distinct: bool = True
    """Whether no filler word is repeated."""


class CoOccurrenceCase(BaseModel):
    """A data set with a training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    drawn: DrawnData | None = None
    """A drawn data set; or ..."""
    facts: FactSequences | None = None
    """... states of planning tasks; or ..."""
    file: Path | None = None
    """... a file of sequences, see :func:`~surefoot.sparsity.dynamics.data.read_sequences`."""
    signals: tuple[str, ...] = ()
    """Names of the signals in that file: two that count together, one that is always present."""
    flow: Flow = Flow()
    """The training; the study sets its seed and whether attention is frozen."""

    def data(self, seed: int) -> Sequences:
        """Returns the data set.

        Raises:
            InputError: None is given, or it cannot be used.
        """
        if self.facts is not None:
            return fact_sequences(self.facts, seed)
        if self.file is not None:
            return read_sequences(self.file, self.signals)
        drawn = self.drawn or DrawnData()
        return draw_sequences(drawn.n, drawn.length, drawn.words, seed, distinct=drawn.distinct)


class CoOccurrenceConfig(StudyConfig):
    """The study."""

    cases: dict[str, CoOccurrenceCase]
    """Data sets with trainings, by name."""
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**62)], ...] = (0, 1, 2, 3, 4)
    """Seeds of data and parameters."""
