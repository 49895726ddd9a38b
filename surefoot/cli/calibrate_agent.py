"""``surefoot calibrate agent``: the agent's own calibration, by episodes of its policy."""

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
    """Takes what is no command of its own for the arguments of ``recorded``."""

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
        Path, typer.Option(help="The artefact, a .json file; episodes go to a folder beside it.")
    ],
    perception: Annotated[
        str, typer.Option(help="Model that is shown the pictures, such as hf:FOLDER.")
    ] = "local-perception",
    planner: Annotated[str, typer.Option(help="Planner; the stage's own by default.")] = "",
    sensing: Annotated[
        str, typer.Option(help="How it looks again, see 'surefoot list strategies'.")
    ] = "entropy",
    looks: Annotated[int, typer.Option(help="Further looks for one decision.")] = 4,
    alpha: Annotated[
        float, typer.Option(help="Allowed share of scenes in which some fact is missed.")
    ] = 0.1,
    seeds: Annotated[str, typer.Option(help="Seeds of the split calibration.")] = "calibration:300",
    difficulty: Annotated[str, typer.Option(help="As for 'surefoot run'.")] = "",
    perturb: Annotated[
        list[str] | None, typer.Option(help="As for 'surefoot run'; may be given repeatedly.")
    ] = None,
    decisions: Annotated[
        int, typer.Option(help="Crossing: a decision is drawn from the first so many.")
    ] = 12,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Further settings of the agent as KEY=VALUE, such as gate=scores."
        ),
    ] = None,
    timeout_s: Annotated[float, typer.Option(help="Seconds that an episode may take.")] = 300.0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per processor.")] = 0,
) -> None:
    """Calibrate an agent on what it believes when it stops looking; goes on where it stopped."""
    require_extras("sim", *(() if perception.startswith("openai:") else ("local",)))
    from surefoot.agents.calibrating.run import CalibrationConfig
    from surefoot.agents.calibrating.run import calibrate_agent as make
    from surefoot.core.config import check_config, read_settings
    from surefoot.envs.episodes.config import read_seeds
    from surefoot.results.parallel import usable_cpus

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
            "seeds": tuple(read_seeds(seeds)),
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
