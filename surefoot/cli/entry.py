"""Entry point of ``surefoot``: what needs no library is answered without importing any."""

from __future__ import annotations

import os
import sys


def run() -> None:
    """Runs the command line.

    Errors are one line on standard error; the exit code is 2 for bad input and 1 for failures
    of our own.
    """
    arguments = sys.argv[1:]
    completing = "_SUREFOOT_COMPLETE" in os.environ
    if not completing and arguments in ([], ["--help"]):
        from surefoot.cli.commands import help_text

        sys.stdout.write(help_text())
        # As other command lines do: nothing at all was asked for, so that is no success.
        sys.exit(0 if arguments else 2)
    if not completing and arguments == ["--version"]:
        from surefoot import __version__

        sys.stdout.write(f"{__version__}\n")
        return
    from surefoot.cli.main import run_command

    sys.exit(run_command(arguments))
