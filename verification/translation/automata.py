"""Rules compiled to tables: evaluating a trace takes one look-up per step.

Every rule has its own automaton over its own propositions. Rules are never combined, since the
tables have a column for every combination of propositions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.semantics import holds_on_empty
from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    Formula,
    Next,
    Not,
    Release,
    StrongNext,
    StrongRelease,
    Until,
    WeakUntil,
)
from surefoot.verification.translation import cache
from surefoot.verification.translation.determinise import Dfa, determinised, minimised, verdicts
from surefoot.verification.translation.spot_backend import (
    MEMORY,
    SECONDS,
    Edges,
    TooLargeError,
    spot_version,
    translate,
)

MAX_PROPOSITIONS = 12
"""Most propositions of one rule; its table has two to the power of this many columns."""

MAX_SIZE, MAX_DEPTH = 20_000, 150
"""Most operators and leaves of a formula, and its deepest nesting."""

_EASY = 4
"""Formulas with at most this many temporal operators get one attempt with all the time; others get
two attempts of :data:`SECONDS`, preceded by two short ones."""

_TEMPORAL = (Always, Eventually, Next, StrongNext, Until, WeakUntil, Release, StrongRelease)


@dataclass(frozen=True, eq=False)
class Automaton:
    """A minimal, complete, deterministic automaton over finite traces.

    Attributes:
        propositions: Those of the rule; bit i of a letter is the truth of the i-th.
        table: Successor of each state under each letter, shape [states, 2**propositions].
        initial: State before the first step.
        accepting: Whether a trace that ends in a state satisfies the rule, shape [states].
            That of the initial state is the verdict on the empty trace.
        verdicts: 1 if every continuation satisfies the rule, -1 if none does, 0 if that is open;
            shape [states]. A verdict other than 0 never changes.
    """

    propositions: tuple[str, ...]
    table: NDArray[np.int32]
    initial: int
    accepting: NDArray[np.bool_]
    verdicts: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class BuchiAutomaton:
    """A nondeterministic automaton over infinite words.

    A word is accepted if some path over it visits accepting states infinitely often. A path
    without an edge for the next letter ends and accepts nothing.

    Attributes:
        propositions: Those of the formula; bit i of a letter is the truth of the i-th.
        initial: The first state.
        sources: Source state of each edge, shape [edges].
        targets: Target state of each edge, shape [edges].
        letters: Letters under which it can be taken, shape [edges, 2**propositions].
        accepting: Shape [states].
    """

    propositions: tuple[str, ...]
    initial: int
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    letters: NDArray[np.bool_]
    accepting: NDArray[np.bool_]


def compile_ltlf(formula: Formula, *, cache_folder: Path | None = None) -> Automaton:
    """Compiles a formula for finite traces (LTLf).

    The empty trace is decided by :func:`~surefoot.verification.formulas.semantics.evaluate`: no
    proposition holds on it, and everything else follows.

    Args:
        formula: The formula.
        cache_folder: Cache folder instead of the default one, see
            :mod:`~surefoot.verification.translation.cache`.

    Returns:
        The automaton, shared by all formulas that differ only in names.

    Raises:
        InputError: The formula has more than 12 propositions, or its automaton is too large.
        MissingDependencyError: Spot is not installed.
    """
    names, plain = _canonical(formula)
    made = _finite(plain, cache_folder or cache.default_folder())
    return Automaton(names, made.table, made.initial, made.accepting, made.verdicts)


def compile_buchi(formula: Formula, *, cache_folder: Path | None = None) -> BuchiAutomaton:
    """Compiles a formula for infinite words (LTL), where both kinds of next are the same.

    Args:
        formula: The formula; for model checking, the negation of the rule.
        cache_folder: Cache folder instead of the default one.

    Raises:
        InputError: The formula has more than 12 propositions, or its automaton is too large.
        MissingDependencyError: Spot is not installed.
    """
    names, plain = _canonical(_with_one_next(formula))
    e = _infinite(plain, cache_folder or cache.default_folder())
    return BuchiAutomaton(names, e.initial, e.sources, e.targets, e.letters, e.accepting)


def _canonical(formula: Formula) -> tuple[tuple[str, ...], Formula]:
    """Returns the names, and the formula over p0, p1, … in their place."""
    if sum(1 for _ in islice(formula.walk(), MAX_SIZE + 1)) > MAX_SIZE:
        raise InputError(f"the formula has more than {MAX_SIZE:,} operators; split it into rules")
    if formula.depth > MAX_DEPTH:
        raise InputError(f"the formula is nested deeper than {MAX_DEPTH} levels; split it")
    names = formula.propositions
    if len(names) > MAX_PROPOSITIONS:
        raise InputError(
            f"the formula has {len(names)} propositions; at most {MAX_PROPOSITIONS} can be "
            f"compiled: split it into several rules"
        )
    numbers = {name: f"p{i}" for i, name in enumerate(names)}
    return names, formula.renamed(numbers.__getitem__)


def _with_one_next(formula: Formula) -> Formula:
    parts = tuple(_with_one_next(part) for part in formula.operands)
    return Next(parts[0]) if isinstance(formula, StrongNext) else formula.rebuilt(parts)


@lru_cache(maxsize=4096)
def _finite(formula: Formula, folder: Path | None) -> Automaton:
    key = cache.entry_key("finite", str(formula), spot_version())
    kept = cache.load(folder, key, ("table", "initial", "accepting", "verdicts"))
    if kept is None:
        table, accepting = _smallest(formula)
        kept = {
            "table": table,
            "initial": np.array(0, np.int32),
            "accepting": accepting,
            "verdicts": verdicts(table, accepting),
        }
        cache.store(folder, key, kept)
    for array in kept.values():
        array.setflags(write=False)
    return Automaton(
        formula.propositions,
        kept["table"],
        int(kept["initial"]),
        kept["accepting"],
        kept["verdicts"],
    )


@lru_cache(maxsize=4096)
def _infinite(formula: Formula, folder: Path | None) -> Edges:
    key = cache.entry_key("infinite", str(formula), spot_version())
    kept = cache.load(folder, key, ("initial", "sources", "targets", "letters", "accepting"))
    if kept is None:
        try:
            edges = _edges(formula, finite=False, seconds=2 * SECONDS)
        except TooLargeError as error:
            raise _too_large(str(error)) from None
        kept = {
            "initial": np.array(edges.initial, np.int32),
            "sources": edges.sources,
            "targets": edges.targets,
            "letters": edges.letters,
            "accepting": edges.accepting,
        }
        cache.store(folder, key, kept)
    for array in kept.values():
        array.setflags(write=False)
    return Edges(
        int(kept["initial"]),
        kept["sources"],
        kept["targets"],
        kept["letters"],
        kept["accepting"],
    )


def _smallest(formula: Formula) -> Dfa:
    """Builds the minimal automaton; for hard formulas from the negation if that is easier.

    Spot may need exponential time for 'always, within n steps' where its negation, 'at some
    time not, for n steps', is translated at once; for 'eventually' it is the other way round.
    """
    empty = holds_on_empty(formula)
    if _easy(formula):
        try:
            edges = _edges(formula, finite=True, deterministic=True, seconds=2 * SECONDS)
            return minimised(*determinised(edges, empty=empty))
        except TooLargeError as error:
            raise _too_large(str(error)) from None
    universal = isinstance(formula, (Always, And, Release, WeakUntil))
    for seconds in (SECONDS / 10, SECONDS):
        for negated in (universal, not universal):
            whole = Not(formula) if negated else formula
            try:
                edges = _edges(whole, finite=True, deterministic=not negated, seconds=seconds)
                return minimised(*determinised(edges, empty=empty, negated=negated))
            except TooLargeError as error:
                why = str(error)
    raise _too_large(why)


def _easy(formula: Formula) -> bool:
    return sum(isinstance(part, _TEMPORAL) for part in formula.walk()) <= _EASY


def _edges(
    formula: Formula, *, finite: bool, deterministic: bool = False, seconds: float = SECONDS
) -> Edges:
    return translate(
        str(formula),
        len(formula.propositions),
        finite=finite,
        deterministic=deterministic,
        seconds=seconds,
        memory=MEMORY,
    )


def _too_large(why: str) -> InputError:
    return InputError(
        f"the formula's automaton is too large ({why}): use shorter chains of X, fewer nested "
        f"operators, or split the formula into several rules"
    )
