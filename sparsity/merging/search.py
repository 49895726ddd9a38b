"""Searches for the best merge of models by a score."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.core.progress import Note, Progress, silent, unnoted
from surefoot.results.manifest import Manifest
from surefoot.results.run_folder import SUMMARY_NAME, RunFolder
from surefoot.sparsity.merging.checks import Zoo
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

MODEL = "model"
"""Folder within a search's folder that holds the best candidate."""

SearchSettings = HeuristicSettings | EvolutionarySettings


@dataclass(frozen=True)
class SearchResult:
    """Result of a search.

    Attributes:
        model: Folder of the best candidate.
        best: Its recipe and score.
        singles: Scores of the unmerged models, by name.
        evaluations: All candidates, in the order in which they were scored.
        details: Details of the search.
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
    progress: Progress = silent,
    note: Note = unnoted,
) -> SearchResult:
    """Searches for the best merge, or resumes an interrupted search.

    Args:
        zoo: The models, checked.
        settings: Kind and settings of the search.
        score: Evaluates a merged model's folder; must be deterministic.
        out: Folder for the scores of all candidates and, in ``model/``, the best one; new, empty,
            or with the beginning of the same search.
        label: Description of the score; a search only resumes with the same.
        progress: Called before and after every candidate.
        note: Called with each line worth showing to the user.

    Returns:
        The best candidate, never worse than the best single model.

    Raises:
        InputError: The settings do not fit the models, or the folder holds something else.
        HarnessError: A score is not finite.
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
        evaluations = Evaluations(zoo, score, run, progress)
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
    """Checks the settings of a search.

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
        InputError: There is none, as the search is not finished.
    """
    from surefoot.sparsity.engine.checkpoint import read_json

    return read_json(out / SUMMARY_NAME, "no finished search here")


def _holds(place: Path, recipe: MergeRecipe) -> bool:
    """Returns whether a folder holds the result of a recipe, if a call was killed at the end."""
    if not os.path.isfile(place / "config.json"):
        return False
    record = json.loads((place / MERGE_NAME).read_bytes())
    return MergeRecipe.model_validate(record["recipe"]) == recipe


def _hash(zoo: Zoo) -> str:
    return sha256(json.dumps(zoo.hashes(), sort_keys=True).encode()).hexdigest()
