"""Jobs that split a planner into experts in one way, tune it and test it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch

from surefoot.experiments.local_models.domains import domain_texts
from surefoot.experiments.local_models.tasks import scorer_for
from surefoot.experiments.read_me.config import ReadMeStudyConfig, Way
from surefoot.models.shipped import model_folder
from surefoot.sparsity.engine.calibration import Batch, Tokens, calibrate_with
from surefoot.sparsity.engine.checkpoint import Checkpoint
from surefoot.sparsity.experts.extraction import (
    extract_experts,
    gated_mlps,
    strongest,
    watch,
)
from surefoot.sparsity.experts.layout import ExpertLayout, layout_of
from surefoot.sparsity.experts.measuring import (
    Teacher,
    dense_loss,
    measure_quality,
    own_masks,
    traces_of,
)
from surefoot.sparsity.experts.model import refactor
from surefoot.sparsity.experts.refactoring import divide, write_model
from surefoot.sparsity.experts.router import LossName
from surefoot.sparsity.experts.tuning import tune
from surefoot.sparsity.export.loading import load_compressed


@dataclass(frozen=True, slots=True)
class ReadMeJob:
    """A planner, a way, a seed.

    Attributes:
        study: The study as JSON.
        model: The planner.
        way: The way.
        seed: The seed.
    """

    study: str
    model: str
    way: Way
    seed: int

    @property
    def key(self) -> str:
        """The job's key."""
        return f"{self.model}/{self.way}/{self.seed}"


def dense_job(item: tuple[str, str]) -> dict[str, Any]:
    """Measures the dense planner."""
    text, model = item
    study = ReadMeStudyConfig.model_validate_json(text)
    folder = model_folder(model)
    dense = load_compressed(folder, torch.float32)
    _, held = held_out(study, folder)
    tasks = dict(scorer_for(folder, study.tasks)(folder)) if study.tasks else {}
    return {
        "loss": dense_loss(dense, held),
        "tasks": tasks,
        "parameters": sum(p.numel() for p in dense.parameters()),
    }


def held_out(study: ReadMeStudyConfig, folder: Path) -> tuple[list[Tokens], tuple[Batch, ...]]:
    """Returns texts of the validation split, the same for all ways and seeds, and as batches."""
    longest = study.refactor.length
    found = domain_texts(folder, study.held_out, least=1, longest=longest, split="validation")
    texts = [text for part in found.values() for text in part]
    batches = calibrate_with(
        texts, samples=len(texts), held_out=0, batch=study.refactor.batch, length=longest
    ).batches
    return texts, batches


def layout_by(
    way: Way, dense: Any, statistics: Mapping[str, tuple[Batch, ...]], keep: float, seed: int
) -> ExpertLayout:
    """Returns which neurons belong to which expert, by one way of splitting.

    Args:
        way: The way.
        dense: The dense model.
        statistics: Texts by domain.
        keep: Fraction of the neurons that are active.
        seed: Seed of the random assignment.
    """
    if way in ("eq4", "released", "random"):
        layout = extract_experts(dense, statistics, keep=keep)
        return layout.shuffled(seed) if way == "random" else layout
    widths = [m.down_proj.in_features for m in gated_mlps(dense).values()]
    if way == "magnitude":
        # Every domain has the same weight, however many tokens its texts have.
        each = [watch(dense, part).importance() for part in statistics.values()]
        kept = [strongest(torch.stack(values).mean(0), keep) for values in zip(*each, strict=True)]
    else:
        rng = Random(f"uniform:{seed}")
        kept = [tuple(rng.sample(range(w), max(1, round(keep * w)))) for w in widths]
    return layout_of({"all": kept}, widths)


def run_job(job: ReadMeJob) -> dict[str, Any]:
    """Runs one job; returns plain JSON data.

    Returns:
        ``before`` and ``after`` (what :func:`measure_quality` returns, and ``tasks`` by name
        whether solved, before the tuning for the first seed only), ``parameters``, ``rounds``,
        ``experts``, ``traces``.
    """
    study = ReadMeStudyConfig.model_validate_json(job.study)
    folder = model_folder(job.model)
    loss: LossName = "released" if job.way == "released" else "eq4"
    settings = study.refactor.model_copy(
        update={
            "seed": job.seed,
            "tune": study.refactor.tune.model_copy(update={"seed": job.seed, "loss": loss}),
        }
    )
    drawn = domain_texts(
        folder, study.texts, least=settings.samples + 1, longest=settings.length, seed=job.seed
    )
    dense = load_compressed(folder, torch.float32)
    texts = divide(drawn, settings.model_copy(update={"held_out": 1}), 0)
    requests, held = held_out(study, folder)
    layout = layout_by(job.way, dense, texts.statistics, settings.keep, job.seed)
    made = refactor(
        dense,
        layout,
        rest=False,
        router_hidden=settings.router_hidden,
        router_heads=settings.router_heads,
        seed=job.seed,
    )
    # All ways are measured by how often the router picks the expert that equation 4 prefers.
    teacher = Teacher(dense, own_masks(made), "eq4")
    source = Checkpoint(folder)

    def measured(tries: bool) -> dict[str, Any]:
        found = measure_quality(made, held, teacher).to_json()
        if study.tasks and tries:
            with tempfile.TemporaryDirectory(prefix="surefoot-") as place:
                write_model(made, source, Path(place))
                found["tasks"] = dict(scorer_for(folder, study.tasks)(Path(place)))
        return found

    before = measured(job.seed == study.seeds[0])
    rounds = tune(made, dense, texts.learning, settings.tune)
    sizes = made.parameter_counts()
    if layout.experts == 1:  # needs no router
        sizes = {
            k: v - sizes["router"] if k in ("active", "total") else v for k, v in sizes.items()
        }
    after = measured(True)
    wanted = job.way in ("eq4", "released") and job.seed == study.seeds[0]
    return {
        "before": before,
        "after": after,
        "parameters": sizes,
        "experts": layout.experts,
        "domains": list(layout.domains),
        "rounds": [[r.router, r.experts] for r in rounds],
        "permanent": _share(layout, [len(a.permanent) for a in layout.layers]),
        "never": _share(layout, [len(a.rest) for a in layout.layers]),
        "traces": traces_of(made, requests[:: max(1, len(requests) // study.requests)])
        if wanted
        else [],
    }


def _share(layout: ExpertLayout, counts: list[int]) -> float:
    return sum(counts) / sum(a.width for a in layout.layers)
