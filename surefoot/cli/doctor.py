"""``surefoot doctor``: tests everything that Surefoot depends on."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from surefoot.core.errors import HarnessError
from surefoot.core.extras import EXTRAS, install


def doctor(
    model: Annotated[
        str | None, typer.Option(help="Also probe what a model can do, such as openai:NAME.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting of that model as NAME=VALUE, such as base_url=URL."),
    ] = None,
) -> None:
    """Test what is installed and say how to install the rest; exit code 1 if a test fails."""
    checks: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
        "python": (_python, ()),
        "Fast Downward": (lambda: _search("fd:ff"), ("planners",)),
        "SymK": (lambda: _search("symk"), ("planners",)),
        "Spot": (_spot, ("verify",)),
        "PyBullet": (_simulator, ("sim",)),
        "video": (_video, ("sim",)),
        "local model": (_local_model, ("local",)),
        "agent": (_agent, ("planners", "verify", "sim", "local")),
        "disk": (_disk, ()),
    }
    if model is not None:
        checks[model] = (lambda: _capabilities(model, settings or []), ())
    failed = 0
    for name, (check, extras) in checks.items():
        absent = [e for e in extras if EXTRAS[e].missing]
        if absent:
            how = EXTRAS[absent[0]].install if len(absent) == 1 else install(*absent)
            typer.echo(f"absent  {name:14} {how}")
            continue
        begun = perf_counter()
        try:
            mark, detail = "ok", check()
        except Exception as error:
            mark, detail = "FAILED", " ".join(f"{error}".split())[:300] or type(error).__name__
            failed += 1
        typer.echo(f"{mark:7} {name:14} {detail} ({perf_counter() - begun:.1f} s)")
    for extra in EXTRAS.values():
        if lacking := extra.missing:
            typer.echo(
                f"absent  {extra.name:14} extra without {', '.join(lacking)}: {extra.install}"
            )
        else:
            typer.echo(f"ok      {extra.name:14} extra: {extra.summary}")
    if failed:
        raise typer.Exit(1)


def _python() -> str:
    return f"{platform.python_version()} on {platform.platform(terse=True)}"


def _search(spec: str) -> str:
    from surefoot.models.options import ModelOptions
    from surefoot.models.registry import make_planner
    from surefoot.pddl.benchmark.selftest import check_planner

    planner = make_planner(spec, ModelOptions())
    check_planner(planner)
    return "solves a task of known optimum"


def _spot() -> str:
    from surefoot.verification import parse
    from surefoot.verification.translation.automata import compile_ltlf

    formula = parse("G(a -> F b)")
    if compile_ltlf(formula).table.shape != (2, 4):
        raise HarnessError("Spot gives another automaton than it should")
    return "compiles a formula"


def _simulator() -> str:
    from surefoot.envs.cameras.camera import CameraPose, Lens, render
    from surefoot.envs.simulation.client import Simulation
    from surefoot.envs.simulation.urdf import PANDA, load_light

    with Simulation() as simulation:
        load_light(simulation.api, PANDA, useFixedBase=True)
        pose = CameraPose((1.05, 0.0, 0.75), (0.45, 0.0, 0.0))
        frame = render(simulation.api, pose, Lens(64, 64))
        begun = perf_counter()
        frame = render(simulation.api, pose, Lens(224, 224))
        spent = perf_counter() - begun
    if not (frame.segmentation >= 0).any():
        raise HarnessError("the renderer does not show the robot")
    return f"renders 224 px in {1000 * spent:.0f} ms, without a window"


def _video() -> str:
    import av

    if "libx264" not in av.codecs_available:
        raise HarnessError("PyAV has no libx264; install the wheel of 'av'")
    return "H.264 can be written"


def _local_model() -> str:
    from surefoot.core.chat import Message, Request
    from surefoot.models.backends.hf import HFModel
    from surefoot.models.shipped import LOCAL_PLANNER
    from surefoot.pddl.compact import compact_prompt
    from surefoot.pddl.domains import get_domain

    task = get_domain("blocksworld").generate(3, 0).task
    asked = Request((Message("user", compact_prompt(task)),), 64)
    model = HFModel(str(LOCAL_PLANNER))
    ((_, reply),) = model.generate([asked])
    if "(" not in reply.text:
        raise HarnessError("the local planner writes no plan")
    return f"writes a plan on {model.device}"


def _agent() -> str:
    from surefoot.agents.assembly import make_tools
    from surefoot.agents.perception.measuring import images_of
    from surefoot.agents.planning.base import ENVIRONMENTS
    from surefoot.agents.settings import AgentSettings

    facts = 0
    for env in ENVIRONMENTS:
        tools = make_tools(env, AgentSettings())
        image = images_of(env, "test", 1)[0]
        questions = [a.question for a in image.asked]
        facts += len(tools.perceiver.ask(image.developed(), questions))
    return f"sees {facts} facts on {len(ENVIRONMENTS)} environments, and is calibrated for both"


def _disk() -> str:
    free = shutil.disk_usage(Path.cwd()).free
    if free < 2**30:
        raise HarnessError("less than 1 GiB is free here; runs with videos need more")
    return f"{free / 2**30:.0f} GiB free here"


def _capabilities(spec: str, settings: list[str]) -> str:
    from surefoot.models.options import read_options
    from surefoot.models.registry import make_model

    seen = asdict(make_model(spec, read_options(settings)).capabilities())
    can = [name for name, yes in seen.items() if yes is True]
    return f"can do: {', '.join(can) or 'plain text only, or it does not answer'}"
