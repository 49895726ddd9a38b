"""Plans as restricted Python, read with :mod:`ast` and never executed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from typing import NoReturn

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import And, False_, Formula, Not, Or, Prop, True_
from surefoot.verification.programs.statements import (
    MAX_DEPTH,
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
from surefoot.verification.programs.vocabulary import PlanVocabulary

MAX_CHARACTERS = 200_000
"""Most characters of a plan in Python."""

WAITS = ("wait_until", "wait_for")
"""Calls that wait until their one argument holds."""


def parse_python(text: str, vocabulary: PlanVocabulary, *, idle: str | None = None) -> Program:
    """Reads a plan in Python.

    Accepted are calls of actions (``turn_right()`` or ``robot.turn_right()``), ``if`` with
    ``elif`` and ``else``, ``while``, ``for _ in range(NUMBER)``, ``break``, ``continue``,
    ``pass``, ``return``, ``wait_until(CONDITION)``, all at top level or in one function without
    decorators, and conditions of observations (``pedestrian``, ``pedestrian()`` or
    ``robot.pedestrian()``) with ``not``, ``and``, ``or``, ``True`` and ``False``.

    Args:
        text: The plan.
        vocabulary: Names that it may use.
        idle: Action while it waits.

    Raises:
        InputError: Anything else, with line and column.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the plan is longer than {MAX_CHARACTERS:,} characters; shorten it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except SyntaxError as error:
        message = f"not valid Python: {error.msg}"
        raise InputError(message, line=error.lineno, column=error.offset) from None
    except (RecursionError, MemoryError):
        raise InputError(f"the plan is nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:
        raise InputError("the plan has a null character; delete it") from None
    body = module.body
    functions = [s for s in body if isinstance(s, ast.FunctionDef)]
    if functions:
        others = [s for s in body if s is not functions[0] and not _is_text(s)]
        if others:
            _refuse(others[0], "something beside the one function")
        if functions[0].decorator_list:
            _refuse(functions[0].decorator_list[0], "a decorator")
        body = functions[0].body
    try:
        return Program(_Reader(vocabulary).block(body, 1), idle)
    except RecursionError:
        raise InputError(f"the plan is nested deeper than {MAX_DEPTH} levels") from None


def _is_text(node: ast.stmt) -> bool:
    """Whether a statement is only a string, such as a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _refuse(node: ast.AST, what: str) -> NoReturn:
    raise InputError(
        f"{what} is not understood in a plan; use calls of actions, if, while, for _ in range(N), "
        f"wait_until(...), break, continue, pass and return",
        line=getattr(node, "lineno", None),
        column=getattr(node, "col_offset", -1) + 1 or None,
    )


class _Reader:
    def __init__(self, vocabulary: PlanVocabulary) -> None:
        self._vocabulary = vocabulary
        self._count = 0
        self._loops: list[tuple[str, str]] = []  # marks of 'continue' and of 'break'

    def block(self, body: Sequence[ast.stmt], depth: int) -> tuple[Statement, ...]:
        """Reads a sequence of statements."""
        if depth > MAX_DEPTH:
            line = body[0].lineno if body else None
            raise InputError(f"the plan is nested deeper than {MAX_DEPTH} levels", line=line)
        made: list[Statement] = []
        for node in body:
            self._count += 1
            if self._count > MAX_STATEMENTS:
                raise InputError(
                    f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it",
                    line=node.lineno,
                )
            made += self._statement(node, depth)
        return tuple(made)

    def _statement(self, node: ast.stmt, depth: int) -> list[Statement]:
        line = node.lineno
        match node:
            case ast.Pass():
                return []
            case ast.Expr() if _is_text(node):
                return []
            case ast.Expr(ast.Call() as call):
                return [self._call(call)]
            case ast.If(test, body, orelse):
                then = self.block(body, depth + 1)
                return [If(line, self._condition(test), then, self.block(orelse, depth + 1))]
            case ast.While(test, body, []):
                return self._loop(line, self._condition(test), body, depth)
            case ast.For(
                ast.Name(),
                ast.Call(ast.Name("range"), [ast.Constant(int(times))], []),
                body,
                [],
            ) if not isinstance(times, bool):
                return self._times(line, times, body, depth)
            case ast.Break() | ast.Continue() if self._loops:
                return [Proceed(line, self._loops[-1][isinstance(node, ast.Break)])]
            case ast.Return(None | ast.Constant()):
                return [End(line)]
        return _refuse(node, f"'{ast.unparse(node).splitlines()[0][:40]}'")

    def _call(self, call: ast.Call) -> Statement:
        name = self._name(call.func)
        line, column = call.lineno, call.col_offset + 1
        if name in WAITS and name not in self._vocabulary.actions:
            if len(call.args) != 1 or call.keywords:
                _refuse(call, f"'{name}' without exactly one condition")
            return WaitUntil(line, self._condition(call.args[0]))
        if call.args or call.keywords:
            _refuse(call, f"'{name}' with arguments")
        return Do(line, (self._vocabulary.action(name, line=line, column=column),))

    def _loop(
        self, line: int, test: Formula, body: Sequence[ast.stmt], depth: int
    ) -> list[Statement]:
        start, end = f"start of loop {self._count}", f"end of loop {self._count}"
        self._loops.append((start, end))
        inner = self.block(body, depth + 1)
        self._loops.pop()
        if not inner:
            return [While(line, test, ())]
        return [Mark(line, start), While(line, test, inner), Mark(line, end)]

    def _times(
        self, line: int, times: int, body: Sequence[ast.stmt], depth: int
    ) -> list[Statement]:
        made: list[Statement] = []
        end = f"end of loop {self._count}"
        for _ in range(times):
            after = f"end of round {self._count}"
            self._loops.append((after, end))
            made += self.block(body, depth + 1)
            self._loops.pop()
            made.append(Mark(line, after))
        return [*made, Mark(line, end)]

    def _name(self, node: ast.expr) -> str:
        match node:
            case ast.Name(name):
                return name
            case ast.Attribute(ast.Name(), name):
                return name
        return _refuse(node, f"'{ast.unparse(node)[:40]}'")

    def _condition(self, node: ast.expr, depth: int = 1) -> Formula:
        if depth > MAX_DEPTH:
            raise InputError("the condition is nested too deeply", line=node.lineno)
        match node:
            case ast.Constant(True):
                return True_()
            case ast.Constant(False):
                return False_()
            case ast.UnaryOp(ast.Not(), operand):
                return Not(self._condition(operand, depth + 1))
            case ast.BoolOp(op, values):
                parts = tuple(self._condition(value, depth + 1) for value in values)
                return And(parts) if isinstance(op, ast.And) else Or(parts)
            case ast.Call(func, [], []):
                return self._condition(func, depth + 1)
            case ast.Name() | ast.Attribute(ast.Name()):
                name = self._name(node)
                place = {"line": node.lineno, "column": node.col_offset + 1}
                return Prop(self._vocabulary.observation(name, **place))
        return _refuse(node, f"the condition '{ast.unparse(node)[:40]}'")
