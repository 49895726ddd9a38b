"""What a server's error means: wait, send the request without a setting, or stop asking."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_QUOTA = re.compile(
    r"insufficient[_ ](quota|balance|credits|funds)|exceeded your current quota|"
    r"billing[_ ](hard[_ ]limit|not[_ ]active)|credit balance is too low",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|prompt is too long|too many (input )?tokens|"
    r"exceeds? the (available|maximum) (context|model)",
    re.IGNORECASE,
)
_ROOM = re.compile(r"(?:context (?:length|window|size)|model)\D{0,30}?(\d{3,})", re.IGNORECASE)
_READ = re.compile(
    r"(\d+)\s+(?:tokens? )?(?:in (?:the|your) (?:messages?|prompt|input)|input tokens|"
    r"prompt tokens)",
    re.IGNORECASE,
)
_FILTER = re.compile(r"content[_ ]?(filter|policy)|responsible ?ai", re.IGNORECASE)
_ROLE = re.compile(r"\brole\b.{0,80}developer|developer.{0,80}\brole", re.IGNORECASE | re.DOTALL)
_NEVER_LEFT_OUT = frozenset({"model", "messages", "input", "store"})


class Cause(StrEnum):
    """Why a request failed."""

    BUSY = "busy"
    """Too many requests; later it may be answered."""
    TROUBLE = "trouble"
    """The server or the network failed; another try may succeed."""
    UNREADABLE = "unreadable"
    """What came cannot be read, or came too late; another try would be paid again."""
    SETTING = "setting"
    """A setting is refused by name."""
    ROLE = "role"
    """The role ``developer`` is refused."""
    TOO_LONG = "too long"
    """The prompt does not fit the model."""
    NO_ROOM = "no room"
    """The prompt fits, but not together with the limit on the answer."""
    FILTERED = "filtered"
    """A filter of the provider declined the prompt."""
    STOP = "stop"
    """No request will be answered: wrong key, spent quota, or not taken in this form."""


@dataclass(frozen=True, slots=True)
class RequestError:
    """A reading of an error.

    Attributes:
        cause: Why the request failed.
        names: Entries of the request that are refused.
        room: Tokens that are left for an answer, with ``NO_ROOM``.
    """

    cause: Cause
    names: tuple[str, ...] = ()
    room: int = 0


def read_refusal(status: int, error: Any, text: str, sent: Mapping[str, Any]) -> RequestError:
    """Reads what a server says against a request.

    Args:
        status: Status of HTTP, 400 or more.
        error: Body of the answer: plain JSON data, or text.
        text: What the client says of it.
        sent: The request.
    """
    body = error if isinstance(error, str) else json.dumps(error, default=str)
    said = f"{text} {body}"
    if status == 429:
        return RequestError(Cause.STOP if _QUOTA.search(said) else Cause.BUSY)
    if status in (401, 402, 403):
        return RequestError(
            Cause.FILTERED if status == 403 and _FILTER.search(said) else Cause.STOP
        )
    if status in (408, 409) or status >= 500:
        return RequestError(Cause.TROUBLE)
    if status == 413:
        return RequestError(Cause.TOO_LONG)
    if _TOO_LONG.search(said):
        return _length(said)
    if _FILTER.search(said):
        return RequestError(Cause.FILTERED)
    names = tuple(_named(error, said, [k for k in sent if k not in _NEVER_LEFT_OUT]))
    if names:
        return RequestError(Cause.SETTING, names)
    turns = sent.get("messages") or sent.get("input") or ()
    if _ROLE.search(said) and any(turn.get("role") == "developer" for turn in turns):
        return RequestError(Cause.ROLE)
    return RequestError(Cause.STOP)


def _length(said: str) -> RequestError:
    room, read = _ROOM.search(said), _READ.search(said)
    if room is not None and read is not None:
        left = int(room[1]) - int(read[1]) - 1
        if left >= 1:
            return RequestError(Cause.NO_ROOM, room=left)
    return RequestError(Cause.TOO_LONG)


def _named(error: Any, said: str, sent: Iterable[str]) -> Iterable[str]:
    """Yields the entries that an error names as what it is about.

    A name as a plain word does not count: 'seed' and 'stop' are words of English.
    """
    marked = {str(value).split(".")[0].split("[")[0] for value in _values(error, "param")}
    places = {str(part) for place in _values(error, "loc") for part in _parts(place)}
    for name in sent:
        if name in marked or name in places:
            yield name
            continue
        if marked & {*sent}:
            continue  # the error says which one it means
        word = re.escape(name)
        quoted = rf"['\"`]{word}(?:\.\w+)?['\"`]"
        after = (
            rf"(?:parameters?|arguments?|propert(?:y|ies)|fields?|keys?|inputs?|supplied)"
            rf"[^.\w]{{0,12}}(?:not permitted|supplied)?\W{{0,4}}{word}\b"
        )
        before = (
            rf"\b{word}\b(?=\W{{0,4}}(?:is not supported|is unsupported|not supported|unknown))"
        )
        if any(re.search(p, _without_advice(said)) for p in (quoted, after, before)):
            yield name


def _without_advice(said: str) -> str:
    """Cuts 'use X instead', which names what should have been sent."""
    return re.sub(r"\b[Uu]se ['\"`]?\w+['\"`]? instead", "", said)


def _values(data: Any, name: str) -> Iterable[Any]:
    """Yields all values under a name, at any depth."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key == name and value is not None:
                yield value
            yield from _values(value, name)
    elif isinstance(data, list):
        for part in data:
            yield from _values(part, name)


def _parts(place: Any) -> Iterable[Any]:
    return place if isinstance(place, list) else (place,)
