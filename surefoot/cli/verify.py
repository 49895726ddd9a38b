"""``surefoot verify``: a plan against a rulebook, before anything moves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefoot.cli.console import console, note
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.verification.rules import RuleBook, Timing, load_rulebook

if TYPE_CHECKING:
    from surefoot.verification.planchecking.checking import PlanVerdict, RuleVerdict
    from surefoot.verification.planchecking.feedback import RuleFeedback
    from surefoot.verification.programs.statements import Program


def verify(
    plan: Annotated[
        Path,
        typer.Argument(
            help="A .json or .py plan, or text with numbered steps or one action per line.",
            show_default=False,
        ),
    ],
    rules: Annotated[
        str, typer.Option(help="A rulebook (YAML), or 'driving' or 'tabletop'.", show_default=False)
    ],
    world: Annotated[
        str | None,
        typer.Option(
            help="A world (YAML), 'driving' or 'driving-fair'; any observation by default."
        ),
    ] = None,
    timing: Annotated[
        Timing | None,
        typer.Option(help="When actions answer observations; as each rule says by default."),
    ] = None,
    idle: Annotated[
        str | None, typer.Option(help="The action while the plan waits; the world's by default.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option(help="Check only this rule; may be given repeatedly.")
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of the table.")
    ] = False,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Print a prompt that asks a model to repair the plan.")
    ] = False,
    svg: Annotated[
        Path | None,
        typer.Option(
            help="Draw the counterexample of the first broken rule here, and that rule's automaton "
            "beside it (FILE.automaton.svg)."
        ),
    ] = None,
) -> None:
    """Check a plan against rules in every run that a world allows.

    Exit code 0: all rules hold; 1: some rule is broken; 2: bad input.
    """
    if json_output and prompt:
        raise InputError("--json and --prompt cannot both be printed; choose one")
    try:
        holds = _verify(plan, rules, world, timing, idle, rule, json_output, prompt, svg)
    except InputError as error:
        if not json_output:
            raise
        typer.echo(json.dumps({"error": _error(error)}, indent=2))
        raise typer.Exit(2) from None
    if not holds:
        raise typer.Exit(1)


def _error(error: InputError) -> dict[str, Any]:
    """Returns a mistake as data; plans in English list every sentence not understood."""
    from surefoot.verification.programs.english import NotUnderstoodError

    data: dict[str, Any] = {
        "message": error.message,
        "file": error.file,
        "line": error.line,
        "column": error.column,
    }
    if isinstance(error, NotUnderstoodError):
        data["not_understood"] = [
            {"line": gap.line, "step": gap.step, "words": gap.words, "why": gap.why}
            for gap in error.gaps
        ]
    return data


def _verify(
    plan: Path,
    rules: str,
    world: str | None,
    timing: Timing | None,
    idle: str | None,
    rule: list[str] | None,
    json_output: bool,
    prompt: bool,
    svg: Path | None,
) -> bool:
    """Checks a plan and prints the verdict; returns whether all rules hold."""
    from surefoot.verification.planchecking.checking import check_plan
    from surefoot.verification.planchecking.feedback import explain, repair_prompt
    from surefoot.verification.planchecking.worldfile import free_world, load_world
    from surefoot.verification.programs.loading import load_program
    from surefoot.verification.programs.vocabulary import vocabulary_of
    from surefoot.verification.programs.writing import reading_text

    book = load_rulebook(rules)
    place = free_world(book) if world is None else load_world(world, book)
    try:
        vocabulary = vocabulary_of(book, place.phrases, place.names)
    except InputError as error:
        error.file = error.file or world
        raise
    program = load_program(plan, vocabulary, idle=idle or place.idle)
    chosen = None if rule is None else [book.rule(name) for name in dict.fromkeys(rule)]
    try:
        verdict = check_plan(program, book, place, timing=timing, rules=chosen)
    except InputError as error:
        if error.file is None:
            error.file = str(plan)
        raise
    feedback = explain(program, place, verdict, timing=timing)
    if svg is not None:
        _draw(svg, verdict, book)
    if json_output:
        typer.echo(json.dumps(_data(program, verdict, feedback), indent=2))
    elif prompt:
        typer.echo(repair_prompt(program, feedback) if feedback else "All rules hold.")
    else:
        typer.echo(reading_text(program))
        _table(verdict)
        for item in feedback:
            typer.echo(f"\n{item.text}")
    return verdict.holds


def _table(verdict: PlanVerdict) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title_justify="left")
    for heading in ("rule", "severity", "timing", "verdict", "steps"):
        table.add_column(heading, justify="right" if heading == "steps" else "left")
    colours = {"satisfied": "green", "vacuous": "yellow", "violated": "red"}
    for item in verdict.rules:
        status = item.result.status.value
        words = "holds, never triggered" if status == "vacuous" else status
        witness = item.result.witness
        table.add_row(
            item.rule.name,
            item.rule.severity.value,
            item.timing.value,
            f"[{colours[status]}]{words}[/]",
            "" if witness is None else str(len(witness)),
        )
    out = Console(width=None if console.is_terminal else 100)
    out.print(table)
    held = len(verdict.rules) - len(verdict.violated)
    out.print(
        f"{held} of {len(verdict.rules)} rules hold"
        + (f", {len(verdict.vacuous)} of them never triggered" if verdict.vacuous else ""),
        highlight=False,
    )


def _data(
    program: Program, verdict: PlanVerdict, feedback: tuple[RuleFeedback, ...]
) -> dict[str, Any]:
    from surefoot.verification.programs.writing import program_text

    told = {item.rule: item for item in feedback}
    return {
        "holds": verdict.holds,
        "read_as": {
            "program": program_text(program).splitlines(),
            "idle": program.idle,
            "never": list(program.never),
            "set_aside": list(program.notes),
        },
        "satisfied": len(verdict.rules) - len(verdict.violated),
        "rules": [_rule(item, told.get(item.rule.name)) for item in verdict.rules],
    }


def _rule(item: RuleVerdict, told: RuleFeedback | None) -> dict[str, Any]:
    witness = item.result.witness
    data: dict[str, Any] = {
        "name": item.rule.name,
        "formula": str(item.rule.formula),
        "severity": item.rule.severity.value,
        "timing": item.timing.value,
        "status": item.result.status.value,
        "triggered": item.result.triggered,
        "witness": None if witness is None else witness.to_dict(),
    }
    if told is not None:
        repair = told.repair
        data["feedback"] = {
            "step": told.step,
            "line": told.line,
            "facts": list(told.facts),
            "text": told.text,
            "suggestions": [] if repair is None else list(repair.edits),
            "breaks": [] if repair is None else list(repair.breaks),
        }
    return data


def _draw(file: Path, verdict: PlanVerdict, book: RuleBook) -> None:
    from surefoot.verification.modelchecking.witness_svg import draw_witness
    from surefoot.verification.translation.automata import compile_ltlf
    from surefoot.verification.translation.drawing import draw_automaton

    if not verdict.violated:
        note("no rule is broken, so there is no counterexample to draw")
        return
    item = verdict.violated[0]
    witness = item.result.witness
    assert witness is not None
    title = f"{item.rule.name}: {item.rule.formula}"
    seen = item.product.world.observations
    drawing = draw_witness(witness, title=title, observations=seen, actions=book.actions)
    automaton = draw_automaton(compile_ltlf(item.rule.formula), title=title)
    beside = file.with_suffix(".automaton.svg")
    write_atomic(file, drawing)
    write_atomic(beside, automaton)
    note(f"drawn: {file} and {beside}")
