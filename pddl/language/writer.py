"""Writing PDDL back out; reading the result gives an equal domain or problem."""

from __future__ import annotations

from collections.abc import Iterable

from surefoot.pddl.language.model import (
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
    Predicate,
    Problem,
    TypedName,
    When,
)
from surefoot.pddl.language.scope import type_text


def write_domain(domain: Domain) -> str:
    """Writes a domain as PDDL text."""
    parts = [f"(define (domain {domain.name})"]
    if domain.requirements:
        parts.append(f"  (:requirements {' '.join(':' + r for r in domain.requirements)})")
    if domain.types:
        rows = [
            f"    {name} - {parent}" for name, parents in domain.types.items() for parent in parents
        ]
        parts.append("  (:types\n" + "\n".join(rows) + ")")
    if domain.constants:
        parts.append(f"  (:constants {_typed(domain.constants)})")
    if domain.predicates:
        rows = [f"    {_signature(p)}" for p in domain.predicates.values()]
        parts.append("  (:predicates\n" + "\n".join(rows) + ")")
    if domain.functions:
        rows = [f"    {_signature(f)} - number" for f in domain.functions.values()]
        parts.append("  (:functions\n" + "\n".join(rows) + ")")
    parts.extend(_action(action) for action in domain.actions.values())
    return "\n".join(parts) + ")\n"


def write_problem(problem: Problem) -> str:
    """Writes a problem as PDDL text, facts sorted so that equal problems give equal text."""
    facts = sorted(str(atom) for atom in problem.init)
    values = [f"(= {term} {_number(value)})" for term, value in problem.init_values.items()]
    parts = [
        f"(define (problem {problem.name})",
        f"  (:domain {problem.domain_name})",
        f"  (:objects {_typed(problem.objects)})",
        "  (:init\n" + "\n".join(f"    {fact}" for fact in (*facts, *sorted(values))) + ")",
        f"  (:goal {write_formula(problem.goal)})",
    ]
    if problem.minimize_cost:
        parts.append("  (:metric minimize (total-cost))")
    return "\n".join(parts) + ")\n"


def write_formula(formula: Formula) -> str:
    """Writes a condition."""
    match formula:
        case Atom():
            return str(formula)
        case Negation(child):
            return f"(not {write_formula(child)})"
        case Conjunction(children):
            return _list("and", map(write_formula, children))
        case Disjunction(children):
            return _list("or", map(write_formula, children))
        case Implication(premise, conclusion):
            return f"(imply {write_formula(premise)} {write_formula(conclusion)})"
        case Forall(variables, child):
            return f"(forall ({_typed(variables)}) {write_formula(child)})"
        case Exists(variables, child):
            return f"(exists ({_typed(variables)}) {write_formula(child)})"


def _effects(effects: Iterable[Effect]) -> str:
    return _list("and", map(_effect, effects))


def _effect(effect: Effect) -> str:
    match effect:
        case Atom():
            return str(effect)
        case Negation(child):
            return f"(not {write_formula(child)})"
        case When(condition, effects):
            return f"(when {write_formula(condition)} {_effects(effects)})"
        case ForallEffect(variables, effects):
            return f"(forall ({_typed(variables)}) {_effects(effects)})"
        case Increase(amount):
            text = str(amount) if isinstance(amount, Atom) else _number(amount)
            return f"(increase (total-cost) {text})"


def _action(action: Action) -> str:
    return (
        f"  (:action {action.name}\n"
        f"    :parameters ({_typed(action.parameters)})\n"
        f"    :precondition {write_formula(action.precondition)}\n"
        f"    :effect {_effects(action.effects)})"
    )


def _signature(predicate: Predicate) -> str:
    inner = _typed(predicate.parameters)
    return f"({predicate.name} {inner})" if inner else f"({predicate.name})"


def _typed(names: Iterable[TypedName]) -> str:
    return " ".join(f"{n.name} - {type_text(n.types)}" for n in names)


def _list(head: str, children: Iterable[str]) -> str:
    return f"({' '.join((head, *children))})"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
