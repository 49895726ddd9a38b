"""``surefoot export``: what was said in a run, for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from surefoot.cli.console import note


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of bench.")],
    samples: Annotated[
        Path, typer.Option(help="File to write: an episode a line, with every turn.")
    ],
) -> None:
    """Write every prompt, thinking and answer of a run."""
    from surefoot.core.errors import InputError
    from surefoot.core.files import write_atomic
    from surefoot.pddl.benchmark.conversations import samples as samples_of
    from surefoot.results.run_folder import read_run
    from surefoot.results.transcripts import read_texts

    saved = read_run(run)
    if saved.manifest.command != "bench":
        raise InputError(
            f"a run of '{saved.manifest.command}'; only those of bench hold conversations",
            file=str(run),
        )
    lines = [json.dumps(row) for row in samples_of(saved.records, read_texts(run))]
    write_atomic(samples, "".join(f"{line}\n" for line in lines))
    note(f"{len(lines)} episodes: {samples}")
