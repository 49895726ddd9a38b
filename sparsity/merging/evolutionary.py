"""An evolutionary search (CMA-ES) for the weights of a merge, by groups of layers.

Source: Model-GLUE (Zhao et al. 2024), section 3.3, with the figures of its authors' code:
populations of 15, a first standard deviation of 1/6 of each range (which is Optuna's own default),
a normalised weight for each model and group of layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from surefoot.core.extras import require
from surefoot.core.progress import Note, unnoted
from surefoot.sparsity.merging.evaluating import BudgetExhausted, Evaluations
from surefoot.sparsity.merging.heuristic import Method
from surefoot.sparsity.merging.operators import NEED_BASE
from surefoot.sparsity.merging.recipe import GROUPS, MergeRecipe

LEAST_DENSITY = 0.1
"""Lower bound of the density in the search."""


class EvolutionarySettings(BaseModel):
    """Settings of the evolutionary search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["evolutionary"] = "evolutionary"
    """Kind of search."""
    method: Method = "linear"
    """The operator."""
    population: int = Field(default=15, ge=2)
    """Candidates per generation."""
    seed: int = 0
    """Seed of the search and of DARE."""
    evaluations: int = Field(default=100, ge=1)
    """Largest number of scored candidates, including the models themselves."""


class SearchSpace:
    """Maps points of the unit cube to recipes.

    The first coordinates are weights of the models by group, followed by the density (TIES and
    DARE, from 0.1 to 1) and the scale (methods with a base, from 1/m to m on a log scale, where m
    is half the number of models and at least 2).

    Args:
        settings: Settings of the search.
        count: Number of models.
    """

    def __init__(self, settings: EvolutionarySettings, count: int) -> None:
        self._settings, self._count = settings, count
        self._thin = settings.method.startswith(("ties", "dare"))
        self._scaled = settings.method in NEED_BASE
        self._most = max(2.0, count / 2)

    @property
    def size(self) -> int:
        """Number of dimensions."""
        return self._count * len(GROUPS) + self._thin + self._scaled

    @property
    def middle(self) -> list[float]:
        """The point of equal weights, density 0.55 and scale 1, around which the search starts."""
        return [0.5] * self.size

    def recipe(self, point: Sequence[float]) -> MergeRecipe:
        """Returns the recipe of a point; weights of a group sum to 1.

        Args:
            point: Numbers from 0 to 1.
        """
        count = self._count
        weights = {
            group: normalised(point[count * i : count * (i + 1)]) for i, group in enumerate(GROUPS)
        }
        rest = list(point[count * len(GROUPS) :])
        density = LEAST_DENSITY + (1 - LEAST_DENSITY) * rest.pop(0) if self._thin else 1.0
        scale = self._most ** (2 * rest.pop(0) - 1) if self._scaled else 1.0
        return MergeRecipe(
            method=self._settings.method,
            weights=weights,
            density=density,
            scale=scale,
            seed=self._settings.seed,
        )


def normalised(weights: Sequence[float]) -> tuple[float, ...]:
    """Divides weights by their sum; all zeros become equal weights."""
    total = sum(weights)
    if total < 1e-9:
        return (1 / len(weights),) * len(weights)
    return tuple(w / total for w in weights)


def evolutionary_search(
    evaluations: Evaluations,
    settings: EvolutionarySettings,
    note: Note = unnoted,
) -> dict[str, Any]:
    """Searches for weights with CMA-ES, starting with the models themselves and their mean.

    A killed search is repeated from its seed without scoring stored points again, so that it ends
    as if uninterrupted.

    Args:
        evaluations: Scores candidates.
        settings: Settings of the search.
        note: Called with one line per improvement.

    Returns:
        ``trials``: the score of each point in order; ``stopped``: always true, as the search runs
        until its budget is exhausted.

    Raises:
        MissingDependencyError: Optuna or cmaes is not installed.
    """
    optuna = load_optuna()
    space = SearchSpace(settings, len(evaluations.zoo.sources))
    names = [f"x{i:04}" for i in range(space.size)]
    middle = dict(zip(names, space.middle, strict=True))
    distributions = {n: optuna.distributions.FloatDistribution(0.0, 1.0) for n in names}
    sampler = optuna.samplers.CmaEsSampler(
        seed=settings.seed,
        popsize=settings.population,
        independent_sampler=optuna.samplers.RandomSampler(seed=settings.seed),
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(middle)
    trials: list[float] = []
    best = float("-inf")
    try:
        for i in range(len(evaluations.zoo.sources)):
            best = max(best, evaluations.of_model(i).score)
        # Points may repeat; the limit ensures termination.
        for _ in range(10 * evaluations.most):
            trial = study.ask(distributions)
            found = evaluations.of(space.recipe([trial.params[n] for n in names]))
            study.tell(trial, found.score)
            trials.append(found.score)
            if found.score > best:
                best = found.score
                note(f"candidate {found.number + 1}: {best:.4f}")
    except BudgetExhausted:
        pass
    return {"trials": trials, "stopped": True}


def load_optuna() -> Any:
    """Returns Optuna with its messages silenced.

    Raises:
        MissingDependencyError: It or cmaes is not installed.
    """
    require("optuna", "cmaes")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
