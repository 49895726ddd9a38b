"""The manifest of a run: resolved configuration, planned episodes and provenance."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from surefoot.core.config import EXECUTION_SETTINGS, without_credentials
from surefoot.core.errors import InputError

MANIFEST_NAME = "manifest.json"
"""The file that makes a folder a run folder."""

_FORMAT = 1

_MODEL_SETTINGS = ("models", "settings")
"""Entries of configurations that hold settings of models."""


def current_versions() -> dict[str, str]:
    """Returns the versions of Surefoot and Python that are running."""
    return {"surefoot": version("surefoot"), "python": platform.python_version()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Describes a run completely enough to repeat it.

    Attributes:
        command: The command that made it, such as ``grade``.
        config: Resolved configuration; plain JSON data.
        keys: One key per planned episode, in order, all different.
        seeds: Random seeds, empty if nothing is random.
        hashes: SHA-256 of inputs by name.
        versions: Versions by program.
        created: Time of creation, ISO 8601 in UTC.
        execution: How it was run when it began, such as concurrency; may differ on resumption.
    """

    command: str
    config: Mapping[str, Any]
    keys: Sequence[str]
    seeds: Sequence[int] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=current_versions)
    created: str = field(default_factory=_now)
    execution: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.keys)) != len(self.keys):
            twice = next(k for i, k in enumerate(self.keys) if k in self.keys[:i])
            raise InputError(f"episode '{twice}' is planned twice")

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        data = {
            "format": _FORMAT,
            "command": self.command,
            "created": self.created,
            "versions": dict(self.versions),
            "config": _without_secrets(dict(self.config)),
            "seeds": list(self.seeds),
            "hashes": dict(self.hashes),
            "keys": list(self.keys),
        }
        if self.execution:
            data["execution"] = _without_secrets(dict(self.execution))
        plain: dict[str, Any] = json.loads(json.dumps(data, allow_nan=False))
        return plain

    def difference(self, other: Manifest) -> str:
        """Names the first thing in which two manifests disagree.

        Dates, the version of Python and how the run is executed may differ, among it the
        addresses and speeds of models; everything else may not.

        Returns:
            ``"config.model is 'a' there and 'b' here"`` (there = ``self``), ``""`` if equal.
        """
        mine, theirs = self.to_json(), other.to_json()
        if mine["versions"].get("surefoot") != theirs["versions"].get("surefoot"):
            here = theirs["versions"].get("surefoot")
            return f"it was made by Surefoot {mine['versions'].get('surefoot')}, this is {here}"
        for data in (mine, theirs):  # an input that is known by its content may lie elsewhere
            data["config"] = {k: v for k, v in data["config"].items() if k not in data["hashes"]}
        for name in ("command", "config", "seeds", "hashes"):
            found = _difference(mine[name], theirs[name], name)
            if found:
                return found
        return "" if mine["keys"] == theirs["keys"] else "the planned episodes differ"


def _difference(there: object, here: object, place: str) -> str:
    if isinstance(there, dict) and isinstance(here, dict):
        names = there.keys() | here.keys()
        if place.rpartition(".")[2] in _MODEL_SETTINGS:
            names -= EXECUTION_SETTINGS
        for name in sorted(names):
            found = _difference(there.get(name), here.get(name), f"{place}.{name}")
            if found:
                return found
        same = there.keys() & names == here.keys() & names
        return "" if same else f"{place} has other entries"
    if there == here and type(there) is type(here):
        return ""
    return f"{place} is {_short(there)} there and {_short(here)} here"


def _without_secrets(value: Any, name: str = "") -> Any:
    """Returns data without credentials in addresses and values of headers."""
    if isinstance(value, Mapping):
        if name == "headers":
            return sorted(map(str, value))
        return {key: _without_secrets(part, str(key)) for key, part in value.items()}
    if isinstance(value, str) and name == "base_url":
        return without_credentials(value)
    return value


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def read_manifest(folder: Path) -> Manifest:
    """Reads the manifest of a run folder.

    Raises:
        InputError: The folder is no run folder, or its manifest is damaged.
    """
    path = folder / MANIFEST_NAME
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"not a run folder (no {MANIFEST_NAME})", file=str(folder)) from None
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the manifest: {reason}", file=str(path)) from None
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise InputError("the manifest is not JSON", file=str(path), line=line) from None
    shapes = {"command": str, "created": str, "versions": dict, "config": dict}
    shapes |= {"seeds": list, "hashes": dict, "keys": list}
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise InputError(
            f"not a manifest that this Surefoot reads (format {_FORMAT})", file=str(path)
        )
    for name, shape in shapes.items():
        if not isinstance(data.get(name), shape):
            raise InputError(f"the manifest's '{name}' is missing or damaged", file=str(path))
    if not all(isinstance(key, str) for key in data["keys"]):
        raise InputError("the manifest's 'keys' are damaged", file=str(path))
    execution = data.get("execution", {})
    if not isinstance(execution, dict):
        raise InputError("the manifest's 'execution' is damaged", file=str(path))
    return Manifest(**{name: data[name] for name in shapes}, execution=execution)
