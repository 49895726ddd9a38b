"""Tasks of the test split, by which a compressed or merged model is judged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from surefoot.agents.perception.measuring import answered, images_of
from surefoot.agents.planning.base import PlanningContext
from surefoot.agents.planning.judge import judge
from surefoot.agents.planning.learning.corpus import draw_context
from surefoot.agents.planning.planners.language import LanguagePlanner
from surefoot.agents.planning.prompts import STYLE, short_prompt
from surefoot.core.chat import Message, Request
from surefoot.core.errors import InputError
from surefoot.models.backends.hf import HFModel
from surefoot.models.training.data import TRAIN_SIZES, split_of, unseen_instances
from surefoot.pddl import validate
from surefoot.pddl.compact import compact_prompt
from surefoot.pddl.domains.base import Instance
from surefoot.pddl.extract import extract
from surefoot.sparsity.report.summary import Scorer

_BATCH = 16
_MANY = 64


def scorer_for(model: Path, count: int) -> Scorer:
    """Returns a scorer of a model, or of a compressed one in its place, on tasks.

    - the small planner: whether its plan is valid when it is executed;
    - the agent's planner: whether its plan obeys the rules and reaches the goal;
    - vision-language models: whether the likeliest answer to a question about an image is right.

    All are of the test split, and greedy.

    Args:
        model: Folder of the model.
        count: Approximate number of tasks.

    Raises:
        InputError: No tasks are known for the model.
    """
    config = json.loads((model / "config.json").read_bytes())
    if "vision_config" in config:
        return lambda folder: _answers(folder, count)
    style = HFModel(str(model)).notes.prompt_style
    if style == "compact":
        return lambda folder: _plans(folder, count)
    if style == STYLE:
        return lambda folder: _verdicts(folder, count)
    raise InputError(
        "no tasks are known for this model; --tasks goes with this project's own models",
        file=str(model),
    )


def plan_scorer(
    domains: Sequence[str], count: int, *, split: str = "test", seed: int = 0
) -> Scorer:
    """Returns a scorer of a small planner on tasks of some domains, see :func:`domain_tasks`.

    Raises:
        InputError: No planner learns from a domain, or it has no task of the split.
    """
    instances = domain_tasks(domains, count, split=split, seed=seed)
    return lambda folder: plans_valid(folder, instances)


def domain_tasks(
    domains: Sequence[str], count: int, *, split: str = "test", seed: int = 0
) -> dict[str, Instance]:
    """Draws PDDL tasks that the small planner did not learn from.

    Args:
        domains: Names of domains.
        count: Tasks of each domain, spread over the sizes that are learned from; fewer where
            there are no more distinct ones.
        split: ``test``, or ``validation`` for tasks that something is chosen by.
        seed: Seed of the draw.

    Returns:
        The tasks by ``domain-size-number``.

    Raises:
        InputError: No planner learns from a domain, or it has no task of the split.
    """
    instances: dict[str, Instance] = {}
    for domain in domains:
        sizes = TRAIN_SIZES.get(domain)
        if sizes is None:
            known = ", ".join(TRAIN_SIZES)
            raise InputError(f"no planner learns from the domain '{domain}'; known: {known}")
        left, found = count, 0
        for place, size in enumerate(sizes):
            each = -(-left // (len(sizes) - place))
            drawn = unseen_instances(domain, size, each, seed, split)
            instances |= {f"{domain}-{size}-{i}": d for i, d in enumerate(drawn)}
            left, found = left - len(drawn), found + len(drawn)
        if not found:
            raise InputError(f"the domain '{domain}' has no task of the split '{split}'")
    return instances


def plans_valid(folder: Path, instances: Mapping[str, Instance]) -> dict[str, bool]:
    """Returns for each task whether a model's greedy plan is valid when it is executed.

    Args:
        folder: Folder of a model that reads the prompt style ``compact``.
        instances: The tasks by name.
    """
    names = list(instances)
    asked = [Request((Message("user", compact_prompt(instances[n].task)),), 320) for n in names]
    found: dict[str, bool] = {}
    for i, completion in HFModel(str(folder), batch=_MANY, device="cpu").generate(asked):
        task = instances[names[i]].task
        plan = extract(completion.text, task).chosen
        found[names[i]] = plan is not None and validate(task, plan.plan).valid
    return found


def _plans(folder: Path, count: int) -> Mapping[str, bool]:
    kinds = [(domain, size) for domain, sizes in TRAIN_SIZES.items() for size in sizes]
    each = -(-count // len(kinds))
    instances = {
        f"{domain}-{size}-{i}": instance
        for domain, size in kinds
        for i, instance in enumerate(unseen_instances(domain, size, each, 0))
    }
    return plans_valid(folder, instances)


def _verdicts(folder: Path, count: int) -> Mapping[str, bool]:
    rng = Random("compressing:test")
    contexts: list[PlanningContext] = []
    while len(contexts) < count:
        context = draw_context(rng)
        if split_of(short_prompt(context)) == "test":
            contexts.append(context)
    model = HFModel(str(folder), batch=_BATCH, device="cpu")
    planner = LanguagePlanner("compressed", model, max_tokens=256, temperature=0.0)
    proposed = planner.propose_all(contexts, 1, [0] * len(contexts), rate=False)
    return {
        f"{context.env}-{i}": judge(context, candidates[0].text).good
        for i, (context, candidates) in enumerate(zip(contexts, proposed, strict=True))
    }


def _answers(folder: Path, count: int) -> Mapping[str, bool]:
    model = HFModel(str(folder), device="cpu")
    images = [*images_of("tabletop", "test", -(-count // 40), 2)]
    images += images_of("crossing", "test", -(-count // 60), moments=2)
    return {
        f"{a.image.env}-{a.image.seed}-{a.image.view}-{a.image.step}-{a.question.fact}": a.right
        for a in answered(model, images)
    }
