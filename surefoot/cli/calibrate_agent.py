"""``surefoot calibrate agent``: an agent's own calibration, from episodes of its policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from surefoot.cli.calibrate import calibrate
from surefoot.cli.console import Bar, note, resumable
from surefoot.cli.shifts import read_shift
from surefoot.core.extras import require_extras


class _RecordedByDefault(TyperGroup):
    """Reads a first argument that names no sub-command as an argument of ``recorded``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts ``recorded`` first where nothing else is named."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["recorded", *args]
        return super().parse_args(ctx, args)


calibrating = typer.Typer(
    cls=_RecordedByDefault,
    help="Sets and thresholds with a guarantee: of a run's predictions, or of the agent itself. "
    "'calibrate FOLDER' is short for 'calibrate recorded FOLDER'.",
)
calibrating.command("recorded")(calibrate)


@calibrating.command("agent")
def calibrate_agent(
    env: Annotated[str, typer.Option(help="crossing or tabletop.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The artefact, a .json file; a folder of episodes lies beside it. "
            "runs/calibration-ENV.json by default."
        ),
    ] = None,
    perception: Annotated[
        str, typer.Option(help="Vision model, such as hf:FOLDER or openai:NAME.")
    ] = "local-perception",
    planner: Annotated[str, typer.Option(help="Planner; the environment's own by default.")] = "",
    sensing: Annotated[
        str, typer.Option(help="Looking strategy; see 'surefoot list strategies'.")
    ] = "entropy",
    looks: Annotated[int, typer.Option(help="Most further looks per decision.")] = 4,
    alpha: Annotated[
        float, typer.Option(help="Allowed fraction of scenes in which some fact is missed.")
    ] = 0.1,
    seeds: Annotated[
        list[str] | None,
        typer.Option(help="Seeds of the split calibration; calibration:300 by default."),
    ] = None,
    difficulty: Annotated[str, typer.Option(help="As for 'surefoot run'.")] = "",
    perturb: Annotated[
        list[str] | None, typer.Option(help="As for 'surefoot run'; may be given repeatedly.")
    ] = None,
    decisions: Annotated[
        int,
        typer.Option(
            "--num-decisions", help="Crossing: one decision is drawn from this many first ones."
        ),
    ] = 12,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Further settings of the agent as NAME=VALUE, such as gate=scores."
        ),
    ] = None,
    timeout_s: Annotated[
        float, typer.Option(help="Wall-clock limit of an episode in seconds.")
    ] = 300.0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
) -> None:
    """Calibrate an agent on its beliefs when it stops looking; an interrupted run resumes."""
    require_extras("sim", *(() if perception.startswith("openai:") else ("local",)))
    from surefoot.agents.calibrating.run import CalibrationConfig
    from surefoot.agents.calibrating.run import calibrate_agent as make
    from surefoot.core.config import check_config, read_settings
    from surefoot.core.seeds import read_seeds
    from surefoot.results.parallel import usable_cpus

    out = out or Path(f"runs/calibration-{env}.json")
    agent = {
        "perception": perception,
        "planner": planner,
        "sensing": sensing,
        "looks": looks,
        "alpha": alpha,
        **read_settings(settings or []),
    }
    config = check_config(
        CalibrationConfig,
        {
            "env": env,
            "agent": agent,
            "seeds": tuple(read_seeds(",".join(seeds or ["calibration:300"]))),
            "difficulty": difficulty,
            "perturb": read_shift(env, perturb),
            "decisions": decisions,
            "timeout_s": timeout_s,
        },
    )
    with resumable(), Bar(f"{env} episodes") as bar:
        done = make(config, out, workers=workers or usable_cpus(), progress=bar)
    found = done.calibration
    sizes = found.provenance["episodes"]
    note(
        f"{found.sensing}: {sizes[0]} episodes for the policy, {sizes[1]} for the sets, "
        f"{done.lost} lost; rank up to which an option is in: {found.threshold(alpha):.4f}"
    )
    note(f"calibration: {done.path}")
    note(f"predictions: {done.folder} (surefoot calibrate {done.folder} reports on them)")
