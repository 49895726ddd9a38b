"""Runtime monitoring of rules: true, false, or not yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import nearest
from surefoot.verification.rules import Rule
from surefoot.verification.translation.automata import compile_ltlf


class MonitorVerdict(StrEnum):
    """Verdict on a rule while the trace grows (Bauer, Leucker, Schallhart, 2011)."""

    TRUE = "true"
    """It holds for every continuation of the trace."""
    FALSE = "false"
    """It is broken for every continuation."""
    NOT_YET = "not yet"
    """It depends on the continuation."""


MAX_SEEN = 10_000
"""Most different steps whose letters a monitor remembers."""

_VERDICTS = {1: MonitorVerdict.TRUE, -1: MonitorVerdict.FALSE, 0: MonitorVerdict.NOT_YET}


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """Status of a monitored rule.

    Attributes:
        rule: The rule.
        verdict: Verdict after the steps so far.
        final_step: Number of steps after which the verdict was final (0: before the first);
            None while it is not.
        if_ended: Whether the rule holds if the trace ends now.
    """

    rule: Rule
    verdict: MonitorVerdict
    final_step: int | None
    if_ended: bool


class Monitor:
    """Monitors rules over one trace; each step costs one table look-up per rule.

    Args:
        rules: The rules.
        propositions: Names that a step may have; those of the rules by default. Give those of
            the rulebook if only some of its rules are monitored.

    Raises:
        InputError: A rule cannot be compiled.
        MissingDependencyError: Spot is not installed.
    """

    def __init__(self, rules: Sequence[Rule], propositions: Collection[str] = ()) -> None:
        self._rules = tuple(rules)
        self._automata = [compile_ltlf(rule.formula) for rule in rules]
        names = (name for automaton in self._automata for name in automaton.propositions)
        self._known = frozenset((*names, *propositions))
        # plain lists: a look-up in them is faster than one in an array
        self._tables: list[list[list[int]]] = [a.table.tolist() for a in self._automata]
        self._signs: list[list[int]] = [a.verdicts.tolist() for a in self._automata]
        self._bits = [
            tuple((1 << i, name) for i, name in enumerate(automaton.propositions))
            for automaton in self._automata
        ]
        self._seen: dict[frozenset[str], tuple[int, ...]] = {}
        self.reset()

    def reset(self) -> None:
        """Starts a new trace."""
        self.steps = 0
        self._states = [automaton.initial for automaton in self._automata]
        self._final: list[int | None] = [None] * len(self._states)
        self._last: list[tuple[int, int | None, RuleStatus] | None] = [None] * len(self._states)
        self._settle()

    def step(self, true: Collection[str] | Mapping[str, bool]) -> tuple[RuleStatus, ...]:
        """Advances by one step.

        Args:
            true: The true propositions of the step, or the truth of each; those that a mapping
                lacks are false.

        Returns:
            The status of each rule after it.

        Raises:
            InputError: A name is unknown, or this is no set of names.
        """
        letters = self._letters(true)
        self.steps += 1
        for j, letter in enumerate(letters):
            self._states[j] = self._tables[j][self._states[j]][letter]
        self._settle()
        return self.status

    def _letters(self, true: Collection[str] | Mapping[str, bool]) -> tuple[int, ...]:
        names = frozenset(true_names(true))
        known = self._seen.get(names)
        if known is not None:
            return known
        if not self._known.issuperset(names):
            unknown = min(str(name) for name in names if name not in self._known)
            raise InputError(f"unknown proposition '{unknown}'{nearest(unknown, self._known)}")
        letters = tuple(sum(bit for bit, name in bits if name in names) for bits in self._bits)
        if len(self._seen) < MAX_SEEN:
            self._seen[names] = letters
        return letters

    def _settle(self) -> None:
        for j, state in enumerate(self._states):
            if self._final[j] is None and self._signs[j][state] != 0:
                self._final[j] = self.steps

    @property
    def status(self) -> tuple[RuleStatus, ...]:
        """The status of each rule after the steps so far."""
        return tuple(map(self._status_of, range(len(self._states)), self._states, self._final))

    def _status_of(self, rule: int, state: int, final: int | None) -> RuleStatus:
        """Returns the status of a rule; the one of the step before if nothing changed."""
        last = self._last[rule]
        if last is not None and last[0] == state and last[1] == final:
            return last[2]
        automaton = self._automata[rule]
        status = RuleStatus(
            self._rules[rule],
            _VERDICTS[self._signs[rule][state]],
            final,
            bool(automaton.accepting[state]),
        )
        self._last[rule] = state, final, status
        return status

    def allows(self, true: Collection[str] | Mapping[str, bool]) -> bool:
        """Returns whether a step would break no rule for good, without taking it.

        Args:
            true: As in :meth:`step`.

        Raises:
            InputError: As in :meth:`step`.
        """
        letters = self._letters(true)
        return all(
            signs[table[state][letter]] >= 0
            for signs, table, state, letter in zip(
                self._signs, self._tables, self._states, letters, strict=True
            )
        )


def true_names(step: Collection[str] | Mapping[str, bool]) -> Collection[str]:
    """Returns the true propositions of a step.

    Args:
        step: The true names, or the truth of each.

    Raises:
        InputError: It is a plain string, or a value is neither true nor false.
    """
    if isinstance(step, str | bytes):
        raise InputError(
            f"a step is a set of names, not the text {step[:40]!r}; write {{{step!r}}}"
        )
    if not isinstance(step, Mapping):
        return step
    for name, value in step.items():
        if not isinstance(value, bool | np.bool_):
            raise InputError(f"'{name}' must be true or false, not {value!r}")
    return {name for name, value in step.items() if value}
