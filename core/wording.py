"""Plain messages on invalid values, in place of those of the validation library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_BOUNDS = {
    "greater_than": ("must be above", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be below", "lt"),
    "less_than_equal": ("must be at most", "le"),
    "multiple_of": ("must be a multiple of", "multiple_of"),
}
_LENGTHS = {
    "string_too_short": ("must have at least", "min_length", "character"),
    "string_too_long": ("must have at most", "max_length", "character"),
    "too_short": ("needs at least", "min_length", "entry"),
    "too_long": ("takes at most", "max_length", "entry"),
}
_KINDS = {
    "bool": "true or false",
    "bytes": "bytes",
    "dataclass": "'name: value' lines",
    "dict": "'name: value' lines",
    "finite": "a finite number",
    "float": "a number",
    "frozen": "a list",
    "int": "a whole number",
    "iterable": "a list",
    "list": "a list",
    "mapping": "'name: value' lines",
    "model": "'name: value' lines",
    "path": "a path",
    "set": "a list",
    "string": "text",
    "tuple": "a list",
}
"""Expected value, by the first word of an error's type."""


def problem(error: Mapping[str, Any]) -> str:
    """Returns the problem of a value, to follow its name in a message.

    Args:
        error: One of pydantic's error details: ``type``, ``ctx``, ``input`` and ``msg``.

    >>> problem({"type": "less_than_equal", "ctx": {"le": 1}, "input": 3})
    'must be at most 1, not 3'
    """
    kind, context, value = str(error["type"]), error.get("ctx", {}), error.get("input")
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not known"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"{words} {context[name]}, not {shown(value)}"
    if kind in _LENGTHS:
        words, name, what = _LENGTHS[kind]
        n = context[name]
        plural = what if n == 1 else "entries" if what == "entry" else f"{what}s"
        return f"{words} {n} {plural}"
    if kind in ("literal_error", "enum"):
        return f"must be {context['expected']}, not {shown(value)}"
    if kind in ("value_error", "assertion_error"):
        return " ".join(str(context.get("error", error.get("msg", ""))).split())
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} does not have the form {context['pattern']}"
    expected = _KINDS.get(kind.split("_")[0])
    if expected is not None:
        return f"must be {expected}, not {shown(value)}"
    return f"{shown(value)} cannot be used here"


def place(location: Sequence[int | str]) -> str:
    """Returns the path of a value, such as ``models.retries``."""
    return ".".join(map(str, location))


def shown(value: object) -> str:
    """Returns a value as shown in messages."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
