"""Reading and writing plan files: one ``(action object …)`` a line."""

from __future__ import annotations

import re

from surefoot.pddl.language.model import Plan, PlanStep
from surefoot.pddl.language.sexpr import SourceText, shorten

_LINE = re.compile(r"\s*(?:\d+(?:\.\d+)?\s*:)?\s*\(\s*([^\s()]+)([^()]*)\)\s*(?:\[[^\]]*\])?\s*$")


def parse_plan(text: str | SourceText, name: str = "<plan>") -> Plan:
    """Reads a plan as planners write it.

    Blank lines and comments (``; cost = 12``) are skipped, a leading time stamp
    ``0.000:`` and a trailing duration ``[1]`` are ignored.

    Raises:
        InputError: A line is not ``(action object …)``.
    """
    source = text if isinstance(text, SourceText) else SourceText(text, name)
    steps: list[PlanStep] = []
    offset = 0
    for raw in source.text.split("\n"):
        line = raw.split(";", 1)[0]
        if line.strip():
            match = _LINE.match(line)
            if match is None:
                at = offset + len(line) - len(line.lstrip())
                source.fail(f"expected '(action object …)', found '{shorten(line.strip())}'", at)
            args = tuple(match.group(2).lower().split())
            steps.append(PlanStep(match.group(1).lower(), args))
        offset += len(raw) + 1
    return Plan(tuple(steps))


def write_plan(plan: Plan, cost: float | None = None) -> str:
    """Writes a plan as planners do, one step a line, the cost as a closing comment."""
    lines = [str(step) for step in plan.steps]
    if cost is not None:
        lines.append(f"; cost = {cost:g}")
    return "".join(f"{line}\n" for line in lines)
