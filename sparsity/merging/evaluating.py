"""Candidates of a search: merged, scored, and kept on the disk, so that none is scored twice."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import HarnessError
from surefoot.results.run_folder import RunFolder
from surefoot.sparsity.merging.checks import Zoo
from surefoot.sparsity.merging.recipe import ALL, MergeRecipe
from surefoot.sparsity.merging.streaming import merge_models

if TYPE_CHECKING:
    from surefoot.sparsity.engine.planning import Told

Score = Callable[[Path], float | Mapping[str, float]]
"""Tries a model folder; returns how good it is, larger is better, or that for each of several
tasks (``True`` and ``False`` too), of which the mean counts."""

WORK = "work"
"""Folder for what is being made; emptied when a search goes on."""


@dataclass(frozen=True)
class Evaluation:
    """A candidate with its score.

    Attributes:
        number: Which one it was, from 0.
        recipe: How it was merged.
        score: Its mean score.
        parts: Its score on each task, if that is known.
        seconds: Time that merging and scoring took.
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
    """No further candidate may be scored."""


class Evaluations:
    """Scores candidates, each once, in an open run folder.

    A search that is deterministic asks for the same candidates in the same order when it is begun
    again; those that the folder holds are not scored anew.

    Args:
        zoo: The models.
        score: Tries a merged model.
        run: The folder; its keys are one for each candidate that may be scored.
        told: Told how far it is.
    """

    def __init__(self, zoo: Zoo, score: Score, run: RunFolder, told: Told) -> None:
        self.zoo = zoo
        self._score, self._run, self._told = score, run, told
        self._work = run.path / WORK
        self.clear()
        self._found: dict[str, Evaluation] = {}
        for number, record in enumerate(run.records.values()):
            recipe = MergeRecipe.model_validate(record["recipe"])
            self._found[recipe.hash()] = Evaluation(
                number, recipe, record["score"], record["parts"], record["seconds"]
            )

    def best(self, preferred: int | None = None) -> Evaluation:
        """Returns the candidate of the best score so far.

        Args:
            preferred: Number of that which is taken of equal ones; else the first is.
        """
        return max(self._found.values(), key=lambda e: (e.score, e.number == preferred, -e.number))

    @property
    def all(self) -> tuple[Evaluation, ...]:
        """All candidates in the order in which they were scored."""
        return tuple(self._found.values())

    @property
    def most(self) -> int:
        """How many candidates may be scored."""
        return len(self._run.manifest.keys)

    def of(self, recipe: MergeRecipe) -> Evaluation:
        """Merges and scores a candidate, unless that was done already.

        Raises:
            Exhausted: No further one may be scored.
            HarnessError: The score is no number.
        """
        key = recipe.hash()
        if key in self._found:
            return self._found[key]
        number = len(self._found)
        if number >= self.most:
            raise BudgetExhausted
        self._told("search", number, self.most)
        begun = perf_counter()
        try:
            score, parts = mean_score(self._score(self.merge(recipe)))
        finally:
            self.clear()
        made = Evaluation(number, recipe, score, parts, perf_counter() - begun)
        self._run.append(self._run.manifest.keys[number], made.to_json())
        self._found[key] = made
        self._told("search", number + 1, self.most)
        return made

    def merge(self, recipe: MergeRecipe) -> Path:
        """Merges a candidate into a folder that lasts until the next one or :meth:`clear`."""
        return merge_models(self.zoo, recipe, self._work / "candidate")

    def clear(self) -> None:
        """Deletes what was being made, also by a call that was killed."""
        shutil.rmtree(self._work, ignore_errors=True)

    def of_model(self, index: int) -> Evaluation:
        """Scores one of the models as it is."""
        return self.of(single(index, len(self.zoo.sources)))


def single(index: int, count: int) -> MergeRecipe:
    """Returns the recipe whose result is one of the models.

    Args:
        index: Which.
        count: Number of models.
    """
    return MergeRecipe(weights={ALL: tuple(float(i == index) for i in range(count))})


def mean_score(found: float | Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """Returns the mean score and its parts.

    Raises:
        HarnessError: There is none, or it is no number.
    """
    parts = {k: float(v) for k, v in found.items()} if isinstance(found, Mapping) else {}
    if isinstance(found, Mapping) and not parts:
        raise HarnessError("a candidate was tried on no task at all")
    score = sum(parts.values()) / len(parts) if parts else float(found)  # type: ignore[arg-type]
    if not math.isfinite(score):
        raise HarnessError(f"a candidate's score is {score}, which is no number")
    return score, parts
