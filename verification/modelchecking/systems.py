"""Explicit transition systems: states with labels and nondeterministic edges, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError

MAX_STATES = 2_000_000
"""Default limit on the number of states."""

S = TypeVar("S", bound=Hashable)

Describe = Callable[[int], str]
"""Returns a description of a state, given its number."""


@dataclass(frozen=True, eq=False)
class TransitionSystem:
    """A finite nondeterministic transition system.

    Attributes:
        names: Propositions, in the order of the columns of ``labels``.
        labels: Shape [states, names]: the true propositions of each state.
        offsets: Shape [states + 1]: edges of state ``s`` are ``targets[offsets[s]:offsets[s+1]]``.
        targets: Shape [edges]: state that each edge leads to.
        initial: Shape [k]: states in which a run may begin.
        final: Shape [states]: whether a run may end in the state; None if no run ends.
        describe: Describes a state in counterexamples; None for its true propositions.
    """

    names: tuple[str, ...]
    labels: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    targets: NDArray[np.int32]
    initial: NDArray[np.int32]
    final: NDArray[np.bool_] | None = None
    describe: Describe | None = None

    @property
    def states(self) -> int:
        """Number of states."""
        return len(self.labels)

    @property
    def edges(self) -> int:
        """Number of edges."""
        return len(self.targets)

    @property
    def deadlocks(self) -> NDArray[np.bool_]:
        """Shape [states]: the states without an edge out of them."""
        degrees: NDArray[np.int64] = np.diff(self.offsets)
        return np.equal(degrees, 0)

    def facts(self, state: int) -> tuple[str, ...]:
        """Returns the propositions that are true in a state."""
        return tuple(n for n, true in zip(self.names, self.labels[state], strict=True) if true)

    def words(self, state: int) -> str:
        """Returns a state in words."""
        if self.describe is not None:
            return self.describe(state)
        return ", ".join(self.facts(state)) or "nothing holds"

    def letters(self, propositions: Sequence[str]) -> NDArray[np.int32]:
        """Packs the labels of some propositions into one number per state.

        Args:
            propositions: Names; the one at index ``i`` becomes bit ``i``.

        Returns:
            Shape [states].

        Raises:
            InputError: One of them is not a proposition of the system.
        """
        codes = np.zeros(self.states, np.int32)
        for bit, name in enumerate(propositions):
            if name not in self.names:
                known = ", ".join(self.names[:12]) or "none"
                raise InputError(f"the model does not tell {name!r}; it tells: {known}")
            codes |= self.labels[:, self.names.index(name)].astype(np.int32) << bit
        return codes

    def sources(self) -> NDArray[np.int32]:
        """Returns the state that each edge leaves, shape [edges]."""
        return np.repeat(np.arange(self.states, dtype=np.int32), np.diff(self.offsets))

    def stuttering(self) -> TransitionSystem:
        """Returns the system with a self-loop at every state that had no edge."""
        stuck = np.flatnonzero(self.deadlocks).astype(np.int32)
        return from_arrays(
            self.names,
            self.labels,
            np.concatenate([self.sources(), stuck]),
            np.concatenate([self.targets, stuck]),
            self.initial,
            final=self.final,
            describe=self.describe,
        )

    def starting(self, initial: Collection[int]) -> TransitionSystem:
        """Returns the same system with other initial states."""
        starts = np.unique(np.asarray(list(initial), np.int32))
        checked_indices(starts, self.states, "initial states")
        return replace(self, initial=starts)


def checked_indices(values: NDArray[Any], states: int, what: str) -> None:
    """Checks that numbers of states lie in range.

    Raises:
        InputError: There are none, or one is out of range.
    """
    if what == "initial states" and not len(values):
        raise InputError("the model has no initial state; name at least one")
    if len(values) and (values.min() < 0 or values.max() >= states):
        raise InputError(f"{what} must be numbers from 0 to {states - 1}")


def from_arrays(
    names: Sequence[str],
    labels: NDArray[np.bool_],
    sources: NDArray[Any],
    targets: NDArray[Any],
    initial: Iterable[int],
    *,
    final: NDArray[np.bool_] | None = None,
    describe: Describe | None = None,
) -> TransitionSystem:
    """Builds a system from lists of edges.

    Args:
        names: Propositions.
        labels: Shape [states, names].
        sources: Shape [edges]: start of each edge, in any order.
        targets: Shape [edges]: end of each edge.
        initial: Numbers of the initial states.
        final: Shape [states]: whether a run may end in the state.
        describe: Describes a state.

    Raises:
        InputError: Shapes or numbers do not fit each other.
    """
    labels = np.ascontiguousarray(labels, np.bool_)
    if labels.ndim != 2 or labels.shape[1] != len(names) or len(set(names)) != len(names):
        raise InputError("labels need one row per state and one column per (distinct) name")
    states = len(labels)
    sources, targets = np.asarray(sources), np.asarray(targets)
    if sources.shape != targets.shape or sources.ndim != 1:
        raise InputError("sources and targets of the edges must be equally long lists")
    if final is not None and np.shape(final) != (states,):
        raise InputError("final needs one truth value per state")
    starts = np.unique(np.asarray(list(initial), np.int64))
    for what, values in (("sources", sources), ("targets", targets), ("initial states", starts)):
        checked_indices(values, states, what)
    offsets = np.zeros(states + 1, np.int64)
    np.cumsum(np.bincount(sources, minlength=states), out=offsets[1:])
    if np.any(sources[1:] < sources[:-1]):
        targets = targets[np.argsort(sources, kind="stable")]
    return TransitionSystem(
        tuple(names),
        labels,
        offsets,
        targets.astype(np.int32),
        starts.astype(np.int32),
        None if final is None else np.asarray(final, np.bool_),
        describe,
    )


def from_callables(
    initial: Iterable[S],
    successors: Callable[[S], Iterable[S]],
    label: Callable[[S], Collection[str]],
    *,
    names: Sequence[str] | None = None,
    final: Callable[[S], bool] | None = None,
    describe: Callable[[S], str] | None = None,
    limit: int = MAX_STATES,
) -> TransitionSystem:
    """Explores a system breadth first from Python callables.

    Args:
        initial: States in which a run may begin.
        successors: Returns the states that can come next; an edge may be given twice.
        label: Returns the names of the propositions that hold in a state.
        names: All propositions; by default those that occurred, sorted.
        final: Returns whether a run may end in a state.
        describe: Describes a state.
        limit: Most states.

    Raises:
        InputError: More states than ``limit``, no initial state, or a label outside ``names``.
    """
    number: dict[S, int] = {}
    order: list[S] = []
    for state in initial:
        if state not in number:
            number[state] = len(order)
            order.append(state)
    starts = len(order)
    targets: list[int] = []
    ends: list[int] = [0]
    known = number.get
    for state in order:  # grows while it is read
        for target in successors(state):
            place = known(target)
            if place is None:
                place = number[target] = len(order)
                order.append(target)
            targets.append(place)
        ends.append(len(targets))
        if len(order) > limit:
            raise InputError(
                f"the model has more than {limit:,} states; make it coarser or raise the limit"
            )
    if not starts:
        raise InputError("the model has no initial state; name at least one")
    rows, columns = _label_rows([label(state) for state in order], names)
    return TransitionSystem(
        columns,
        rows,
        np.asarray(ends, np.int64),
        np.asarray(targets, np.int32),
        np.arange(starts, dtype=np.int32),
        None if final is None else np.fromiter(map(final, order), np.bool_, len(order)),
        None if describe is None else lambda state: describe(order[state]),
    )


def _label_rows(
    labels: list[Collection[str]], names: Sequence[str] | None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    kinds: dict[frozenset[str], int] = {}
    which = [kinds.setdefault(frozenset(found), len(kinds)) for found in labels]
    used = frozenset().union(*kinds)
    columns = tuple(sorted(used)) if names is None else tuple(names)
    if odd := sorted(used - set(columns)):
        raise InputError(f"a state is labelled {odd[0]!r}, which is not among the names given")
    table = np.array([[name in kind for name in columns] for kind in kinds], np.bool_)
    return table.reshape(len(kinds), len(columns))[which], columns
