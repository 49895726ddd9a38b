"""``surefoot validate``: one plan file against its task, as with VAL."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli.console import note
from surefoot.core.errors import InputError
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import load_task
from surefoot.pddl.language.sexpr import MAX_BYTES, SourceText, decode_text
from surefoot.pddl.parallel import read_plan
from surefoot.pddl.trace import TraceStep, trace
from surefoot.pddl.validator import validate as check
from surefoot.pddl.verdict import ErrorKind, Verdict


def validate(
    domain: Annotated[Path, typer.Argument(help="The domain (PDDL).", show_default=False)],
    problem: Annotated[Path, typer.Argument(help="The problem (PDDL).", show_default=False)],
    plan: Annotated[
        Path,
        typer.Argument(
            help="The plan as a planner writes it; '-' reads it from standard input.",
            show_default=False,
        ),
    ],
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text.")
    ] = False,
    with_trace: Annotated[
        bool, typer.Option("--trace", help="Print what each action adds, deletes and costs.")
    ] = False,
) -> None:
    """Check a plan file: is it valid, what does it cost, which step fails first and why.

    Exit code 0: the plan is valid; 1: it is not; 2: bad input.
    """
    task = load_task(domain, problem)
    ground = GroundTask(task)
    made = read_plan(_source(plan), ground)
    for warning in task.warnings:
        note(f"warning: {warning}")
    verdict = check(ground, made)
    steps = trace(ground, made) if with_trace else ()
    if json_output:
        data = _data(verdict, task.warnings)
        if with_trace:
            data["trace"] = [asdict(step) for step in steps]
        typer.echo(json.dumps(data, indent=2))
    else:
        for line in (*_trace_lines(steps), *_lines(verdict)):
            typer.echo(line)
    if not verdict.valid:
        raise typer.Exit(1)


def _source(plan: Path) -> SourceText:
    if str(plan) != "-":
        return SourceText.from_file(plan)
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"the plan is larger than {MAX_BYTES // 2**20} MiB", file="<stdin>")
    return SourceText(decode_text(data, "<stdin>"), "<stdin>")


def _data(verdict: Verdict, warnings: Sequence[str]) -> dict[str, Any]:
    first = verdict.first_error
    return {
        "valid": verdict.valid,
        "status": str(verdict.status),
        "cost": verdict.cost if verdict.valid else None,
        "steps": verdict.steps,
        "executable_prefix": verdict.executable_prefix,
        "first_error": None if first is None else {**asdict(first), "kind": str(first.kind)},
        "literals": list(verdict.unmet_goals if first is None else first.literals),
        "unmet_goals": list(verdict.unmet_goals),
        "goal_fraction": verdict.goal_fraction,
        "warnings": list(warnings),
    }


def _lines(verdict: Verdict) -> list[str]:
    if verdict.valid:
        return [f"plan valid: {_count(verdict.steps, 'step')}, cost {verdict.cost:g}"]
    first = verdict.first_error
    if first is None:
        head = f"the goal does not hold after {_count(verdict.steps, 'step')}"
        return [f"plan not valid: {head}", *(f"  not reached: {t}" for t in verdict.unmet_goals)]
    if first.kind is ErrorKind.PRECONDITION:
        head = f"plan not valid: step {first.step} {first.action} cannot be taken"
        return [head, *(f"  not satisfied: {text}" for text in first.literals)]
    return [f"plan not valid: {first.message}"]


def _trace_lines(steps: Sequence[TraceStep]) -> list[str]:
    lines: list[str] = []
    for step in steps:
        lines.append(f"{step.step} {step.action}: cost {step.cost:g}, in all {step.total:g}")
        lines += [f"  + {fact}" for fact in step.adds]
        lines += [f"  - {fact}" for fact in step.deletes]
    return lines


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
