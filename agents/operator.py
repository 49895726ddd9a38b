"""Who is asked when the agent cannot decide: a person at the terminal, or a scripted stand-in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from surefoot.agents.perception.questions import Answers, FactQuestion
from surefoot.core.errors import InputError


class Operator(Protocol):
    """Operator who can be asked.

    Attributes:
        asked: How often they were.
    """

    asked: int

    def answer(self, question: FactQuestion, truth: Answers) -> str | None:
        """Returns the right option, ``None`` if there is no answer.

        Args:
            question: What is asked.
            truth: The true answers; only a scripted operator may look at them.
        """
        ...

    def approve(self, plan: str, doubts: Sequence[str]) -> bool | None:
        """Whether a doubtful plan may be carried out, ``None`` if there is no answer."""
        ...


@dataclass
class NoOperator:
    """No operator: the agent hands over and the episode ends."""

    asked: int = 0

    def answer(self, question: FactQuestion, truth: Answers) -> str | None:
        """Never answers."""
        self.asked += 1
        return None

    def approve(self, plan: str, doubts: Sequence[str]) -> bool | None:
        """Never answers."""
        self.asked += 1
        return None


@dataclass
class OracleOperator:
    """Answers with the truth; it approves no plan that is in doubt.

    This is the honest human of KnowNo's guarantee (Ren et al. 2023, section 3), and it is counted.
    """

    asked: int = 0

    def answer(self, question: FactQuestion, truth: Answers) -> str | None:
        """Returns the true option."""
        self.asked += 1
        return truth.get(question.fact)

    def approve(self, plan: str, doubts: Sequence[str]) -> bool | None:
        """Approves what nothing speaks against."""
        self.asked += 1
        return not doubts


@dataclass
class TerminalOperator:
    """A person at the terminal; an empty line, or the end of input, is no answer."""

    asked: int = 0

    def answer(self, question: FactQuestion, truth: Answers) -> str | None:
        """Shows the question with numbered options and reads a number."""
        self.asked += 1
        options = "  ".join(f"[{i}] {o}" for i, o in enumerate(question.options, 1))
        while reply := _read(f"{question.text}\n  {options}\n> "):
            if reply in question.options:
                return reply
            if reply.isdigit() and 1 <= int(reply) <= len(question.options):
                return question.options[int(reply) - 1]
        return None

    def approve(self, plan: str, doubts: Sequence[str]) -> bool | None:
        """Shows the plan with what speaks against it and reads yes or no."""
        self.asked += 1
        doubted = "".join(f"  - {d}\n" for d in doubts)
        reply = _read(f"Carry out this plan?\n{plan}\n{doubted}[y/n] > ").lower()
        return None if not reply else reply.startswith("y")


def _read(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


OPERATORS: dict[str, Callable[[], Operator]] = {
    "none": NoOperator,
    "oracle": OracleOperator,
    "human": TerminalOperator,
}
"""Operators by name."""


def make_operator(name: str) -> Operator:
    """Makes an operator.

    Raises:
        InputError: There is none of that name.
    """
    if name not in OPERATORS:
        raise InputError(f"no operator '{name}'; there are {', '.join(OPERATORS)}")
    return OPERATORS[name]()
