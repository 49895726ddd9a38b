"""``surefoot run``: simulated episodes of a policy, recorded and summarized."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli.console import Bar, note, parts, resumable
from surefoot.core.extras import require_extras

_MANY = "May be given repeatedly or with commas."


def run_episodes(
    config: Annotated[
        Path | None, typer.Option(help="YAML file; options on the command line win.")
    ] = None,
    env: Annotated[str | None, typer.Option(help="tabletop or crossing.")] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            help="scripted (plans from the true state), agent (sees, plans, verifies), or "
            "MODULE:FUNCTION."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Option of the policy as NAME=VALUE, such as looks=2."),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(help=f"Tasks; all of them by default. {_MANY}")
    ] = None,
    difficulty: Annotated[
        str | None,
        typer.Option(help="tabletop: easy, medium, hard; crossing: traffic from 0 to 1."),
    ] = None,
    seeds: Annotated[
        list[str] | None,
        typer.Option(help="Such as 5, 0:10 (0 to 9), 1,4,7, or test:20 (the first 20 of a split)."),
    ] = None,
    perturb: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME, NAME=SEVERITY or NAME=SEVERITY:ARGUMENT=VALUE; see 'surefoot list "
            f"perturbations'. {_MANY}"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The run folder, created or resumed.")] = Path(
        "runs/episodes"
    ),
    max_steps: Annotated[int | None, typer.Option(help="Most skills per episode.")] = None,
    timeout_s: Annotated[
        float | None, typer.Option(help="Wall-clock limit of an episode in seconds.")
    ] = None,
    video: Annotated[
        str | None, typer.Option(help="Which episodes are filmed: all, failures, none.")
    ] = None,
    fps: Annotated[int | None, typer.Option(help="Video frames per simulated second.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print summary.json instead of the table.")
    ] = False,
) -> None:
    """Run simulated robot episodes and report on them."""
    shipped = policy == "agent" and not settings  # which other agents need depends on their models
    require_extras("sim", *(("verify", "local") if shipped else ()))
    from surefoot.core.config import read_config_file, read_settings
    from surefoot.core.seeds import read_seeds
    from surefoot.envs.episodes.config import resolve
    from surefoot.envs.episodes.run import episodes_run
    from surefoot.results.parallel import usable_cpus

    given: dict[str, Any] = read_config_file(config) if config else {}
    if isinstance(given.get("seeds"), (str, int)):
        given["seeds"] = read_seeds(str(given["seeds"]))
    given |= {
        name: value
        for name, value in {
            "env": env,
            "policy": policy,
            "difficulty": difficulty,
            "max_steps": max_steps,
            "timeout_s": timeout_s,
            "video": video,
            "fps": fps,
        }.items()
        if value is not None
    }
    given.setdefault("env", "tabletop")
    if task:
        given["task"] = parts(task)
    if seeds is not None:
        given["seeds"] = read_seeds(",".join(seeds))
    if perturb:
        given["perturb"] = list(parts(perturb))
    if settings:
        given["options"] = _over(given.get("options"), read_settings(settings))
    resolved = resolve(given)
    count = workers or usable_cpus()
    with resumable():
        if resolved.options.get("operator") == "human":  # who would have to type into a bar
            done = episodes_run(resolved, out, progress=_note_progress)
        else:
            with Bar(f"{resolved.env} episodes") as bar:
                done = episodes_run(resolved, out, workers=count, progress=bar)
    if json_output:
        typer.echo(json.dumps(done.summary, indent=2))
    else:
        _print_table(done.summary)
    note(f"report: {done.report}")


def _over(options: object, settings: dict[str, Any]) -> dict[str, Any]:
    """Merges settings into the options of a file, level by level."""
    merged = dict(options) if isinstance(options, dict) else {}
    for name, value in settings.items():
        merged[name] = _over(merged.get(name), value) if isinstance(value, dict) else value
    return merged


def _note_progress(done: int, total: int, part: str = "") -> None:
    note(f"{done} of {total} episodes are done")


def _print_table(summary: dict[str, Any]) -> None:
    typer.echo(f"{'task':20} {'n':>5} {'success':>8}  95 % interval  outcomes")
    cells = summary["cells"]
    for cell in [*cells, summary["total"]] if len(cells) > 1 else cells:
        low, high = cell["interval"]
        rest = ", ".join(
            f"{count} {name.replace('_', ' ')}"
            for name, count in cell["outcomes"].items()
            if name != "success"
        )
        typer.echo(
            f"{cell['task']:20} {cell['n']:5} {cell['success']:8}  "
            f"[{100 * low:3.0f}, {100 * high:3.0f}] %    {rest}"
        )
    found = summary["total"]["agent"]
    if found:
        first = found["covered_first"]
        restored = f", {found['restores_per_episode']:.1f} of them at restored images,"
        typer.echo(
            f"an episode: {found['looks_per_episode']:.1f} looks again"
            f"{restored if found['restores'] else ''} in "
            f"{found['look_seconds_per_episode']:.1f} s, {found['asked_per_episode']:.1f} times "
            f"asked, {found['repairs'] / found['episodes']:.1f} repairs; first sets hold the truth "
            f"in {first['count']} of {first['n']} (target {1 - found['alpha']:.0%})"
        )
