"""Product of a transition system and an automaton that reads its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.modelchecking.systems import TransitionSystem

MAX_NODES = 50_000_000
"""Most nodes of a product, all of which a search may have to mark (200 MB)."""


@dataclass(frozen=True, eq=False)
class Moves:
    """The transitions of an automaton, grouped by place and letter.

    Attributes:
        places: Number of states of the automaton.
        width: Number of letters.
        offsets: Shape [places * width + 1]: row ``place * width + letter``.
        targets: Successor places; none, one or several per row.
    """

    places: int
    width: int
    offsets: NDArray[np.int64]
    targets: NDArray[np.int32]


def moves_of_table(table: NDArray[np.int32]) -> Moves:
    """Converts a deterministic automaton; a negative entry means that there is no move.

    Args:
        table: Shape [places, letters].
    """
    places, width = table.shape
    flat = table.ravel()
    offsets = np.zeros(len(flat) + 1, np.int64)
    np.cumsum(flat >= 0, out=offsets[1:])
    return Moves(places, width, offsets, flat[flat >= 0])


def moves_of_edges(
    places: int,
    sources: NDArray[np.int32],
    targets: NDArray[np.int32],
    letters: NDArray[np.bool_],
) -> Moves:
    """Converts a nondeterministic automaton from its edges.

    Args:
        places: Number of states of the automaton.
        sources: Shape [edges].
        targets: Shape [edges].
        letters: Shape [edges, letters]: under which letters an edge can be taken.
    """
    width = letters.shape[1]
    edge, letter = np.nonzero(letters)
    rows = sources[edge].astype(np.int64) * width + letter
    offsets = np.zeros(places * width + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=places * width), out=offsets[1:])
    return Moves(places, width, offsets, targets[edge][np.argsort(rows, kind="stable")])


@dataclass(frozen=True, eq=False)
class Product:
    """A model and an automaton in lockstep; node ``state * places + place``.

    The automaton is in ``place`` before it reads the label of ``state``.

    Attributes:
        system: The model.
        letters: Shape [states]: the automaton's letter for each state.
        moves: The automaton.
        starts: Places in which the automaton may begin.
    """

    system: TransitionSystem
    letters: NDArray[np.int32]
    moves: Moves
    starts: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        if self.nodes > MAX_NODES:
            raise InputError(
                f"the model times the automaton has {self.nodes:,} states; at most "
                f"{MAX_NODES:,} can be searched: make the model coarser or the rule simpler"
            )

    @property
    def nodes(self) -> int:
        """Number of nodes, reachable or not."""
        return self.system.states * self.moves.places

    @property
    def initial(self) -> NDArray[np.int64]:
        """The nodes in which a run may begin."""
        first = self.system.initial.astype(np.int64)[:, None] * self.moves.places
        return (first + np.asarray(self.starts, np.int64)).ravel()

    def state(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the states of the model in some nodes."""
        return nodes // self.moves.places

    def place(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the places of the automaton in some nodes."""
        return nodes % self.moves.places

    def row(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns place and letter of some nodes as one number, the row of :class:`Moves`."""
        state = self.state(nodes)
        return (nodes - state * self.moves.places) * self.moves.width + self.letters[state]

    def step(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Follows all edges out of some nodes.

        Returns:
            For each edge the index of its source in ``nodes``, and its target.
        """
        origin, move = edges_from(self.moves.offsets, self.row(nodes))
        after = self.moves.targets[move]
        which, edge = edges_from(self.system.offsets, self.state(nodes)[origin])
        targets = self.system.targets[edge].astype(np.int64) * self.moves.places + after[which]
        return origin[which], targets


def edges_from(
    offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lists the entries of some rows of a table in compressed-row format.

    Returns:
        For each entry the index of its row in ``rows``, and its number.
    """
    first = offsets[rows]
    count = offsets[rows + 1] - first
    which = np.repeat(np.arange(len(rows)), count)
    return which, np.arange(len(which)) + (first - np.cumsum(count) + count)[which]
