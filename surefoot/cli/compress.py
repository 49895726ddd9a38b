"""``surefoot compress``: a smaller, faster local model, with what was gained and lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.core.extras import require_extras

if TYPE_CHECKING:
    from surefoot.sparsity.engine.calibration import Calibration, Tokens


def compress(
    model: Annotated[
        str,
        typer.Argument(
            help="Folder of a transformers checkpoint, or local-planner, local-agent, "
            "local-agent-refined, local-perception."
        ),
    ],
    recipe: Annotated[str, typer.Option(help="YAML file, or a name of 'surefoot list recipes'.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the compressed model; runs/compress/MODEL.")
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Calibration texts: .jsonl with one text per line, or one text, which is cut into "
            "pieces. The shipped models bring their own."
        ),
    ] = None,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Multiply factors out, so that any program can read the model."
        ),
    ] = False,
    measure: Annotated[
        bool, typer.Option(help="Measure latency and memory before and after.")
    ] = True,
    tasks: Annotated[
        int,
        typer.Option(
            "--num-tasks", min=0, help="Number of unseen tasks to evaluate on, before and after."
        ),
    ] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads used for measuring.")] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Recipe setting NAME=VALUE, such as sparsify.pattern=0.6."),
    ] = None,
) -> None:
    """Compress a model block by block; an interrupted run resumes at the next block."""
    require_extras("local")
    from surefoot.core.config import read_settings
    from surefoot.experiments.local_models.tasks import scorer_for
    from surefoot.experiments.local_models.texts import own_texts, texts_of
    from surefoot.models.shipped import model_folder
    from surefoot.sparsity.engine.finishing import CompressOptions
    from surefoot.sparsity.engine.run import compress as run
    from surefoot.sparsity.recipe import read_recipe
    from surefoot.sparsity.report.summary import PAGE_NAME, read_report

    wanted = read_recipe(recipe, read_settings(settings or []))
    folder = model_folder(model)
    out = out or Path("runs/compress") / folder.name
    scorer = scorer_for(folder, tasks) if tasks else None
    source = ""
    texts: Sequence[Tokens] | Calibration | None = None
    if calibration is not None:
        texts, source = texts_of(calibration, folder, wanted.calibration.length), calibration.name
    elif (own := own_texts(folder, wanted)) is not None:
        texts, source = own
    options = CompressOptions(merge=merge, measure=measure, threads=threads, scorer=scorer)
    with resumable(), Bar(f"compress {folder.name}") as bar:
        run(
            folder,
            wanted,
            out,
            texts=texts,
            source=source,
            options=options,
            note=note,
            progress=bar,
        )
    _print(read_report(out))
    note(f"model: {out}")
    note(f"report: {out / PAGE_NAME}")


def _print(report: dict[str, Any]) -> None:
    """Prints what was gained and lost."""
    from surefoot.sparsity.report.page import gains_of, tasks_of

    for row in gains_of(report):
        typer.echo(f"{row['what']:40} {row['before']:>12} {row['after']:>12} {row['ratio']:>8}")
    for name, text in (tasks_of(report["tasks"]) or {}).items():
        typer.echo(f"{name:40} {text}")
    artifact = report["artifact"]
    note(f"{artifact['format']}: {artifact['label']}")
