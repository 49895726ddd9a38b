"""Provably shortest lassos: the product with a tight automaton, searched entry by entry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from surefoot.verification.formulas.syntax import And, Formula, Implies
from surefoot.verification.modelchecking.fairness import FairSystem, plain_product
from surefoot.verification.modelchecking.lassos import Lasso
from surefoot.verification.modelchecking.product import Product
from surefoot.verification.modelchecking.search import Exploration, explore
from surefoot.verification.modelchecking.systems import TransitionSystem, from_arrays
from surefoot.verification.translation.components import good_components
from surefoot.verification.translation.tableau import Tableau, tight_negation

BUDGET = 500_000
"""Most nodes that the search for loops expands."""

MAX_EDGES = 2_500_000
"""Most edges of the product with the tight automaton."""

MAX_PAIRS = 50_000_000
"""Largest product of nodes and sets of acceptance kinds."""


def shortest_lasso(
    fair: FairSystem, formula: Formula, known: Lasso, *, budget: int = BUDGET
) -> tuple[Lasso, bool]:
    """Improves a lasso until none is shorter in total length.

    A lasso enters its loop at some node. For the entries in order of their distance, a shortest
    loop that visits every acceptance kind is searched for, no deeper than could improve it.

    Args:
        fair: The model with its fairness assumptions.
        formula: The rule that the lassos break.
        known: A lasso.
        budget: Most nodes to expand.

    Returns:
        The best lasso, and whether it is proven that none is shorter.
    """
    best, length = known, len(known[0]) + len(known[1])
    if length == 1:
        return best, True
    whole = Implies(And(fair.general), formula) if fair.general else formula
    tableau = tight_negation(whole)
    if tableau is None:
        return best, False
    system, number = _near(fair.model, length - 1)
    places = tableau.moves.places
    kinds = (tableau.all_kinds + 1) << len(fair.recurring)
    if system.edges * places > MAX_EDGES or system.states * places * kinds > MAX_PAIRS:
        return best, False
    search = Loops(system, tableau, fair.recurring[:, number], budget)
    for distance, entry in search.entries():
        if distance + 1 >= length:
            break
        loop = search.loop(entry, length - distance - 1)
        if search.spent > budget:
            return best, False
        if loop is not None:
            way = search.exploration.path(entry)[:-1]
            states = number[search.product.state(np.asarray(way + loop, np.int64))].tolist()
            best, length = (states[:distance], states[distance:]), len(states)
    return best, True


def _near(system: TransitionSystem, depth: int) -> tuple[TransitionSystem, NDArray[np.int64]]:
    """Restricts a system to the states within ``depth`` steps; also returns their numbers."""
    levels = explore(plain_product(system)).levels[:depth]
    kept = np.sort(np.concatenate(levels))
    place = np.full(system.states, -1, np.int64)
    place[kept] = np.arange(len(kept))
    sources, targets = place[system.sources()], place[system.targets]
    inside = (sources >= 0) & (targets >= 0)
    near = from_arrays(
        system.names,
        system.labels[kept],
        sources[inside],
        targets[inside],
        place[system.initial],
    )
    return near, kept


class Loops:
    """Loops in the product of a small model and a tight automaton.

    Args:
        system: The model.
        tableau: The automaton.
        marks: Shape [kinds, states]: states of each kind must recur as well.
        budget: Most nodes to expand.
    """

    def __init__(
        self, system: TransitionSystem, tableau: Tableau, marks: NDArray[np.bool_], budget: int
    ) -> None:
        letters = system.letters(tableau.propositions)
        self.product = Product(system, letters, tableau.moves, tableau.starts)
        self.exploration: Exploration = explore(self.product)
        self.spent = 0
        self._budget = budget
        shift = tableau.all_kinds.bit_length()
        self._kinds = tableau.kinds
        self._own = np.zeros(system.states, np.int64)  # kinds that a state itself counts for
        for i, mark in enumerate(marks):
            self._own |= mark.astype(np.int64) << (shift + i)
        self._all = tableau.all_kinds | ((1 << len(marks)) - 1) << shift
        self._good = self._on_loops()
        self._seen = np.zeros(self.product.nodes * (self._all + 1), np.int32)
        self._round = 0

    def _moves(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Returns index in ``nodes``, target and kinds of each edge."""
        which, targets = self.product.step(nodes)
        state = self.product.state(nodes)[which]
        letter = self.product.letters[state]
        kinds = self._kinds[self.product.place(targets), letter] | self._own[state]
        return which, targets, kinds

    def _on_loops(self) -> NDArray[np.bool_]:
        nodes = np.flatnonzero(self.exploration.reached)
        number = np.full(self.product.nodes, -1, np.int64)
        number[nodes] = np.arange(len(nodes))
        which, targets, kinds = self._moves(nodes)
        bits = self._all.bit_length()
        marks = np.zeros((bits, len(nodes)), np.bool_)
        for i in range(bits):  # a node that only leaves with a mark cannot lie on a loop
            marks[i, which[(kinds >> i & 1) == 1]] = True
        good = np.zeros(self.product.nodes, np.bool_)
        good[nodes] = good_components(which, number[targets], marks, len(nodes)) >= 0
        return good

    def entries(self) -> Iterator[tuple[int, int]]:
        """Yields distance and number of each node that may lie on a loop, nearest first."""
        for distance, level in enumerate(self.exploration.levels):
            for node in level[self._good[level]].tolist():
                yield distance, node

    def loop(self, entry: int, longest: int) -> list[int] | None:
        """Finds a shortest accepting loop through a node, breadth first.

        The search runs over pairs of a node and the kinds met since the entry.

        Args:
            entry: The node.
            longest: Most nodes of the loop.

        Returns:
            Its nodes, the entry first; None if there is none that short.
        """
        width = self._all + 1
        self._round += 1
        nodes, kinds = np.asarray([entry], np.int64), np.zeros(1, np.int64)
        self._seen[entry * width] = self._round
        levels: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        came = np.zeros(1, np.int64)
        for _ in range(longest):
            levels.append((nodes, came))
            self.spent += len(nodes)
            if self.spent > self._budget:
                return None
            which, targets, met = self._moves(nodes)
            inside = self._good[targets]
            which, targets, met = (
                which[inside],
                targets[inside],
                (met[inside] | kinds[which[inside]]),
            )
            closed = np.flatnonzero((targets == entry) & (met == self._all))
            if len(closed):
                return _back(levels, int(which[closed[0]]))
            pairs = targets * width + met
            new = self._seen[pairs] != self._round
            which, targets, met, pairs = which[new], targets[new], met[new], pairs[new]
            self._seen[pairs] = -1 - np.arange(len(pairs), dtype=np.int32)
            first = self._seen[pairs] == -1 - np.arange(len(pairs))
            self._seen[pairs] = self._round
            nodes, kinds, came = targets[first], met[first], which[first]
        return None


def _back(levels: list[tuple[NDArray[np.int64], NDArray[np.int64]]], place: int) -> list[int]:
    """Traces a path back through the levels of a search, from a node of the last level."""
    way = []
    for nodes, came in reversed(levels):
        way.append(int(nodes[place]))
        place = int(came[place])
    return way[::-1]
