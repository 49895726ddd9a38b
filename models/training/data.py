"""Text that the small planner learns from: generated tasks with validated plans.

Every instance belongs to one split by the hash of its content, so that no task is ever
both learned from and tested on, whatever seeds drew it. Sizes above the training sizes are
held out altogether.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from surefoot.pddl.compact import compact_plan, compact_prompt
from surefoot.pddl.domains import get_domain
from surefoot.pddl.domains.base import Instance
from surefoot.pddl.validator import validate
from surefoot.results.errors import HarnessError

TRAIN_SIZES: Mapping[str, tuple[int, ...]] = {
    "blocksworld": (3, 4, 5, 6),
    "grippers": (2, 3, 4, 5),
    "tyreworld": (1, 2),
}
"""Sizes that are learned from, by domain."""

HELD_OUT: Mapping[str, tuple[int, ...]] = {"blocksworld": (7, 8), "grippers": (6,)}
"""Larger sizes that are never learned from."""

SPLITS = ("train", "validation", "test")
_SHARES = (90, 95)
"""Percent of tasks up to which they belong to the first and second split."""


@dataclass(frozen=True, slots=True)
class Example:
    """A task and its plan as text.

    Attributes:
        domain: Domain name.
        size: Size of the instance.
        prompt: What the model reads.
        answer: What it shall write.
    """

    domain: str
    size: int
    prompt: str
    answer: str


def split_of(prompt: str) -> str:
    """Returns the split of a task by its content."""
    bucket = hashlib.sha256(prompt.encode()).digest()[0] * 100 // 256
    return SPLITS[sum(bucket >= edge for edge in _SHARES)]


def draw(split: str, seed: int) -> Iterator[Example]:
    """Draws examples without end; domains and sizes take turns by chance.

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
        example = make_example(get_domain(domain).generate(size, rng.getrandbits(40)))
        if split_of(example.prompt) == split:
            yield example


def make_example(instance: Instance) -> Example:
    """Writes an instance with its plan.

    Raises:
        HarnessError: The plan is not valid.
    """
    if not validate(instance.task, instance.witness).valid:
        raise HarnessError(f"the generator's plan for {instance.task.name} is not valid")
    return Example(
        instance.task.domain.name,
        instance.size,
        compact_prompt(instance.task),
        compact_plan(instance.witness),
    )


def unseen_instances(domain: str, size: int, count: int, seed: int) -> list[Instance]:
    """Returns instances that were not learned from: of the test split, or of held-out size."""
    held_out = size not in TRAIN_SIZES.get(domain, ())
    rng = Random(f"test:{domain}:{size}:{seed}")
    found: list[Instance] = []
    seen: set[str] = set()
    for _ in range(200 * count):
        instance = get_domain(domain).generate(size, rng.getrandbits(40))
        prompt = compact_prompt(instance.task)
        if prompt not in seen and (held_out or split_of(prompt) == "test"):
            seen.add(prompt)
            found.append(instance)
            if len(found) == count:
                break
    return found
