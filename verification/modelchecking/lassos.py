"""Infinite runs that break a rule: emptiness check and short lassos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surefoot.verification.formulas.syntax import Formula, Not
from surefoot.verification.modelchecking.fairness import FairSystem
from surefoot.verification.modelchecking.product import Product
from surefoot.verification.modelchecking.search import Exploration, explore
from surefoot.verification.translation.automata import compile_buchi
from surefoot.verification.translation.components import good_components
from surefoot.verification.translation.prefixes import moves_of

CANDIDATES = 8
"""Number of accepting nodes around which a loop is searched for."""

Lasso = tuple[list[int], list[int]]
"""Prefix and loop, as states of the original model."""


@dataclass(frozen=True, eq=False)
class Violations:
    """The part of the product with a rule's negation in which accepting loops lie.

    Attributes:
        product: The fair model times the automaton of the negation.
        exploration: All reachable nodes.
        component: Shape [nodes]: the component of the nodes that lie on some loop that visits
            every kind infinitely often; -1 for all others.
        marks: Shape [kinds, nodes]: acceptance, then fairness.
    """

    product: Product
    exploration: Exploration
    component: NDArray[np.int32]
    marks: NDArray[np.bool_]


def find_violations(fair: FairSystem, formula: Formula) -> Violations | None:
    """Searches for fair runs that break a rule (emptiness of the product with its negation).

    Only the components of the automaton that can accept are searched for loops.

    Returns:
        Their part of the product, or None if all fair runs satisfy the rule.
    """
    negation = compile_buchi(Not(formula))
    system = fair.system
    moves = moves_of(negation)
    product = Product(system, system.letters(negation.propositions), moves, (negation.initial,))
    exploration = explore(product, within=np.repeat(fair.live, moves.places))
    used = negation.letters.any(axis=1)
    looping = good_components(
        negation.sources[used], negation.targets[used], negation.accepting[None], moves.places
    )
    nodes = np.flatnonzero(exploration.reached & np.tile(looping >= 0, system.states))
    if not len(nodes):
        return None
    number = np.full(product.nodes, -1, np.int32)
    number[nodes] = np.arange(len(nodes), dtype=np.int32)
    origin, targets = product.step(nodes)
    inside = number[targets] >= 0
    kinds = np.vstack(
        [negation.accepting[product.place(nodes)][None], fair.marks[:, product.state(nodes)]]
    )
    cyclic = good_components(origin[inside], number[targets[inside]], kinds, len(nodes))
    if cyclic.max() < 0:
        return None
    component = np.full(product.nodes, -1, np.int32)
    component[nodes] = cyclic
    marks = np.zeros((len(kinds), product.nodes), np.bool_)
    marks[:, nodes] = kinds
    return Violations(product, exploration, component, marks)


def some_lasso(fair: FairSystem, found: Violations, *, candidates: int = CANDIDATES) -> Lasso:
    """Returns a short lasso: the best of loops around the nearest accepting nodes.

    For each of these nodes the prefix is a shortest one; without fairness assumptions the loop is
    a shortest one through it, too.
    """
    best: Lasso | None = None
    tried = 0
    for level in found.exploration.levels:
        for node in level[(found.component[level] >= 0) & found.marks[0, level]].tolist():
            loop = _loop(found, node)
            way = found.exploration.path(node)[:-1]
            states = fair.origin[found.product.state(np.asarray(way + loop, np.int64))].tolist()
            lasso = states[: len(way)], states[len(way) :]
            if best is None or len(states) < len(best[0]) + len(best[1]):
                best = lasso
            tried += 1
            if tried == candidates:
                return best
    if best is None:
        raise AssertionError("a component without a loop")
    return best


def _loop(found: Violations, start: int) -> list[int]:
    """Goes from a node to the nearest node of each kind in turn, and back; start comes first."""
    product = found.product
    inside = found.component == found.component[start]
    loop = [start]
    for kind in [*found.marks[1:], None]:
        if kind is not None and kind[loop].any():
            continue  # on the way to the other kinds
        here = np.asarray(loop[-1:], np.int64)
        wanted = (lambda nodes: nodes == start) if kind is None else kind.__getitem__
        leg = explore(product, wanted, start=product.step(here)[1], within=inside)
        if leg.found is None:
            raise AssertionError("a strong component is not strongly connected")
        loop += leg.path(leg.found)
    return loop[:-1]
