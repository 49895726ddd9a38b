"""Renames actions, predicates, types and objects of a task, one to one and token by token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from surefoot.pddl.language.model import (
    ROOT_TYPE,
    Action,
    Atom,
    Conjunction,
    Disjunction,
    Domain,
    Effect,
    Exists,
    Forall,
    ForallEffect,
    Formula,
    Implication,
    Increase,
    Negation,
    Plan,
    PlanStep,
    Predicate,
    Problem,
    Task,
    TypedName,
    When,
)
from surefoot.pddl.renaming.names import NameLevel, choose


@dataclass(frozen=True)
class Renaming:
    """A bijection between the names of two tasks that are otherwise the same.

    Names that are not in a map stay as they are. Variables, ``=``, ``object`` and
    functions are never renamed.

    Attributes:
        actions: New names of actions.
        predicates: New names of predicates.
        types: New names of types.
        objects: New names of objects and constants.
    """

    actions: Mapping[str, str]
    predicates: Mapping[str, str]
    types: Mapping[str, str]
    objects: Mapping[str, str]

    def __post_init__(self) -> None:
        for kind in (self.actions, self.predicates, self.types, self.objects):
            if len(set(kind.values())) != len(kind):
                raise ValueError("a renaming gives two things the same name")

    def invert(self) -> Renaming:
        """Returns the way back."""
        maps = (self.actions, self.predicates, self.types, self.objects)
        return Renaming(*({new: old for old, new in kind.items()} for kind in maps))

    def apply_plan(self, plan: Plan) -> Plan:
        """Renames a plan; names that the renaming does not know stay."""
        return Plan(
            tuple(
                PlanStep(
                    self.actions.get(s.action, s.action),
                    tuple(self.objects.get(a, a) for a in s.args),
                )
                for s in plan.steps
            )
        )

    def apply_atom(self, atom: Atom) -> Atom:
        """Renames a fact."""
        return self._atom(atom)

    def apply_task(self, task: Task) -> Task:
        """Renames a whole task; its own name and that of the domain stay."""
        return Task(self._domain(task.domain), self._problem(task.problem), task.name)

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return {
            "actions": dict(self.actions),
            "predicates": dict(self.predicates),
            "types": dict(self.types),
            "objects": dict(self.objects),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Renaming:
        """Reads what :meth:`to_json` wrote."""
        return cls(data["actions"], data["predicates"], data["types"], data["objects"])

    def _domain(self, domain: Domain) -> Domain:
        return replace(
            domain,
            types={self._type(n): tuple(map(self._type, p)) for n, p in domain.types.items()},
            constants=self._typed(domain.constants),
            predicates={
                self._predicate(n): Predicate(self._predicate(n), self._typed(p.parameters))
                for n, p in domain.predicates.items()
            },
            functions={
                n: Predicate(n, self._typed(f.parameters)) for n, f in domain.functions.items()
            },
            actions={
                self.actions.get(n, n): Action(
                    self.actions.get(n, n),
                    self._typed(a.parameters),
                    self._formula(a.precondition),
                    tuple(map(self._effect, a.effects)),
                )
                for n, a in domain.actions.items()
            },
            free_names=frozenset(self.objects.get(n, n) for n in domain.free_names),
        )

    def _problem(self, problem: Problem) -> Problem:
        return replace(
            problem,
            objects=self._typed(problem.objects),
            init=frozenset(map(self._atom, problem.init)),
            goal=self._formula(problem.goal),
            init_values={
                Atom(t.predicate, self._terms(t.args)): v for t, v in problem.init_values.items()
            },
        )

    def _type(self, name: str) -> str:
        return self.types.get(name, name)

    def _predicate(self, name: str) -> str:
        return self.predicates.get(name, name)

    def _terms(self, terms: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.objects.get(t, t) for t in terms)

    def _typed(self, names: tuple[TypedName, ...]) -> tuple[TypedName, ...]:
        return tuple(
            TypedName(self.objects.get(n.name, n.name), tuple(map(self._type, n.types)))
            for n in names
        )

    def _atom(self, atom: Atom) -> Atom:
        return Atom(self._predicate(atom.predicate), self._terms(atom.args))

    def _formula(self, formula: Formula) -> Formula:
        match formula:
            case Atom():
                return self._atom(formula)
            case Negation(child):
                return Negation(self._formula(child))
            case Conjunction(children):
                return Conjunction(tuple(map(self._formula, children)))
            case Disjunction(children):
                return Disjunction(tuple(map(self._formula, children)))
            case Implication(premise, conclusion):
                return Implication(self._formula(premise), self._formula(conclusion))
            case Forall(variables, child):
                return Forall(self._typed(variables), self._formula(child))
            case Exists(variables, child):
                return Exists(self._typed(variables), self._formula(child))

    def _effect(self, effect: Effect) -> Effect:
        match effect:
            case Atom():
                return self._atom(effect)
            case Negation(Atom() as atom):
                return Negation(self._atom(atom))
            case When(condition, inner):
                return When(self._formula(condition), tuple(map(self._effect, inner)))
            case ForallEffect(variables, inner):
                return ForallEffect(self._typed(variables), tuple(map(self._effect, inner)))
            case Increase(Atom(predicate, args)):
                return Increase(Atom(predicate, self._terms(args)))
        return effect


def rename_task(task: Task, level: NameLevel, seed: int) -> tuple[Task, Renaming]:
    """Renames a task.

    Args:
        task: The task.
        level: What the new names are like.
        seed: Seed of the choice; the same names are always given to the same task.

    Returns:
        The renamed task and the renaming, whose inverse leads back.
    """
    wanted = {
        "actions": list(task.domain.actions),
        "predicates": [n for n in task.domain.predicates if n != "="],
        "types": [n for n in task.domain.types if n != ROOT_TYPE],
        "objects": list(task.objects),
    }
    fixed = frozenset(task.domain.functions)
    renaming = Renaming(**choose(wanted, fixed, level, seed))
    return renaming.apply_task(task), renaming
