"""Vacuity: rules that hold for a reason that their author may not have intended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surefoot.verification.formulas.syntax import (
    False_,
    Formula,
    Iff,
    Implies,
    Not,
    Prop,
    True_,
    Xor,
)
from surefoot.verification.modelchecking.models import ModelChecker


@dataclass(frozen=True, slots=True)
class VacuousPart:
    """A part of a rule that has no effect in a model.

    Attributes:
        part: The part.
        stronger: The rule with that part replaced by its worst case, which holds as well.
    """

    part: Formula
    stronger: Formula


def vacuous_parts(checker: ModelChecker, formula: Formula) -> tuple[VacuousPart, ...]:
    """Finds the largest parts of a satisfied rule that have no effect.

    A part has no effect if the rule still holds with its occurrence replaced by false in positive
    and by true in negative position. ``G(a -> F b)`` with ``F b``
    replaced is ``G !a``: the rule is never triggered. With ``a`` replaced it is ``G F b``: the
    reaction comes whether or not it is due.

    Source: Kupferman and Vardi, Vacuity Detection in Temporal Model Checking (STTT 2003).

    Args:
        checker: The model.
        formula: A rule that holds in it.

    Returns:
        The parts, leftmost first; empty if every part has an effect.

    Raises:
        InputError: What :class:`~surefoot.verification.modelchecking.models.ModelChecker` refuses.
    """
    return tuple(_search(checker, formula, ()))


def _search(checker: ModelChecker, whole: Formula, place: tuple[int, ...]) -> Iterator[VacuousPart]:
    part, positive = _at(whole, place)
    if isinstance(part, True_ | False_) or positive is None:
        return
    if place:
        worst: Formula = False_() if positive else True_()
        stronger = _with(whole, place, worst)
        if checker.holds(stronger):
            yield VacuousPart(part, stronger)
            return
    if not isinstance(part, Prop):
        for i in range(len(part.operands)):
            yield from _search(checker, whole, (*place, i))


def _at(formula: Formula, place: tuple[int, ...]) -> tuple[Formula, bool | None]:
    """Returns the part at a place, and whether its polarity is positive; None for both."""
    positive: bool | None = True
    for i in place:
        if isinstance(formula, Not) or (isinstance(formula, Implies) and i == 0):
            positive = None if positive is None else not positive
        elif isinstance(formula, Iff | Xor):
            positive = None
        formula = formula.operands[i]
    return formula, positive


def _with(formula: Formula, place: tuple[int, ...], other: Formula) -> Formula:
    if not place:
        return other
    operands = list(formula.operands)
    operands[place[0]] = _with(operands[place[0]], place[1:], other)
    return formula.rebuilt(tuple(operands))
