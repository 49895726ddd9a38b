"""Tight automata: every lasso of the model has a run of exactly its shape.

A place of the automaton guesses, for each temporal part of a formula, whether it holds at the
next step read. That depends on the rest of the word alone, so on a word ``u v v v ...`` the
guesses repeat with ``v`` from the end of ``u`` on. A shortest accepting lasso of the product is
therefore a shortest lasso of the model. Small automata such as Spot's do not have this
property: they may have to go around a loop several times.

Sources: Kesten, Manna, Pnueli and Raviv, A Decision Algorithm for Full Propositional Temporal
Logic (CAV 1993); Schuppan and Biere, Shortest Counterexamples for Symbolic Model Checking of
LTL with Past (TACAS 2005), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from surefoot.verification.formulas.propositional import Truth, evaluate_boolean, is_propositional
from surefoot.verification.formulas.syntax import (
    Always,
    Eventually,
    Formula,
    Next,
    Prop,
    Release,
    StrongNext,
    StrongRelease,
    Until,
    WeakUntil,
)
from surefoot.verification.modelchecking.product import Moves

MAX_PARTS = 7
"""Most temporal parts of a formula; the automaton has two to the power of this many places."""

MAX_TABLE = 1 << 16
"""Largest product of places and letters."""


@dataclass(frozen=True, eq=False)
class Tableau:
    """Accepts the infinite words that do NOT satisfy a formula.

    Attributes:
        propositions: Bit ``i`` of a letter is ``propositions[i]``.
        moves: From the guesses for this step to those for the next, one target per guess.
        starts: Places in which the formula is guessed false.
        kinds: Shape [places, letters]: a bit for each kind of move that a run must make infinitely
            often, by the target place of the move and the letter that it reads.
        all_kinds: All the bits together.
    """

    propositions: tuple[str, ...]
    moves: Moves
    starts: tuple[int, ...]
    kinds: NDArray[np.int32]
    all_kinds: int


@lru_cache(maxsize=256)
def tight_negation(formula: Formula) -> Tableau | None:
    """Builds the tight automaton of a formula's violations.

    Returns:
        The automaton, or None if the formula has too many temporal parts for it.
    """
    temporal = list(dict.fromkeys(f for f in formula.walk() if not _plain_at_top(f)))
    guessed = [f.child if isinstance(f, Next | StrongNext) else f for f in temporal]
    if formula not in guessed:
        guessed.append(formula)
    guessed = list(dict.fromkeys(guessed))
    propositions = formula.propositions
    places, width = 1 << len(guessed), 1 << len(propositions)
    if len(guessed) > MAX_PARTS or places * width > MAX_TABLE:
        return None
    bit = {part: i for i, part in enumerate(guessed)}
    place, letter = np.arange(places)[:, None], np.arange(width)[None, :]
    reading = _Reading(bit, propositions, place, letter)
    here = np.zeros((places, width), np.int64)
    for part, i in bit.items():
        here |= reading(part).astype(np.int64) << i
    kinds = np.zeros((places, width), np.int32)
    conditions = [c for f in temporal if (c := reading.fulfilled(f)) is not None]
    for i, condition in enumerate(conditions):
        kinds |= condition.astype(np.int32) << i
    rows = (here * width + letter).ravel()
    offsets = np.zeros(places * width + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=places * width), out=offsets[1:])
    after = np.broadcast_to(place, here.shape).ravel()[np.argsort(rows, kind="stable")]
    moves = Moves(places, width, offsets, after.astype(np.int32))
    starts = tuple(i for i in range(places) if not i >> bit[formula] & 1)
    return Tableau(propositions, moves, starts, kinds, (1 << len(conditions)) - 1)


def _plain_at_top(formula: Formula) -> bool:
    return is_propositional(formula) or not isinstance(
        formula,
        Next | StrongNext | Eventually | Always | Until | WeakUntil | Release | StrongRelease,
    )


class _Reading:
    """Truth of parts, shape [places, letters]: by the guesses for the next step and the letter."""

    def __init__(
        self,
        bit: dict[Formula, int],
        propositions: tuple[str, ...],
        place: NDArray[np.int64],
        letter: NDArray[np.int64],
    ) -> None:
        self._bit = bit
        self._shape = np.broadcast_shapes(place.shape, letter.shape)
        self._place = place
        self._letters: dict[str, Truth] = {
            name: (letter >> i & 1) == 1 for i, name in enumerate(propositions)
        }
        self._known: dict[Formula, Truth] = {}

    def __call__(self, formula: Formula) -> Truth:
        """Returns where a part holds at the step that is read."""
        if formula not in self._known:
            self._known[formula] = np.broadcast_to(self._evaluate(formula), self._shape)
        return self._known[formula]

    def _next(self, formula: Formula) -> Truth:
        bits: Truth = (self._place >> self._bit[formula] & 1) == 1
        return bits

    def _evaluate(self, formula: Formula) -> Truth:
        match formula:
            case Next(child) | StrongNext(child):
                return self._next(child)
            case Eventually(child):
                return self(child) | self._next(formula)
            case Always(child):
                return self(child) & self._next(formula)
            case Until(left, right) | WeakUntil(left, right):
                return self(right) | (self(left) & self._next(formula))
            case Release(left, right) | StrongRelease(left, right):
                return self(right) & (self(left) | self._next(formula))
            case Prop(name):
                return self._letters[name]
        parts = formula.operands
        names = [f"part {i}" for i in range(len(parts))]
        values = dict(zip(names, map(self, parts), strict=True))
        shallow = formula.rebuilt(tuple(Prop(name) for name in names))
        return evaluate_boolean(shallow, values.__getitem__)

    def fulfilled(self, formula: Formula) -> Truth | None:
        """Where an eventuality is not postponed for ever; None for other parts."""
        match formula:
            case Eventually(child):
                return ~self(formula) | self(child)
            case Until(_, right):
                return ~self(formula) | self(right)
            case StrongRelease(left, right):
                return ~self(formula) | (self(left) & self(right))
            case Always(child):
                return self(formula) | ~self(child)
            case WeakUntil(left, right):
                return self(formula) | ~(self(left) | self(right))
            case Release(_, right):
                return self(formula) | ~self(right)
        return None
