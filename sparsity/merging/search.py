"""A search for the best merge, from models and a score to a model with its report."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surefoot.core.errors import InputError
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import SUMMARY_NAME, RunFolder
from surefoot.sparsity.merging.checks import Zoo, silent
from surefoot.sparsity.merging.evaluating import Evaluation, Evaluations, Score
from surefoot.sparsity.merging.evolutionary import (
    EvolutionarySettings,
    evolutionary_search,
    load_optuna,
)
from surefoot.sparsity.merging.heuristic import HeuristicSettings, heuristic_search
from surefoot.sparsity.merging.operators import NEED_BASE
from surefoot.sparsity.merging.recipe import MergeRecipe
from surefoot.sparsity.merging.streaming import MERGE_NAME, check_outside

if TYPE_CHECKING:
    from surefoot.sparsity.engine.planning import Told

MODEL = "model"
"""Folder within a search's folder that holds the best candidate."""

SearchSettings = HeuristicSettings | EvolutionarySettings


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        model: Folder of the best candidate.
        best: Its recipe and score.
        singles: Scores of the models as they are, by name.
        evaluations: All candidates, in the order in which they were scored.
        details: What the search itself tells.
    """

    model: Path
    best: Evaluation
    singles: dict[str, float]
    evaluations: tuple[Evaluation, ...]
    details: dict[str, Any]


def search_merge(
    zoo: Zoo,
    settings: SearchSettings,
    score: Score,
    out: Path,
    *,
    label: str = "",
    told: Told = silent,
    note: Callable[[str], None] = lambda line: None,
) -> SearchResult:
    """Searches for the best merge, or goes on where an earlier call stopped.

    Args:
        zoo: The models, checked.
        settings: Which search and how.
        score: Tries a merged model's folder; has to give the same for the same weights.
        out: Folder for the scores of all candidates and, in ``model/``, the best one; new, empty,
            or with the beginning of the same search.
        label: What the score is; a search goes on only with the same.
        told: Told how far it is.
        note: Told in a line what is worth knowing.

    Returns:
        The best candidate, which is never worse than the best single model.

    Raises:
        InputError: The settings do not fit the models, or the folder holds something else.
        HarnessError: A score is no number.
    """
    check_search(zoo, settings)
    check_outside(out, *(s.checkpoint.folder for s in zoo.sources))
    manifest = Manifest(
        f"merge {settings.kind}",
        {
            "settings": settings.model_dump(mode="json"),
            "score": label,
            "models": [s.name for s in zoo.sources],
        },
        [f"{i:05}" for i in range(settings.evaluations)],
        seeds=[settings.seed],
        hashes={"models": _hash(zoo)},
    )
    for line in zoo.notes:
        note(line)
    with RunFolder.open(out, manifest) as run:
        evaluations = Evaluations(zoo, score, run, told)
        if isinstance(settings, HeuristicSettings):
            details = heuristic_search(evaluations, settings, note)
        else:
            details = evolutionary_search(evaluations, settings, note)
        best = evaluations.best(details.get("last"))
        place = out / MODEL
        if not _holds(place, best.recipe):
            shutil.rmtree(place, ignore_errors=True)
            os.replace(evaluations.merge(best.recipe), place)
            evaluations.clear()
        singles = {s.name: evaluations.of_model(i).score for i, s in enumerate(zoo.sources)}
        run.write_summary(
            {
                "kind": settings.kind,
                "method": settings.method,
                "score": label,
                "best": {"number": best.number, **best.to_json()},
                "singles": singles,
                "candidates": len(evaluations.all),
                "details": details,
            }
        )
    return SearchResult(place, best, singles, evaluations.all, details)


def check_search(zoo: Zoo, settings: SearchSettings) -> None:
    """Checks that a search can be made.

    Raises:
        InputError: There are too few models or candidates, a base or a library is missing.
    """
    count = len(zoo.sources)
    if count < 2 or zoo.identical:
        raise InputError("there is nothing to search: a search needs two different models")
    if settings.method in NEED_BASE and zoo.base is None:
        raise InputError(f"'{settings.method}' adds differences to a base; give one with --base")
    if settings.evaluations <= count:
        raise InputError(
            f"{settings.evaluations} candidates are not enough: the {count} models themselves are "
            "scored first"
        )
    if isinstance(settings, EvolutionarySettings):
        load_optuna()


def read_search(out: Path) -> dict[str, Any]:
    """Reads the summary of a search.

    Raises:
        InputError: There is none, as the search is not done.
    """
    from surefoot.sparsity.engine.checkpoint import read_json

    return read_json(out / SUMMARY_NAME, "no finished search here")


def _holds(place: Path, recipe: MergeRecipe) -> bool:
    """Whether a folder holds the result of a recipe, after a call that was killed at the end."""
    if not os.path.isfile(place / "config.json"):
        return False
    told = json.loads((place / MERGE_NAME).read_bytes())
    return MergeRecipe.model_validate(told["recipe"]) == recipe


def _hash(zoo: Zoo) -> str:
    return sha256(json.dumps(zoo.hashes(), sort_keys=True).encode()).hexdigest()
