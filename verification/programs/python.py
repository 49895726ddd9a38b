"""Plans as restricted Python, read with :mod:`ast` and never executed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from typing import NoReturn

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import And, False_, Formula, Not, Or, True_
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
    walk,
)
from surefoot.verification.programs.vocabulary import PlanVocabulary

MAX_CHARACTERS = 200_000
"""Most characters of a plan in Python."""

OBSERVES = ("observe", "get_observation", "get_observations", "sense", "perceive")
"""Calls that return what is seen now, and take no time."""

WAITS = ("wait_until", "wait_for")
"""Calls that wait until their one argument holds."""


def parse_python(text: str, vocabulary: PlanVocabulary, *, idle: str | None = None) -> Program:
    """Reads a plan in Python.

    Accepted are calls of actions (``turn_right()`` or ``robot.turn_right()``), ``if`` with
    ``elif`` and ``else``, ``while``, ``for _ in range(NUMBER)``, ``break``, ``continue``,
    ``pass``, ``return``, ``wait_until(CONDITION)``, all at top level or in one function without
    decorators (with a call of it below), assignments of conditions and ``o = observe()`` that are
    used before the next step, and conditions of observations (``pedestrian``, ``pedestrian()`` or
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
    body, reader = _body(module, vocabulary), _Reader(vocabulary)
    try:
        return Program(reader.block(body, 1), idle)
    except RecursionError:
        raise InputError(f"the plan is nested deeper than {MAX_DEPTH} levels") from None


def _body(module: ast.Module, vocabulary: PlanVocabulary) -> Sequence[ast.stmt]:
    """Returns the statements of the plan: those of the one function, or of the module."""
    functions = [s for s in module.body if isinstance(s, ast.FunctionDef)]
    if not functions:
        return module.body
    function = functions[0]
    others = [s for s in module.body if s is not function and not _is_text(s)]
    for at, other in enumerate(others):
        guarded = at + 1 == len(others) and other.lineno > function.lineno
        if not guarded or not _only_calls(other, function.name):
            _refuse(other, "something beside the one function")
    if function.decorator_list:
        _refuse(function.decorator_list[0], "a decorator")
    given = function.args
    if given.defaults or any(given.kw_defaults):
        _refuse(function, "a parameter with a default")
    if given.vararg or given.kwarg or given.kwonlyargs:
        _refuse(function, "a parameter with '*'")
    for parameter in (*given.posonlyargs, *given.args):
        if parameter.arg in (*vocabulary.observations, *vocabulary.actions):
            _refuse(parameter, f"the parameter '{parameter.arg}', a name of the rulebook,")
    return function.body


def _only_calls(node: ast.stmt, name: str) -> bool:
    """Whether a statement is ``name()``, or that under ``if __name__ == "__main__":``."""
    match node:
        case ast.If(
            ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]), [only], []
        ):
            return _only_calls(only, name)
        case ast.Expr(ast.Call(ast.Name(called), [] | [ast.Name()], [])):
            return called == name
    return False


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
        self._known: dict[str, Formula | None] = {}  # assigned conditions; None: all observations
        self._stale: set[str] = set()
        self._receiver: str | None = None

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
            found = self._statement(node, depth)
            made += found
            if any(isinstance(s, Do | WaitUntil | While) for s in walk(tuple(found))):
                self._forget()
        return tuple(made)

    def _forget(self) -> None:
        """Time has passed: what was read before may no longer hold."""
        self._stale |= set(self._known)
        self._known = {}

    def _statement(self, node: ast.stmt, depth: int) -> list[Statement]:
        line = node.lineno
        match node:
            case ast.Pass():
                return []
            case ast.Expr() if _is_text(node):
                return []
            case ast.Expr(ast.Call() as call) if self._observes(call):
                return []
            case ast.Expr(ast.Call() as call):
                return [self._call(call)]
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                ast.Name(name), _, ast.expr() as value
            ):
                return self._assign(node, name, value)
            case ast.If(test, body, orelse):
                condition, known = self._condition(test), dict(self._known)
                stale = set(self._stale)
                then = self.block(body, depth + 1)
                after, self._known = self._known, dict(known)
                late, self._stale = self._stale, stale
                other = self.block(orelse, depth + 1)
                kept = {n for n in after if n in self._known and after[n] == self._known[n]}
                self._stale |= (late | set(after) | set(self._known) | set(known)) - kept
                self._known = {name: after[name] for name in kept}
                return [If(line, condition, then, other)]
            case ast.While(test, body, []):
                self._forget()  # the test is made again in later rounds
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
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            receiver = call.func.value.id
            if self._receiver not in (None, receiver):
                _refuse(call, f"'{receiver}' beside '{self._receiver}'")
            self._receiver = receiver
        name = self._with_arguments(call, name)
        return Do(line, (self._vocabulary.action(name, line=line, column=column),))

    def _with_arguments(self, call: ast.Call, name: str) -> str:
        """Returns the name of a call with objects, such as ``go("hall", "kitchen")``."""
        if not call.args and not call.keywords:
            return name
        if call.keywords or name not in self._vocabulary.templates:
            _refuse(call, f"'{name}' with arguments")
        said = []
        for argument in call.args:
            match argument:
                case ast.Constant(str(text)) | ast.Name(text):
                    said.append(text)
                case _:
                    _refuse(argument, f"the argument '{ast.unparse(argument)[:40]}'")
        try:
            return self._vocabulary.templates[name].ground(said)
        except InputError as error:
            line, column = call.lineno, call.col_offset + 1
            raise InputError(error.message, line=line, column=column) from None

    def _observes(self, node: ast.expr) -> bool:
        """Whether an expression is ``observe()``, which takes no time."""
        match node:
            case ast.Call(ast.Name(name) | ast.Attribute(ast.Name(), name), [], []):
                known = (*self._vocabulary.actions, *self._vocabulary.observations)
                return name in OBSERVES and name not in known
        return False

    def _assign(self, node: ast.stmt, name: str, value: ast.expr) -> list[Statement]:
        """Keeps a condition until time passes."""
        if name in (*self._vocabulary.observations, *self._vocabulary.actions):
            _refuse(node, f"an assignment to '{name}', a name of the rulebook,")
        match value:
            case ast.BoolOp() | ast.UnaryOp() | ast.Call() | ast.Name() | ast.Attribute():
                self._known[name] = None if self._observes(value) else self._condition(value)
            case ast.Subscript():
                self._known[name] = self._condition(value)
            case _:
                _refuse(node, f"'{ast.unparse(node).splitlines()[0][:40]}'")
        self._stale.discard(name)
        return []

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
            self._forget()
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
            case ast.Name(name) if name in self._known or name in self._stale:
                kept = self._kept(node, name)
                if kept is not None:
                    return kept
            case ast.Subscript(ast.Name(table), ast.Constant(str(name))) | ast.Call(
                ast.Attribute(ast.Name(table), "get"),
                [ast.Constant(str(name))] | [ast.Constant(str(name)), ast.Constant(False)],
                [],
            ) if table in self._known or table in self._stale:
                if self._kept(node, table, snapshot=True) is None:
                    return self._observation(node, name)
            case ast.Attribute(ast.Name(table), name) if (
                table in self._known or table in self._stale
            ):
                if self._kept(node, table, snapshot=True) is None:
                    return self._observation(node, name)
            case ast.Call(func, [], []) if not isinstance(func, ast.Call):
                return self._condition(func, depth + 1)
            case ast.Call(func, [_, *_], []):
                return self._observation(node, self._with_arguments(node, self._name(func)))
            case ast.Name() | ast.Attribute(ast.Name()):
                return self._observation(node, self._name(node))
        return _refuse(node, f"the condition '{ast.unparse(node)[:40]}'")

    def _observation(self, node: ast.expr, name: str) -> Formula:
        place = {"line": node.lineno, "column": node.col_offset + 1}
        return self._vocabulary.proposition(name, **place)

    def _kept(self, node: ast.expr, name: str, *, snapshot: bool = False) -> Formula | None:
        """Returns an assigned condition, or None for all observations at once."""
        if name in self._stale:
            raise InputError(
                f"'{name}' was read before a step was taken, and may have changed; read it again",
                line=node.lineno,
                column=node.col_offset + 1,
            )
        found = self._known[name]
        if (found is None) != snapshot:
            _refuse(node, f"'{ast.unparse(node)[:40]}'")
        return found
