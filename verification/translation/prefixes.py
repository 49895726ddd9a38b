"""Bad prefixes: finite beginnings after which no infinite continuation satisfies a formula."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from surefoot.verification.formulas.syntax import Formula, Not
from surefoot.verification.modelchecking.product import Moves, moves_of_edges
from surefoot.verification.translation.automata import BuchiAutomaton, compile_buchi
from surefoot.verification.translation.components import can_reach, good_components

MAX_SUBSETS = 2_048
"""Most states of the monitor; a rule that needs more is only checked as a whole."""


@dataclass(frozen=True, eq=False)
class BadPrefixes:
    """A deterministic automaton that recognises the bad prefixes of a formula.

    Attributes:
        propositions: Bit ``i`` of a letter is ``propositions[i]``.
        table: Shape [places, letters]; the first place is 0.
        bad: The sink place of bad prefixes; -1 if there are none.
        complete: Whether every violation has a bad prefix: the formula is a safety property.
    """

    propositions: tuple[str, ...]
    table: NDArray[np.int32]
    bad: int
    complete: bool


@lru_cache(maxsize=512)
def bad_prefixes(formula: Formula) -> BadPrefixes | None:
    """Builds the monitor of a formula over infinite words by the subset construction.

    Source: Kupferman and Vardi, Model Checking of Safety Properties (2001), section 3.

    Returns:
        The monitor, or None if it would be too large.
    """
    automaton = compile_buchi(formula)
    moves = moves_of(automaton)
    alive = _productive(automaton)
    classes, class_of = _letter_classes(automaton.letters)
    follow = [[0] * len(classes) for _ in range(moves.places)]
    for source, target, taken in zip(
        automaton.sources.tolist(), automaton.targets.tolist(), automaton.letters, strict=True
    ):
        if alive[target]:
            for i, letter in enumerate(classes):
                if taken[letter]:
                    follow[source][i] |= 1 << target
    first = 1 << automaton.initial if alive[automaton.initial] else 0
    number = {first: 0}
    order = [first]
    rows: list[list[int]] = []
    for subset in order:  # grows while it is read
        row = []
        members = [q for q in range(moves.places) if subset >> q & 1]
        for i in range(len(classes)):
            after = 0
            for q in members:
                after |= follow[q][i]
            if after not in number:
                number[after] = len(order)
                order.append(after)
            row.append(number[after])
        rows.append(row)
        if len(order) > MAX_SUBSETS:
            return None
    table = np.asarray(rows, np.int32)[:, class_of]
    bad = number.get(0, -1)
    return BadPrefixes(automaton.propositions, table, bad, _is_safety(formula, table, bad))


def moves_of(automaton: BuchiAutomaton) -> Moves:
    """Groups the edges of a Büchi automaton by place and letter."""
    places = len(automaton.accepting)
    return moves_of_edges(places, automaton.sources, automaton.targets, automaton.letters)


def _letter_classes(letters: NDArray[np.bool_]) -> tuple[list[int], NDArray[np.intp]]:
    """Groups letters that no edge distinguishes: one of each class, and the class of each."""
    _, first, class_of = np.unique(letters, axis=1, return_index=True, return_inverse=True)
    return first.tolist(), class_of.ravel()


def _productive(automaton: BuchiAutomaton) -> NDArray[np.bool_]:
    """Places from which some word is accepted."""
    used = automaton.letters.any(axis=1)
    sources, targets = automaton.sources[used], automaton.targets[used]
    accepting = automaton.accepting
    good = good_components(sources, targets, accepting[None], len(accepting)) >= 0
    return can_reach(sources, targets, good)


def _is_safety(formula: Formula, table: NDArray[np.int32], bad: int) -> bool:
    """Whether no word violates the formula without a bad prefix."""
    negation = compile_buchi(Not(formula))
    propositions = compile_buchi(formula).propositions
    if negation.propositions != propositions:
        return False
    places = len(table)
    letter_edges = []
    for source, target, taken in zip(
        negation.sources.tolist(), negation.targets.tolist(), negation.letters, strict=True
    ):
        pairs = np.unique(
            np.stack([np.repeat(np.arange(places), taken.sum()), table[:, taken].ravel()]), axis=1
        )
        pairs = pairs[:, (pairs[0] != bad) & (pairs[1] != bad)]
        letter_edges.append(pairs + np.array([[source], [target]]) * places)
    edges = np.concatenate(letter_edges, axis=1) if letter_edges else np.zeros((2, 0), np.int64)
    size = len(negation.accepting) * places
    accepting = np.repeat(negation.accepting, places)
    good = good_components(edges[0], edges[1], accepting[None], size) >= 0
    good = can_reach(edges[0], edges[1], good)
    return bad == 0 or not good[negation.initial * places]
