"""Sentences such as 'never turn left while a car comes', which a plan must already obey."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

import numpy as np

from surefoot.core.errors import InputError
from surefoot.verification.formulas.propositional import evaluate_boolean
from surefoot.verification.formulas.syntax import Formula, Not, True_
from surefoot.verification.programs.clauses import ClauseReader
from surefoot.verification.programs.controller import ENDED, compile_program
from surefoot.verification.programs.statements import Program
from surefoot.verification.programs.writing import words_of

MAX_OBSERVATIONS = 16
"""Most observations of a plan whose prohibitions are checked."""

_WHERE = (
    r"(?:(?: ,)? (?P<word>if|while|when|whenever|as long as|so long as|for as long as|unless) "
    r"(?P<what>.+))?$"
)
_NEVER = re.compile(
    r"^(?:please )?(?:(?:(?:you |we |the \w+ )?(?:must|should|may|can) )(?:never|not)|never|do not|"
    r"(?:at no (?:point|time)|under no circumstances)(?: (?:should|may|must) (?:you|the \w+))?)"
    r"(?: ever)? (?P<act>.+?)(?: at any (?:time|point))?" + _WHERE
)
_AVOID = re.compile(r"^(?:avoid|refrain from) (?P<act>.+?)(?: at any (?:time|point))?" + _WHERE)


@dataclass(frozen=True, slots=True)
class Prohibition:
    """An action that a plan must not take.

    Attributes:
        line: Line of the plan.
        step: Step of the plan.
        action: The action.
        condition: Where it is forbidden.
        words: The words of the plan.
    """

    line: int
    step: int
    action: str
    condition: Formula
    words: str

    @property
    def text(self) -> str:
        """The prohibition in words."""
        act = self.action.replace("_", " ")
        where = "" if self.condition == True_() else f" while {words_of(self.condition)}"
        return f"never {act}{where}"


def prohibition(text: str, clauses: ClauseReader, line: int, step: int) -> Prohibition | None:
    """Reads a prohibition; None if the words are none, or not understood."""
    found, avoids = _NEVER.match(text), _AVOID.match(text)
    match = found or avoids
    if match is None:
        return None
    words = match["act"].split()
    action = clauses.vocabulary.act(words) if found else clauses.vocabulary.acting(words)
    condition: Formula | None = True_()
    if match["word"]:
        condition = clauses.condition(match["what"])
        if condition is not None and match["word"] == "unless":
            condition = Not(condition)
    if action is None or condition is None:
        return None
    return Prohibition(line, step, action, condition, text)


def broken_prohibition(program: Program, item: Prohibition) -> int | None:
    """Returns a line of a plan that may take a forbidden action, or None.

    Every situation is assumed to be possible at every step.

    Raises:
        InputError: The plan uses too many observations.
    """
    machine = compile_program(program)
    names = list(dict.fromkeys((*machine.observations, *item.condition.propositions)))
    if len(names) > MAX_OBSERVATIONS:
        raise InputError(
            f"'{item.words[:60]}' cannot be checked with more than {MAX_OBSERVATIONS} "
            "observations in the plan; leave it to the rulebook",
            line=item.line,
        )
    rows = np.array(list(product((False, True), repeat=len(names))), bool)
    columns = {name: rows[:, i] for i, name in enumerate(names)}
    forbidden = np.broadcast_to(
        evaluate_boolean(item.condition, lambda n: columns[n]), (len(rows),)
    )
    known, todo = {0}, [0]
    while todo:
        chosen = machine.decide(todo.pop(), columns, len(rows))
        for place in np.unique(chosen).tolist():
            if place == ENDED:
                continue
            if item.action in machine.actions(place) and forbidden[chosen == place].any():
                return int(machine.instructions[place].line)
            after = machine.after(place)
            if after != ENDED and after not in known:
                known.add(after)
                todo.append(after)
    return None
