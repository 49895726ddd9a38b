"""Plans as JSON: a list of actions, or a program with ``if``, ``while``, ``wait_until``, jumps."""

from __future__ import annotations

import json
from typing import Any

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import Formula, True_
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

FORMS = (
    "'action', {do}, {if, then, else}, {while, do}, {wait_until}, {label}, {proceed}, {repeat} "
    "or {end}"
)


def parse_json(text: str, vocabulary: PlanVocabulary) -> Program:
    """Reads a plan in JSON.

    It is a list of steps, or ``{"idle": ACTION, "steps": [...]}``. A step is the name of an
    action or one of ``{"do": ACTION or [ACTIONS at once]}``, ``{"if": CONDITION, "then": [...],
    "else": [...]}``, ``{"while": CONDITION, "do": [...]}``, ``{"wait_until": CONDITION}``,
    ``{"label": NAME}``, ``{"proceed": NAME or number of a step}``, ``{"repeat": [...]}`` (for
    ever) and ``{"end": true}``. Conditions are formulas over observations.

    Args:
        text: The plan.
        vocabulary: Names that it may use.

    Raises:
        InputError: The text is not JSON, or a step is invalid; the message names its place.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg}"
        raise InputError(message, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise InputError(f"the plan is nested deeper than {MAX_DEPTH} levels") from None
    idle = None
    if isinstance(data, dict):
        if odd := sorted(set(data) - {"idle", "steps"}):
            raise InputError(f"unknown key '{odd[0]}' in the plan; it has 'steps' and 'idle'")
        if (idle := data.get("idle")) is not None:
            idle = vocabulary.action(str(idle))
        data = data.get("steps")
    if not isinstance(data, list):
        raise InputError("expected a list of steps, or 'steps' with such a list")
    return Program(_Reader(vocabulary).top(data), idle, unit="step")


class _Reader:
    def __init__(self, vocabulary: PlanVocabulary) -> None:
        self._vocabulary = vocabulary
        self._count = 0

    def top(self, steps: list[Any]) -> tuple[Statement, ...]:
        """Reads the outermost steps, each of which is a jump target by its number."""
        made: list[Statement] = []
        for number, step in enumerate(steps, 1):
            made.append(Mark(number, str(number)))
            made.append(self._step(step, f"steps[{number}]", number, 1))
        return tuple(made)

    def _block(self, data: Any, place: str, line: int, depth: int) -> tuple[Statement, ...]:
        if depth > MAX_DEPTH:
            raise InputError(f"the plan is nested deeper than {MAX_DEPTH} levels")
        steps = data if isinstance(data, list) else [data]
        return tuple(
            self._step(step, f"{place}[{i}]", line, depth) for i, step in enumerate(steps, 1)
        )

    def _step(self, step: Any, place: str, line: int, depth: int) -> Statement:
        self._count += 1
        if self._count > MAX_STATEMENTS:
            raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
        if isinstance(step, str):
            return Do(line, (self._action(step, place),))
        match step:
            case {"do": actions, **rest} if not rest:
                names = actions if isinstance(actions, list) else [actions]
                if not names:
                    raise InputError(f"{place}: 'do' needs at least one action")
                return Do(line, tuple(self._action(name, place) for name in names))
            case {"if": condition, "then": then, **rest} if not set(rest) - {"else"}:
                return If(
                    line,
                    self._condition(condition, place),
                    self._block(then, f"{place}.then", line, depth + 1),
                    self._block(rest.get("else", []), f"{place}.else", line, depth + 1),
                )
            case {"while": condition, "do": body, **rest} if not rest:
                inner = self._block(body, f"{place}.do", line, depth + 1)
                return While(line, self._condition(condition, place), inner)
            case {"repeat": body, **rest} if not rest:
                return While(line, True_(), self._block(body, f"{place}.repeat", line, depth + 1))
            case {"wait_until": condition, **rest} if not rest:
                return WaitUntil(line, self._condition(condition, place))
            case {"label": str(name), **rest} if not rest:
                return Mark(line, name)
            case {"proceed": str() | int() as target, **rest} if not rest:
                return Proceed(line, str(target))
            case {"end": True, **rest} if not rest:
                return End(line)
        said = json.dumps(step)
        raise InputError(f"{place}: cannot read {said[:60]}; a step is {FORMS}")

    def _action(self, name: Any, place: str) -> str:
        if not isinstance(name, str):
            raise InputError(f"{place}: the name of an action must be text")
        try:
            return self._vocabulary.action(name)
        except InputError as error:
            raise InputError(f"{place}: {error.message}") from None

    def _condition(self, text: Any, place: str) -> Formula:
        if not isinstance(text, str):
            raise InputError(f"{place}: a condition must be text")
        try:
            return self._vocabulary.condition(text)
        except InputError as error:
            raise InputError(f"{place}: {error.message}") from None
