"""The trajectory constraints of PDDL 3 as rules over traces of states.

Semantics of Gerevini and Long ('Plan Constraints and Preferences in PDDL3', 2005), with the
steps of the trace as time: the first state has time 0, every action takes 1.
"""

from __future__ import annotations

from functools import reduce

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import MAX_DEPTH
from surefoot.verification.formulas.patterns import as_formula, make_rule
from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    False_,
    Formula,
    Implies,
    Next,
    Not,
    Or,
    StrongNext,
    True_,
    WeakUntil,
)
from surefoot.verification.rules import Rule

MAX_TIME = (MAX_DEPTH - 10) // 2
"""Longest time in a constraint, in steps: each expands to an operator."""

Given = Formula | str
"""A formula or its text."""


def at_end(p: Given, **about: str) -> Rule:
    """Returns ``(at end p)``: it holds in the last state.

    Args:
        p: A formula or its text.
        **about: ``name``, ``meaning``, ``severity`` and ``timing`` of the rule, here and in
            the other constructors.

    Raises:
        InputError: A formula cannot be parsed, or a time is out of range.
    """
    f = as_formula(p)
    return make_rule("at-end", f"'{f}' holds at the end", _last(f), (f,), about)


def always(p: Given, **about: str) -> Rule:
    """Returns ``(always p)``: it holds in every state."""
    f = as_formula(p)
    return make_rule("always", f"'{f}' holds all the time", Always(f), (f,), about)


def sometime(p: Given, **about: str) -> Rule:
    """Returns ``(sometime p)``: it holds in some state."""
    f = as_formula(p)
    return make_rule("sometime", f"'{f}' holds at some time", Eventually(f), (f,), about)


def within(time: int, p: Given, **about: str) -> Rule:
    """Returns ``(within time p)``: it holds in some state up to that time, in steps."""
    f = as_formula(p)
    meaning = f"'{f}' holds at some time within {_steps(time)}"
    return make_rule("within", meaning, _soon(time, f), (time, f), about)


def at_most_once(p: Given, **about: str) -> Rule:
    """Returns ``(at-most-once p)``: it holds during at most one run of states."""
    f = as_formula(p)
    formula = Always(Implies(f, WeakUntil(f, Always(Not(f)))))
    meaning = f"once '{f}' has ended, it never holds again"
    return make_rule("at-most-once", meaning, formula, (f,), about)


def sometime_after(p: Given, then: Given, **about: str) -> Rule:
    """Returns ``(sometime-after p then)``: each p is followed by then, at once or later."""
    f, s = as_formula(p), as_formula(then)
    formula = Always(Implies(f, Eventually(s)))
    meaning = f"every '{f}' is followed by '{s}' at that time or later"
    return make_rule("sometime-after", meaning, formula, (f, s), about)


def sometime_before(p: Given, first: Given, **about: str) -> Rule:
    """Returns ``(sometime-before p first)``: any p is preceded by first in an earlier state."""
    f, s = as_formula(p), as_formula(first)
    formula = WeakUntil(Not(f), And((s, Not(f))))
    meaning = f"before '{f}' ever holds, '{s}' has held at an earlier time"
    return make_rule("sometime-before", meaning, formula, (f, s), about)


def always_within(time: int, p: Given, then: Given, **about: str) -> Rule:
    """Returns ``(always-within time p then)``: each p is followed by then within that time."""
    f, s = as_formula(p), as_formula(then)
    meaning = f"every '{f}' is followed by '{s}' within {_steps(time)}"
    formula = Always(Implies(f, _soon(time, s)))
    return make_rule("always-within", meaning, formula, (time, f, s), about)


def hold_after(time: int, p: Given, **about: str) -> Rule:
    """Returns ``(hold-after time p)``: it holds from that time on, and at the end in any case."""
    f = as_formula(p)
    formula = And((_delayed(time, Always(f), Next), _last(f)))
    meaning = f"'{f}' holds from step {time} on, and at the end if that comes sooner"
    return make_rule("hold-after", meaning, formula, (time, f), about)


def hold_during(start: int, end: int, p: Given, **about: str) -> Rule:
    """Returns ``(hold-during start end p)``: it holds at start and up to, not at, end.

    If the trace ends before start, it must hold in the last state.
    """
    f = as_formula(p)
    if end <= start:
        raise InputError(f"hold-during needs an end after its start; {end} is not after {start}")
    _steps(end)
    held = reduce(lambda rest, _: And((f, Next(rest))), range(end - start - 1), f)
    reached = _delayed(start, True_(), StrongNext)
    formula = And((_delayed(start, held, Next), Or((reached, _last(f)))))
    meaning = f"'{f}' holds from step {start} up to step {end - 1}, or at the end before that"
    return make_rule("hold-during", meaning, formula, (start, end, f), about)


def _steps(time: int) -> str:
    if not 0 <= time <= MAX_TIME:
        raise InputError(f"a time must be from 0 to {MAX_TIME} steps, not {time}")
    return f"{time} step{'' if time == 1 else 's'}"


def _last(f: Formula) -> Formula:
    return Eventually(And((f, Next(False_()))))


def _soon(time: int, f: Formula) -> Formula:
    _steps(time)
    return reduce(lambda rest, _: Or((f, StrongNext(rest))), range(time), f)


def _delayed(time: int, f: Formula, step: type[Next] | type[StrongNext]) -> Formula:
    _steps(time)
    return reduce(lambda rest, _: step(rest), range(time), f)
