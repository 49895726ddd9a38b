"""Reading what a planner wrote: a driving program or a list of steps."""

from __future__ import annotations

import re

from surefoot.agents.planning.place import IDLE, driving_rules
from surefoot.core.errors import InputError
from surefoot.pddl.compact import END
from surefoot.pddl.language import Plan, PlanStep
from surefoot.verification.programs.python import parse_python
from surefoot.verification.programs.statements import Program
from surefoot.verification.programs.vocabulary import vocabulary_of

MAX_STEPS = 500
"""Steps of a tabletop plan at most."""

_FENCE = re.compile(r"```[a-zA-Z]*\n(.*?)(?:```|\Z)", re.DOTALL)
_STEP = re.compile(r"\(\s*([a-z][a-z0-9-]*)((?:\s+[a-z0-9-]+)*)\s*\)")


def plan_text(text: str) -> str:
    """Returns the plan within an answer: its last code block if it has one, else all of it."""
    blocks = _FENCE.findall(text)
    return str(blocks[-1] if blocks else text).strip("\n")


def read_program(text: str) -> Program:
    """Reads a driving program in restricted Python, over the words of rulebook ``driving``.

    Raises:
        InputError: It is none, or does nothing.
    """
    program = parse_python(plan_text(text), vocabulary_of(driving_rules()), idle=IDLE)
    if not program.statements:
        raise InputError("the plan has no steps; give it at least one action")
    return program


def read_steps(text: str) -> Plan:
    """Reads a tabletop plan: an ``(action object ...)`` a line, before a line ``end``.

    Lines without a step are comments; a plan may be empty only if it says ``end``.

    Raises:
        InputError: There is no step and no ``end``, or too many steps.
    """
    steps: list[PlanStep] = []
    ended = False
    for line in plan_text(text).lower().splitlines():
        if line.strip() == END:
            ended = True
            break
        steps += [PlanStep(m[1], tuple(m[2].split())) for m in _STEP.finditer(line)]
    if not steps and not ended:
        raise InputError("no step of the form (action object ...) in the answer")
    if len(steps) > MAX_STEPS:
        raise InputError(f"the plan has more than {MAX_STEPS} steps; shorten it")
    return Plan(tuple(steps))
