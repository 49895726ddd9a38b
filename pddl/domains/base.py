"""What every planning domain offers: its PDDL, instances with a witness, and plain English."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from random import Random
from typing import ClassVar

from surefoot.core.errors import InputError
from surefoot.pddl.domains.checks import check_describable
from surefoot.pddl.domains.text import DomainDescriber, PredicatePhrase, listing
from surefoot.pddl.language import (
    Atom,
    Conjunction,
    Domain,
    Formula,
    Increase,
    Plan,
    PlanStep,
    Problem,
    Task,
    TypedName,
    parse_domain,
)


@dataclass(frozen=True)
class Instance:
    """A generated task with proof that it can be solved.

    Attributes:
        task: The domain with the problem.
        witness: A valid plan, not necessarily an optimal one.
        size: The size that was asked for.
        seed: The seed that was asked for.
    """

    task: Task
    witness: Plan
    size: int
    seed: int


class DomainSpec(ABC):
    """A planning domain.

    Attributes:
        name: The name under which the registry knows it.
        summary: One line about the domain.
        size_means: What the size of a generated instance stands for.
        min_size: Smallest size.
        max_size: Largest size.
        phrases: How each predicate is worded, in the order of the description.
        kinds: What the objects of each type are called, in the plural.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    size_means: ClassVar[str]
    min_size: ClassVar[int]
    max_size: ClassVar[int]
    phrases: ClassVar[Mapping[str, PredicatePhrase]]
    kinds: ClassVar[Mapping[str, str]]

    @cached_property
    def domain_text(self) -> str:
        """The domain file's PDDL text."""
        return self._data("domain.pddl")

    @cached_property
    def domain(self) -> Domain:
        """The parsed domain."""
        return parse_domain(self.domain_text, f"{self.name}/domain.pddl")

    @abstractmethod
    def max_witness_steps(self, size: int) -> int:
        """Returns a bound on the length of every witness of this size."""

    @abstractmethod
    def build(self, size: int, rng: Random) -> tuple[Problem, Plan]:
        """Draws a problem of a valid size and a plan that solves it."""

    def generate(self, size: int, seed: int) -> Instance:
        """Generates a solvable instance; the same size and seed always give the same one.

        Args:
            size: See :attr:`size_means`.
            seed: Any whole number.

        Raises:
            InputError: The size is out of range, or one of the two is not a whole number.
        """
        for what, value in (("size", size), ("seed", seed)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise InputError(f"the {what} must be a whole number, not {value!r}")
        if not self.min_size <= size <= self.max_size:
            raise InputError(
                f"{self.name}: size must be {self.min_size} to {self.max_size} "
                f"({self.size_means}), not {size}"
            )
        problem, witness = self.build(size, Random(f"{self.name}:{size}:{seed}"))
        named = Problem(
            f"{self.name}-{size}-{seed}",
            self.domain.name,
            problem.objects,
            problem.init,
            problem.goal,
            problem.init_values,
            problem.minimize_cost,
        )
        return Instance(Task(self.domain, named, named.name), witness, size, seed)

    def optimal_cost(self, problem: Problem) -> int | None:
        """Returns the proven optimal cost where a closed form is known, else ``None``."""
        return None

    def describe_domain(self) -> str:
        """Returns the domain and all its actions in words, so that a reader needs no PDDL."""
        return self._data("domain.txt")

    def describe_problem(self, problem: Problem) -> str:
        """Returns a complete description of a problem: objects, start, goal and costs.

        Raises:
            InputError: The problem has something that cannot be described.
        """
        check_describable(self.domain, problem)
        goal = self.describe_goal(problem)
        blocks = [
            ("Objects:", self._objects(problem)),
            ("At the start:", [*self.describe_start(problem), "Nothing else holds at the start."]),
            ("Goal. At the end, all of this must hold:", goal or ["Nothing is demanded."]),
            ("Cost:", [self._costs(problem)]),
        ]
        return "\n\n".join(
            "\n".join([title, *(f"- {line}" for line in lines)]) for title, lines in blocks
        )

    @cached_property
    def describer(self) -> DomainDescriber:
        """Describes facts and conditions of this domain."""
        return DomainDescriber(self.phrases, self.kinds)

    def describe_start(self, problem: Problem) -> list[str]:
        """Returns every initial fact as a sentence; domains may override it."""
        return self.describer.facts(problem.init)

    def describe_goal(self, problem: Problem) -> list[str]:
        """Returns every goal condition as a sentence; domains may override it."""
        return self.describer.goal(problem.goal)

    def _objects(self, problem: Problem) -> list[str]:
        by_type: dict[tuple[str, ...], list[str]] = {}
        for item in dict.fromkeys((*self.domain.constants, *problem.objects)):
            by_type.setdefault(item.types, []).append(item.name)
        return [
            f"{listing((self.kinds.get(t, t) for t in types), 'or').capitalize()}: "
            f"{', '.join(names)}."
            for types, names in by_type.items()
        ]

    def _costs(self, problem: Problem) -> str:
        if not problem.minimize_cost:
            return "Every action counts 1. The best plan is the one with the fewest actions."
        prices = {
            action.name: sum(
                e.amount
                for e in action.effects
                if isinstance(e, Increase) and not isinstance(e.amount, Atom)
            )
            for action in self.domain.actions.values()
        }
        listed = ", ".join(f"{name} {price:g}" for name, price in prices.items())
        return f"Each use of an action costs: {listed}. The best plan has the lowest total cost."

    def _data(self, file: str) -> str:
        return (files(__package__) / "data" / self.name / file).read_text(encoding="utf-8")


def typed(kind: str, names: Iterable[str]) -> tuple[TypedName, ...]:
    """Returns objects of one type."""
    return tuple(TypedName(name, (kind,)) for name in names)


def fact(predicate: str, *args: str) -> Atom:
    """Returns a ground atom."""
    return Atom(predicate, args)


def step(action: str, *args: str) -> PlanStep:
    """Returns a ground action."""
    return PlanStep(action, args)


def all_of(parts: Iterable[Formula]) -> Conjunction:
    """Returns a conjunction."""
    return Conjunction(tuple(parts))


def numbered(stem: str, count: int) -> list[str]:
    """Returns ``stem1`` … ``stemN``."""
    return [f"{stem}{i}" for i in range(1, count + 1)]
