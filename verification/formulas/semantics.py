"""Reference semantics of formulas, step by step: slow, short, and without automata.

LTLf on finite traces follows De Giacomo and Vardi (IJCAI 2013, section 2), who leave the empty
trace open. Here no proposition holds on it, since it has no step, every ``G``, ``W``, ``R``
and ``X`` holds and no ``F``, ``U``, ``M`` and ``X[!]`` does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    False_,
    Formula,
    Iff,
    Implies,
    Next,
    Not,
    Or,
    Prop,
    Release,
    StrongNext,
    StrongRelease,
    True_,
    Until,
    WeakUntil,
    Xor,
)

Step = Collection[str]
"""Names of the propositions that are true at a step."""


def evaluate(formula: Formula, trace: Sequence[Step]) -> bool:
    """Returns whether a finite trace satisfies a formula (LTLf).

    Args:
        formula: The formula.
        trace: The true propositions of each step; may be empty.
    """
    return truth(formula, trace)[0]


def evaluate_lasso(formula: Formula, prefix: Sequence[Step], loop: Sequence[Step]) -> bool:
    """Returns whether the infinite word ``prefix loop loop …`` satisfies a formula (LTL).

    Args:
        formula: The formula; weak and strong next are the same here.
        prefix: The true propositions of each step before the loop; may be empty.
        loop: The true propositions of each step that repeats for ever.

    Raises:
        InputError: The loop is empty.
    """
    if not loop:
        raise InputError("an infinite word needs a loop of at least one step")
    return truth(formula, [*prefix, *loop], back_to=len(prefix))[0]


def holds_on_empty(formula: Formula) -> bool:
    """Returns whether the empty trace satisfies a formula."""
    return truth(formula, ())[0]


def truth(formula: Formula, trace: Sequence[Step], *, back_to: int | None = None) -> list[bool]:
    """Evaluates a formula at every step.

    Args:
        formula: The formula.
        trace: The true propositions of each step.
        back_to: The step that follows the last one, of an infinite word; None if the
            trace ends.

    Returns:
        The truth at each step and, if the trace ends, that of the empty suffix.
    """
    known: dict[int, list[bool]] = {}
    return _truth(formula, trace, back_to, known)


def _truth(
    formula: Formula, trace: Sequence[Step], back_to: int | None, known: dict[int, list[bool]]
) -> list[bool]:
    key = id(formula)  # parts that a formula shares are evaluated once
    if key not in known:
        parts = [_truth(part, trace, back_to, known) for part in formula.operands]
        known[key] = _combined(formula, parts, trace, back_to)
    return known[key]


def _combined(
    formula: Formula, parts: list[list[bool]], trace: Sequence[Step], back_to: int | None
) -> list[bool]:
    count = len(trace) + (back_to is None)
    match formula:
        case True_() | False_():
            return [isinstance(formula, True_)] * count
        case Prop(name):
            return [name in step for step in trace] + [False] * (back_to is None)
        case Not():
            return [not value for value in parts[0]]
        case And():
            return [all(part[i] for part in parts) for i in range(count)]
        case Or():
            return [any(part[i] for part in parts) for i in range(count)]
        case Implies():
            return [not a or b for a, b in zip(*parts, strict=True)]
        case Iff():
            return [a == b for a, b in zip(*parts, strict=True)]
        case Xor():
            return [a != b for a, b in zip(*parts, strict=True)]
        case Next() | StrongNext():
            if back_to is not None:
                return [*parts[0][1:], parts[0][back_to]]
            beyond = isinstance(formula, Next)
            return [*parts[0][1:-1], *[beyond] * min(count, 2)]
        case Eventually():
            return _least([True] * count, parts[0], back_to)
        case Always():
            return _greatest([False] * count, parts[0], back_to)
        case Until():
            return _least(parts[0], parts[1], back_to)
        case WeakUntil():  # a W b is b R (a | b)
            either = [a or b for a, b in zip(*parts, strict=True)]
            return _greatest(parts[1], either, back_to)
        case Release():
            return _greatest(parts[0], parts[1], back_to)
        case StrongRelease():  # a M b is b U (a & b)
            both = [a and b for a, b in zip(*parts, strict=True)]
            return _least(parts[1], both, back_to)
    raise InputError(f"cannot evaluate '{type(formula).__name__}'")


def _least(stay: list[bool], reach: list[bool], back_to: int | None) -> list[bool]:
    """Least solution of v = reach or (stay and next v): the pattern of until."""
    values = [False] * len(reach)
    for _ in range(1 if back_to is None else 2):  # twice round a loop is enough
        after = False if back_to is None else values[back_to]
        for i in reversed(range(len(reach) - (back_to is None))):
            after = values[i] = reach[i] or (stay[i] and after)
    return values


def _greatest(leave: list[bool], hold: list[bool], back_to: int | None) -> list[bool]:
    """Greatest solution of v = hold and (leave or next v): the pattern of release."""
    opposite = _least([not a for a in leave], [not a for a in hold], back_to)
    return [not value for value in opposite]
