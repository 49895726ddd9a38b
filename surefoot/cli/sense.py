"""``surefoot sense``: the value of looking again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from surefoot.cli.console import Bar, note, parts, resumable
from surefoot.cli.shifts import read_shift
from surefoot.core.extras import require_extras

DEFAULT_STRATEGIES = ("sweep", "random", "set-size", "entropy")
"""Strategies that are compared unless others are named."""


def sense(
    env: Annotated[str, typer.Option(help="crossing or tabletop.")],
    out: Annotated[Path, typer.Option(help="The run folder, created or resumed.")] = Path(
        "runs/sense"
    ),
    perception: Annotated[
        str, typer.Option(help="Vision model, such as hf:FOLDER or openai:NAME.")
    ] = "local-perception",
    planner: Annotated[
        str,
        typer.Option(help="Planner; guide or fd by default, which make no planning errors."),
    ] = "",
    stills: Annotated[
        str, typer.Option(help="File of scenes with answers, in place of simulation and model.")
    ] = "",
    views: Annotated[
        str,
        typer.Option(
            help="Table of how informative views are: builtin, or a file of 'train views'."
        ),
    ] = "builtin",
    strategies: Annotated[
        list[str] | None,
        typer.Option(
            help="Looking strategies; sweep, random, set-size and entropy by default. "
            "May be given repeatedly or with commas."
        ),
    ] = None,
    budgets: Annotated[
        list[str] | None,
        typer.Option(
            help="Budgets of looks beyond the first, such as 0,1,2,4. "
            "May be given repeatedly or with commas."
        ),
    ] = None,
    policy: Annotated[
        int,
        typer.Option(
            "--num-policy-scenes",
            help="Of the calibration seeds, how many fit the policies' constants; the others "
            "calibrate the sets.",
        ),
    ] = 60,
    seeds: Annotated[
        list[str] | None,
        typer.Option(
            help="Seeds of the scenes, as for 'surefoot run': those of the split calibration "
            "calibrate, those of the split test are tried. calibration:160,test:150 by default, "
            "or all scenes of --stills."
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="Allowed fraction of scenes in which some fact is missed.")
    ] = 0.1,
    perturb: Annotated[
        list[str] | None, typer.Option(help="As for 'surefoot run'; may be given repeatedly.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print summary.json instead of the table.")
    ] = False,
) -> None:
    """Compare looking strategies: views, uncertainty, sets and correct acts by budget."""
    asks_here = not stills and not perception.startswith("openai:")
    require_extras("sim", *(("local",) if asks_here else ()))
    from surefoot.agents.sensing.study import run_study
    from surefoot.agents.sensing.study_config import StudyConfig, resolve_study
    from surefoot.core.config import check_config
    from surefoot.core.errors import InputError
    from surefoot.core.seeds import read_seeds
    from surefoot.results.parallel import usable_cpus

    try:
        wanted = tuple(int(b) for b in parts(budgets))
    except ValueError:
        raise InputError(f"--budgets are whole numbers, not '{','.join(budgets or ())}'") from None
    config = check_config(
        StudyConfig,
        {
            "env": env,
            "perception": perception,
            "planner": planner,
            "views": views,
            "stills": stills,
            "strategies": parts(strategies) or DEFAULT_STRATEGIES,
            "budgets": wanted,
            "policy": policy,
            "seeds": tuple(read_seeds(",".join(seeds)) if seeds else ()),
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
        rates = ["{}/{}".format(*cell[name][:2]) if name in cell else "-" for name in _RATES]
        typer.echo(
            f"{cell['strategy']:9} {cell['budget']:4} {means[0]:6.2f} {means[1]:6.2f} "
            f"{means[2]:6.3f} {means[3]:8.3f} {rates[0]:>9} {rates[1]:>9} {rates[2]:>9} "
            f"{rates[3].partition('/')[0]:>6}"
        )


_MEANS = ("looks", "seconds", "bits", "size")
_RATES = ("covered", "single", "right", "wrong")
