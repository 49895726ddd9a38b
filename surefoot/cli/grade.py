"""``surefoot grade``: recorded answers of language models, graded against their tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import Bar, note, note_doubtful, parts, resumable
from surefoot.cli.second_reader import choose_readers
from surefoot.pddl.extract.readers import DEFAULT_READER
from surefoot.pddl.grading.run import GradedRun, grade_run
from surefoot.pddl.grading.samples import sample_rows
from surefoot.pddl.grading.table import print_table
from surefoot.pddl.reference import lookup
from surefoot.results.parallel import usable_cpus


def grade(
    answers: Annotated[
        Path,
        typer.Argument(
            help="Folder with pNN.pddl.MODEL files (or folders of such), or a JSON-lines file "
            "with task, model and answer.",
            show_default=False,
        ),
    ],
    tasks: Annotated[
        Path,
        typer.Option(
            help="Folder with domain.pddl and pNN.pddl (or folders of such).", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="The run folder, created or resumed.")] = Path(
        "runs/grade"
    ),
    models: Annotated[
        list[str] | None,
        typer.Option(help="Grade only these models. May be given repeatedly or with commas."),
    ] = None,
    reader: Annotated[
        str,
        typer.Option(
            help="Answer reader, see 'surefoot list readers'; or a model such as openai:NAME or "
            "hf:PLACE that reads the doubtful answers again."
        ),
    ] = DEFAULT_READER,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting of that model as NAME=VALUE, such as base_url=URL."),
    ] = None,
    lexicon: Annotated[
        list[str] | None,
        typer.Option(
            help="Words of a domain's actions and objects (YAML), as DOMAIN=FILE, or FILE where "
            "there is one domain. May be given repeatedly or with commas.",
        ),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print summary.json instead of the table.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
) -> None:
    """Grade recorded answers: feasibility, optimality and error kinds, no model as judge."""
    name, second = choose_readers(reader, settings or [])
    with resumable(), Bar("grading") as bar:
        run = grade_run(
            answers,
            tasks,
            out,
            lookup,
            models=parts(models),
            reader=name,
            second_reader=second,
            lexicons=parts(lexicon),
            workers=workers or usable_cpus(),
            progress=bar,
        )
    show(run, json_output=json_output)


def show(run: GradedRun, *, json_output: bool = False) -> None:
    """Prints a finished run; exits with code 1 if the grading itself failed somewhere."""
    if json_output:
        typer.echo(json.dumps(run.summary(), indent=2))
    else:
        print_table(run.cells)
        for row in sample_rows(run.records):
            typer.echo(str(row))
    for warning in run.warnings:
        note(f"warning: {warning}")
    for task, reason in run.unsupported.items():
        note(f"not graded, in no rate: {task}: {reason}")
    note(f"report: {run.report}")
    note_doubtful(run.doubtful, "the report opens with them")
    if run.unanswered:
        key, why = next(iter(run.unanswered.items()))
        note(
            f"the second reader gave no reply for {len(run.unanswered)} of them (first: {key}: "
            f"{why}); run the same command again to ask it again"
        )
    broken = sum(cell.harness_errors for cell in run.cells)
    if broken:
        note(f"grading failed for {broken} answers; see the report")
    if broken or run.unanswered:
        raise typer.Exit(1)
