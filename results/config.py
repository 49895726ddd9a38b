"""Configuration files: YAML laid under the command line's values and checked by a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from surefoot.results.errors import InputError

if TYPE_CHECKING:
    from pydantic import BaseModel

    Checked = TypeVar("Checked", bound=BaseModel)


def read_yaml(path: Path, what: str = "configuration") -> dict[str, Any]:
    """Reads a YAML file of ``name: value`` lines; an empty one gives an empty dict.

    Args:
        path: The file.
        what: What it is, for messages.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the {what}: {reason}", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("not a text file (expected UTF-8 YAML)", file=str(path)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"not valid YAML: {error.problem}", file=str(path), line=line) from None
    except (yaml.YAMLError, RecursionError):
        raise InputError("not valid YAML", file=str(path)) from None
    if not isinstance(data, dict):
        raise InputError("expected 'name: value' lines", file=str(path))
    return data


def check_config(
    model: type[Checked], data: Mapping[str, Any], *, file: Path | None = None
) -> Checked:
    """Checks plain data against a model; the first problem is told in one line.

    Args:
        model: A pydantic model.
        data: Values by field.
        file: Where they come from, for messages.

    Raises:
        InputError: A value does not fit.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(
            f"{place + ': ' if place else ''}{message}", file=str(file) if file else None
        ) from None
