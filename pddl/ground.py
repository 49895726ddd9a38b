"""Lazy grounding: facts become integers and actions become set operations on demand.

Nothing is instantiated before a plan or a search asks for it, so that reading a task
and checking one plan costs well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from itertools import product
from math import prod

from surefoot.core.errors import InputError
from surefoot.pddl.conditions import All, Any, Condition, Constant, Literal, conjuncts, holds
from surefoot.pddl.language.model import (
    Action,
    Atom,
    Conjunction,
    Disjunction,
    Effect,
    Exists,
    Forall,
    ForallEffect,
    Formula,
    Implication,
    Increase,
    Negation,
    PlanStep,
    Task,
    TypedName,
    When,
)
from surefoot.pddl.schema import Schema, schemas

MAX_EXPANSION = 1_000_000
"""Largest number of instances that one quantifier may have."""

Binding = dict[str, str]


@dataclass(frozen=True, slots=True)
class ConditionalEffect:
    """Facts added and deleted where a condition holds before the action."""

    condition: Condition
    adds: tuple[int, ...]
    deletes: tuple[int, ...]


class GroundAction:
    """An action with its arguments put in.

    Attributes:
        step: The action's name and arguments.
        needs: Facts that must be present (the positive literals of ``precondition``).
        forbids: Facts that must be absent (its negative literals).
        plain: Whether these two say all that ``precondition`` says.
        adds: Facts that become true; adding wins over deleting, as PDDL defines.
        deletes: Facts that become false.
        conditional: Effects with a condition.
        cost: What it adds to the plan's cost; 1 where the task has no cost metric.
    """

    __slots__ = (
        "_precondition",
        "_task",
        "adds",
        "conditional",
        "cost",
        "deletes",
        "forbids",
        "needs",
        "plain",
        "step",
    )

    def __init__(
        self,
        task: GroundTask,
        step: PlanStep,
        precondition: Condition | None,
        needs: frozenset[int],
        forbids: frozenset[int],
        plain: bool,
        adds: tuple[int, ...],
        deletes: tuple[int, ...],
        conditional: tuple[ConditionalEffect, ...],
        cost: float,
    ) -> None:
        self._task = task
        self._precondition = precondition
        self.step = step
        self.needs = needs
        self.forbids = forbids
        self.plain = plain
        self.adds = adds
        self.deletes = deletes
        self.conditional = conditional
        self.cost = cost

    @property
    def precondition(self) -> Condition:
        """Condition that must hold before it, made when it is first asked for."""
        if self._precondition is None:
            schema = self._task.task.domain.actions[self.step.action]
            names = (p.name for p in schema.parameters)
            binding = dict(zip(names, self.step.args, strict=True))
            self._precondition = self._task.condition(schema.precondition, binding)
        return self._precondition

    def applicable(self, state: Set[int]) -> bool:
        """Returns whether the precondition holds."""
        if not self.needs <= state or not self.forbids.isdisjoint(state):
            return False
        return self.plain or holds(self.precondition, state)

    def apply(self, state: set[int]) -> None:
        """Changes the state in place, whether or not the action is applicable."""
        if self.conditional:
            active = [e for e in self.conditional if holds(e.condition, state)]
            state.difference_update(self.deletes, *(e.deletes for e in active))
            state.update(self.adds, *(e.adds for e in active))
        else:
            state.difference_update(self.deletes)
            state.update(self.adds)


class GroundTask:
    """A task whose facts and actions are numbered as they are first met.

    Args:
        task: The lifted task.

    Attributes:
        initial: Numbers of the facts that are true at the start.
        goal: Ground goal condition.
        goals: Its conjuncts.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.atoms: list[tuple[str, ...]] = []
        self._numbers: dict[tuple[str, ...], int] = {}
        self._actions: dict[PlanStep, GroundAction] = {}
        self._fits: dict[tuple[str, ...], frozenset[str]] = {}
        self._schemas = schemas(task.domain)
        # in a fixed order: numbers decide the order of actions, and so what seeds draw
        init = sorted((a.predicate, *a.args) for a in task.problem.init)
        self.initial = frozenset(self.number(*atom) for atom in init)
        self.goal = self.condition(task.problem.goal, {})
        self.goals = tuple(conjuncts(self.goal))

    def number(self, *atom: str) -> int:
        """Returns the number of a fact ``(predicate, object, …)``, giving it one if new."""
        known = self._numbers.get(atom)
        if known is None:
            known = self._numbers[atom] = len(self.atoms)
            self.atoms.append(atom)
        return known

    def facts(self, state: Iterable[int]) -> frozenset[Atom]:
        """Translates fact numbers back to atoms."""
        return frozenset(Atom(self.atoms[n][0], self.atoms[n][1:]) for n in state)

    def fits(self, types: tuple[str, ...]) -> frozenset[str]:
        """Returns the objects that a parameter of these types accepts."""
        known = self._fits.get(types)
        if known is None:
            known = self._fits[types] = frozenset(self.task.objects_of(types))
        return known

    def goal_fraction(self, state: Set[int]) -> float:
        """Returns the fraction of the goal's conjuncts that hold; 1 for an empty goal."""
        if not self.goals:
            return 1.0
        return sum(holds(goal, state) for goal in self.goals) / len(self.goals)

    def ground(self, step: PlanStep) -> GroundAction:
        """Instantiates an action; the step must name a known action with fitting arguments."""
        known = self._actions.get(step)
        if known is None:
            schema = self._schemas.get(step.action)
            known = self._actions[step] = (
                self._instantiate(self.task.domain.actions[step.action], step)
                if schema is None
                else self._fill_in(schema, step)
            )
        return known

    def _fill_in(self, schema: Schema, step: PlanStep) -> GroundAction:
        """Instantiates a compiled schema."""
        terms = (*step.args, *schema.names)
        numbers, atoms = self._numbers, self.atoms

        def number(atom: tuple[str, ...]) -> int:
            known = numbers.get(atom)
            if known is None:
                known = numbers[atom] = len(atoms)
                atoms.append(atom)
            return known

        equal = all((terms[a] == terms[b]) is wanted for a, b, wanted in schema.equalities)
        return GroundAction(
            self,
            step,
            None,
            frozenset([number(make(terms)) for make in schema.needs]),
            frozenset([number(make(terms)) for make in schema.forbids]),
            equal,  # if it does not hold, the whole condition is looked at, and fails
            tuple([number(make(terms)) for make in schema.adds]),
            tuple([number(make(terms)) for make in schema.deletes]),
            (),
            schema.cost if self.task.problem.minimize_cost else 1.0,
        )

    def condition(self, formula: Formula, binding: Binding, positive: bool = True) -> Condition:
        """Grounds a formula in negation normal form.

        Args:
            formula: The lifted formula.
            binding: Object of each visible variable.
            positive: Whether the formula itself or its negation is wanted.
        """
        match formula:
            case Atom(predicate, args):
                terms = tuple(binding.get(arg, arg) for arg in args)
                if predicate == "=":
                    text = f"(= {terms[0]} {terms[1]})"
                    return Constant(
                        (terms[0] == terms[1]) is positive, text if positive else f"(not {text})"
                    )
                return Literal(self.number(predicate, *terms), positive, (predicate, *terms))
            case Negation(child):
                return self.condition(child, binding, not positive)
            case Conjunction(children):
                return self._join(
                    [self.condition(c, binding, positive) for c in children], positive
                )
            case Disjunction(children):
                return self._join(
                    [self.condition(c, binding, positive) for c in children], not positive
                )
            case Implication(premise, conclusion):
                sides = [
                    self.condition(premise, binding, not positive),
                    self.condition(conclusion, binding, positive),
                ]
                return self._join(sides, not positive)
            case Forall(variables, child) | Exists(variables, child):
                parts = [
                    self.condition(child, inner, positive)
                    for inner in self._expand(variables, binding)
                ]
                return self._join(parts, isinstance(formula, Forall) is positive)

    @staticmethod
    def _join(parts: list[Condition], conjunction: bool) -> Condition:
        if len(parts) == 1:
            return parts[0]
        if conjunction:
            return All(tuple(parts))
        return Any(tuple(parts), f"(or {' '.join(map(_text, parts))})" if parts else "(or)")

    def _expand(self, variables: tuple[TypedName, ...], binding: Binding) -> Iterable[Binding]:
        domains = [self.task.objects_of(v.types) for v in variables]
        if prod(map(len, domains)) > MAX_EXPANSION:
            raise InputError(
                f"a quantifier over ({' '.join(v.name for v in variables)}) has more than "
                f"{MAX_EXPANSION} instances; use fewer variables or objects"
            )
        names = [v.name for v in variables]
        for values in product(*domains):
            yield {**binding, **dict(zip(names, values, strict=True))}

    def _instantiate(self, schema: Action, step: PlanStep) -> GroundAction:
        names = [p.name for p in schema.parameters]
        binding = dict(zip(names, step.args, strict=True))
        precondition = self.condition(schema.precondition, binding)
        parts = list(conjuncts(precondition))
        needs = frozenset(p.fact for p in parts if isinstance(p, Literal) and p.positive)
        forbids = frozenset(p.fact for p in parts if isinstance(p, Literal) and not p.positive)
        plain = all(isinstance(p, Literal) for p in parts)
        adds: list[int] = []
        deletes: list[int] = []
        conditional: list[ConditionalEffect] = []
        cost = self._collect(schema.effects, binding, adds, deletes, conditional)
        if cost is None:  # the cost term has no value for these objects
            parts.append(Constant(False, f"(defined (cost {step}))"))
            precondition, plain = All(tuple(parts)), False
        if not self.task.problem.minimize_cost:
            cost = 1.0
        return GroundAction(
            self,
            step,
            precondition,
            needs,
            forbids,
            plain,
            tuple(adds),
            tuple(deletes),
            tuple(conditional),
            cost or 0.0,
        )

    def _collect(
        self,
        effects: Iterable[Effect],
        binding: Binding,
        adds: list[int],
        deletes: list[int],
        conditional: list[ConditionalEffect],
    ) -> float | None:
        cost: float | None = 0.0
        for effect in effects:
            match effect:
                case Atom(predicate, args):
                    adds.append(self.number(predicate, *(binding.get(a, a) for a in args)))
                case Negation(Atom(predicate, args)):
                    deletes.append(self.number(predicate, *(binding.get(a, a) for a in args)))
                case ForallEffect(variables, inner):
                    for extended in self._expand(variables, binding):
                        self._collect(inner, extended, adds, deletes, conditional)
                case When(formula, inner):
                    condition = self.condition(formula, binding)
                    when_adds: list[int] = []
                    when_deletes: list[int] = []
                    nested: list[ConditionalEffect] = []
                    self._collect(inner, binding, when_adds, when_deletes, nested)
                    conditional.append(
                        ConditionalEffect(condition, tuple(when_adds), tuple(when_deletes))
                    )
                    conditional.extend(
                        ConditionalEffect(All((condition, e.condition)), e.adds, e.deletes)
                        for e in nested
                    )
                case Increase(amount):
                    value = self._amount(amount, binding)
                    cost = None if value is None or cost is None else cost + value
        return cost

    def _amount(self, amount: float | Atom, binding: Binding) -> float | None:
        if not isinstance(amount, Atom):
            return amount
        term = Atom(amount.predicate, tuple(binding.get(a, a) for a in amount.args))
        return self.task.problem.init_values.get(term)


def _text(condition: Condition) -> str:
    if isinstance(condition, All):
        return f"(and {' '.join(map(_text, condition.parts))})"
    return condition.text
