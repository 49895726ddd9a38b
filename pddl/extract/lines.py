"""Splits an answer into clean lines and notes how each was laid out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARS = 2_000_000
"""Longest answer that is read; longer ones are cut and marked as truncated."""

_LATEX_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|mathbf|texttt|operatorname)\s*\{([^{}]*)\}")
_LATEX_DELIMITER = re.compile(r"\\[()\[\]]|\$\$?")
_LATEX_SUBSCRIPT = re.compile(r"_\{(\w+)\}")
_ARROW = re.compile(r"\s*(?:\\rightarrow|\\to\b|→|⟶|->|=>|⇒)\s*")
_MARKER = re.compile(
    r"^(?:(?P<number>\d{1,4})(?P<letter>[a-z]|\s?-\s?\d{1,4})?(?:[.):]|(?=\s*-\s))"
    r"|step\s+(?P<step>\d{1,4})(?:\s*[:.)\-–]|(?=\s)|$)"
    r"|(?P<sub>\(?[a-z]|\(?[ivx]{1,4})[.)]"
    r"|(?P<bullet>[-*•+◦▪–]))(?:\s+|$)"
)
_LETTER = re.compile(r"^[a-z][.)]\s+")
"""A second marker after a bullet: ``- a. grasp``."""
_LABEL = re.compile(r"^(?P<label>[a-z][a-z' ()/&-]{1,40}?)\s*:\s*(?P<rest>.*)$")
_HEADING = re.compile(r"^#{1,6}\s+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an answer.

    Attributes:
        number: 1-based line number in the answer.
        indent: Columns before the text.
        text: Lower-case text without list marker and markup.
        code: Contents of the code spans, lower case.
        ordinal: The number of a numbered item.
        marked: Whether a list marker of any kind precedes the text.
        heading: Whether it is laid out as a heading (``#``, all bold, or a bare ``…:``).
        cells: Cells, if the line is a table row.
        titled: Whether it is written like a title: a few capitalised words, no full stop.
    """

    number: int
    indent: int
    text: str
    code: tuple[str, ...] = ()
    ordinal: int | None = None
    marked: bool = False
    heading: bool = False
    cells: tuple[str, ...] = ()
    titled: bool = False

    @property
    def label(self) -> tuple[str, str] | None:
        """The label before a colon and the text after it, if the line has that form."""
        match = _LABEL.match(self.text)
        return (match.group("label").strip(), match.group("rest")) if match else None


def split_lines(answer: str) -> list[Line]:
    """Reads an answer into lines; never fails, whatever the text.

    Markdown emphasis, LaTeX and typographic characters are reduced to plain lower-case
    text (``b₁`` becomes ``b1``); blank lines are kept as empty text, since they end lists.
    """
    text = unicodedata.normalize("NFKC", answer[:MAX_CHARS]).replace("\t", " | ")
    return [_line(number, raw) for number, raw in enumerate(text.splitlines(), start=1)]


def _line(number: int, raw: str) -> Line:
    indent = len(raw) - len(raw.lstrip())
    text = raw.strip()
    heading = bool(_HEADING.match(text))
    text = _HEADING.sub("", text)
    code = tuple(c.strip().lower() for c in re.findall(r"`([^`]+)`", text))
    bold = bool(re.fullmatch(r"(\*\*|__)[^*]+\1:?", text))
    titled = _titled(text)
    text = plain(text)
    cells: tuple[str, ...] = ()
    if text.count("|") >= 2 or (" | " in text):
        parts = [cell.strip() for cell in text.strip("| ").split("|")]
        if all(set(part) <= set("-: ") for part in parts):
            return Line(number, indent, "")
        cells = tuple(parts)
    match = _MARKER.match(text)
    ordinal: int | None = None
    if match:
        digits = match.group("number") or match.group("step")
        ordinal = int(digits) if digits else None
        text = _LETTER.sub("", text[match.end() :].strip())
    bare = text.endswith(":") and not match and len(text) < 100
    return Line(
        number,
        indent,
        text,
        code,
        ordinal,
        bool(match),
        heading or bare or (bold and not match),
        cells,
        titled and not match,
    )


def _titled(text: str) -> bool:
    words = re.findall(r"[A-Za-z][\w'-]*", text)
    if not words or len(words) > 8 or len(text) > 70 or re.search(r"[.,;!?:]$|[✅→]", text):
        return False
    return all(word[0].isupper() for word in words if len(word) > 3 or word is words[0])


def plain(text: str) -> str:
    """Removes Markdown and LaTeX markup and lower-cases a piece of text."""
    text = text.lower()
    text = _LATEX_COMMAND.sub(r"\1", text)
    text = _LATEX_DELIMITER.sub(" ", text)
    text = text.replace("\\_", "_").replace("\\", " ")
    text = text.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')
    text = re.sub(r"[*`]+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)", "", text)
    text = _LATEX_SUBSCRIPT.sub(r"_\1", text)
    text = text.replace("‑", "-").replace("–", "-").replace("—", " - ")
    text = _ARROW.sub(" ; ", text)
    return re.sub(r"[ \u00a0]+", " ", text).strip()
