"""Action schemas compiled once per domain, so that grounding an action is a few lookups."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter

from surefoot.pddl.language.model import (
    Action,
    Atom,
    Conjunction,
    Domain,
    Formula,
    Increase,
    Negation,
)

AtomOf = Callable[[tuple[str, ...]], tuple[str, ...]]
"""Makes a ground atom from an action's arguments followed by the schema's ``names``."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema whose precondition is a conjunction of literals and whose effects are plain.

    Attributes:
        names: Predicates and constants that the atoms use beside the arguments.
        needs: Atoms that must be present.
        forbids: Atoms that must be absent.
        equalities: Pairs of places that must be equal (or, if false, different).
        adds: Atoms that become true.
        deletes: Atoms that become false.
        cost: Fixed cost.
    """

    names: tuple[str, ...]
    needs: tuple[AtomOf, ...]
    forbids: tuple[AtomOf, ...]
    equalities: tuple[tuple[int, int, bool], ...]
    adds: tuple[AtomOf, ...]
    deletes: tuple[AtomOf, ...]
    cost: float


_compiled: dict[int, dict[str, Schema]] = {}


def schemas(domain: Domain) -> dict[str, Schema]:
    """Returns the compiled schemas of a domain; actions that are not simple are missing."""
    known = _compiled.get(id(domain))
    if known is None:
        known = {}
        for action in domain.actions.values():
            compiled = _compile(action)
            if compiled is not None:
                known[action.name] = compiled
        _compiled[id(domain)] = known
        weakref.finalize(domain, _compiled.pop, id(domain), None)
    return known


def _compile(action: Action) -> Schema | None:
    literals = list(_literals(action.precondition, True))
    if None in literals:
        return None
    places = {p.name: i for i, p in enumerate(action.parameters)}
    names: list[str] = []

    def place(name: str) -> int:
        if name not in places:
            places[name] = len(action.parameters) + len(names)
            names.append(name)
        return places[name]

    def atom_of(atom: Atom) -> AtomOf:
        if not atom.args:
            whole = (atom.predicate,)
            return lambda _: whole
        # a predicate may be called like a constant; the places of names are shared, no harm
        return itemgetter(place(atom.predicate), *map(place, atom.args))

    needs: list[AtomOf] = []
    forbids: list[AtomOf] = []
    equalities: list[tuple[int, int, bool]] = []
    for literal in literals:
        assert literal is not None
        atom, positive = literal
        if atom.predicate == "=":
            equalities.append((place(atom.args[0]), place(atom.args[1]), positive))
        else:
            (needs if positive else forbids).append(atom_of(atom))
    adds: list[AtomOf] = []
    deletes: list[AtomOf] = []
    cost = 0.0
    for effect in action.effects:
        match effect:
            case Atom():
                adds.append(atom_of(effect))
            case Negation(Atom() as atom):
                deletes.append(atom_of(atom))
            case Increase(amount) if not isinstance(amount, Atom):
                cost += amount
            case _:
                return None
    return Schema(
        tuple(names),
        tuple(needs),
        tuple(forbids),
        tuple(equalities),
        tuple(adds),
        tuple(deletes),
        cost,
    )


def _literals(formula: Formula, positive: bool) -> Iterable[tuple[Atom, bool] | None]:
    """Yields a conjunction's literals; ``None`` where it is not one."""
    match formula:
        case Atom():
            yield formula, positive
        case Negation(child):
            yield from _literals(child, not positive)
        case Conjunction(children) if positive or not children:
            if not positive:
                yield None
            for child in children:
                yield from _literals(child, positive)
        case _:
            yield None
