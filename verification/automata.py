"""Rules compiled to plain tables: what a trace does to a formula is one look-up a step.

Every rule has an automaton of its own over its own propositions. Rules are never joined: the
tables have a column for every combination of propositions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from surefoot.results.errors import HarnessError, InputError
from surefoot.verification import cache
from surefoot.verification.semantics import holds_on_empty
from surefoot.verification.spot_backend import (
    Edges,
    load_spot,
    spot_version,
    translate,
    unpack,
)
from surefoot.verification.syntax import (
    Always,
    Eventually,
    Formula,
    Next,
    Release,
    StrongNext,
    StrongRelease,
    Until,
    WeakUntil,
)

MAX_PROPOSITIONS = 12
"""Most propositions of one rule; its table has two to the power of this many columns."""

MAX_SIZE, MAX_DEPTH = 20_000, 150
"""Most operators and leaves of a formula, and its deepest nesting."""

MAX_STATES = 10_000
"""Most states of an automaton."""

MAX_TABLE = 2**22
"""Most entries of a table."""

MAX_WORK = 50_000_000
"""Most elementary steps of making an automaton deterministic, or minimal."""

SECONDS, MEMORY = 20.0, 2 * 2**30
"""What Spot may spend on one formula: seconds, and bytes of address space."""

_EASY = 4
"""Formulas with no more temporal operators than this are translated in this process."""

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
        verdicts: 1 if the trace satisfies however it goes on or ends, -1 if it cannot,
            0 if that is still open; shape [states]. Once not 0 it never changes.
    """

    propositions: tuple[str, ...]
    table: NDArray[np.int32]
    initial: int
    accepting: NDArray[np.bool_]
    verdicts: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class BuchiAutomaton:
    """A nondeterministic automaton over infinite words.

    A word is accepted if some path over it visits accepting states again and again. A path
    without an edge for the next letter ends and accepts nothing.

    Attributes:
        propositions: Those of the formula; bit i of a letter is the truth of the i-th.
        initial: The first state.
        sources: State that each edge leaves, shape [edges].
        targets: State that it enters, shape [edges].
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

    The empty trace is decided by :func:`~surefoot.verification.semantics.evaluate`: no
    proposition holds on it, and everything else follows.

    Args:
        formula: The formula.
        cache_folder: Where automata are kept instead of the folder that
            :mod:`~surefoot.verification.cache` describes.

    Returns:
        The automaton; made once for all formulas that differ in names only.

    Raises:
        InputError: More than 12 propositions, or too large an automaton.
        MissingDependencyError: There is no Spot.
    """
    names, plain = _canonical(formula)
    made = _finite(plain, cache_folder or cache.default_folder())
    return Automaton(names, made.table, made.initial, made.accepting, made.verdicts)


def compile_buchi(formula: Formula, *, cache_folder: Path | None = None) -> BuchiAutomaton:
    """Compiles a formula for infinite words (LTL), where both kinds of next are the same.

    Args:
        formula: The formula; for model checking, the negation of the rule.
        cache_folder: Where automata are kept instead of the usual folder.

    Raises:
        InputError: More than 12 propositions, or too large an automaton.
        MissingDependencyError: There is no Spot.
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
        edges = _edges(formula, finite=True)
        table, initial, accepting = _determinised(edges, holds_on_empty(formula))
        table, initial, accepting = _minimised(table, initial, accepting)
        kept = {
            "table": table,
            "initial": np.array(initial, np.int32),
            "accepting": accepting,
            "verdicts": _verdicts(table, accepting),
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
        edges = _edges(formula, finite=False)
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


def _edges(formula: Formula, *, finite: bool) -> Edges:
    """Lets Spot translate, in a process of its own unless the formula is surely easy."""
    count = len(formula.propositions)
    if sum(isinstance(part, _TEMPORAL) for part in formula.walk()) <= _EASY:
        return translate(str(formula), count, finite=finite)
    load_spot()  # says what is missing
    order = {"text": str(formula), "propositions": count, "finite": finite}
    limits = {"memory": MEMORY, "seconds": int(SECONDS)}
    command = [sys.executable, "-P", "-m", "surefoot.verification.spot_backend"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(order | limits).encode(),
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # threads reserve address space
        )
    except subprocess.TimeoutExpired:
        raise _too_large(f"Spot was stopped after {SECONDS:g} s") from None
    if done.returncode == 0:
        return unpack(done.stdout)
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 3 or done.returncode < 0 or "alloc" in "".join(said[-1:]):
        raise _too_large("Spot ran out of its limits")
    raise HarnessError(f"Spot failed on '{formula}': {said[-1] if said else done.returncode}")


def _too_large(why: str) -> InputError:
    return InputError(
        f"the formula's automaton is too large ({why}): use shorter chains of X, fewer nested "
        f"operators, or split the formula into several rules"
    )


Dfa = tuple[NDArray[np.int32], int, NDArray[np.bool_]]
"""Table [states, letters], initial state, accepting states."""


def _determinised(edges: Edges, empty: bool) -> Dfa:
    """Subset construction, with a fresh first state that decides the empty trace.

    Letters under which the same edges can be taken are handled once.
    """
    width = edges.letters.shape[1]
    columns, which = np.unique(edges.letters, axis=1, return_inverse=True)
    outgoing: list[list[tuple[int, int]]] = [[] for _ in edges.accepting]
    under = [np.flatnonzero(row).tolist() for row in columns]
    classes = columns.shape[1]
    for i, (source, target) in enumerate(
        zip(edges.sources.tolist(), edges.targets.tolist(), strict=True)
    ):
        outgoing[source].extend((c, 1 << target) for c in under[i])
    final = sum(1 << s for s in np.flatnonzero(edges.accepting).tolist())
    start = 1 << edges.initial
    number = {start: 1}
    subsets = [start]
    rows: list[list[int]] = []
    work = 0
    for subset in subsets:
        targets = [0] * classes
        rest = subset
        while rest:
            low = rest & -rest
            rest ^= low
            moves = outgoing[low.bit_length() - 1]
            work += len(moves)
            for c, target in moves:
                targets[c] |= target
        if work > MAX_WORK:
            raise _too_large("making it deterministic takes too long")
        row = []
        for target in targets:
            if target not in number:
                number[target] = len(number) + 1
                subsets.append(target)
                if len(number) > MAX_STATES or len(number) * width > MAX_TABLE:
                    raise _too_large(f"more than {len(number) - 1:,} states")
            row.append(number[target])
        rows.append(row)
    small = np.array([rows[0], *rows], np.int32)
    accepting = np.array([empty, *(bool(s & final) for s in subsets)], np.bool_)
    return small[:, which.reshape(-1)], 0, accepting


def _minimised(table: NDArray[np.int32], initial: int, accepting: NDArray[np.bool_]) -> Dfa:
    """Moore's partition refinement; states are renumbered in breadth-first order."""
    columns = np.unique(table, axis=1)
    block = accepting.astype(np.int64)
    count = len(np.unique(block))
    work = 0
    while True:
        work += columns.size
        if work > MAX_WORK * 10:  # these steps are numpy's
            raise _too_large("making it minimal takes too long")
        refined = block
        for column in columns.T:
            pairs = refined * len(table) + block[column]
            refined = np.unique(pairs, return_inverse=True)[1].reshape(-1)
        blocks = int(refined.max()) + 1
        block = refined
        if blocks == count:
            break
        count = blocks
    representative = np.unique(block, return_index=True)[1]
    order: dict[int, int] = {int(block[initial]): 0}
    queue = [int(block[initial])]
    for old in queue:
        for new in dict.fromkeys(block[table[representative[old]]].tolist()):
            if new not in order:
                order[new] = len(order)
                queue.append(new)
    renumber = np.full(count, -1, np.int32)
    renumber[queue] = np.arange(len(queue), dtype=np.int32)
    chosen = representative[queue]
    return renumber[block[table[chosen]]], 0, accepting[chosen]


def _verdicts(table: NDArray[np.int32], accepting: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Finds the states that are left no more: minimal, there is at most one of each kind."""
    stays = (table == np.arange(len(table))[:, None]).all(axis=1)
    return np.where(stays, np.where(accepting, 1, -1), 0).astype(np.int8)
