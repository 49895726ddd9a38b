"""Configuration files: YAML laid under the command line's values and checked by a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from surefoot.core.errors import InputError
from surefoot.core.wording import place, problem

if TYPE_CHECKING:
    from pydantic import BaseModel

    Checked = TypeVar("Checked", bound=BaseModel)


EXECUTION_SETTINGS = frozenset(
    {
        "preset",  # what it sets is listed under its own name
        "base_url",
        "key_env",
        "headers",
        "api_version",
        "timeout_s",
        "answer_s",
        "stream",
        "retries",
        "concurrency",
        "requests_per_minute",
        "tokens_per_minute",
        "batch",
        "device",
        "cache",
        "prices",
        "price",
    }
)
"""Settings of models that say where and how fast they are asked, and not what."""


def read_config_file(path: Path, what: str = "configuration") -> dict[str, Any]:
    """Reads a configuration file of ``name: value`` lines.

    Args:
        path: The file.
        what: What it is, for messages.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    from surefoot.core.yaml_files import read_yaml

    data, _ = read_yaml(path, what, "'name: value' lines")
    return dict(data)


def read_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Reads settings given as ``NAME=VALUE``, values as in YAML; ``a.b=1`` is ``b`` within ``a``.

    Args:
        pairs: The texts.

    Raises:
        InputError: One is not of that form.

    >>> read_settings(["alpha=0.2", "models.retries=0"])
    {'alpha': 0.2, 'models': {'retries': 0}}
    """
    import yaml

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InputError(f"setting '{pair}' is not of the form NAME=VALUE")
        *path, last = name.split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InputError(f"setting '{name}': '{part}' has a value already")
        try:
            place[last] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InputError(f"setting '{name}': not a YAML value") from None
    return found


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
        message = problem(first)
        if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
            message += f"; known: {', '.join(model.model_fields)}"
        if name := place(first["loc"]):
            message = f"{name}: {message}"
        raise InputError(message, file=str(file) if file else None) from None


def without_credentials(address: str) -> str:
    """Returns an address without user, password, query and fragment, which may be secret.

    >>> without_credentials("https://me:word@host:8000/v1?key=4711")
    'https://host:8000/v1'
    """
    from urllib.parse import urlsplit, urlunsplit

    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
