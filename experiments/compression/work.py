"""Jobs that compress a model and test it, each in its own process."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.experiments.compression.config import CompressionStudyConfig, pruning, recipe
from surefoot.experiments.local_models.tasks import scorer_for
from surefoot.experiments.local_models.texts import own_texts
from surefoot.models.shipped import model_folder
from surefoot.sparsity.engine.finishing import CompressOptions
from surefoot.sparsity.engine.run import compress
from surefoot.sparsity.recipe import CompressionRecipe
from surefoot.sparsity.report.summary import Scorer, read_report


@dataclass(frozen=True, slots=True)
class PruneJob:
    """A cell of the grid with one calibration seed.

    Attributes:
        study: The study as JSON.
        model: The model.
        pruner: The pruner.
        allocation: The allocation.
        pattern: The pattern.
        seed: The seed.
    """

    study: str
    model: str
    pruner: str
    allocation: str
    pattern: float | str
    seed: int

    @property
    def key(self) -> str:
        """The job's key."""
        return f"{self.model}/{self.pruner}/{self.allocation}/{self.pattern}/{self.seed}"


@dataclass(frozen=True, slots=True)
class RankJob:
    """All recoveries of one factored model.

    Attributes:
        study: The study as JSON.
        model: The model.
        method: ``welore`` or ``svd``, which has the same fraction of rank everywhere.
        reduction: Fraction of parameters that is removed.
        seed: The seed.
    """

    study: str
    model: str
    method: str
    reduction: float
    seed: int

    @property
    def key(self) -> str:
        """The job's key."""
        return f"{self.model}/{self.method}/{self.reduction}/{self.seed}"


@lru_cache(4)
def dense_tasks(model: str, tasks: int) -> dict[str, bool]:
    """Returns which tasks the uncompressed model solves; tried once per process."""
    folder = model_folder(model)
    return dict(scorer_for(folder, tasks)(folder))


@lru_cache(8)
def calibration(model: str, samples: int, seed: int) -> Any:
    """Returns calibration texts of one of this project's models; drawn once per process.

    Raises:
        InputError: It is not one of them.
    """
    wanted = CompressionRecipe.model_validate(
        {"stages": [{"stage": "sparsify"}], "seed": seed, "calibration": {"samples": samples}}
    )
    found = own_texts(model_folder(model), wanted)
    if found is None:
        raise InputError(f"'{model}' is no model of this project: it has no texts and no tasks")
    return found


def squeezed(
    study: CompressionStudyConfig, model: str, wanted: CompressionRecipe
) -> dict[str, Any]:
    """Compresses a model in a temporary folder and returns the outcome as JSON data.

    Returns:
        ``loss`` (``before``, ``after`` and perhaps ``recovered``), ``sparsity`` and ``parameters``
        (the fraction of the targets' that is left), ``error`` (mean relative error of a layer's
        outputs), ``trained`` (trainable parameters of a recovery), ``tasks`` (by name whether
        solved); or ``refused`` with the reason, where the recipe cannot be met.
    """
    folder = model_folder(model)
    solved: dict[str, Mapping[str, bool]] = {}
    texts, source = calibration(model, study.samples, wanted.seed)
    with tempfile.TemporaryDirectory(prefix="surefoot-") as place:
        out = Path(place) / "model"
        scorer = _remembering(model, study.tasks, solved) if study.tasks else None
        try:
            compress(
                folder,
                wanted,
                out,
                texts=texts,
                source=source,
                options=CompressOptions(scorer=scorer),
            )
        except InputError as error:
            return {"refused": error.message}
        report = read_report(out)
    errors = [r["error"] for r in report["layers"] if r["error"] is not None]
    totals = report["totals"]
    return {
        "loss": report["losses"],
        "sparsity": totals["sparsity"],
        "parameters": totals["kept"] / totals["targets"],
        "error": sum(errors) / len(errors) if errors else None,
        "trained": (report["recovery"] or {}).get("trainable"),
        "tasks": dict(solved.get("after", {})),
    }


def _remembering(model: str, tasks: int, solved: dict[str, Mapping[str, bool]]) -> Scorer:
    """Returns a scorer that tests the dense model once per process and stores the result."""
    folder = model_folder(model)
    inner = scorer_for(folder, tasks)

    def score(place: Path) -> Mapping[str, bool]:
        if place.resolve() == folder.resolve():
            return dense_tasks(model, tasks)
        solved["after"] = inner(place)
        return solved["after"]

    return score


def prune_job(job: PruneJob) -> dict[str, Any]:
    """Runs one cell of the grid."""
    study = CompressionStudyConfig.model_validate_json(job.study)
    wanted = pruning(study, job.pruner, job.allocation, job.pattern, job.seed)
    return squeezed(study, job.model, wanted)


def rank_job(job: RankJob) -> dict[str, Any]:
    """Factorizes a model and tries every recovery.

    The recovery of the factors runs first, since it sets how many parameters the others may train.
    """
    study = CompressionStudyConfig.model_validate_json(job.study)
    factors = {"stage": "factorize", "method": job.method, "reduction": job.reduction}
    found: dict[str, Any] = {}
    budget: int | None = None
    for name in sorted(study.recoveries, key=lambda n: (n != "lrc", n)):
        stages: list[dict[str, Any]] = [factors]
        if name != "none":
            stages.append(
                {"stage": "recover", "method": name, "steps": study.steps, "rate": study.rate}
            )
        if name in ("lora", "n-lrc"):
            stages[-1]["budget"] = budget
        found[name] = squeezed(study, job.model, recipe(study, job.seed, *stages))
        if name == "lrc":
            budget = found[name].get("trained")
    return found


def dense_job(item: tuple[str, str]) -> dict[str, Any]:
    """Tests the uncompressed model."""
    text, model = item
    study = CompressionStudyConfig.model_validate_json(text)
    return {"tasks": dense_tasks(model, study.tasks)}
