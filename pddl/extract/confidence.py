"""How sure a reading is, by what is doubtful in it.

The weights of the shipped table were set by hand while reading the development answers of
``surefoot.pddl.writing``; they are not fitted, so a confidence orders readings but is no
calibrated probability. What it is worth is measured by ``surefoot experiment answer-reading``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from surefoot.pddl.extract.doubts import ALL


@dataclass(frozen=True, slots=True)
class ConfidenceTable:
    """A logistic model of whether a reading is right, by what is doubtful in it.

    Attributes:
        intercept: Log odds of a reading without any doubt.
        weights: What each doubt adds to the log odds.
        threshold: Confidence below which an answer is counted as doubtful.
    """

    intercept: float
    weights: dict[str, float]
    threshold: float

    def confidence(self, doubts: Iterable[str]) -> float:
        """Returns how sure a reading with these doubts is, in [0, 1]."""
        score = self.intercept + sum(self.weights.get(code, 0.0) for code in set(doubts))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))


@lru_cache(maxsize=1)
def shipped_table() -> ConfidenceTable:
    """Returns the table that ships with the package."""
    text = files("surefoot.pddl.extract").joinpath("confidence.json").read_text(encoding="utf-8")
    data = json.loads(text)
    unknown = set(data["weights"]) - set(ALL)
    if unknown:
        raise ValueError(f"confidence.json weighs doubts that are not noted: {sorted(unknown)}")
    return ConfidenceTable(data["intercept"], data["weights"], data["threshold"])


def confidence(doubts: Iterable[str]) -> float:
    """Returns how sure a reading with these doubts is, in [0, 1]."""
    return shipped_table().confidence(doubts)
