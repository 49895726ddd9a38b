"""Rules watched while something happens: true, false, or not yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from surefoot.verification.rules import Rule
from surefoot.verification.translation.automata import compile_ltlf


class MonitorVerdict(StrEnum):
    """What is known of a rule while the trace goes on (Bauer, Leucker, Schallhart, 2011)."""

    TRUE = "true"
    """It holds however the trace goes on or ends."""
    FALSE = "false"
    """It is broken, whatever comes."""
    NOT_YET = "not yet"
    """That depends on what comes."""


_VERDICTS = {1: MonitorVerdict.TRUE, -1: MonitorVerdict.FALSE, 0: MonitorVerdict.NOT_YET}


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """A rule while it is watched.

    Attributes:
        rule: The rule.
        verdict: What is known after the steps so far.
        final_step: Number of steps after which the verdict was final (0: before the first);
            None while it is not.
        if_ended: Whether the rule holds if nothing more happens.
    """

    rule: Rule
    verdict: MonitorVerdict
    final_step: int | None
    if_ended: bool


class Monitor:
    """Watches rules over one trace; a step costs one table look-up a rule.

    Args:
        rules: The rules.

    Raises:
        InputError: A rule cannot be compiled.
        MissingDependencyError: There is no Spot.
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
        """Takes one step.

        Args:
            true: The propositions that are true at it; those that no rule uses are ignored.

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
        """Tells whether a step would break no rule for good; takes no step.

        Args:
            true: The propositions that would be true at it.
        """
        for automaton, state in zip(self._automata, self._states, strict=True):
            letter = sum(1 << i for i, p in enumerate(automaton.propositions) if p in true)
            if automaton.verdicts[automaton.table[state, letter]] < 0:
                return False
        return True
