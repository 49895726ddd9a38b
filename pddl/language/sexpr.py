"""Reader for the parenthesised text that PDDL is written in.

Keeps the offset of every token, so that later stages can name line and column.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from surefoot.core.errors import InputError

MAX_DEPTH = 200
"""Deepest nesting that is read; real files stay below 20."""

MAX_BYTES = 64 * 1024 * 1024
"""Largest file that is read."""

_TOKEN = re.compile(r"[()]|\??[^\s();?]+|\?|;[^\n]*")
"""A variable begins a token of its own: suites write ``(p?a)`` and ``(?x?y)``."""


class UnsupportedPddlError(InputError):
    """PDDL that is correct, as far as it was read, but beyond what Surefoot covers."""

    @property
    def reason(self) -> str:
        """The message with the file's name and line, but not its folder."""
        return f"{Path(self.file or '').name}:{self.line}: {self.message}"


class Symbol(str):
    """A lower-cased token that remembers its character offset in the source."""

    __slots__ = ("offset",)
    offset: int


class SList(list["Symbol | SList"]):
    """A parenthesised list that remembers the offset of its opening parenthesis."""

    __slots__ = ("offset",)
    offset: int


Node = Symbol | SList


class SourceText:
    """A text with the name it is reported under.

    Args:
        text: The whole text.
        name: File name (or another label) used in error messages.

    Attributes:
        warnings: What was read although it looks like a mistake, one line each.
    """

    def __init__(self, text: str, name: str = "<text>") -> None:
        self.text = text
        self.name = name
        self.warnings: list[str] = []

    @classmethod
    def from_file(cls, path: str | Path) -> SourceText:
        """Reads a UTF-8 text file.

        Raises:
            InputError: The file is missing, too large, or not text.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise InputError(
                    f"file is larger than {MAX_BYTES // 2**20} MiB; split it", file=str(path)
                )
            data = path.read_bytes()
        except OSError as error:
            reason = error.strerror or "unreadable"
            raise InputError(f"cannot read the file: {reason.lower()}", file=str(path)) from None
        return cls(decode_text(data, str(path)), str(path))

    def place(self, offset: int) -> tuple[int, int]:
        """Returns the 1-based (line, column) of a character offset."""
        line = self.text.count("\n", 0, offset) + 1
        return line, offset - (self.text.rfind("\n", 0, offset) + 1) + 1

    def fail(self, message: str, at: Node | int) -> NoReturn:
        """Raises an :class:`InputError` that points at a node or an offset."""
        line, column = self.place(at if isinstance(at, int) else at.offset)
        raise InputError(message, file=self.name, line=line, column=column)

    def unsupported(self, what: str, at: Node | int) -> NoReturn:
        """Raises an :class:`UnsupportedPddlError` that points at a node or an offset."""
        line, column = self.place(at if isinstance(at, int) else at.offset)
        raise UnsupportedPddlError(f"unsupported: {what}", file=self.name, line=line, column=column)

    def warn(self, message: str, at: Node | int) -> None:
        """Notes a warning that points at a node or an offset."""
        line, column = self.place(at if isinstance(at, int) else at.offset)
        self.warnings.append(str(InputError(message, file=self.name, line=line, column=column)))


def decode_text(data: bytes, name: str) -> str:
    """Decodes UTF-8 text, refusing binary content with the place of the first bad byte.

    Raises:
        InputError: The bytes are not UTF-8 or contain a NUL character.
    """
    bad = data.find(b"\0")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.start if bad < 0 else min(bad, error.start)
    if bad >= 0:
        line = data.count(b"\n", 0, bad) + 1
        column = bad - (data.rfind(b"\n", 0, bad) + 1) + 1
        raise InputError(
            "not a text file (expected UTF-8 text)", file=name, line=line, column=column
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_sexpr(source: SourceText) -> SList:
    """Reads the one parenthesised expression that a PDDL file consists of.

    Args:
        source: The text to read.

    Returns:
        The nested list, all symbols in lower case (PDDL ignores case).

    Raises:
        InputError: Unbalanced parentheses, more than one expression, no expression,
            or nesting deeper than :data:`MAX_DEPTH`.
    """
    stack: list[SList] = []
    root: SList | None = None
    text = source.text.lower()
    if len(text) != len(source.text):  # some letters change length in lower case
        text = source.text
    for match in _TOKEN.finditer(text):
        token = match.group()
        first = token[0]
        if first == ";":
            continue
        offset = match.start()
        if first == "(":
            if root is not None and not stack:
                source.fail("text after the end of the definition; one '(define …)' a file", offset)
            if len(stack) >= MAX_DEPTH:
                source.fail(f"nested deeper than {MAX_DEPTH} levels", offset)
            node = SList()
            node.offset = offset
            if stack:
                stack[-1].append(node)
            else:
                root = node
            stack.append(node)
        elif first == ")":
            if not stack:
                source.fail("unbalanced ')': nothing is open here", offset)
            stack.pop()
        else:
            if not stack:
                what = "before the first '('" if root is None else "after the end of the definition"
                source.fail(f"text {what}: '{shorten(token)}'", offset)
            symbol = Symbol(token)
            symbol.offset = offset
            stack[-1].append(symbol)
    if stack:
        source.fail("unbalanced '(': it is never closed", stack[-1].offset)
    if root is None:
        source.fail("no '(define …)' found: the file is empty or holds only comments", 0)
    return root


def shorten(text: str, limit: int = 40) -> str:
    """Shortens a token for an error message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
