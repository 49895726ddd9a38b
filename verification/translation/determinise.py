"""From Spot's edges to minimal, complete, deterministic tables over finite traces.

Letters under which the same edges can be taken are handled as one: a *class*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surefoot.verification.translation.spot_backend import Edges, TooLargeError

MAX_STATES = 10_000
"""Most states of an automaton."""

MAX_TABLE = 2**22
"""Most entries of a table."""

MAX_WORK = 50_000_000
"""Most elementary steps of determinisation; minimisation may take ten times that, in numpy."""

_SMALL = 10_000
"""Most entries of a table that is minimised without numpy, whose call overhead dominates there."""

Dfa = tuple[NDArray[np.int32], NDArray[np.bool_]]
"""Table [states, letters or classes] and accepting states; the first state is 0."""

_Moves = list[list[tuple[int, int]]]
"""For each state, pairs of a class and a set of targets, as bits of an integer."""


def determinised(edges: Edges, *, empty: bool, negated: bool = False) -> Dfa:
    """Determinises an automaton.

    A formula's automaton is determinised by the subset construction; that of its negation by
    reversing twice (Brzozowski, 1962), which never visits more states than the reversed and the
    minimal automaton have, and then complementing.

    Args:
        edges: The automaton, over traces of at least one step.
        empty: Whether the formula holds on the empty trace; an initial state that is never entered
            again encodes that.
        negated: Whether the automaton is that of the formula's negation.

    Returns:
        Table [states, letters] and accepting states, all of them reachable.

    Raises:
        TooLargeError: More than :data:`MAX_STATES`, :data:`MAX_TABLE` or :data:`MAX_WORK`.
    """
    width = edges.letters.shape[1]
    columns, class_of = np.unique(edges.letters, axis=1, return_inverse=True)
    classes = columns.shape[1]
    first, final = 1 << edges.initial, _bits(edges.accepting)
    triples = [
        (source, c, target)
        for source, target, row in zip(
            edges.sources.tolist(), edges.targets.tolist(), columns, strict=True
        )
        for c in np.flatnonzero(row).tolist()
    ]
    count = len(edges.accepting)
    if not negated:
        table, accepting = _subsets(_moves(triples, count), classes, first, final, width)
    else:
        backwards = _moves([(t, c, s) for s, c, t in triples], count)
        reverse, ends = _subsets(backwards, classes, final, first, width)
        again = [(t, c, s) for s, row in enumerate(reverse.tolist()) for c, t in enumerate(row)]
        moves = _moves(again, len(ends))
        table, accepting = _subsets(moves, classes, _bits(ends), 1, width)
        accepting = ~accepting
    table = np.concatenate([table[:1], table]) + 1
    accepting = np.concatenate([[empty], accepting])
    return table[:, class_of.reshape(-1)].astype(np.int32), accepting


def _bits(members: NDArray[np.bool_]) -> int:
    return sum(1 << state for state in np.flatnonzero(members).tolist())


def _moves(triples: list[tuple[int, int, int]], count: int) -> _Moves:
    outgoing: _Moves = [[] for _ in range(count)]
    for source, c, target in triples:
        outgoing[source].append((c, 1 << target))
    return outgoing


def _subsets(moves: _Moves, classes: int, start: int, final: int, width: int) -> Dfa:
    """Subset construction; sets of states are bits of integers, and ``start`` becomes 0."""
    number, queue = {start: 0}, [start]
    rows: list[list[int]] = []
    work = 0
    for subset in queue:
        targets = [0] * classes
        rest = subset
        while rest:
            low = rest & -rest
            rest ^= low
            outgoing = moves[low.bit_length() - 1]
            work += len(outgoing)
            for c, target in outgoing:
                targets[c] |= target
        if work > MAX_WORK:
            raise TooLargeError("making it deterministic takes too long")
        for target in targets:
            if target not in number:
                number[target] = len(queue)
                queue.append(target)
        if len(queue) > MAX_STATES or len(queue) * width > MAX_TABLE:
            raise TooLargeError(f"more than {len(queue) - 1:,} states")
        rows.append([number[target] for target in targets])
    accepting = np.array([bool(subset & final) for subset in queue], np.bool_)
    return np.array(rows, np.int32).reshape(len(queue), classes), accepting


def minimised(table: NDArray[np.int32], accepting: NDArray[np.bool_]) -> Dfa:
    """Merges states that no trace distinguishes (Moore's partition refinement).

    Args:
        table: Shape [states, letters]; state 0 is the first.
        accepting: Shape [states].

    Returns:
        The minimal automaton with states in breadth-first order, letters ascending; equal languages
        have equal tables.

    Raises:
        TooLargeError: Ten times :data:`MAX_WORK`.
    """
    columns = np.unique(table, axis=1)
    block = accepting.astype(np.int64)
    count, work = len(np.unique(block)), 0
    while True:
        work += columns.size
        if work > 10 * MAX_WORK:
            raise TooLargeError("making it minimal takes too long")
        block = _refined(columns, block)
        blocks = int(block.max()) + 1
        if blocks == count:
            break
        count = blocks
    representative = np.unique(block, return_index=True)[1]
    queue = [int(block[0])]
    met = set(queue)
    for old in queue:
        for new in dict.fromkeys(block[table[representative[old]]].tolist()):
            if new not in met:
                met.add(new)
                queue.append(new)
    renumber = np.full(count, -1, np.int32)
    renumber[queue] = np.arange(len(queue), dtype=np.int32)
    chosen = representative[queue]
    return renumber[block[table[chosen]]], accepting[chosen]


def _refined(columns: NDArray[np.int32], block: NDArray[np.int64]) -> NDArray[np.int64]:
    """Splits blocks by the blocks that their states' successors are in."""
    if columns.size <= _SMALL:
        numbers: dict[tuple[int, ...], int] = {}
        rows = zip(block.tolist(), block[columns].tolist(), strict=True)
        return np.array(
            [numbers.setdefault((own, *row), len(numbers)) for own, row in rows], np.int64
        )
    refined = block
    for column in columns.T:
        pairs = refined * len(block) + block[column]
        refined = np.unique(pairs, return_inverse=True)[1].reshape(-1)
    return refined


def verdicts(table: NDArray[np.int32], accepting: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Returns the final verdicts of a minimal automaton: of the states that are never left.

    Returns:
        1 if every continuation is accepted, -1 if none is, else 0.
    """
    stays = (table == np.arange(len(table))[:, None]).all(axis=1)
    return np.where(stays, np.where(accepting, 1, -1), 0).astype(np.int8)
