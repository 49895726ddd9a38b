"""Options that every command has, and what is wrong with a command line in our words."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from surefoot.core.errors import InputError
from surefoot.core.wording import problem

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What the library of command lines raises for one that it cannot take."""


def in_our_words(error: Any) -> str:
    """Returns one line on what is wrong with a command line, and what to do."""
    path = getattr(getattr(error, "ctx", None), "command_path", "") or "surefoot"
    more = f"; see {path} --help"
    kind, message = type(error).__name__, str(getattr(error, "message", error))
    if kind == "NoSuchOption":
        close = list(getattr(error, "possibilities", None) or ())
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return f"{path} has no option '{error.option_name}'{hint}{more}"
    if kind == "MissingParameter":
        return f"{_name(error)} is missing{more}"
    if kind == "BadOptionUsage":
        takes = "takes no value" if "not take" in message else "needs a value"
        return f"option '{error.option_name}' {takes}{more}"
    cause = error.__cause__
    if hasattr(cause, "errors"):
        return f"{_name(error)} {problem(cause.errors()[0])}"
    if kind == "BadParameter":
        return f"{_name(error)}: {message}"
    if "extra argument" in message:
        return f"unexpected argument {message.rpartition('(')[2].rstrip(')') or message}{more}"
    return message if " --help" in message else f"{message[:1].lower()}{message[1:]}{more}"


def _name(error: Any) -> str:
    param = getattr(error, "param", None)
    if param is None:
        return "a value"
    if getattr(param, "param_type_name", "") == "argument":
        return str(param.name).upper()
    return str(max(param.opts, key=len))


def with_config(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the option ``--config``, unless it has one of its own.

    The file holds values by the names of the command's options; those on the command line win.
    """
    signature = inspect.signature(function)
    if "config" in signature.parameters:
        return function
    hints = get_type_hints(function, include_extras=True)
    option = Annotated[
        Path | None,
        typer.Option(
            "--config",
            is_eager=True,
            callback=_read_config,
            help="YAML file with values of these options; those given here win.",
        ),
    ]

    @functools.wraps(function)
    def command(*args: Any, config: Path | None = None, **values: Any) -> Any:
        return function(*args, **values)

    added = inspect.Parameter(
        "config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option
    )
    parameters = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints.get(p.name, p.annotation))
        for p in signature.parameters.values()
    ]
    command.__signature__ = signature.replace(parameters=[*parameters, added])  # type: ignore[attr-defined]
    command.__annotations__ = {**hints, "config": option}
    del command.__wrapped__
    return command


def _read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Makes the values of a file the defaults of a command."""
    if path is None:
        return None
    from surefoot.core.config import read_config_file

    names = {
        opt.lstrip("-").replace("-", "_"): param.name
        for param in ctx.command.params
        for opt in (*getattr(param, "opts", ()), str(param.name))
        if param.name not in ("config", "help")
    }
    defaults: dict[str, Any] = {}
    for key, value in read_config_file(path).items():
        name = names.get(str(key).replace("-", "_"))
        if name is None:
            close = get_close_matches(str(key), names, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(names)}"
            raise InputError(f"{ctx.command_path} has no option '{key}'{hint}", file=str(path))
        defaults[name] = value
    ctx.default_map = {**(ctx.default_map or {}), **defaults}
    return path


def add_config(group: typer.Typer) -> typer.Typer:
    """Gives every command of a group the option ``--config``."""
    for registered in group.registered_commands:
        if registered.callback is not None:
            registered.callback = with_config(registered.callback)
    return group
