"""Strongly connected components, and backward reachability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components


def good_components(
    sources: NDArray[np.integer],
    targets: NDArray[np.integer],
    marks: NDArray[np.bool_],
    size: int,
) -> NDArray[np.int32]:
    """Finds the strongly connected components with an edge and a node of every kind.

    Args:
        sources: Shape [edges].
        targets: Shape [edges].
        marks: Shape [kinds, size].
        size: Number of nodes.

    Returns:
        Shape [size]: number of the component of each node; -1 outside of such components.
    """
    if not len(sources):
        return np.full(size, -1, np.int32)
    count, component = connected_components(
        _matrix(sources, targets, size), directed=True, connection="strong"
    )
    good = np.zeros(count, np.bool_)
    good[component[sources[component[sources] == component[targets]]]] = True
    for kind in marks:
        here = np.zeros(count, np.bool_)
        here[component[kind]] = True
        good &= here
    return np.where(good[component], component, -1).astype(np.int32)


def can_reach(
    sources: NDArray[np.integer], targets: NDArray[np.integer], goal: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Returns from which nodes a goal node can be reached.

    Args:
        sources: Shape [edges].
        targets: Shape [edges].
        goal: Shape [size].

    Returns:
        Shape [size].
    """
    size = len(goal)
    if goal.all():
        return goal.copy()
    goals = np.flatnonzero(goal)
    back = _matrix(
        np.concatenate([targets, np.full(len(goals), size)]),
        np.concatenate([sources, goals]),
        size + 1,
    )
    order = breadth_first_order(back, size, directed=True, return_predecessors=False)
    reached = np.zeros(size + 1, np.bool_)
    reached[order] = True
    return reached[:size]


def _matrix(sources: NDArray[np.integer], targets: NDArray[np.integer], size: int) -> csr_array:
    return csr_array((np.ones(len(sources), np.int8), (sources, targets)), shape=(size, size))
