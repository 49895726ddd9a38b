"""A greedy search: merges in one model after the other and keeps it unless the score drops.

Source: Model-GLUE (Zhao et al. 2024), section 3.3: ordered models, coefficients from a grid
or a running mean, a model is kept only if the mean proxy score does not drop. The released code
saves the last tried coefficient; this saves the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.progress import Note, unnoted
from surefoot.sparsity.merging.evaluating import BudgetExhausted, Evaluation, Evaluations
from surefoot.sparsity.merging.recipe import ALL, MergeRecipe
from surefoot.sparsity.merging.similarity import similarity_matrix

GRID = tuple(i / 10 for i in range(1, 10))
"""Coefficients tried for each model."""

Method = Literal["linear", "task-arithmetic", "ties", "dare-linear", "dare-ties"]


class HeuristicSettings(BaseModel):
    """Settings of the greedy search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["heuristic"] = "heuristic"
    """Kind of search."""
    method: Method = "linear"
    """The operator."""
    order: Literal["score", "similarity", "dissimilarity"] = "score"
    """Order after the best model: by score, or by similarity to it, ascending or descending."""
    coefficients: Literal["grid", "mean"] = "grid"
    """Whether 0.1 to 0.9 are tried, or only the coefficient of the plain mean."""
    density: float = Field(default=0.5, gt=0, le=1)
    """Fraction of the differences that TIES and DARE keep."""
    scale: float = 1.0
    """Factor of the differences added to the base."""
    seed: int = 0
    """Seed of DARE."""
    evaluations: int = Field(default=200, ge=1)
    """Largest number of scored candidates, including the models themselves."""


def heuristic_search(
    evaluations: Evaluations,
    settings: HeuristicSettings,
    note: Note = unnoted,
) -> dict[str, Any]:
    """Merges models greedily, starting with the best.

    The weights of a candidate are ``(1 - c)`` times the current ones, and ``c`` for the new
    model, so that every candidate is a single merge of the models.

    Args:
        evaluations: Scores candidates.
        settings: Settings of the search.
        note: Called with one line per model.

    Returns:
        The order, the outcome for each model, whether the budget was exhausted, and the index of
        the final candidate: ``order``, ``steps``, ``stopped``, ``last``.
    """
    sources = evaluations.zoo.sources
    steps: list[dict[str, Any]] = []
    found: dict[str, Any] = {"order": [], "steps": steps, "stopped": False, "last": 0}
    try:
        singles = [evaluations.of_model(i) for i in range(len(sources))]
        order = order_of(evaluations, singles, settings.order)
        found["order"] = [sources[i].name for i in order]
        weights = singles[order[0]].recipe.weights[ALL]
        current = singles[order[0]]
        found["last"] = current.number
        kept = 1
        note(f"{sources[order[0]].name}: {current.score:.4f}, the best of the models")
        for index in order[1:]:
            tried = GRID if settings.coefficients == "grid" else (1 / (kept + 1),)
            candidates = [_mixed(weights, index, c) for c in tried]
            scored = [evaluations.of(_recipe(w, settings)) for w in candidates]
            top = max(range(len(scored)), key=lambda i: (scored[i].score, -i))
            keeps = scored[top].score >= current.score
            steps.append(
                {
                    "model": sources[index].name,
                    "coefficient": tried[top],
                    "score": scored[top].score,
                    "before": current.score,
                    "kept": keeps,
                }
            )
            note(
                f"{sources[index].name}: {scored[top].score:.4f} with {tried[top]:.2f}, "
                f"{'kept' if keeps else 'left out'}"
            )
            if keeps:
                current, weights, kept = scored[top], candidates[top], kept + 1
                found["last"] = current.number
    except BudgetExhausted:
        found["stopped"] = True
        note(f"stopped after {evaluations.most} candidates, the limit")
    return found


def order_of(evaluations: Evaluations, singles: Sequence[Evaluation], order: str) -> list[int]:
    """Returns the models in the order in which they are merged, the best first.

    Args:
        evaluations: Holds the models.
        singles: The score of each model.
        order: As in :class:`HeuristicSettings`.
    """
    count = len(singles)
    start = max(range(count), key=lambda i: (singles[i].score, -i))
    rest = [i for i in range(count) if i != start]
    if order == "score":
        rest.sort(key=lambda i: (-singles[i].score, i))
    elif rest:
        alike = similarity_matrix(evaluations.zoo.sources)[start]
        sign = -1 if order == "similarity" else 1
        rest.sort(key=lambda i: (sign * np.nan_to_num(alike[i]), i))
    return [start, *rest]


def _mixed(weights: Sequence[float], index: int, coefficient: float) -> tuple[float, ...]:
    return tuple(
        (1 - coefficient) * w + (coefficient if i == index else 0.0) for i, w in enumerate(weights)
    )


def _recipe(weights: tuple[float, ...], settings: HeuristicSettings) -> MergeRecipe:
    return MergeRecipe(
        method=settings.method,
        weights={ALL: weights},
        density=settings.density,
        scale=settings.scale,
        seed=settings.seed,
    )
