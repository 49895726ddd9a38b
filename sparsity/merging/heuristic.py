"""A greedy search: one model after the other is merged in, and kept if that does not harm.

Source: Model-GLUE (Zhao et al. 2024), section 3.3: models in an order, coefficients from a grid
or a running mean, a model kept only if the mean proxy score does not drop. The authors' released
code saves the coefficient that it tried last; this saves the best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from surefoot.sparsity.merging.evaluating import BudgetExhausted, Evaluation, Evaluations
from surefoot.sparsity.merging.recipe import ALL, MergeRecipe
from surefoot.sparsity.merging.similarity import similarity_matrix

GRID = tuple(i / 10 for i in range(1, 10))
"""Coefficients that are tried for a model that is merged in."""

Method = Literal["linear", "task-arithmetic", "ties", "dare-linear", "dare-ties"]


class HeuristicSettings(BaseModel):
    """How the greedy search goes on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["heuristic"] = "heuristic"
    """Tells it from the other search."""
    method: Method = "linear"
    """The operator."""
    order: Literal["score", "similarity", "dissimilarity"] = "score"
    """Order after the best model: the better first, or the more or less alike to it first."""
    coefficients: Literal["grid", "mean"] = "grid"
    """Whether 0.1 to 0.9 are tried, or only that which makes a plain mean."""
    density: float = Field(default=0.5, gt=0, le=1)
    """Share of the differences that TIES and DARE keep."""
    scale: float = 1.0
    """Factor of what is added to the base."""
    seed: int = 0
    """Seed of what DARE keeps."""
    evaluations: int = Field(default=200, ge=1)
    """Most candidates that are scored, the models themselves among them."""


def heuristic_search(
    evaluations: Evaluations,
    settings: HeuristicSettings,
    note: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Merges models greedily, beginning with the best of them.

    The weights of a candidate are ``(1 - c)`` times those so far, and ``c`` for the model that is
    merged in, so that every candidate is one merge of the models themselves.

    Args:
        evaluations: Scores candidates.
        settings: How.
        note: Told in a line what was kept.

    Returns:
        The order, what became of each model, and the number of the candidate that was arrived at:
        ``order``, ``steps``, ``stopped``, ``last``.
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
        note(f"stopped after {evaluations.most} candidates, as many as were allowed")
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
