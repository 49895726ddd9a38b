"""``surefoot sense``: what looking again is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli.console import Bar, note, resumable
from surefoot.cli.shifts import read_shift
from surefoot.core.extras import require_extras


def sense(
    env: Annotated[str, typer.Option(help="crossing or tabletop.")],
    out: Annotated[Path, typer.Option(help="The run folder to make or to go on with.")],
    perception: Annotated[
        str, typer.Option(help="Model that is shown the pictures, such as hf:FOLDER.")
    ] = "local-perception",
    planner: Annotated[
        str, typer.Option(help="Planner; guide or fd by default, which tell looking from planning.")
    ] = "",
    stills: Annotated[
        str, typer.Option(help="A file of scenes with answers instead of simulation and model.")
    ] = "",
    views: Annotated[
        str, typer.Option(help="What views are known to tell: builtin, or of 'train views'.")
    ] = "builtin",
    strategies: Annotated[
        str, typer.Option(help="Ways to choose views, with commas.")
    ] = "sweep,random,set-size,entropy",
    budgets: Annotated[
        str, typer.Option(help="Most looks beyond the first, such as 0,1,2,4.")
    ] = "",
    policy: Annotated[int, typer.Option(help="Scenes for the constants of the policies.")] = 60,
    sets: Annotated[int, typer.Option(help="Scenes for the sets at stop.")] = 100,
    test: Annotated[int, typer.Option(help="Scenes to try them on.")] = 150,
    start: Annotated[int, typer.Option(help="Seeds begin here.")] = 0,
    alpha: Annotated[
        float, typer.Option(help="Allowed share of scenes in which some fact is missed.")
    ] = 0.1,
    perturb: Annotated[
        list[str] | None, typer.Option(help="As for 'surefoot run'; may be given repeatedly.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print summary.json instead of the table.")
    ] = False,
) -> None:
    """Compare ways of looking again: views used, uncertainty, sets and right acts by budget."""
    asks_here = not stills and not perception.startswith("openai:")
    require_extras("sim", *(("local",) if asks_here else ()))
    from surefoot.agents.sensing.study import StudyConfig, resolve_study, run_study
    from surefoot.core.config import check_config
    from surefoot.core.errors import InputError
    from surefoot.results.parallel import usable_cpus

    try:
        wanted = tuple(int(b) for b in budgets.split(",") if b)
    except ValueError:
        raise InputError(f"--budgets are numbers with commas, not '{budgets}'") from None
    config = check_config(
        StudyConfig,
        {
            "env": env,
            "perception": perception,
            "planner": planner,
            "views": views,
            "stills": stills,
            "strategies": tuple(s for s in strategies.split(",") if s),
            "budgets": wanted,
            "policy": policy,
            "sets": sets,
            "test": test,
            "start": start,
            "alpha": alpha,
            "perturb": read_shift(env, perturb),
        },
    )
    resolved = resolve_study(config)
    with resumable(), Bar(f"{env} scenes") as bar:
        done = run_study(resolved, out, workers=workers or usable_cpus(), progress=bar)
    if json_output:
        typer.echo(json.dumps(done.summary, indent=2))
    else:
        _print_table(done.summary)
    note(f"report: {done.report}")


def _print_table(summary: dict[str, Any]) -> None:
    typer.echo(
        f"{'strategy':9} {'most':>4} {'looks':>6} {'s':>6} {'bits':>6} {'options':>8} "
        f"{'covered':>9} {'decided':>9} {'right':>9} {'wrong':>6}"
    )
    for cell in summary["ways"]:
        means = [cell[name][0] if name in cell else 0.0 for name in _MEANS]
        shares = ["{}/{}".format(*cell[name][:2]) if name in cell else "-" for name in _SHARES]
        typer.echo(
            f"{cell['strategy']:9} {cell['budget']:4} {means[0]:6.2f} {means[1]:6.2f} "
            f"{means[2]:6.3f} {means[3]:8.3f} {shares[0]:>9} {shares[1]:>9} {shares[2]:>9} "
            f"{shares[3].partition('/')[0]:>6}"
        )


_MEANS = ("looks", "seconds", "bits", "size")
_SHARES = ("covered", "single", "right", "wrong")
