"""``surefoot refactor``: a dense local model split into experts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.core.errors import InputError
from surefoot.core.extras import require_extras

if TYPE_CHECKING:
    from surefoot.sparsity.engine.calibration import Tokens
    from surefoot.sparsity.experts.refactoring import RefactorSettings


def refactor(
    model: Annotated[
        str,
        typer.Argument(
            help="Folder of a transformers checkpoint, or local-planner, local-agent, "
            "local-agent-refined."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the model of experts; runs/refactor/MODEL by default."),
    ] = None,
    texts: Annotated[
        list[str] | None,
        typer.Option(
            help="DOMAIN=FILE, once per domain: .jsonl with one text per line, or one text, "
            "which is cut into pieces. The shipped planners bring their own."
        ),
    ] = None,
    count: Annotated[
        int,
        typer.Option("--num-texts", min=1, help="Texts drawn for a shipped planner."),
    ] = 8000,
    tasks: Annotated[
        int,
        typer.Option(
            "--num-tasks", min=0, help="Number of unseen tasks to evaluate on, before and after."
        ),
    ] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Setting as NAME=VALUE, such as keep=0.4, tune.rounds=4, tune.loss=released.",
        ),
    ] = None,
) -> None:
    """Split a model into experts, one per domain; an interrupted run resumes at the next round."""
    require_extras("local")
    import torch

    from surefoot.core.config import check_config, read_settings
    from surefoot.experiments.local_models.tasks import scorer_for
    from surefoot.models.shipped import model_folder
    from surefoot.sparsity.experts.refactoring import RefactorSettings, refactor_folder

    wanted = check_config(RefactorSettings, read_settings(settings or []))
    folder = model_folder(model)
    out = out or Path("runs/refactor") / folder.name
    torch.set_num_threads(threads)
    scorer = scorer_for(folder, tasks) if tasks else None
    domains = _domains(folder, texts or [], count, wanted)
    with resumable(), Bar(f"refactor {folder.name}") as bar:
        report = refactor_folder(
            folder,
            out,
            domains,
            wanted,
            scorer=scorer,
            note=note,
            progress=bar,
        )
    losses, sizes = report["losses"], report["parameters"]
    typer.echo(f"{'loss on held-out texts, dense':40} {losses['dense']:>12.4f}")
    typer.echo(f"{'experts, before tuning':40} {losses['before']:>12.4f}")
    typer.echo(f"{'experts, after tuning':40} {losses['after']:>12.4f}")
    for name in ("dense", "total", "active", "router"):
        typer.echo(f"{f'parameters, {name}':40} {sizes[name]:>12}")
    after = report["router"]["after"]
    typer.echo(f"{'router agrees with the best expert':40} {100 * after['agreement']:>10.1f} %")
    typer.echo(f"{'tokens that repeat the last expert':40} {100 * after['repeats']:>10.1f} %")
    if report["tasks"]:
        for name, solved in report["tasks"].items():
            typer.echo(f"{f'tasks solved {name}':40} {sum(solved.values()):>6} of {len(solved)}")
    note(f"model: {out}")


def _domains(
    folder: Path, texts: Sequence[str], count: int, wanted: RefactorSettings
) -> dict[str, Sequence[Tokens]]:
    """Returns the texts by domain: those given, or a planner's own."""
    from surefoot.experiments.local_models.domains import domain_texts
    from surefoot.experiments.local_models.texts import texts_of

    if not texts:
        drawn = domain_texts(
            folder,
            count,
            least=wanted.samples + wanted.held_out,
            longest=wanted.length,
            seed=wanted.seed,
        )
        return dict(drawn)
    found: dict[str, Sequence[Tokens]] = {}
    for text in texts:
        name, equals, place = text.partition("=")
        if not equals or not name or not place:
            raise InputError(f"--texts '{text}' is not of the form DOMAIN=FILE")
        if name in found:
            raise InputError(f"--texts names domain '{name}' twice")
        found[name] = texts_of(Path(place), folder, wanted.length)
    return found
