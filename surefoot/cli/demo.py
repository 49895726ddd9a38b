"""``surefoot demo``: the main job on a few episodes of both environments."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.core.extras import require_extras
from surefoot.core.files import write_atomic
from surefoot.results.run_folder import REPORT_NAME, check_out

EPISODES: dict[str, dict[str, Any]] = {
    "crossing": {
        "task": ["right-at-light", "left-at-sign"],
        "difficulty": "0.5",
        "seeds": [8, 28],
    },
    "tabletop": {
        "task": ["tidy", "tower"],
        "difficulty": "easy",
        "seeds": [8, 9],
        "perturb": ["noise=0.3"],
    },
}
"""The runs of the demonstration, one per environment; seeds that end with 8 or 9 are test seeds."""


class DemoKind(StrEnum):
    """Which demonstration."""

    AGENT = "agent"
    GRADING = "grading"


def demo(
    what: Annotated[
        DemoKind, typer.Argument(help="agent: simulated episodes; grading: answers on PDDL tasks.")
    ] = DemoKind.AGENT,
    out: Annotated[Path, typer.Option(help="Folder of the demonstration.")] = Path("runs/demo"),
    seconds: Annotated[
        float, typer.Option(help="grading: limit for each planner run, in seconds.")
    ] = 10.0,
    workers: Annotated[
        int, typer.Option(min=0, help="agent: processes; 0 for one per processor.")
    ] = 0,
) -> None:
    """Run eight episodes of the agent in both environments, or grade a small PDDL suite."""
    if what is DemoKind.GRADING:
        from surefoot.cli.demo_grading import run_grading
        from surefoot.cli.grade import show

        with resumable():
            run = run_grading(out, seconds)
        show(run)
        return
    require_extras("planners", "verify", "sim", "local")
    with resumable():
        report = run_demo(EPISODES, out, workers)
    note(f"report: {report}")


def run_demo(episodes: Mapping[str, Mapping[str, Any]], out: Path, workers: int = 0) -> Path:
    """Runs an agent in several environments and writes one page over all.

    Args:
        episodes: For each environment the keys of its run.
        out: Its run folders are ``out/ENV``.
        workers: Processes; 0 for one per processor.

    Returns:
        The page.

    Raises:
        InputError: The folder cannot be written or holds another run, or a model is missing.
    """
    from surefoot.agents.replay.overview import render_overview
    from surefoot.envs.episodes.config import resolve
    from surefoot.envs.episodes.run import episodes_run
    from surefoot.results.parallel import usable_cpus

    runs = []
    for env, given in episodes.items():
        config = resolve({"policy": "agent", "fps": 3, **given, "env": env})
        folder = out / env
        check_out(folder)
        with Bar(f"{env} episodes") as bar:
            done = episodes_run(config, folder, workers=workers or usable_cpus(), progress=bar)
        for key, record in done.records.items():
            typer.echo(f"{env:9} {key:26} {record['outcome']:14} {record['reason']}".rstrip())
        runs.append(folder)
    page = out / REPORT_NAME
    write_atomic(page, render_overview("Surefoot: episodes of the agent", runs, out))
    return page
