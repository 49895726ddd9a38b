"""How outcomes are written and coloured in tables, charts and the report."""

from __future__ import annotations

from surefoot.pddl.grading.records import SOLVED, UNGRADED, Kind
from surefoot.results.charts import Category

CATEGORIES: dict[Kind, Category] = {
    Kind.VALID: Category("valid", "✓", "green"),
    Kind.SUBOPTIMAL: Category("valid, not optimal", "~", "green", 0.5),
    Kind.PRECONDITION: Category("precondition not met", "P", "orange"),
    Kind.TYPE: Category("argument of wrong type", "T", "orange", 0.72),
    Kind.ARITY: Category("wrong number of arguments", "#", "orange", 0.58),
    Kind.UNKNOWN_OBJECT: Category("no such object", "O", "orange", 0.42),
    Kind.UNKNOWN_ACTION: Category("no such action", "A", "orange", 0.28),
    Kind.WRONG_GOAL: Category("goal not reached, but claimed", "W", "purple"),
    Kind.GOAL_UNMET: Category("goal not reached", "G", "purple", 0.5),
    Kind.TRUNCATED: Category("plan breaks off", "…", "blue"),
    Kind.UNEXPANDABLE: Category("open-ended loop", "L", "sky"),
    Kind.UNPARSED: Category("no plan made out", "?", "sky", 0.5),
    Kind.NO_PLAN: Category("no plan found", "∅", "blue", 0.5),
    Kind.REFUSAL: Category("declined", "R", "grey"),
    Kind.NOT_RUN: Category("not run", "–", "grey", 0.5),
    Kind.HARNESS_ERROR: Category("grading failed", "!", "grey", 0.3),
}
"""Words, letter and colour of every outcome, in the order of the charts' bars.

Colours follow the paper's classes: orange breaks a rule (IR), purple misses the goal, blue
gives no complete plan (IP), green is valid.
"""


def tone(kind: Kind) -> str:
    """Returns the CSS class of an outcome: ``good``, ``bad`` or ``soft``."""
    return "good" if kind in SOLVED else "soft" if kind in UNGRADED else "bad"


def percent(part: int, n: int) -> str:
    """Returns ``part`` of ``n`` in whole percent without the sign, ``"–"`` if ``n`` is 0."""
    return f"{100 * part / n:.0f}" if n else "–"


def p_equals(p_value: float) -> str:
    """Returns ``p = 0.031`` or ``p < 0.001``."""
    text = p_text(p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def p_text(p_value: float) -> str:
    """Returns a p-value for reading: three decimals, or ``< 0.001``."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
