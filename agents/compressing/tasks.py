"""What a compressed model is still able to do: tasks that it never learned from, tried anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from surefoot.agents.perception.measuring import answered, shots_of
from surefoot.agents.planning.base import Brief
from surefoot.agents.planning.corpus import draw_brief
from surefoot.agents.planning.judge import judge
from surefoot.agents.planning.language import LanguagePlanner
from surefoot.agents.planning.prompts import STYLE, short_prompt
from surefoot.models.backends.hf import HFModel
from surefoot.models.protocol import GenerationRequest, Message
from surefoot.models.training.data import TRAIN_SIZES, split_of, unseen_instances
from surefoot.pddl import validate
from surefoot.pddl.compact import compact_prompt
from surefoot.pddl.domains.base import Instance
from surefoot.pddl.extract import extract
from surefoot.results.errors import InputError
from surefoot.sparsity.report.summary import Scorer

_BATCH = 16
_MANY = 64


def scorer_for(model: Path, count: int) -> Scorer:
    """Returns what tries a model, or a compressed one in its place, on tasks.

    - the small planner: whether its plan is valid when it is executed;
    - the agent's planner: whether its plan obeys the rules and reaches the goal;
    - models with eyes: whether the likeliest answer to a question about a picture is right.

    All are of the test split, and greedy.

    Args:
        model: Folder of the model.
        count: About how many tasks.

    Raises:
        InputError: Nothing is known that the model could be tried on.
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


def domain_tasks(
    sizes: Mapping[str, Sequence[int]], each: int, seed: int = 0, split: str = "test"
) -> dict[str, Instance]:
    """Draws PDDL tasks that the small planner never learned from.

    Args:
        sizes: Sizes by domain.
        each: Tasks of each domain and size, if there are so many.
        seed: Seed of the draw.
        split: ``test``, or ``validation`` for tasks that choices are made on before the test.

    Returns:
        The tasks by ``domain-size-number``.
    """
    return {
        f"{domain}-{size}-{i}": instance
        for domain, found in sizes.items()
        for size in found
        for i, instance in enumerate(unseen_instances(domain, size, each, seed, split))
    }


def plans_valid(folder: Path, instances: Mapping[str, Instance]) -> dict[str, bool]:
    """Returns for each task whether a model's greedy plan is valid when it is executed.

    Args:
        folder: Folder of a model that reads the prompt style ``compact``.
        instances: The tasks by name.
    """
    names = list(instances)
    asked = [
        GenerationRequest((Message("user", compact_prompt(instances[n].task)),), 320)
        for n in names
    ]  # fmt: skip
    found: dict[str, bool] = {}
    for i, completion in HFModel(str(folder), batch=_MANY, device="cpu").generate(asked):
        task = instances[names[i]].task
        plan = extract(completion.text, task).chosen
        found[names[i]] = plan is not None and validate(task, plan.plan).valid
    return found


def _plans(folder: Path, count: int) -> Mapping[str, bool]:
    kinds = sum(map(len, TRAIN_SIZES.values()))
    return plans_valid(folder, domain_tasks(TRAIN_SIZES, -(-count // kinds)))


def _verdicts(folder: Path, count: int) -> Mapping[str, bool]:
    rng = Random("compressing:test")
    briefs: list[Brief] = []
    while len(briefs) < count:
        brief = draw_brief(rng)
        if split_of(short_prompt(brief)) == "test":
            briefs.append(brief)
    model = HFModel(str(folder), batch=_BATCH, device="cpu")
    planner = LanguagePlanner("compressed", model, max_tokens=256, temperature=0.0)
    proposed = planner.propose_all(briefs, 1, [0] * len(briefs), rate=False)
    return {
        f"{brief.stage}-{i}": judge(brief, candidates[0].text).good
        for i, (brief, candidates) in enumerate(zip(briefs, proposed, strict=True))
    }


def _answers(folder: Path, count: int) -> Mapping[str, bool]:
    model = HFModel(str(folder), device="cpu")
    shots = [*shots_of("tabletop", "test", -(-count // 40), 2)]
    shots += shots_of("crossing", "test", -(-count // 60), moments=2)
    return {
        f"{a.shot.env}-{a.shot.seed}-{a.shot.view}-{a.shot.step}-{a.question.fact}": a.right
        for a in answered(model, shots)
    }
