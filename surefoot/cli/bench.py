"""``surefoot bench``: planners of any kind on generated or given tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli.console import Bar, note, note_doubtful, parts, resumable

_MANY = "May be given repeatedly or with commas."


def bench(
    config: Annotated[
        Path | None, typer.Option(help="YAML file; options on the command line win.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The run folder, created or resumed.")] = Path(
        "runs/bench"
    ),
    planners: Annotated[
        list[str] | None,
        typer.Option(
            help=f"fd:lmcut, fd:ff, symk, random, greedy, local, openai:NAME, hf:PATH. {_MANY}"
        ),
    ] = None,
    domains: Annotated[
        list[str] | None, typer.Option(help=f"Built-in domains, or 'all'. {_MANY}")
    ] = None,
    difficulty: Annotated[
        list[str] | None, typer.Option(help=f"Sizes as steps above each domain's smallest. {_MANY}")
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(help=f"Seeds of instances, such as 5, 0:10 or test:20. {_MANY}"),
    ] = None,
    tasks: Annotated[Path | None, typer.Option(help="Folder of given tasks.")] = None,
    jobs: Annotated[
        list[str] | None,
        typer.Option(
            help="plan, reuse, replan, reformulate-shuffled, reformulate-partial, "
            f"reformulate-full, questions. {_MANY}"
        ),
    ] = None,
    question_kinds: Annotated[
        list[str] | None, typer.Option(help=f"What questions are about. {_MANY}")
    ] = None,
    question_forms: Annotated[
        list[str] | None, typer.Option(help=f"boolean, choice, generative. {_MANY}")
    ] = None,
    questions_per_task: Annotated[
        int | None, typer.Option(help="Questions of each kind and form per task.")
    ] = None,
    question_states: Annotated[
        int | None, typer.Option(help="Largest number of states that is explored in full.")
    ] = None,
    styles: Annotated[
        list[str] | None,
        typer.Option(help=f"published, complete, pddl, template, compact. {_MANY}"),
    ] = None,
    shots: Annotated[list[str] | None, typer.Option(help=f"zero, one, cot. {_MANY}")] = None,
    answers: Annotated[list[str] | None, typer.Option(help=f"text, json, scored. {_MANY}")] = None,
    renamings: Annotated[
        list[str] | None,
        typer.Option(help=f"none, synonym, deceptive, random_word, random_string. {_MANY}"),
    ] = None,
    renaming_seeds: Annotated[
        list[str] | None, typer.Option(help=f"Seeds of each renaming. {_MANY}")
    ] = None,
    modes: Annotated[
        list[str] | None,
        typer.Option(help=f"direct, repair-binary, repair-first, repair-all, resample. {_MANY}"),
    ] = None,
    reader: Annotated[
        str | None, typer.Option(help="Answer reader, see 'surefoot list readers'.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="Most answers per episode.")] = None,
    samples: Annotated[
        int | None,
        typer.Option(help="Answers of a language model to each task; pass@k counts them."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the planners' draws.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting of the planners as NAME=VALUE, such as base_url=URL."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only estimate episodes, tokens and cost.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print summary.json instead of the table.")
    ] = False,
) -> None:
    """Benchmark planners on feasibility, optimality and generalization."""
    from surefoot.cli.contestants import contestant
    from surefoot.models.options import ModelOptions, read_options
    from surefoot.pddl.benchmark.config import read_config
    from surefoot.pddl.benchmark.run import bench_run
    from surefoot.pddl.reference import lookup

    given: dict[str, Any] = {
        name: parts(value)
        for name, value in {
            "planners": planners,
            "domains": domains,
            "difficulty": difficulty,
            "seeds": seeds,
            "styles": styles,
            "shots": shots,
            "answers": answers,
            "renamings": renamings,
            "renaming_seeds": renaming_seeds,
            "modes": modes,
            "jobs": jobs,
            "question_kinds": question_kinds,
            "question_forms": question_forms,
        }.items()
        if value
    }
    single = {
        "tasks": tasks,
        "reader": reader,
        "rounds": rounds,
        "samples": samples,
        "seed": seed,
        "questions_per_task": questions_per_task,
        "question_states": question_states,
    }
    given |= {k: v for k, v in single.items() if v is not None}
    resolved = read_config(config, given)
    options: ModelOptions = read_options(settings or [])
    if dry_run:
        from surefoot.cli.bench_estimate import show_estimate

        show_estimate(resolved, options)
        return
    contestants = {name: contestant(name, options) for name in resolved.planners}
    with resumable(), Bar("benchmark") as bar:
        done = bench_run(
            resolved,
            out,
            contestants,
            lookup,
            settings=options.model_dump(mode="json", exclude_defaults=True),
            progress=bar,
        )
    if json_output:
        typer.echo(json.dumps(done.summary, indent=2))
    else:
        from surefoot.cli.bench_table import print_quiz
        from surefoot.pddl.benchmark.quiz_summary import quiz_cells, quiz_names
        from surefoot.pddl.benchmark.summary import cells_of, named
        from surefoot.pddl.grading.samples import sample_rows
        from surefoot.pddl.grading.table import print_table

        if done.episodes:
            cells, totals = cells_of(done.episodes)
            print_table([*cells, *totals])
            for row in sample_rows(named(done.episodes), [e.case.situation for e in done.episodes]):
                typer.echo(str(row))
        if done.quizzes:
            print_quiz(quiz_cells(done.quizzes, quiz_names(done.quizzes)))
        gaps = sum(row["missing"] for row in done.summary.get("questions", {}).get("missing", ()))
        if gaps:
            note(f"{gaps} questions do not exist; the report lists them")
        for name, count in done.summary.get("unchanged", {}).items():
            note(f"{name}: {count} tasks cannot be changed so")
    for warning in done.warnings:
        note(f"warning: {warning}")
    for task, reason in done.summary.get("unsupported", {}).items():
        note(f"left out, in no rate: {task}: {reason}")
    note(f"report: {done.report}")
    note_doubtful(done.doubtful, "answers.html opens with them")
    if done.unanswered:
        key, why = next(iter(done.unanswered.items()))
        note(
            f"{len(done.unanswered)} episodes have no answer (first: {key}: {why}); "
            "run the same command again to ask them again"
        )
        raise typer.Exit(1)
