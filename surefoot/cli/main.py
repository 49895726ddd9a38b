"""The command line: commands are imported when they are named, and errors are in our words."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from surefoot import __version__
from surefoot.cli.commands import ABOUT, COMMANDS, help_text
from surefoot.cli.usage import UsageError, add_config, in_our_words
from surefoot.core.errors import SurefootError
from surefoot.core.extras import missing


class LazyGroup(TyperGroup):
    """The commands of :data:`~surefoot.cli.commands.COMMANDS`, each imported at first use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Returns a command, ``None`` if there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        if cmd_name not in self.commands:
            module, _, name = entry.place.partition(":")
            thing = getattr(import_module(f"surefoot.cli.{module}"), name)
            if not isinstance(thing, typer.Typer):
                function, thing = thing, typer.Typer(add_completion=False)
                thing.command(cmd_name)(function)
            made = typer.main.get_command(add_config(thing))
            made.name = cmd_name
            self.commands[cmd_name] = made
        return self.commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Prints the help of the whole command line."""
        formatter.write(help_text())

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds the command that is named; an unknown one is told with the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise UsageError(f"there is no command '{args[0]}'{hint}; see surefoot --help")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="surefoot",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=ABOUT,
)


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


def run_command(arguments: list[str]) -> int:
    """Runs a command and returns its exit code; errors are one line on standard error."""
    try:
        code = typer.main.get_command(app).main(
            arguments, prog_name="surefoot", standalone_mode=False
        )
        return code if isinstance(code, int) else 0
    except UsageError as error:
        return _failed(in_our_words(error), 2)
    except typer.Abort:
        return _failed("stopped", 130)
    except SurefootError as error:
        return _failed(str(error), 2 if error.by_user else 1)
    except ModuleNotFoundError as error:
        lacking = missing(error.name or "")
        if lacking is None:
            raise
        return _failed(str(lacking), 2)


def _failed(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201
    return code
