"""The command line: one small file a command, wired here."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from surefoot import __version__
from surefoot.cli.bench import bench
from surefoot.cli.calibrate_agent import calibrating
from surefoot.cli.compress import compress
from surefoot.cli.demo import demo
from surefoot.cli.diagnose import diagnosing
from surefoot.cli.doctor import doctor
from surefoot.cli.experiment import experiment
from surefoot.cli.grade import grade
from surefoot.cli.listing import list_known
from surefoot.cli.merge import merge
from surefoot.cli.mix import mix
from surefoot.cli.refactor import refactor
from surefoot.cli.replay import replay
from surefoot.cli.report import report
from surefoot.cli.restore import restore
from surefoot.cli.run import run_episodes
from surefoot.cli.sense import sense
from surefoot.cli.serve import serve
from surefoot.cli.train import train
from surefoot.cli.train_prior import train_prior
from surefoot.cli.train_restoring import train_restoring
from surefoot.cli.train_views import train_views
from surefoot.cli.verify import verify
from surefoot.core.errors import SurefootError
from surefoot.core.extras import missing

app = typer.Typer(
    name="surefoot",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Robot planners that know where they are uncertain.",
)
app.command("bench")(bench)
app.command("compress")(compress)
app.command("demo")(demo)
app.command("doctor")(doctor)
app.command("experiment")(experiment)
app.command("grade")(grade)
app.command("list")(list_known)
app.command("merge")(merge)
app.command("mix")(mix)
app.command("refactor")(refactor)
app.command("replay")(replay)
app.command("report")(report)
app.command("restore")(restore)
app.command("run")(run_episodes)
app.command("sense")(sense)
app.command("serve")(serve)
app.command("verify")(verify)
app.add_typer(calibrating, name="calibrate")
app.add_typer(diagnosing, name="diagnose")
train.command("prior")(train_prior)
train.command("restoring")(train_restoring)
train.command("views")(train_views)
app.add_typer(train, name="train")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Robot planners that know where they are uncertain."""


def run() -> None:
    """Entry point: errors are one line, exit code 2 for bad input, 1 for our own failures."""
    try:
        app()
    except SurefootError as error:
        _fail(error)
    except ModuleNotFoundError as error:
        lacking = missing(error.name or "")
        if lacking is None:
            raise
        _fail(lacking)


def _fail(error: SurefootError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(2 if error.by_user else 1)
