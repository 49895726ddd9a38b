"""Candidates of a search: merged, scored, and stored so that none is scored twice."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from surefoot.core.errors import HarnessError
from surefoot.core.progress import Progress
from surefoot.results.run_folder import RunFolder
from surefoot.sparsity.merging.checks import Zoo
from surefoot.sparsity.merging.recipe import ALL, MergeRecipe
from surefoot.sparsity.merging.streaming import merge_models

Score = Callable[[Path], float | Mapping[str, float]]
"""Evaluates a model folder; returns a score, larger is better, or one per task (booleans too),
which are averaged."""

WORK = "work"
"""Folder for temporary models; emptied when a search resumes."""


@dataclass(frozen=True)
class Evaluation:
    """A scored candidate.

    Attributes:
        number: Its index, from 0.
        recipe: How it was merged.
        score: Its mean score.
        parts: Its score on each task, if known.
        seconds: Time of merging and scoring.
    """

    number: int
    recipe: MergeRecipe
    score: float
    parts: Mapping[str, float]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "score": self.score,
            "parts": dict(self.parts),
            "seconds": self.seconds,
        }


class BudgetExhausted(Exception):  # noqa: N818
    """The budget of candidates is exhausted."""


class Evaluations:
    """Scores candidates, each once, in an open run folder.

    A deterministic search requests the same candidates in the same order when resumed; those in the
    folder are not scored again.

    Args:
        zoo: The models.
        score: Evaluates a merged model.
        run: The folder; it has one key per candidate that may be scored.
        progress: Called before and after every candidate.
    """

    def __init__(self, zoo: Zoo, score: Score, run: RunFolder, progress: Progress) -> None:
        self.zoo = zoo
        self._score, self._run, self._progress = score, run, progress
        self._work = run.path / WORK
        self.clear()
        self._found: dict[str, Evaluation] = {}
        for number, record in enumerate(run.records.values()):
            recipe = MergeRecipe.model_validate(record["recipe"])
            self._found[recipe.hash()] = Evaluation(
                number, recipe, record["score"], record["parts"], record["seconds"]
            )

    def best(self, preferred: int | None = None) -> Evaluation:
        """Returns the candidate with the best score so far.

        Args:
            preferred: Index of the candidate preferred among equal ones; by default the first.
        """
        return max(self._found.values(), key=lambda e: (e.score, e.number == preferred, -e.number))

    @property
    def all(self) -> tuple[Evaluation, ...]:
        """All candidates in the order in which they were scored."""
        return tuple(self._found.values())

    @property
    def most(self) -> int:
        """Largest number of candidates."""
        return len(self._run.manifest.keys)

    def of(self, recipe: MergeRecipe) -> Evaluation:
        """Merges and scores a candidate, unless it was already scored.

        Raises:
            BudgetExhausted: No further candidate may be scored.
            HarnessError: The score is not finite.
        """
        key = recipe.hash()
        if key in self._found:
            return self._found[key]
        number = len(self._found)
        if number >= self.most:
            raise BudgetExhausted
        self._progress(number, self.most, "search")
        begun = perf_counter()
        try:
            score, parts = mean_score(self._score(self.merge(recipe)))
        finally:
            self.clear()
        made = Evaluation(number, recipe, score, parts, perf_counter() - begun)
        self._run.append(self._run.manifest.keys[number], made.to_json())
        self._found[key] = made
        self._progress(number + 1, self.most, "search")
        return made

    def merge(self, recipe: MergeRecipe) -> Path:
        """Merges a candidate into a folder that lasts until the next one or :meth:`clear`."""
        return merge_models(self.zoo, recipe, self._work / "candidate")

    def clear(self) -> None:
        """Deletes temporary models, also of a killed call."""
        shutil.rmtree(self._work, ignore_errors=True)

    def of_model(self, index: int) -> Evaluation:
        """Scores one of the models unmerged."""
        return self.of(single(index, len(self.zoo.sources)))


def single(index: int, count: int) -> MergeRecipe:
    """Returns the recipe whose result is one of the models.

    Args:
        index: Index of the model.
        count: Number of models.
    """
    return MergeRecipe(weights={ALL: tuple(float(i == index) for i in range(count))})


def mean_score(found: float | Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """Returns the mean score and its parts.

    Raises:
        HarnessError: There is no score, or it is not finite.
    """
    parts = {k: float(v) for k, v in found.items()} if isinstance(found, Mapping) else {}
    if isinstance(found, Mapping) and not parts:
        raise HarnessError("a candidate was evaluated on no task")
    score = sum(parts.values()) / len(parts) if parts else float(found)  # type: ignore[arg-type]
    if not math.isfinite(score):
        raise HarnessError(f"a candidate's score is {score}, which is not finite")
    return score, parts
