"""Rules over many recorded traces at once: one table look-up per rule and time step."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import nearest
from surefoot.verification.monitoring.monitor import true_names
from surefoot.verification.rules import Rule
from surefoot.verification.translation.automata import Automaton, compile_ltlf


@dataclass(frozen=True, eq=False)
class TraceVerdicts:
    """Verdicts of rules on traces.

    Attributes:
        satisfied: Whether the trace satisfies the rule; shape [traces, rules].
        verdicts: 1 if every continuation does, -1 if none, 0 if open; shape [traces, rules].
        final_steps: Number of steps after which that verdict was final (0: before the
            first); -1 if it is open; shape [traces, rules].
    """

    satisfied: NDArray[np.bool_]
    verdicts: NDArray[np.int8]
    final_steps: NDArray[np.int32]


def check_traces(
    rules: Sequence[Rule],
    names: Sequence[str],
    labels: NDArray[np.bool_],
    offsets: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Checks which traces satisfy which rules (LTLf).

    Args:
        rules: The rules.
        names: Propositions of the columns of ``labels``.
        labels: Truth at every step of the concatenated traces; shape [steps, names].
        offsets: Start of each trace, and the end of the last; shape [traces + 1]. A trace may be
            empty.

    Returns:
        Shape [traces, rules].

    Raises:
        InputError: The arrays do not fit together, or a rule uses an unknown proposition.
        MissingDependencyError: Spot is not installed.
    """
    layout = _Layout(names, labels, offsets)
    satisfied = np.empty((layout.traces, len(rules)), np.bool_)
    for j, rule in enumerate(rules):
        automaton = compile_ltlf(rule.formula)
        states = deque(layout.run(automaton, rule.name), maxlen=1).pop()
        satisfied[layout.order, j] = automaton.accepting[states]
    return satisfied


def judge_traces(
    rules: Sequence[Rule],
    names: Sequence[str],
    labels: NDArray[np.bool_],
    offsets: NDArray[np.int64],
) -> TraceVerdicts:
    """As :func:`check_traces`, with three-valued verdicts and when they became final.

    Raises:
        InputError: As there.
    """
    layout = _Layout(names, labels, offsets)
    shape = (layout.traces, len(rules))
    result = TraceVerdicts(
        np.empty(shape, np.bool_), np.empty(shape, np.int8), np.empty(shape, np.int32)
    )
    for j, rule in enumerate(rules):
        automaton = compile_ltlf(rule.formula)
        settled = automaton.verdicts != 0
        final = np.full(layout.traces, -1, np.int32)
        for steps, states in enumerate(layout.run(automaton, rule.name)):
            alive = layout.alive[steps]
            now = final[:alive]
            now[(now < 0) & settled[states[:alive]]] = steps
        result.satisfied[layout.order, j] = automaton.accepting[states]
        result.verdicts[layout.order, j] = automaton.verdicts[states]
        result.final_steps[layout.order, j] = final
    return result


def pack_traces(
    traces: Sequence[Sequence[Collection[str] | Mapping[str, bool]]], names: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Converts traces of sets of true propositions to the arrays that the checks take.

    Args:
        traces: For each trace, the true propositions of each step, or the truth of each name.
        names: All propositions, in the order of the columns.

    Returns:
        ``labels`` and ``offsets`` as in :func:`check_traces`.

    Raises:
        InputError: A step has a proposition that is not among the names, or is plain text.
    """
    column = {name: i for i, name in enumerate(names)}
    offsets = np.zeros(len(traces) + 1, np.int64)
    np.cumsum([len(trace) for trace in traces], out=offsets[1:])
    steps: list[Collection[str] | Mapping[str, bool]] = list(chain.from_iterable(traces))
    if any(issubclass(kind, str | bytes | Mapping) for kind in set(map(type, steps))):
        steps = [true_names(step) for step in steps]
    lengths = np.fromiter(map(len, steps), np.int64, len(steps))
    try:
        named = np.fromiter(
            map(column.__getitem__, chain.from_iterable(steps)), np.int64, int(lengths.sum())
        )
    except KeyError as error:
        name = error.args[0]
        raise InputError(f"unknown proposition '{name}'{nearest(str(name), names)}") from None
    labels = np.zeros(len(steps) * len(names), np.bool_)
    labels[np.repeat(np.arange(len(steps)) * len(names), lengths) + named] = True
    return labels.reshape(len(steps), len(names)), offsets


class _Layout:
    """Traces sorted by length, longest first, with their steps in order of time.

    The traces that are still running at a time are then the first ``alive[time]`` ones, and their
    letters are contiguous.
    """

    def __init__(
        self, names: Sequence[str], labels: NDArray[np.bool_], offsets: NDArray[np.int64]
    ) -> None:
        _check(names, labels, offsets)
        offsets = offsets.astype(np.int64)
        lengths = np.diff(offsets)
        self.names = {name: i for i, name in enumerate(names)}
        self.traces = len(lengths)
        self.order = np.argsort(-lengths, kind="stable")
        starts = offsets[:-1][self.order]
        longest = int(lengths.max(initial=0))
        ended = np.cumsum(np.bincount(lengths, minlength=longest + 1))
        alive = self.traces - ended[:longest]
        # alive[n]: traces that have at least n steps
        self.alive = [self.traces, *alive.tolist()]
        places = [starts[:count] + time for time, count in enumerate(self.alive[1:])]
        place = np.concatenate(places) if places else np.zeros(0, np.int64)
        self._columns = np.ascontiguousarray(labels.T)[:, place].view(np.uint8)
        self._ends = np.cumsum([0, *self.alive[1:]]).tolist()

    def run(self, automaton: Automaton, rule: str) -> Iterator[NDArray[np.intp]]:
        """Yields the states of all traces (in sorted order) after 0, 1, 2, … steps.

        The same array is reused each time; the entry of an ended trace keeps its last state.
        """
        width = automaton.table.shape[1]
        letters = np.zeros(self._columns.shape[1], np.uint16)
        for i, name in enumerate(automaton.propositions):
            if name not in self.names:
                raise InputError(
                    f"rule '{rule}': the traces have no proposition '{name}'"
                    f"{nearest(name, self.names)}"
                )
            letters |= np.left_shift(self._columns[self.names[name]], i, dtype=np.uint16)
        table = automaton.table.astype(np.intp).reshape(-1)
        states = np.full(self.traces, automaton.initial, np.intp)
        yield states
        for time, alive in enumerate(self.alive[1:]):
            here = states[:alive]
            index = here * width
            index += letters[self._ends[time] : self._ends[time + 1]]
            np.take(table, index, out=here, mode="clip")
            yield states


def _check(names: Sequence[str], labels: NDArray[np.bool_], offsets: NDArray[np.int64]) -> None:
    if labels.ndim != 2 or labels.dtype != np.bool_ or labels.shape[1] != len(names):
        raise InputError(
            f"labels must be booleans of shape [steps, {len(names)}], one column per name; "
            f"these are {labels.dtype} of shape {list(labels.shape)}"
        )
    if len(set(names)) != len(names):
        raise InputError("a proposition names two columns; rename one")
    if offsets.ndim != 1 or not len(offsets) or offsets.dtype.kind not in "iu":
        raise InputError("offsets must be whole numbers of shape [traces + 1]")
    if offsets[0] != 0 or offsets[-1] != len(labels) or (offsets[1:] < offsets[:-1]).any():
        raise InputError(
            f"offsets must rise from 0 to the number of steps, {len(labels)}; "
            f"each trace starts where the one before ends"
        )
