"""Training a zoo, merging it in one way, and trying what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from surefoot.core.errors import HarnessError
from surefoot.experiments.local_models.tasks import domain_tasks, plans_valid
from surefoot.experiments.local_models.texts import tokenizer_of
from surefoot.experiments.model_glue.config import ModelGlueConfig
from surefoot.models.shipped import model_folder
from surefoot.models.training.zoo import domain_examples, train_member
from surefoot.pddl.domains.base import Instance
from surefoot.sparsity.merging.checks import open_source, open_zoo
from surefoot.sparsity.merging.clustering import find_families
from surefoot.sparsity.merging.mixture import load_mixture
from surefoot.sparsity.merging.mixtures import MixtureSettings, make_mixture
from surefoot.sparsity.merging.recipe import make_recipe
from surefoot.sparsity.merging.search import SearchSettings, search_merge
from surefoot.sparsity.merging.streaming import merge_models

Tasks = Mapping[str, Instance]


@dataclass(frozen=True, slots=True)
class ModelGlueJob:
    """One thing to be done.

    Attributes:
        study: The study as JSON.
        out: Its folder.
        seed: Number of the zoo.
        name: Of the planner, merge, search or mixture.
    """

    study: str
    out: Path
    seed: int
    name: str

    @property
    def key(self) -> str:
        """Its name among the cases of its part."""
        return f"{self.name}/{self.seed}"

    def read(self) -> ModelGlueConfig:
        """Returns the study."""
        return ModelGlueConfig.model_validate_json(self.study)


def zoo_folder(study: ModelGlueConfig, out: Path, seed: int) -> Path:
    """Returns the folder of a zoo."""
    if study.zoos:
        return study.zoos[study.seeds.index(seed)]
    return out / "zoos" / f"seed-{seed}"


def members(study: ModelGlueConfig, out: Path, seed: int) -> dict[str, Path]:
    """Returns the folders of a zoo's models, by name."""
    place = zoo_folder(study, out, seed)
    return {name: place / name / "model" for name in study.recipe(seed).names}


def specialists(study: ModelGlueConfig, out: Path, seed: int) -> dict[str, Path]:
    """Returns those that were tuned from the base."""
    return {n: p for n, p in members(study, out, seed).items() if n in study.domains}


def task_sets(study: ModelGlueConfig) -> dict[str, Tasks]:
    """Returns the tasks that searches are guided by, those of the choice, and those of the test.

    No task is in two of them. Where a domain has too few of the validation split, the first two
    share what there is.
    """
    share = study.search / (study.search + study.choose)
    sets: dict[str, dict[str, Instance]] = {"search": {}, "choose": {}}
    for domain in study.domains:
        drawn = domain_tasks(
            (domain,), study.search + study.choose, split="validation", seed=study.seed
        )
        given = 0
        # Dealt in turn, so that both have all sizes.
        for number, (name, task) in enumerate(drawn.items(), 1):
            first = given < round(share * number)
            given += first
            sets["search" if first else "choose"][name] = task
    return {**sets, "test": domain_tasks(study.domains, study.test, seed=study.seed)}


def tried(folder: Path, tasks: Mapping[str, Tasks], *names: str) -> dict[str, Any]:
    """Tries a model on sets of tasks."""
    return {name: plans_valid(folder, tasks[name]) for name in names}


def train_job(job: ModelGlueJob) -> dict[str, Any]:
    """Trains one planner."""
    study = job.read()
    begun = perf_counter()
    base = model_folder(study.base)
    place = zoo_folder(study, job.out, job.seed)
    train_member(base, study.recipe(job.seed), job.name, place)
    return {"seconds": perf_counter() - begun}


def family_job(job: ModelGlueJob) -> dict[str, Any]:
    """Sorts a zoo and its base into families."""
    study = job.read()
    base = open_source(model_folder(study.base), "base")
    sources = [open_source(p, n) for n, p in members(study, job.out, job.seed).items()]
    return find_families([base, *sources]).to_json()


def single_job(job: ModelGlueJob) -> dict[str, Any]:
    """Tries one planner, or the base, as it is."""
    study = job.read()
    folder = (
        model_folder(study.base)
        if job.name == "base"
        else members(study, job.out, job.seed)[job.name]
    )
    return tried(folder, task_sets(study), "search", "choose", "test")


def merge_job(job: ModelGlueJob) -> dict[str, Any]:
    """Merges with equal weights and tries it."""
    study = job.read()
    settings = study.merges[job.name]
    models = specialists(study, job.out, job.seed)
    zoo = open_zoo(list(models.values()), model_folder(study.base), names=list(models))
    recipe = make_recipe(
        settings.method, len(models), density=settings.density, scale=settings.scale, seed=job.seed
    )
    with tempfile.TemporaryDirectory(prefix="surefoot-") as place:
        made = merge_models(zoo, recipe, Path(place) / "merged")
        return tried(made, task_sets(study), "search", "choose", "test")


def search_job(job: ModelGlueJob) -> dict[str, Any]:
    """Searches for a merge, or goes on with it, and tries the best candidate."""
    study = job.read()
    found: SearchSettings = (study.heuristics | study.evolutions)[job.name]
    settings = found.model_copy(update={"seed": job.seed})
    models = specialists(study, job.out, job.seed)
    zoo = open_zoo(list(models.values()), model_folder(study.base), names=list(models))
    tasks = task_sets(study)
    place = job.out / "searched" / f"{job.name.replace(' ', '-')}-{job.seed}"
    result = search_merge(
        zoo,
        settings,
        lambda folder: plans_valid(folder, tasks["search"]),
        place,
        label=f"{study.search} tasks of a domain",
    )
    if result.best.score < max(result.singles.values()):
        raise HarnessError("a search ended below the best single model")
    return tried(result.model, tasks, "choose", "test") | {
        "search": {k: bool(v) for k, v in result.best.parts.items()},
        "weights": {k: list(v) for k, v in result.best.recipe.weights.items()},
        "candidates": len(result.evaluations),
        "seconds": sum(e.seconds for e in result.evaluations),
        "details": result.details,
    }


def mixture_job(job: ModelGlueJob) -> dict[str, Any]:
    """Makes a mixture and tries it, and its gates on prompts that they were not made of."""
    study = job.read()
    settings = study.mixtures[job.name]
    models = specialists(study, job.out, job.seed)
    base = model_folder(study.base)
    tokenizer = tokenizer_of(base)
    prompts = {
        name: [
            tokenizer(example.prompt)["input_ids"]
            for example in islice(domain_examples(name, "train", job.seed), study.prompts)
        ]
        for name in models
    }
    tasks = task_sets(study)
    plain = settings.model_dump(exclude={"shared"}) | {"seed": job.seed}
    with tempfile.TemporaryDirectory(prefix="surefoot-") as place:
        shared = base
        if settings.shared == "mean":
            zoo = open_zoo(list(models.values()), base, names=list(models))
            shared = merge_models(zoo, make_recipe("linear", len(models)), Path(place) / "mean")
        report = make_mixture(
            shared, models, prompts, MixtureSettings.model_validate(plain), Path(place) / "mixture"
        )
        found = tried(Path(place) / "mixture", tasks, "search", "choose", "test")
        found["routed"] = _routed(Path(place) / "mixture", tokenizer, tasks["test"])
    return found | {"own": report["own"], "parameters": report["parameters"]}


def _routed(folder: Path, tokenizer: Any, tasks: Tasks) -> dict[str, list[float]]:
    """Returns by domain the share of test prompts (or their tokens) that go to each expert.

    Averaged over the gates.
    """
    import torch

    from surefoot.pddl.compact import compact_prompt

    mixture = load_mixture(folder, torch.float32)
    count = len(mixture.config.experts)
    found: dict[str, list[torch.Tensor]] = {}
    for name, instance in tasks.items():
        ids = torch.tensor([tokenizer(compact_prompt(instance.task))["input_ids"]])
        chosen = mixture.route(ids, torch.ones_like(ids)).reshape(-1)
        share = torch.bincount(chosen, minlength=count) / len(chosen)
        found.setdefault(name.rsplit("-", 2)[0], []).append(share)
    return {domain: torch.stack(parts).mean(0).tolist() for domain, parts in found.items()}
