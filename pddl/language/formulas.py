"""Reading formulas and effects."""

from __future__ import annotations

import math

from surefoot.pddl.language.model import (
    COST,
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
    When,
)
from surefoot.pddl.language.scope import NameScope, variable_list
from surefoot.pddl.language.sexpr import Node, SList, Symbol, shorten

_UNSUPPORTED_FORMULA = {
    **dict.fromkeys(["<", ">", "<=", ">="], "numeric comparisons (:numeric-fluents)"),
    "preference": "preferences (:preferences)",
    **dict.fromkeys(["at start", "over all", "at end"], "durative conditions"),
    **dict.fromkeys(
        [
            "always",
            "sometime",
            "within",
            "at-most-once",
            "sometime-after",
            "sometime-before",
            "always-within",
            "hold-during",
            "hold-after",
        ],
        "trajectory constraints (:constraints)",
    ),
}
_UNSUPPORTED_EFFECT = dict.fromkeys(
    ["assign", "decrease", "scale-up", "scale-down"], "numeric effects (:numeric-fluents)"
)


def read_formula(scope: NameScope, node: Node) -> Formula:
    """Reads a condition; ``()`` is the empty conjunction.

    Raises:
        InputError: Unknown names, wrong arity or type, or an unsupported construct.
    """
    fail = scope.source.fail
    if not isinstance(node, SList):
        fail(f"expected a condition in parentheses, found '{shorten(node)}'", node)
    if not node:
        return Conjunction()
    head = scope.symbol(node[0], "a predicate or a connective")
    if head in scope.domain.predicates and head not in _CONNECTIVES:
        return Atom(head, scope.arguments(node, scope.domain.predicates, "predicate"))
    if head == "and":
        return Conjunction(tuple(read_formula(scope, child) for child in node[1:]))
    if head == "or":
        return Disjunction(tuple(read_formula(scope, child) for child in node[1:]))
    if head == "not":
        return Negation(read_formula(scope, _only(scope, node)))
    if head == "imply":
        if len(node) != 3:
            fail("'imply' takes two conditions", node)
        return Implication(read_formula(scope, node[1]), read_formula(scope, node[2]))
    if head in ("forall", "exists"):
        if len(node) != 3 or not isinstance(node[1], SList):
            fail(f"write ({head} (?x - type …) condition)", node)
        variables = variable_list(scope, node[1])
        child = read_formula(scope.bind(variables), node[2])
        return Forall(variables, child) if head == "forall" else Exists(variables, child)
    if head == "=":
        return _equality(scope, node)
    if head in _UNSUPPORTED_FORMULA:
        scope.source.unsupported(_UNSUPPORTED_FORMULA[head], node)
    return Atom(head, scope.arguments(node, scope.domain.predicates, "predicate"))


_CONNECTIVES = frozenset({"and", "or", "not", "imply", "forall", "exists", "="})

KEYWORDS = frozenset({*_CONNECTIVES, "when", "increase"}) - {"="}
"""Words that no predicate can be called: ``(not x)`` would mean two things. Some suites declare
the built-in ``=`` as if it were a predicate, which changes nothing."""


def _equality(scope: NameScope, node: SList) -> Atom:
    if len(node) != 3:
        scope.source.fail("'=' takes two terms", node)
    if any(isinstance(child, SList) for child in node[1:]):
        scope.source.unsupported("numeric comparisons (:numeric-fluents)", node)
    return Atom("=", tuple(scope.term(child) for child in node[1:]))


def _only(scope: NameScope, node: SList) -> Node:
    if len(node) != 2:
        scope.source.fail(f"'{node[0]}' takes one condition", node)
    return node[1]


def read_effects(scope: NameScope, node: Node) -> tuple[Effect, ...]:
    """Reads an effect and flattens its conjunctions.

    Raises:
        InputError: As for :func:`read_formula`; also for numeric effects other than
            increasing ``total-cost``.
    """
    fail = scope.source.fail
    if not isinstance(node, SList):
        fail(f"expected an effect in parentheses, found '{shorten(node)}'", node)
    if not node:
        return ()
    head = scope.symbol(node[0], "a predicate or 'and', 'not', 'when', 'forall', 'increase'")
    if head == "and":
        return tuple(effect for child in node[1:] for effect in read_effects(scope, child))
    if head == "not":
        return (Negation(_effect_atom(scope, _only(scope, node))),)
    if head == "when":
        if len(node) != 3:
            fail("write (when condition effect)", node)
        effects = read_effects(scope, node[2])
        _refuse_costs(scope, effects, node)
        return (When(read_formula(scope, node[1]), effects),)
    if head == "forall":
        if len(node) != 3 or not isinstance(node[1], SList):
            fail("write (forall (?x - type …) effect)", node)
        variables = variable_list(scope, node[1])
        effects = read_effects(scope.bind(variables), node[2])
        _refuse_costs(scope, effects, node)
        return (ForallEffect(variables, effects),)
    if head == "increase":
        return (_increase(scope, node),)
    if head in _UNSUPPORTED_EFFECT and head not in scope.domain.predicates:
        scope.source.unsupported(_UNSUPPORTED_EFFECT[head], node)
    return (_effect_atom(scope, node),)


def _refuse_costs(scope: NameScope, effects: tuple[Effect, ...], node: SList) -> None:
    if any(isinstance(effect, Increase) for effect in effects):
        scope.source.unsupported("an action cost inside 'when' or 'forall'", node)


def _effect_atom(scope: NameScope, node: Node) -> Atom:
    if not isinstance(node, SList) or not node:
        scope.source.fail("expected (predicate term …)", node)
    if node[0] == "=":
        scope.source.fail("'=' cannot be changed by an effect", node)
    return Atom(str(node[0]), scope.arguments(node, scope.domain.predicates, "predicate"))


def _increase(scope: NameScope, node: SList) -> Increase:
    fail = scope.source.fail
    if len(node) != 3:
        fail("write (increase (total-cost) amount)", node)
    target, amount = node[1], node[2]
    name = target[0] if isinstance(target, SList) and target else target
    if name != COST:
        scope.source.unsupported("numeric effects on anything but (total-cost)", target)
    if isinstance(amount, Symbol):
        return Increase(read_number(scope, amount))
    if not amount or amount[0] in ("+", "-", "*", "/"):
        scope.source.unsupported("arithmetic in action costs", amount)
    if amount[0] == COST:
        scope.source.unsupported("a cost that depends on (total-cost)", amount)
    args = scope.arguments(amount, scope.domain.functions, "function")
    return Increase(Atom(str(amount[0]), args))


def read_number(scope: NameScope, node: Node) -> float:
    """Reads a finite, non-negative number."""
    text = scope.symbol(node, "a number")
    try:
        value = float(text)
    except ValueError:
        scope.source.fail(f"expected a number, found '{shorten(text)}'", node)
    if not math.isfinite(value) or value < 0:
        scope.source.fail(f"costs must be finite and not negative, found '{shorten(text)}'", node)
    return value
