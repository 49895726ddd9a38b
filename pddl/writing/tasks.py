"""Tasks with plans to write about: those of the domains that ship, under several namings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.language.model import Conjunction, Plan, Problem, Task
from surefoot.pddl.writing import held_out_naming, naming, validation_naming
from surefoot.pddl.writing.ferry import make_ferry
from surefoot.pddl.writing.held_out_rovers import make_rovers
from surefoot.pddl.writing.model import Split
from surefoot.pddl.writing.naming import rename_objects
from surefoot.pddl.writing.validation_freight import make_freight
from surefoot.pddl.writing.validation_satellite import make_satellite

SHIPPED = "shipped"
"""Naming of objects as the domain's generator gives it."""
SOLVED = "solved"
"""Tasks whose goal holds at the start."""

MAX_STEPS = 40
"""Longest plan."""

OWN: dict[Split, dict[str, Callable[[int, int], tuple[Task, Plan]]]] = {
    Split.DEVELOPMENT: {"ferry": make_ferry},
    Split.VALIDATION: {"freight": make_freight, "satellite": make_satellite},
    Split.HELD_OUT: {"rovers": make_rovers},
}
"""Domains that do not ship, by split."""
_NAMINGS = {
    Split.DEVELOPMENT: naming.NAMINGS,
    Split.VALIDATION: validation_naming.NAMINGS,
    Split.HELD_OUT: held_out_naming.NAMINGS,
}
_FIRST_SEEDS = {Split.DEVELOPMENT: 0, Split.VALIDATION: 100, Split.HELD_OUT: 300}
_SIZES = 4
_SEEDS = 3


@dataclass(frozen=True)
class KnownTask:
    """A task with a plan that solves it.

    Attributes:
        domain: The domain.
        naming: How its objects are called.
        task: The task.
        plan: The plan.
    """

    domain: str
    naming: str
    task: Task
    plan: Plan


@lru_cache(maxsize=3)
def known_tasks(split: Split) -> tuple[KnownTask, ...]:
    """Returns all tasks of a split, always the same.

    Args:
        split: Decides on namings, seeds and the domains that do not ship.
    """
    found: list[KnownTask] = []
    for domain in (*list_domains(), *OWN[split]):
        for task, plan in _plain(domain, split):
            if not 3 <= len(plan) <= MAX_STEPS:
                continue
            found.append(KnownTask(domain, SHIPPED, task, plan))
            for name, rule in _NAMINGS[split].items():
                renamed = rename_objects(task, plan, rule)
                if renamed is not None:
                    found.append(KnownTask(domain, name, *renamed))
        found.append(_solved(found[-1]))
    return tuple(found)


def _plain(domain: str, split: Split) -> list[tuple[Task, Plan]]:
    first = _FIRST_SEEDS[split]
    own = OWN[split].get(domain)
    if own is not None:
        return [own(n, s) for n in range(1, 1 + _SIZES) for s in range(first, first + _SEEDS)]
    spec = get_domain(domain)
    made = [
        spec.generate(spec.min_size + n, seed)
        for n in range(_SIZES)
        for seed in range(first, first + _SEEDS)
    ]
    return [(i.task, i.witness) for i in made]


def _solved(known: KnownTask) -> KnownTask:
    problem = known.task.problem
    facts = sorted(problem.init, key=str)
    goal = Conjunction(tuple(Random(known.task.name).sample(facts, 2)))
    solved = Problem(
        f"{problem.name}-{SOLVED}",
        problem.domain_name,
        problem.objects,
        problem.init,
        goal,
        problem.init_values,
        problem.minimize_cost,
    )
    task = Task(known.task.domain, solved, solved.name)
    return KnownTask(known.domain, known.naming, task, Plan())
