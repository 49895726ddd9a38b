"""Runtime monitoring of rules: true, false, or not yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

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

    Raises:
        InputError: A rule cannot be compiled.
        MissingDependencyError: Spot is not installed.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._automata = [compile_ltlf(rule.formula) for rule in rules]
        self.reset()

    def reset(self) -> None:
        """Starts a new trace."""
        self.steps = 0
        self._states = [automaton.initial for automaton in self._automata]
        self._final: list[int | None] = [None] * len(self._states)
        self._settle()

    def step(self, true: Collection[str]) -> tuple[RuleStatus, ...]:
        """Advances by one step.

        Args:
            true: The true propositions of the step; those that no rule uses are ignored.

        Returns:
            The status of each rule after it.
        """
        self.steps += 1
        for j, automaton in enumerate(self._automata):
            letter = sum(1 << i for i, p in enumerate(automaton.propositions) if p in true)
            self._states[j] = int(automaton.table[self._states[j], letter])
        self._settle()
        return self.status

    def _settle(self) -> None:
        for j, (automaton, state) in enumerate(zip(self._automata, self._states, strict=True)):
            if self._final[j] is None and automaton.verdicts[state] != 0:
                self._final[j] = self.steps

    @property
    def status(self) -> tuple[RuleStatus, ...]:
        """The status of each rule after the steps so far."""
        return tuple(
            RuleStatus(
                rule,
                _VERDICTS[int(automaton.verdicts[state])],
                final,
                bool(automaton.accepting[state]),
            )
            for rule, automaton, state, final in zip(
                self._rules, self._automata, self._states, self._final, strict=True
            )
        )

    def allows(self, true: Collection[str]) -> bool:
        """Returns whether a step would break no rule for good, without taking it.

        Args:
            true: The true propositions of the step.
        """
        for automaton, state in zip(self._automata, self._states, strict=True):
            letter = sum(1 << i for i, p in enumerate(automaton.propositions) if p in true)
            if automaton.verdicts[automaton.table[state, letter]] < 0:
                return False
        return True
