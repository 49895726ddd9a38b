"""Formulas without temporal operators, evaluated on many labels at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import (
    And,
    False_,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Prop,
    True_,
    Xor,
)
from surefoot.verification.modelchecking.systems import TransitionSystem

Truth = NDArray[np.bool_]

_TRUE: Truth = np.ones((), np.bool_)

_BOOLEAN = (True_, False_, Prop, Not, And, Or, Implies, Iff, Xor)


def is_propositional(formula: Formula) -> bool:
    """Whether a formula has no temporal operator."""
    return all(isinstance(part, _BOOLEAN) for part in formula.walk())


def evaluate_boolean(formula: Formula, column: Callable[[str], Truth]) -> Truth:
    """Evaluates a formula without temporal operators.

    Args:
        formula: The formula.
        column: The truth values of a proposition, all columns of one shape.

    Raises:
        InputError: The formula has a temporal operator.
    """
    match formula:
        case Prop(name):
            return column(name)
        case True_():
            return _TRUE
        case False_():
            return ~_TRUE
        case Not(child):
            return ~evaluate_boolean(child, column)
    parts = [evaluate_boolean(part, column) for part in formula.operands]
    match formula:
        case And():
            return reduce(np.logical_and, parts, _TRUE)
        case Or():
            return reduce(np.logical_or, parts, ~_TRUE)
        case Implies():
            return ~parts[0] | parts[1]
        case Iff():
            return ~(parts[0] ^ parts[1])
        case Xor():
            return parts[0] ^ parts[1]
    raise InputError(f"'{formula}' looks into the future; only facts of one step can stand here")


def truth(formula: Formula, system: TransitionSystem) -> Truth:
    """Evaluates a formula without temporal operators in every state, shape [states]."""
    for name in formula.propositions:
        system.letters((name,))  # says which one is unknown
    place = {name: i for i, name in enumerate(system.names)}
    value = evaluate_boolean(formula, lambda name: system.labels[:, place[name]])
    return np.broadcast_to(value, (system.states,)).copy()
