"""Reading an answer as JSON and holding it against its schema, whatever the server did."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_START = re.compile(r"[{\[]")


def read_json(text: str, schema: Mapping[str, Any]) -> Any:
    """Finds the last JSON object or list in a text that fits a schema.

    A bare value, one in a code fence, and one among words are all found.

    Returns:
        The value; ``None`` if there is none that fits.
    """
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(dict(schema))
    decoder = json.JSONDecoder()
    found: Any = None
    start = _START.search(text)
    while start is not None:
        end = start.start() + 1
        try:
            value, stop = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            pass
        else:
            if validator.is_valid(value):
                found, end = value, stop
        start = _START.search(text, end)
    return found
