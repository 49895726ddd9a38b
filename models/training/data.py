"""Training text of the small planner: generated tasks with validated plans.

Every instance belongs to one split by the hash of its content, so that no task is ever
both trained and tested on, whatever seeds drew it. Sizes above the training sizes are
held out altogether. A fraction of the examples are repairs: a damaged plan, the bench's message
about it, and the plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from surefoot.core.errors import HarnessError
from surefoot.pddl.benchmark.prompts import feedback
from surefoot.pddl.compact import compact_plan, compact_prompt
from surefoot.pddl.domains import get_domain
from surefoot.pddl.domains.base import Instance
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, PlanStep
from surefoot.pddl.validator import validate

TRAIN_SIZES: Mapping[str, tuple[int, ...]] = {
    "barman": (1,),
    "blocksworld": (3, 4, 5, 6),
    "delivery": (1,),
    "floortile": (1,),
    "grippers": (1, 2, 3, 4),
    "kitchen": (1,),
    "storage": (1,),
    "tabletop": (1, 2, 3, 4),
    "termes": (1,),
    "tyreworld": (1, 2),
}
"""Training sizes by domain."""

HELD_OUT: Mapping[str, tuple[int, ...]] = {
    "barman": (2,),
    "blocksworld": (7, 8),
    "delivery": (2,),
    "floortile": (2,),
    "grippers": (5,),
    "kitchen": (2,),
    "storage": (2,),
    "tabletop": (5,),
    "termes": (2,),
    "tyreworld": (3,),
}
"""Larger sizes that are never trained on."""

REPAIRS = 0.2
"""Fraction of the examples that are repairs."""

SPLITS = ("train", "validation", "test")
_CUMULATIVE_PERCENT = (90, 95)
"""Cumulative percentages of tasks in the first and second split."""


@dataclass(frozen=True, slots=True)
class Example:
    """A task and its plan as text.

    Attributes:
        domain: Domain name.
        size: Size of the instance.
        task: The task in short form; decides the split.
        prompt: What the model reads: the task, or for a repair the conversation so far.
        answer: The target answer.
    """

    domain: str
    size: int
    task: str
    prompt: str
    answer: str


def split_of(prompt: str) -> str:
    """Returns the split of a task by its content."""
    bucket = hashlib.sha256(prompt.encode()).digest()[0] * 100 // 256
    return SPLITS[sum(bucket >= edge for edge in _CUMULATIVE_PERCENT)]


def draw(split: str, seed: int) -> Iterator[Example]:
    """Yields examples endlessly; domains and sizes are drawn at random.

    Args:
        split: ``train``, ``validation`` or ``test``.
        seed: Seed of the draw.

    Yields:
        Examples of the split.

    Raises:
        HarnessError: A generator's plan is not valid.
    """
    rng = Random(f"{split}:{seed}")
    kinds = [(domain, size) for domain, sizes in TRAIN_SIZES.items() for size in sizes]
    while True:
        domain, size = rng.choice(kinds)
        instance = get_domain(domain).generate(size, rng.getrandbits(40))
        example = make_example(instance)
        if split_of(example.task) == split:
            yield make_repair(instance, rng) if rng.random() < REPAIRS else example


def make_example(instance: Instance) -> Example:
    """Returns an instance with its plan as an example.

    Raises:
        HarnessError: The plan is not valid.
    """
    if not validate(instance.task, instance.witness).valid:
        raise HarnessError(f"the generator's plan for {instance.task.name} is not valid")
    prompt = compact_prompt(instance.task)
    return Example(
        instance.task.domain.name, instance.size, prompt, prompt, compact_plan(instance.witness)
    )


def make_repair(instance: Instance, rng: Random) -> Example:
    """Returns a repair: a task, a damaged plan, the bench's message about it, and the valid plan.

    The conversation is joined as in the bench for a model without a chat template.
    """
    ground = GroundTask(instance.task)
    plan = damage(ground, instance.witness, rng)
    heard = feedback(rng.choice(("binary", "first", "all")), ground, plan, validate(ground, plan))
    sound = make_example(instance)
    return replace(sound, prompt="\n".join((sound.prompt, compact_plan(plan), heard)))


def damage(ground: GroundTask, plan: Plan, rng: Random) -> Plan:
    """Damages a plan with one to three small changes until it is not valid.

    Steps are left out, exchanged with their neighbour, repeated, cut off at the end, or get
    another object of the task as an argument. An empty plan is answered with a wrong step.
    """
    objects = list(ground.task.objects)
    while True:
        steps = list(plan.steps)
        for _ in range(rng.randint(1, 3)):
            if not steps:
                name = rng.choice(list(ground.task.domain.actions))
                count = len(ground.task.domain.actions[name].parameters)
                steps = [PlanStep(name, tuple(rng.choice(objects) for _ in range(count)))]
                continue
            where = rng.randrange(len(steps))
            match rng.randrange(5):
                case 0:
                    del steps[where]
                case 1:
                    steps[where : where + 2] = reversed(steps[where : where + 2])
                case 2:
                    steps.insert(where, steps[where])
                case 3:
                    del steps[where:]
                case _ if steps[where].args:
                    args = list(steps[where].args)
                    args[rng.randrange(len(args))] = rng.choice(objects)
                    steps[where] = PlanStep(steps[where].action, tuple(args))
        damaged = Plan(tuple(steps))
        if not validate(ground, damaged).valid:
            return damaged


def unseen_instances(
    domain: str, size: int, count: int, seed: int, split: str = "test"
) -> list[Instance]:
    """Returns instances outside the training data: of a split, or of held-out size.

    Args:
        domain: Its name.
        size: Size of the instances; sizes above the training sizes belong to no split.
        count: Number of instances; fewer are returned if there are no more.
        seed: Seed of the draw.
        split: ``test``, or ``validation`` for tasks used for a choice before the test.
    """
    held_out = size not in TRAIN_SIZES.get(domain, ())
    rng = Random(f"{split}:{domain}:{size}:{seed}")
    found: list[Instance] = []
    seen: set[str] = set()
    for _ in range(200 * count):
        instance = get_domain(domain).generate(size, rng.getrandbits(40))
        prompt = compact_prompt(instance.task)
        if prompt not in seen and (held_out or split_of(prompt) == split):
            seen.add(prompt)
            found.append(instance)
            if len(found) == count:
                break
    return found
