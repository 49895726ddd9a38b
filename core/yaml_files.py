"""Reading of YAML files with errors that name their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from surefoot.core.errors import InputError

MAX_BYTES = 2**20
"""Largest accepted file."""


def read_yaml(path: Path, what: str, keys: str) -> tuple[Any, yaml.Node]:
    """Reads a YAML file.

    Args:
        path: The file.
        what: What it is, for messages.
        keys: Keys that it has at the top, for messages.

    Returns:
        Its content, and the tree with the place of everything.

    Raises:
        InputError: It cannot be read, is larger than 1 MiB, or uses aliases or a key twice.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"the {what} is larger than 1 MiB; split it", file=str(path))
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the {what}: {reason}", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("not a text file (expected UTF-8 YAML)", file=str(path)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"not valid YAML: {error.problem}", file=str(path), line=line) from None
    except (yaml.YAMLError, RecursionError):
        raise InputError("not valid YAML, or nested too deeply", file=str(path)) from None
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"expected {keys} and so on at the top", file=str(path))
    _refuse_repeats(root, str(path))
    try:
        return yaml.safe_load(text), root
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"not valid YAML: {error.problem}", file=str(path), line=line) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InputError("not valid YAML, or nested too deeply", file=str(path)) from None


def _refuse_repeats(root: yaml.Node, file: str) -> None:
    """Refuses aliases (a few lines of them can stand for gigabytes) and repeated keys."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        line = node.start_mark.line + 1
        if id(node) in seen:
            raise InputError("aliases (*name) are not read; write it out", file=file, line=line)
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            continue
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
            continue
        keys: set[Any] = set()
        for key, value in node.value:
            if key.value.__hash__ and key.value in keys:
                place = key.start_mark.line + 1
                raise InputError(f"'{key.value}' stands twice; delete one", file=file, line=place)
            if isinstance(key, yaml.ScalarNode):
                keys.add(key.value)
            stack.append(value)


def node_at(root: yaml.Node, place: tuple[int | str, ...]) -> yaml.Node:
    """Returns the node at a place, or the nearest one above it that there is."""
    node = root
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next((v for k, v in node.value if k.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part] if part < len(node.value) else None
        else:
            found = None
        if found is None:
            break
        node = found
    return node
