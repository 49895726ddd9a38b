"""Reading and writing plan files, in the forms that common planners write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from surefoot.pddl.language.model import Plan, PlanStep
from surefoot.pddl.language.sexpr import SourceText, shorten

_NUMBER = r"\d+(?:\.\d+)?"
_HEAD = re.compile(rf"(?:step\s*)?({_NUMBER}(?:e[+-]?\d+)?)\s*([:.)]|(?=\())\s*")
_BULLET = re.compile(r"[-*•]\s*(?=\()")
_STEP = re.compile(r"\(\s*([^\s()]+)([^()]*)\)\s*")
_CALL = re.compile(r"([^\s()\[\],:]+)\(([^()\[\]]*)\)\s*")
_DURATION = re.compile(r"\[[^\[\]]*\]\s*")
_COMMA = re.compile(r",\s*")
_COST = re.compile(rf"\(\s*{_NUMBER}\s*\)\s*$")
_UNCOMMENTED = re.compile(r"(?:[^;\[]|\[[^\[\]]{0,80}\]|\[)*")
"""A line up to its comment; LPG writes ``[D:1.00; C:0.10]``, where ``;`` begins none."""
_TALK = re.compile(
    r"(?:\[t=[^\]]*\]\s*)?(?:ff: found legal plan as follows|solution found[.!]?"
    rf"|plan length: \d+ step\(s\)\.?|plan cost: {_NUMBER}"
    rf"|(?:time spent:\s*)?{_NUMBER} seconds [^()]*|```\w*)$"
)
"""Lines that FF and Fast Downward print around a plan, and the fences of Markdown."""


class PlanLayer(NamedTuple):
    """Steps without an order among them: one alone, or those with the same time stamp.

    Attributes:
        steps: The steps in the order of the file.
        offset: Where the first one stands in the text.
    """

    steps: tuple[PlanStep, ...]
    offset: int


class _Line(NamedTuple):
    """The steps of one line; ``mark`` is ``time``, ``list`` (``1.``) or ``""``."""

    mark: str
    number: float
    steps: tuple[PlanStep, ...]
    offset: int


def parse_plan(text: str | SourceText, name: str = "<plan>") -> Plan:
    """Reads a plan as planners write it.

    A line holds one or several actions: ``(a b)``, ``(a b) (c d)``, ``a(b, c)``; numbered ones
    as ``1 (a b)``, ``1. (a b)``, ``step 0: A B`` or ``0.000: (a b) [1.000]``; and ``a b (1)``,
    as Fast Downward logs it. Numbers before a colon or an action are time stamps: steps are
    sorted by them. Durations, costs, comments (``; cost = 12``) and what FF and Fast Downward
    print around a plan are skipped; case does not matter.

    Raises:
        InputError: A line is none of these, or steps have the same time stamp: their order would
            be a guess. :func:`surefoot.pddl.parallel.in_sequence` looks whether it matters.
    """
    source = text if isinstance(text, SourceText) else SourceText(text, name)
    layers = read_layers(source)
    for layer in layers:
        if len(layer.steps) > 1:
            source.fail(
                f"{shorten(str(layer.steps[0]))} and {shorten(str(layer.steps[1]))} have the same "
                "time stamp; give every step its own",
                layer.offset,
            )
    return Plan(tuple(layer.steps[0] for layer in layers))


def read_layers(source: SourceText) -> tuple[PlanLayer, ...]:
    """Reads a plan in which steps may have the same time; forms as for :func:`parse_plan`.

    Raises:
        InputError: A line is not understood, the numbers of a list are out of order, or time
            stamps out of order are missing from some steps.
    """
    lines = list(_lines(source))
    if all(line.mark != "time" for line in lines):
        _check_numbers(source, [line for line in lines if line.mark])
        return tuple(PlanLayer((step,), line.offset) for line in lines for step in line.steps)
    timed = [line for line in lines if line.mark == "time"]
    if len(timed) < len(lines):
        if any(b.number <= a.number for a, b in pairwise(timed)):
            missing = next(line for line in lines if line.mark != "time")
            source.fail("this step has no time stamp; give every step one", missing.offset)
        return tuple(
            PlanLayer(steps, line.offset)
            for line in lines
            for steps in ([line.steps] if line.mark == "time" else [(s,) for s in line.steps])
        )
    lines.sort(key=lambda line: line.number)
    layers: list[PlanLayer] = []
    for _, group in groupby(lines, key=lambda line: line.number):
        together = list(group)
        steps = tuple(step for line in together for step in line.steps)
        layers.append(PlanLayer(steps, together[0].offset))
    return tuple(layers)


def _lines(source: SourceText) -> Iterator[_Line]:
    offset = 0
    for raw in re.split("\r\n|[\r\n]", source.text):
        kept = _UNCOMMENTED.match(raw)
        text = (kept.group() if kept else "").replace("\ufeff", " ").lower()
        bare = text.strip()
        at = offset + len(text) - len(text.lstrip())
        if bare and not _TALK.match(bare):
            yield _line(source, bare, at)
        # after CR and LF together the next line is one character further
        offset += len(raw)
        offset += 2 if source.text.startswith("\r\n", offset) else 1


def _line(source: SourceText, text: str, offset: int) -> _Line:
    mark, number, at = "", 0.0, 0
    head = _HEAD.match(text)
    if head is not None:
        mark = "list" if head.group(2) in (".", ")") else "time"
        number, at = float(head.group(1)), head.end()
    else:
        bullet = _BULLET.match(text)
        at = bullet.end() if bullet is not None else 0
    steps = _steps(text, at) or _words(text[at:], numbered=head is not None)
    if not steps:
        source.fail(f"expected '(action object …)', found '{shorten(text)}'", offset)
    return _Line(mark, number, steps, offset)


def _steps(text: str, at: int) -> tuple[PlanStep, ...]:
    """Reads actions in parentheses from a place on; none if anything else stands there."""
    steps: list[PlanStep] = []
    while at < len(text):
        if steps and _COST.match(text, at):
            break
        match = _STEP.match(text, at) or _CALL.match(text, at)
        if match is None:
            return ()
        steps.append(PlanStep(match.group(1), tuple(match.group(2).replace(",", " ").split())))
        at = match.end()
        for between in (_DURATION, _COMMA):
            found = between.match(text, at)
            at = at if found is None else found.end()
    return tuple(steps)


def _words(text: str, *, numbered: bool) -> tuple[PlanStep, ...]:
    """Reads an action without parentheses, which needs a number before it or a cost behind."""
    cost = _COST.search(text)
    words = (text[: cost.start()] if cost else _DURATION.sub("", text)).split()
    if not words or not (numbered or cost) or set("()[],:") & set("".join(words)):
        return ()
    return (PlanStep(words[0], tuple(words[1:])),)


def _check_numbers(source: SourceText, lines: list[_Line]) -> None:
    """Refuses a list that is out of order; ``1. … 1. …`` is Markdown's way to count."""
    if len({line.number for line in lines}) == 1:
        return
    for before, line in pairwise(lines):
        if line.number <= before.number:
            source.fail(
                f"step number {line.number:g} stands after {before.number:g}; "
                "put the steps in order",
                line.offset,
            )


def write_plan(plan: Plan, cost: float | None = None) -> str:
    """Writes a plan as planners do, one step per line, the cost as a closing comment."""
    lines = [str(step) for step in plan.steps]
    if cost is not None:
        lines.append(f"; cost = {cost:g}")
    return "".join(f"{line}\n" for line in lines)
