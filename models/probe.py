"""Probes a server's capabilities by requests whose answers reveal them.

Many servers accept options and ignore them, so acceptance proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from surefoot.core.chat import Completion, Message, ReplyStatus, Request
from surefoot.models.protocol import Capabilities

Ask = Callable[[Request], Completion]

_SCHEMA = {
    "type": "object",
    "properties": {"zq7": {"type": "string", "enum": ["violet-17"]}},
    "required": ["zq7"],
    "additionalProperties": False,
}
"""No model answers the question below like this unless the schema is enforced."""


def probe(ask: Ask) -> Capabilities:
    """Asks a model a few tiny questions.

    Args:
        ask: Sends one request with all its options; never raises.
    """
    hello = (Message("user", "Say hello."),)
    shaped = ask(Request(hello, 32, schema=_SCHEMA))
    listed = ask(Request(hello, 1, top_logprobs=5))
    drawn = [ask(Request(hello, 16, temperature=1.0, seed=seed)) for seed in (7, 7, 8, 9, 10)]
    told = {c.text for c in drawn[2:]} | {drawn[0].text}
    seen = [
        ask(Request((Message("user", "Which colour?", (_square(colour),)),), 8))
        for colour in ((255, 0, 0), (0, 0, 255))
    ]
    fine = all(c.status is not ReplyStatus.SERVER_ERROR for c in seen)
    return Capabilities(
        structured=shaped.parsed is not None,
        logprobs=bool(listed.first_logprobs),
        images=fine and seen[0].text != seen[1].text,
        seeded=drawn[0].text == drawn[1].text
        and len(told) > 1
        and drawn[0].status is not ReplyStatus.SERVER_ERROR,
    )


def _square(colour: tuple[int, int, int]) -> bytes:
    """Returns a PNG of 32 x 32 pixels in one colour."""
    import struct
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    rows = b"".join(b"\0" + bytes(colour) * 32 for _ in range(32))
    head = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
