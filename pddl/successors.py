"""Applicable actions by joining preconditions with the facts of a state.

Never instantiates a schema over all objects: parameters are bound from the facts that
the precondition demands, the rest from their types.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from functools import cached_property

from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language.model import Action, Atom, Conjunction, Formula, PlanStep

Partial = tuple[str | None, ...]
"""Arguments of an action, ``None`` where still open."""


class StateView:
    """A state indexed by predicate, for many queries on the same state.

    Args:
        ground: The task.
        state: Fact numbers that hold.
    """

    def __init__(self, ground: GroundTask, state: Set[int]) -> None:
        self.ground = ground
        self.state = state

    @cached_property
    def by_predicate(self) -> dict[str, list[tuple[str, ...]]]:
        """The state's facts as argument tuples, by predicate."""
        table: dict[str, list[tuple[str, ...]]] = {}
        atoms = self.ground.atoms
        for number in sorted(self.state):
            name, *args = atoms[number]
            table.setdefault(name, []).append(tuple(args))
        return table

    def actions(self) -> Iterator[GroundAction]:
        """Yields all applicable actions, in a fixed order."""
        for schema in self.ground.task.domain.actions.values():
            yield from self.complete(schema, (None,) * len(schema.parameters))

    def complete(self, schema: Action, partial: Partial) -> Iterator[GroundAction]:
        """Yields the applicable instances of a schema that agree with given arguments.

        Args:
            schema: The action.
            partial: Its arguments as far as they are known, in parameter order.
        """
        for args in self.bindings(schema, partial):
            action = self.ground.ground(PlanStep(schema.name, args))
            if action.applicable(self.state):
                yield action

    def bindings(self, schema: Action, partial: Partial) -> Iterator[tuple[str, ...]]:
        """Yields argument tuples whose positive preconditions and types hold in the state."""
        fits = [self.ground.fits(p.types) for p in schema.parameters]
        binding: dict[str, str] = {}
        for parameter, value, allowed in zip(schema.parameters, partial, fits, strict=True):
            if value is not None:
                if value not in allowed:
                    return
                binding[parameter.name] = value
        types = {p.name: allowed for p, allowed in zip(schema.parameters, fits, strict=True)}
        names = tuple(types)
        atoms = positive_atoms(schema.precondition)
        for found in self._join(atoms, binding, types):
            yield from self._fill(names, found, types)

    def _join(
        self, atoms: Sequence[Atom], binding: dict[str, str], types: dict[str, frozenset[str]]
    ) -> Iterator[dict[str, str]]:
        if not atoms:
            yield binding
            return

        # the atom with the fewest open variables first, then the smallest relation
        def rank(atom: Atom) -> tuple[int, int]:
            opened = {a for a in atom.args if a.startswith("?") and a not in binding}
            return len(opened), len(self.by_predicate.get(atom.predicate, ()))

        chosen = min(atoms, key=rank)
        rest = [atom for atom in atoms if atom is not chosen]
        for fact in self.by_predicate.get(chosen.predicate, ()):
            extended = _unify(chosen.args, fact, binding, types)
            if extended is not None:
                yield from self._join(rest, extended, types)

    def _fill(
        self, names: tuple[str, ...], binding: dict[str, str], types: dict[str, frozenset[str]]
    ) -> Iterator[tuple[str, ...]]:
        missing = next((name for name in names if name not in binding), None)
        if missing is None:
            yield tuple(binding[name] for name in names)
            return
        for value in self.ground.task.objects:
            if value in types[missing]:
                yield from self._fill(names, {**binding, missing: value}, types)


def _unify(
    pattern: tuple[str, ...],
    fact: tuple[str, ...],
    binding: dict[str, str],
    types: dict[str, frozenset[str]],
) -> dict[str, str] | None:
    extended = binding
    for term, value in zip(pattern, fact, strict=True):
        if not term.startswith("?"):
            if term != value:
                return None
            continue
        bound = extended.get(term)
        if bound is None:
            if value not in types[term]:
                return None
            if extended is binding:
                extended = dict(binding)
            extended[term] = value
        elif bound != value:
            return None
    return extended


def positive_atoms(formula: Formula) -> list[Atom]:
    """Returns the atoms that a formula demands outright (its positive top-level conjuncts)."""
    match formula:
        case Atom(predicate):
            return [] if predicate == "=" else [formula]
        case Conjunction(children):
            return [atom for child in children for atom in positive_atoms(child)]
        case _:
            return []


def reachable_actions(ground: GroundTask) -> list[GroundAction]:
    """Grounds every action that can become applicable when deletes are ignored.

    A fixpoint over the delete relaxation; negative and other non-atomic conditions are
    taken as satisfiable, so the result is a superset of what plans can use.
    """
    facts = set(ground.initial)
    found: dict[PlanStep, GroundAction] = {}
    grown = True
    while grown:
        grown = False
        view = StateView(ground, frozenset(facts))
        for schema in ground.task.domain.actions.values():
            for args in view.bindings(schema, (None,) * len(schema.parameters)):
                step = PlanStep(schema.name, args)
                if step in found:
                    continue
                action = found[step] = ground.ground(step)
                new = {*action.adds, *(f for e in action.conditional for f in e.adds)} - facts
                facts |= new
                grown = True
    return list(found.values())
