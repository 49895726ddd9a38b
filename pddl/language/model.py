"""The data model of PDDL 2.1/3.x classical planning.

Everything is frozen and hashable. Names are lower case; variables keep their ``?``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

ROOT_TYPE = "object"

COST = "total-cost"
"""The function that actions may increase and a metric may minimise."""


@dataclass(frozen=True, slots=True)
class TypedName:
    """A variable, constant or object with its type; several types mean ``either``."""

    name: str
    types: tuple[str, ...] = (ROOT_TYPE,)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A predicate (or a numeric function) with its typed parameters."""

    name: str
    parameters: tuple[TypedName, ...] = ()


@dataclass(frozen=True, slots=True)
class Atom:
    """``(predicate term …)``; the predicate ``=`` is equality of two terms."""

    predicate: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"({' '.join((self.predicate, *self.args))})"


@dataclass(frozen=True, slots=True)
class Negation:
    """Negation of a formula."""

    child: Formula


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Conjunction; the empty one is true."""

    children: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Disjunction; the empty one is false."""

    children: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Implication:
    """Implication."""

    premise: Formula
    conclusion: Formula


@dataclass(frozen=True, slots=True)
class Forall:
    """Universal quantification over typed variables."""

    variables: tuple[TypedName, ...]
    child: Formula


@dataclass(frozen=True, slots=True)
class Exists:
    """Existential quantification over typed variables."""

    variables: tuple[TypedName, ...]
    child: Formula


Formula = Atom | Negation | Conjunction | Disjunction | Implication | Forall | Exists


@dataclass(frozen=True, slots=True)
class When:
    """Conditional effect ``(when condition effects)``."""

    condition: Formula
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class ForallEffect:
    """Universal effect ``(forall (variables) effects)``."""

    variables: tuple[TypedName, ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Increase:
    """``(increase (total-cost) amount)``; the amount is a number or a static function term."""

    amount: float | Atom


Effect = Atom | Negation | When | ForallEffect | Increase
"""An added atom, a deleted atom (``Negation`` of an ``Atom``), or a compound effect."""


@dataclass(frozen=True, slots=True)
class Action:
    """An action schema; ``effects`` is the flattened conjunction."""

    name: str
    parameters: tuple[TypedName, ...]
    precondition: Formula
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Domain:
    """A planning domain.

    Attributes:
        name: Domain name.
        requirements: The ``:requirements`` flags as written, without the colon.
        types: Declared types with all their declared parents (duplicates merged).
        constants: Domain constants.
        predicates: Predicates by name.
        functions: Numeric functions by name (``total-cost`` and static cost terms).
        actions: Action schemas by name, in file order.
        free_names: Object names that actions use without a declaration; a problem
            must declare them (real files do this, e.g. tyreworld's ``wrench``).
        warnings: What was read although it looks like a mistake, one line each with its place.
    """

    name: str
    requirements: tuple[str, ...] = ()
    types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    constants: tuple[TypedName, ...] = ()
    predicates: dict[str, Predicate] = field(default_factory=dict)
    functions: dict[str, Predicate] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    free_names: frozenset[str] = field(default=frozenset(), compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    @cached_property
    def supertypes(self) -> dict[str, frozenset[str]]:
        """Every type with itself and all its ancestors, ``object`` always among them."""
        closed: dict[str, frozenset[str]] = {}
        for name in (ROOT_TYPE, *self.types):
            seen = {name, ROOT_TYPE}
            queue = [name]
            while queue:
                for parent in self.types.get(queue.pop(), ()):
                    if parent not in seen:
                        seen.add(parent)
                        queue.append(parent)
            closed[name] = frozenset(seen)
        return closed

    def is_subtype(self, types: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
        """Returns whether every alternative of ``types`` lies below some type in ``wanted``."""
        above = self.supertypes
        return all(any(w in above[t] for w in wanted) for t in types)


@dataclass(frozen=True)
class Problem:
    """A planning problem.

    Attributes:
        name: Problem name.
        domain_name: The domain it says it belongs to.
        objects: Declared objects (without the domain's constants).
        init: True atoms of the initial state.
        init_values: Initial numeric values, by function term.
        goal: Goal formula.
        minimize_cost: Whether the metric is ``(minimize (total-cost))``; otherwise
            every action costs 1.
        warnings: What was read although it looks like a mistake, one line each with its place.
    """

    name: str
    domain_name: str
    objects: tuple[TypedName, ...]
    init: frozenset[Atom]
    goal: Formula
    init_values: dict[Atom, float] = field(default_factory=dict)
    minimize_cost: bool = False
    warnings: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Task:
    """A domain with one of its problems; what planners and validators work on."""

    domain: Domain
    problem: Problem
    name: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of both files."""
        return (*self.domain.warnings, *self.problem.warnings)

    @property
    def initial_cost(self) -> float:
        """What ``(total-cost)`` is before the first action; 0 without a cost metric.

        It counts in a plan's cost, as VAL and unified-planning do.
        """
        if not self.problem.minimize_cost:
            return 0.0
        return self.problem.init_values.get(Atom(COST), 0.0)

    @cached_property
    def objects(self) -> dict[str, tuple[str, ...]]:
        """All objects and constants with their types."""
        return {o.name: o.types for o in (*self.domain.constants, *self.problem.objects)}

    @cached_property
    def objects_by_type(self) -> dict[str, tuple[str, ...]]:
        """For every type the names of its objects, subtypes included, in file order."""
        above = self.domain.supertypes
        found: dict[str, list[str]] = {name: [] for name in above}
        for name, types in self.objects.items():
            for ancestor in frozenset().union(*(above[t] for t in types)):
                found[ancestor].append(name)
        return {name: tuple(members) for name, members in found.items()}

    def objects_of(self, types: tuple[str, ...]) -> tuple[str, ...]:
        """Returns the objects that fit a parameter's type (or ``either`` types)."""
        if len(types) == 1:
            return self.objects_by_type[types[0]]
        return tuple(dict.fromkeys(name for t in types for name in self.objects_by_type[t]))


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One ground action of a plan."""

    action: str
    args: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"({' '.join((self.action, *self.args))})"


@dataclass(frozen=True, slots=True)
class Plan:
    """A sequence of ground actions."""

    steps: tuple[PlanStep, ...] = ()

    def __len__(self) -> int:
        return len(self.steps)
