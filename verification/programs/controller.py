"""Programs as finite machines that read observations and take actions.

Testing and jumping take no time; taking actions and waiting take one step each, as in GLM2FSA
(Yang and others, 2023): ``if c`` gives two edges, ``wait c`` a loop while ``c`` does not hold,
``proceed n`` a jump.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.verification.formulas.propositional import Truth, evaluate_boolean
from surefoot.verification.formulas.syntax import Formula, Not, True_
from surefoot.verification.programs.statements import (
    MAX_STATEMENTS,
    Do,
    End,
    If,
    Mark,
    Proceed,
    Program,
    Statement,
    WaitUntil,
    While,
)

ENDED = -1
"""In place of an instruction: the program has ended."""

START = -2
"""In place of an instruction: the program has not yet decided anything (one-step delay)."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of the machine.

    Attributes:
        line: Line or step of the plan.
        actions: Actions of one step; None for an instruction that takes no time itself.
        condition: Selects the next instruction; None if it is unconditional.
        yes: Next instruction if the condition holds, or there is none.
        no: Next instruction if it does not hold.
        waits: Idles for one step before going to ``no``.
    """

    line: int
    actions: tuple[str, ...] | None
    condition: Formula | None
    yes: int
    no: int = ENDED
    waits: bool = False


@dataclass(frozen=True, eq=False)
class Controller:
    """A machine that reads observations and takes actions.

    Attributes:
        instructions: The machine; it starts with the first and ends behind the last.
        observations: Propositions that it reads.
        idle: Action while it waits; None for none.
    """

    instructions: tuple[Instruction, ...]
    observations: tuple[str, ...]
    idle: str | None

    def actions(self, at: int) -> tuple[str, ...]:
        """Returns the actions of the step that instruction ``at`` takes."""
        taken = None if at < 0 else self.instructions[at].actions
        if taken is not None:
            return taken
        return () if self.idle is None else (self.idle,)

    def is_last(self, at: int) -> bool:
        """Whether nothing is left to do after a step, whatever is observed."""
        at = self.after(at)
        for _ in self.instructions:
            if at == ENDED:
                return True
            instruction = self.instructions[at]
            if instruction.actions is not None or instruction.condition is not None:
                return False
            at = instruction.yes
        return False

    def after(self, at: int) -> int:
        """Returns the place of the machine after the step of an instruction."""
        if at == START:
            return 0
        instruction = self.instructions[at]
        return at if instruction.actions is None else instruction.yes

    def decide(self, at: int, columns: Mapping[str, Truth], size: int) -> NDArray[np.int32]:
        """Returns which instruction takes the next step.

        Args:
            at: Place of the machine.
            columns: Truth values of each observation, shape [size].
            size: Number of situations.

        Returns:
            Shape [size]: an instruction that acts or waits, or :data:`ENDED`.
        """
        chosen = np.full(size, ENDED, np.int32)
        passed: frozenset[int] = frozenset()
        todo = [(at, np.arange(size), passed)]
        while todo:
            place, group, passed = todo.pop()
            if not len(group) or place == ENDED:
                continue
            instruction = self.instructions[place]
            if instruction.actions is not None or place in passed:
                chosen[group] = place  # a round without actions counts as waiting where it begins
                continue
            passed |= {place}
            if instruction.condition is None:
                todo.append((instruction.yes, group, passed))
                continue
            value = evaluate_boolean(instruction.condition, lambda n: columns[n])
            holds = np.broadcast_to(value, (size,))[group]
            todo.append((instruction.yes, group[holds], passed))
            if instruction.waits:
                chosen[group[~holds]] = place
            else:
                todo.append((instruction.no, group[~holds], passed))
        return chosen


def compile_program(program: Program) -> Controller:
    """Compiles a program to a machine.

    Raises:
        InputError: There are no or too many statements, or a jump has no target.
    """
    if not program.statements:
        raise InputError("the plan has no steps; give it at least one action")
    return _Compiler().run(program)


class _Compiler:
    """Lays out statements in sequence; jump targets are patched when they are known."""

    def __init__(self) -> None:
        self._made: list[Instruction] = []
        self._marks: dict[str, int] = {}
        self._jumps: list[tuple[int, Proceed]] = []

    def run(self, program: Program) -> Controller:
        self._block(program.statements)
        end = len(self._made)
        if not end:
            raise InputError("the plan only looks; give it at least one action")
        for at, jump in self._jumps:
            if jump.to not in self._marks:
                raise InputError(f"there is no step {jump.to} to go to", line=jump.line or None)
            self._made[at] = Instruction(jump.line, None, None, self._marks[jump.to])

        def place(target: int) -> int:
            return ENDED if target >= end else target

        made = tuple(
            Instruction(i.line, i.actions, i.condition, place(i.yes), place(i.no), i.waits)
            for i in self._made
        )
        return Controller(made, program.observations, program.idle)

    def _block(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            self._statement(statement)

    def _add(self, line: int, condition: Formula | None = None, **rest: object) -> int:
        at = len(self._made)
        if at > 4 * MAX_STATEMENTS:
            raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
        self._made.append(Instruction(line, None, condition, at + 1, **rest))  # type: ignore[arg-type]
        return at

    def _point(self, at: int, *, yes: int | None = None, no: int | None = None) -> None:
        old = self._made[at]
        self._made[at] = Instruction(
            old.line,
            old.actions,
            old.condition,
            old.yes if yes is None else yes,
            old.no if no is None else no,
            old.waits,
        )

    def _statement(self, s: Statement) -> None:
        match s:
            case Do(line, actions):
                at = self._add(line)
                self._made[at] = Instruction(line, actions, None, at + 1)
            case WaitUntil(line, condition):
                self._add(line, condition, waits=True)
            case Mark(_, name):
                self._marks[name] = len(self._made)
            case Proceed(line):
                self._jumps.append((self._add(line), s))
            case End(line):
                self._point(self._add(line), yes=ENDED)
            case If(line, condition, then, otherwise):
                test = self._add(line, condition)
                self._block(then)
                if otherwise:
                    skip = self._add(line)
                    self._point(test, no=len(self._made))
                    self._block(otherwise)
                    self._point(skip, yes=len(self._made))
                else:
                    self._point(test, no=len(self._made))
            case While(line, condition, ()):
                self._add(line, Not(condition), waits=True)
            case While(line, condition, body):
                endless = isinstance(condition, True_)
                test = self._add(line, None if endless else condition)
                self._block(body)
                self._point(self._add(line), yes=test)
                if not endless:
                    self._point(test, no=len(self._made))
