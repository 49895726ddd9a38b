"""Specification patterns: rules in words that stand for formulas.

Patterns and scopes are those of Dwyer, Avrunin and Corbett (ICSE 1999, 'Patterns in Property
Specifications for Finite-State Verification'). A scope is a set of segments of the trace; the
pattern must hold on each of them. A segment includes the step that opens it and ends just before
the step that closes it. With an opening condition, every step where it is true (and the
closing one is not) opens a segment, but :func:`after` considers only the first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    Formula,
    Implies,
    Not,
    Or,
    Until,
    WeakUntil,
)
from surefoot.verification.rules import Rule, Severity, Timing

MAX_TIMES = 12
"""Most runs that :func:`bounded_existence` counts."""


@dataclass(frozen=True, slots=True)
class PatternScope:
    """The part of a trace on which a pattern must hold.

    Attributes:
        opens: Condition that opens a segment; the start of the trace if None.
        closes: Condition that closes it; the end of the trace if None.
        may_stay_open: Whether a segment that is never closed counts too, up to the end.
    """

    opens: Formula | None = None
    closes: Formula | None = None
    may_stay_open: bool = False

    def __str__(self) -> str:
        match self.opens, self.closes:
            case None, None:
                return ""
            case None, _:
                return f"before the first '{self.closes}' (if there is one), "
            case _, None:
                return f"from the first '{self.opens}' on, "
        words = ("after", "until") if self.may_stay_open else ("between", "and")
        return f"{words[0]} any '{self.opens}' {words[1]} the next '{self.closes}', "

    def confine(self, whole: Formula, cut: Formula) -> Formula:
        """Returns the formula of a pattern on this scope.

        Args:
            whole: The pattern to the end of the trace.
            cut: The pattern up to the closing condition or the end of the trace.
        """
        if self.closes is None:
            if self.opens is None:
                return whole
            return WeakUntil(Not(self.opens), And((self.opens, whole)))
        if self.opens is None:
            return Implies(Eventually(self.closes), cut)
        opened: tuple[Formula, ...] = (self.opens, Not(self.closes))
        if not self.may_stay_open:
            opened = (*opened, Eventually(self.closes))
        return Always(Implies(And(opened), cut))

    @property
    def end(self) -> Formula:
        """The condition that closes a segment."""
        return self.closes if self.closes is not None else parse("0")


GLOBALLY = PatternScope()
"""The whole trace."""


def before(closes: Formula | str) -> PatternScope:
    """Returns the steps before the first one with ``closes``; none if there is no such step."""
    return PatternScope(None, as_formula(closes))


def after(opens: Formula | str) -> PatternScope:
    """Returns the steps from the first one with ``opens`` on; none if there is no such step."""
    return PatternScope(as_formula(opens))


def between(opens: Formula | str, closes: Formula | str) -> PatternScope:
    """Returns each segment from a step with ``opens`` to the next one with ``closes``."""
    return PatternScope(as_formula(opens), as_formula(closes))


def after_until(opens: Formula | str, closes: Formula | str) -> PatternScope:
    """As :func:`between`, but a segment that is never closed extends to the end of the trace."""
    return PatternScope(as_formula(opens), as_formula(closes), may_stay_open=True)


def as_formula(formula: Formula | str) -> Formula:
    """Returns a formula, parsed if it is text.

    Raises:
        FormulaError: The text cannot be parsed.
    """
    return parse(formula) if isinstance(formula, str) else formula


def absence(p: Formula | str, scope: PatternScope = GLOBALLY, **about: str) -> Rule:
    """Returns the rule that something never happens.

    Args:
        p: What must not happen.
        scope: Its scope.
        **about: Overrides of ``name``, ``meaning``, ``severity`` and ``timing``, here and in
            the other patterns.

    Raises:
        InputError: A formula cannot be parsed or a field is unknown.
    """
    f, end = as_formula(p), scope.end
    formula = scope.confine(Always(Not(f)), WeakUntil(Not(f), end))
    return make_rule("absence", f"{scope}'{f}' never happens", formula, (f,), about)


def universality(p: Formula | str, scope: PatternScope = GLOBALLY, **about: str) -> Rule:
    """Returns the rule that something holds all the time; arguments as of :func:`absence`."""
    f, end = as_formula(p), scope.end
    formula = scope.confine(Always(f), WeakUntil(f, end))
    return make_rule("universality", f"{scope}'{f}' holds all the time", formula, (f,), about)


def existence(p: Formula | str, scope: PatternScope = GLOBALLY, **about: str) -> Rule:
    """Returns the rule that something happens at least once; arguments as of :func:`absence`."""
    f, end = as_formula(p), scope.end
    formula = scope.confine(Eventually(f), Until(Not(end), And((f, Not(end)))))
    return make_rule("existence", f"{scope}'{f}' happens at least once", formula, (f,), about)


def bounded_existence(
    p: Formula | str, times: int = 2, scope: PatternScope = GLOBALLY, **about: str
) -> Rule:
    """Returns the rule that something happens at most a given number of times.

    Args:
        p: What may happen; consecutive steps where it holds count as once.
        times: Largest number of times, from 0 to 12.
        scope: Its scope.
        **about: As of :func:`absence`.

    Raises:
        InputError: ``times`` is out of range.
    """
    if not 0 <= times <= MAX_TIMES:
        raise InputError(f"bounded existence counts from 0 to {MAX_TIMES} times, not {times}")
    f, end = as_formula(p), scope.end

    def more(rest: Formula, _: int) -> Formula:
        return WeakUntil(Not(f), WeakUntil(f, rest))

    def more_cut(rest: Formula, _: int) -> Formula:
        running = WeakUntil(And((f, Not(end))), Or((end, rest)))
        return WeakUntil(And((Not(f), Not(end))), Or((end, running)))

    never: Formula = Always(Not(f))
    never_cut: Formula = WeakUntil(Not(f), end)
    formula = scope.confine(
        reduce(more, range(times), never), reduce(more_cut, range(times), never_cut)
    )
    often = "time" if times == 1 else "times"
    meaning = f"{scope}'{f}' happens at most {times} {often}"
    return make_rule("bounded-existence", meaning, formula, (f,), about)


def precedence(
    p: Formula | str, *, first: Formula | str, scope: PatternScope = GLOBALLY, **about: str
) -> Rule:
    """Returns the rule that something happens only once another thing has.

    Args:
        p: What must wait.
        first: What must have happened, at an earlier step or the same one.
        scope: Its scope.
        **about: As of :func:`absence`.
    """
    f, s, end = as_formula(p), as_formula(first), scope.end
    formula = scope.confine(WeakUntil(Not(f), s), WeakUntil(Not(f), Or((s, end))))
    meaning = f"{scope}'{f}' happens only once '{s}' has"
    return make_rule("precedence", meaning, formula, (f, s), about)


def response(
    p: Formula | str, *, then: Formula | str, scope: PatternScope = GLOBALLY, **about: str
) -> Rule:
    """Returns the rule that something always has a response.

    Args:
        p: What requires a response.
        then: The response, at the same step or a later one.
        scope: Its scope, within which the response must come.
        **about: As of :func:`absence`.
    """
    f, s, end = as_formula(p), as_formula(then), scope.end
    answered = Implies(f, Until(Not(end), And((s, Not(end)))))
    formula = scope.confine(Always(Implies(f, Eventually(s))), WeakUntil(answered, end))
    meaning = f"{scope}every '{f}' is followed by '{s}' at that time or later"
    return make_rule("response", meaning, formula, (f, s), about)


def make_rule(
    kind: str,
    meaning: str,
    formula: Formula,
    parts: tuple[Formula | int, ...],
    about: dict[str, str],
) -> Rule:
    """Builds the rule of a pattern.

    Args:
        kind: Name of the pattern.
        meaning: Its meaning, unless ``about`` overrides it.
        formula: Its formula.
        parts: Its arguments, used in the rule's name.
        about: ``name``, ``meaning``, ``severity`` and ``timing``, each optional.

    Raises:
        InputError: A field is unknown or has an unknown value.
    """
    unknown = set(about) - {"name", "meaning", "severity", "timing"}
    if unknown:
        raise InputError(f"a rule has no field '{min(unknown)}'")
    default_name = f"{kind}({', '.join(map(str, parts))})"
    try:
        return Rule(
            about.get("name", default_name),
            formula,
            about.get("meaning", f"{meaning[0].upper()}{meaning[1:]}."),
            Severity(about.get("severity", Severity.MEDIUM)),
            Timing(about.get("timing", Timing.SENSE_THEN_ACT)),
        )
    except ValueError as error:
        raise InputError(f"{error}; see the values of Severity and Timing") from None
