"""How outcomes are written and coloured in tables, charts and the report."""

from __future__ import annotations

from surefoot.pddl.grading.records import SOLVED, UNGRADED, AnswerOutcome
from surefoot.results.charts import Category
from surefoot.results.figures import MISSING

CATEGORIES: dict[AnswerOutcome, Category] = {
    AnswerOutcome.VALID: Category("valid", "✓", "green"),
    AnswerOutcome.SUBOPTIMAL: Category("valid, not optimal", "~", "green", 0.5),
    AnswerOutcome.PRECONDITION: Category("precondition not met", "P", "orange"),
    AnswerOutcome.TYPE: Category("argument of wrong type", "T", "orange", 0.72),
    AnswerOutcome.ARITY: Category("wrong number of arguments", "#", "orange", 0.58),
    AnswerOutcome.UNKNOWN_OBJECT: Category("no such object", "O", "orange", 0.42),
    AnswerOutcome.UNKNOWN_ACTION: Category("no such action", "A", "orange", 0.28),
    AnswerOutcome.WRONG_GOAL: Category("goal not reached, but claimed", "W", "purple"),
    AnswerOutcome.GOAL_UNMET: Category("goal not reached", "G", "purple", 0.5),
    AnswerOutcome.TRUNCATED: Category("plan breaks off", "…", "blue"),
    AnswerOutcome.UNEXPANDABLE: Category("open-ended loop", "L", "sky"),
    AnswerOutcome.UNPARSED: Category("no plan made out", "?", "sky", 0.5),
    AnswerOutcome.NO_PLAN: Category("no plan found", "∅", "blue", 0.5),
    AnswerOutcome.DOUBTFUL: Category("doubtful reading", "¿", "grey", 0.7),
    AnswerOutcome.REFUSAL: Category("declined", "R", "grey"),
    AnswerOutcome.NOT_RUN: Category("not run", "–", "grey", 0.5),
    AnswerOutcome.HARNESS_ERROR: Category("grading failed", "!", "grey", 0.3),
    AnswerOutcome.UNSUPPORTED: Category("task not supported", "x", "grey", 0.2),
}
"""Words, letter and colour of every outcome, in the order of the charts' bars.

Colours follow the paper's classes: orange breaks a rule (IR), purple misses the goal, blue
gives no complete plan (IP), green is valid.
"""


def tone(kind: AnswerOutcome) -> str:
    """Returns the CSS class of an outcome: ``good``, ``bad`` or ``soft``."""
    return "good" if kind in SOLVED else "soft" if kind in UNGRADED else "bad"


def percent(part: int, n: int) -> str:
    """Returns ``part`` of ``n`` in whole percent without the sign, ``"–"`` if ``n`` is 0."""
    return f"{100 * part / n:.0f}" if n else MISSING


def bar_figure(n: int, doubtful: int) -> str:
    """Returns the text after a bar of outcomes, ``""`` for the plain number of answers."""
    if not doubtful:
        return ""
    return f"n = {n}, {doubtful} doubtful" if n else f"{doubtful} doubtful"


def p_equals(p_value: float) -> str:
    """Returns ``p = 0.031`` or ``p < 0.001``."""
    text = p_text(p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def p_text(p_value: float) -> str:
    """Returns a p-value for reading: three decimals, or ``< 0.001``."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
