"""Breadth-first search over a product, all nodes of a level at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from surefoot.verification.modelchecking.product import Product
from surefoot.verification.translation.components import can_reach

DEEP = 1_000
"""Levels after which the search continues in compiled code, which is fast on narrow levels."""

Wanted = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
"""Returns which of the given nodes are goals of the search."""

MAX_DEEP_EDGES = 5_000_000
"""Edges of the product, reachable or not, up to which compiled code takes over."""

UNSEEN, ROOT = -1, -2


@dataclass(frozen=True, eq=False)
class Exploration:
    """Result of a breadth-first search.

    Attributes:
        parents: Shape [nodes]: predecessor on a shortest path; -1 not reached, -2 start.
        found: The first goal node; None if there is none.
        levels: The reached nodes by their distance from the start.
    """

    parents: NDArray[np.int32]
    found: int | None
    levels: tuple[NDArray[np.int64], ...]

    @property
    def reached(self) -> NDArray[np.bool_]:
        """Shape [nodes]: which nodes were reached."""
        return np.not_equal(self.parents, UNSEEN)

    def path(self, node: int) -> list[int]:
        """Returns a shortest path to a reached node, including that node."""
        way = [node]
        while (node := int(self.parents[node])) >= 0:
            way.append(node)
        return way[::-1]


def explore(
    product: Product,
    wanted: Wanted | None = None,
    *,
    start: NDArray[np.int64] | None = None,
    within: NDArray[np.bool_] | None = None,
) -> Exploration:
    """Searches breadth first until a goal node is found.

    Args:
        product: The product to search.
        wanted: Selects goal nodes; None to explore everything.
        start: Start nodes; by default those in which a run may begin.
        within: Shape [nodes]: nodes that may be entered; by default all.
    """
    parents = np.full(product.nodes, UNSEEN, np.int32)
    frontier = np.unique(product.initial if start is None else start)
    if within is not None:
        frontier = frontier[within[frontier]]
    parents[frontier] = ROOT
    levels: list[NDArray[np.int64]] = []
    while len(frontier):
        if len(levels) == DEEP and product.system.edges * product.moves.places <= MAX_DEEP_EDGES:
            return _explore_deep(product, wanted, parents, within)
        levels.append(frontier)
        if wanted is not None:
            found = np.flatnonzero(wanted(frontier))
            if len(found):
                return Exploration(parents, int(frontier[found[0]]), tuple(levels))
        origin, targets = product.step(frontier)
        new = parents[targets] == UNSEEN
        if within is not None:
            new &= within[targets]
        targets, sources = targets[new], frontier[origin[new]]
        order = np.arange(len(targets), dtype=np.int32)
        parents[targets[::-1]] = order[::-1]  # of several edges to a node the first one counts
        first = parents[targets] == order
        frontier = targets[first]
        parents[frontier] = sources[first]
    return Exploration(parents, None, tuple(levels))


def _explore_deep(
    product: Product,
    wanted: Wanted | None,
    parents: NDArray[np.int32],
    within: NDArray[np.bool_] | None,
) -> Exploration:
    """Restarts with the whole product as a matrix; an extra node leads to the start nodes."""
    start = np.flatnonzero(parents == ROOT)
    root = product.nodes
    inner = np.arange(root) if within is None else np.flatnonzero(within)
    graph = _matrix(product, inner, (np.full(len(start), root), start))
    order, before = breadth_first_order(graph, root, directed=True, return_predecessors=True)
    depth = np.zeros(root + 1, np.int32)
    order = order[1:]
    for node, parent in zip(order.tolist(), before[order].tolist(), strict=True):
        depth[node] = depth[parent] + 1
    cuts = np.flatnonzero(np.diff(depth[order])) + 1
    nodes = order.astype(np.int64)
    levels = tuple(np.split(nodes, cuts))
    before = before[:root]
    before[before < 0] = UNSEEN
    before[start] = ROOT
    found = None
    if wanted is not None:
        hits = np.flatnonzero(wanted(nodes))
        found = int(nodes[hits[0]]) if len(hits) else None
    return Exploration(before.astype(np.int32), found, levels)


def starts_that_reach(
    product: Product, goal: NDArray[np.bool_], within: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Returns the initial nodes of a product from which some goal can be reached.

    Args:
        product: The product to search.
        goal: Shape [nodes].
        within: Shape [nodes]: nodes that may be entered; by default all.

    Returns:
        Nodes of ``product.initial``.
    """
    reached = explore(product, within=within).reached
    nodes = np.flatnonzero(reached)
    number = np.full(product.nodes, -1, np.int64)
    number[nodes] = np.arange(len(nodes))
    origin, targets = product.step(nodes)
    inside = number[targets] >= 0
    back = can_reach(origin[inside], number[targets[inside]], goal[nodes])
    starts = product.initial[reached[product.initial]]
    return starts[back[number[starts]]]


def _matrix(
    product: Product,
    nodes: NDArray[np.int64],
    more: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> csr_array:
    """Builds the matrix of edges between some nodes, with further edges from an extra last node."""
    inside = np.zeros(product.nodes, np.bool_)
    inside[nodes] = True
    origin, targets = product.step(nodes)
    kept = inside[targets]
    sources = np.concatenate([nodes[origin[kept]], more[0]])
    columns = np.concatenate([targets[kept], more[1]])
    size = product.nodes + 1
    return csr_array((np.ones(len(sources), np.int8), (sources, columns)), shape=(size, size))
