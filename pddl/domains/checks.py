"""Checks that a problem belongs to a domain and can be described in words."""

from __future__ import annotations

from collections.abc import Iterator

from surefoot.core.errors import InputError
from surefoot.pddl.language import (
    Atom,
    Conjunction,
    Disjunction,
    Domain,
    Exists,
    Forall,
    Formula,
    Implication,
    Increase,
    Negation,
    Problem,
)

_COST = Atom("total-cost")


def check_describable(domain: Domain, problem: Problem) -> None:
    """Checks that every part of a problem can be described in the words of a domain.

    Raises:
        InputError: With the first thing that cannot be described.
    """
    names = {item.name for item in (*domain.constants, *problem.objects)}
    for item in problem.objects:
        for kind in item.types:
            if kind not in domain.supertypes:
                _refuse(domain, problem, f"'{item.name}' has the unknown type '{kind}'")
    for atom in sorted(problem.init, key=str):
        _check_atom(domain, problem, atom, names)
    for atom, bound in _atoms(problem.goal, frozenset()):
        _check_atom(domain, problem, atom, names | bound)
    for term, value in problem.init_values.items():
        if term != _COST or value != 0:
            _refuse(domain, problem, f"its start sets {term} to {value:g}")
    if problem.minimize_cost and not any(
        isinstance(effect, Increase)
        for action in domain.actions.values()
        for effect in action.effects
    ):
        _refuse(domain, problem, "it minimises total-cost, but the actions have no costs")


def _check_atom(domain: Domain, problem: Problem, atom: Atom, names: set[str]) -> None:
    declared = domain.predicates.get(atom.predicate)
    if atom.predicate != "=" and declared is None:
        _refuse(domain, problem, f"the domain has no predicate '{atom.predicate}'")
    wanted = 2 if declared is None else len(declared.parameters)
    if len(atom.args) != wanted:
        _refuse(domain, problem, f"{atom} must have {wanted} arguments")
    for arg in atom.args:
        if arg not in names:
            _refuse(domain, problem, f"{atom} names '{arg}', which is no object of the problem")


def _atoms(formula: Formula, bound: frozenset[str]) -> Iterator[tuple[Atom, frozenset[str]]]:
    match formula:
        case Atom():
            yield formula, bound
        case Negation(child):
            yield from _atoms(child, bound)
        case Conjunction(children) | Disjunction(children):
            for child in children:
                yield from _atoms(child, bound)
        case Implication(premise, conclusion):
            yield from _atoms(premise, bound)
            yield from _atoms(conclusion, bound)
        case Forall(variables, child) | Exists(variables, child):
            yield from _atoms(child, bound | {v.name for v in variables})


def _refuse(domain: Domain, problem: Problem, reason: str) -> None:
    raise InputError(f"cannot describe problem '{problem.name}' as {domain.name}: {reason}")
