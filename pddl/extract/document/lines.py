"""Splits an answer into clean lines and notes how each was laid out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from surefoot.pddl.extract.document.latex import undo_latex
from surefoot.pddl.extract.document.markdown import Layout, TableRow, read_layout
from surefoot.pddl.extract.words import NUMBERS

MAX_CHARS = 2_000_000
"""Longest answer that is read; longer ones are cut and marked as truncated."""

_LATEX_COMMAND = re.compile(r"\\(?:text|textbf|mathrm|mathbf|texttt|operatorname)\s*\{([^{}]*)\}")
_LATEX_DELIMITER = re.compile(r"\\[()\[\]]|\$\$?")
_LATEX_SUBSCRIPT = re.compile(r"_\{(\w+)\}")
_LATEX_ARROW = re.compile(r"\\(?:long)?(?:rightarrow|to|implies|mapsto)\b")
_ARROW = re.compile(r"\s*(?:\\rightarrow|\\to\b|→|⟶|->|=>|⇒)\s*")
_SPELLED = "|".join(sorted(NUMBERS, key=len, reverse=True))
_ROMAN = re.compile(r"^(?=[ivxl])(xl|l?x{0,4})(ix|iv|v?i{0,4})$")
_KEYCAP = re.compile(r"^(\d{1,2})\ufe0f?\u20e3\s*|^\U0001f51f\s*")
_CHECKBOX = re.compile(r"^(?P<bullet>[-*+]\s+|\d{1,3}[.)]\s+)?\[[ xX✓✔]?\]\s+")
_EQUATION = re.compile(r"^[-*•]?\s*\$?\s*[a-z]_?\{?(\d{1,3})\}?\s*\$?\s*[:=]\s*(?=[a-z(])")
_GREETING = re.compile(
    r"^(?:got it|sure(?: thing)?|okay|ok|all ?right|certainly|of course|understood|great|absolutely"
    r"|no problem|yes)\s*[.!,:–-]+\s*"
)
_MARKER = re.compile(
    r"^(?:(?P<number>\d{1,4})(?P<letter>[a-z]|\s?-\s?\d{1,4})?(?:[.):]|(?=\s*-\s))"
    r"|(?:(?:step|action|move|stage|task|act|operation|op)\s*[#-]?|s|no\.?\s?|#)(?P<step>\d{1,4})(?:\s*[:.)\-–]+|(?=\s)|$)"
    r"|\(?(?:t|time)\s*=?\s*(?P<time>\d{1,4})(?:\.\d+)?\)?\s*[:.)\-–]+"
    r"|(?P<stamp>\d{1,4})\.\d+\s*:"
    r"|[(\[](?P<paren>\d{1,3})[)\]]"
    r"|(?:step|action|move|stage|task)\s+(?P<spelled>" + _SPELLED + r")\s*[:.)\-–]+"
    r"|(?P<decimal>\d{1,3}\.\d{1,3})(?:[.:)]|(?=\s+\D))"
    r"|\(?(?P<roman>[ivxl]{1,7})[.)]"
    r"|(?P<sub>\(?[a-z])[.)]"
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
        header: Header cells of its table, if it has a header row.
        fenced: Whether it stands in a fenced block.
        level: Level of a ``#`` heading, 0 for others.
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
    header: tuple[str, ...] = ()
    fenced: bool = False
    level: int = 0

    @property
    def label(self) -> tuple[str, str] | None:
        """The label before a colon and the text after it, if the line has that form."""
        match = _LABEL.match(self.text)
        return (match.group("label").strip(), match.group("rest")) if match else None


_NUMBERED = re.compile(r"(?<![\w.(\[-])(?:step\s+)?(\d{1,3})(?:[.)]|:)\s+(?=\S)", re.IGNORECASE)


def clean_text(answer: str) -> str:
    """Returns an answer with typographic characters and LaTeX undone, line by line."""
    text = unicodedata.normalize("NFKC", answer[:MAX_CHARS]).replace("\r\n", "\n")
    text = re.sub(r"[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    text = re.sub(r"(?m)^[ \t]+", lambda m: m.group().expandtabs(4), text)
    return undo_latex(text)


def split_lines(answer: str) -> list[Line]:
    """Reads an answer into lines; never fails, whatever the text.

    Markdown emphasis, LaTeX and typographic characters are reduced to plain lower-case
    text (``b₁`` becomes ``b1``); blank lines are kept as empty text, since they end lists.
    """
    return lines_of(clean := clean_text(answer), read_layout(clean))


def lines_of(text: str, layout: Layout) -> list[Line]:
    """Like :func:`split_lines`, for clean text whose layout is known."""
    fenced: dict[int, str] = {}
    for fence in layout.fences:
        for number in range(fence.first_line, fence.last_line + 1):
            fenced[number] = fence.language
    return list(_lines(text, layout, fenced))


def _lines(text: str, layout: Layout, fenced: Mapping[int, str]) -> Iterator[Line]:
    for number, raw in enumerate(text.split("\n"), start=1):
        if number in fenced:
            code = re.sub(r"^\s*(?:`{3,}|~{3,}).*$", "", raw)
            yield _code(number, code)
        elif number in layout.rules:
            yield Line(number, 0, "")
        elif number in layout.rows and "|" in raw:
            yield _row(number, layout.rows[number])
        else:
            for part in _numbered_parts(raw):
                yield _line(number, part, number in layout.headings)


def _numbered_parts(raw: str) -> list[str]:
    """Takes several numbered steps on one line apart (``1. … 2. … 3. …``)."""
    marks = list(_NUMBERED.finditer(raw))
    if len(marks) < 2:
        return [raw]
    cuts: list[int] = []
    expected: int | None = None
    listed = not raw[: marks[0].start()].strip(" -*>#|")
    for mark in marks:
        if not listed and not re.search(r"[.;,:)\]}`*]\s*$", raw[: mark.start()]):
            continue  # 'to room 2. Next, …' ends a sentence
        value = int(mark.group(1))
        if expected is None or value == expected:
            cuts.append(mark.start())
            expected = value + 1
    opened = raw[: cuts[0]].strip(" -*>#") if cuts else ""
    if len(cuts) < 2 or (opened and not opened.endswith(":") and len(cuts) < 3):
        return [raw]
    bounds = [*cuts, len(raw)]
    parts = [raw[a:b].rstrip(" ,;") for a, b in pairwise(bounds)]
    return ([raw[: cuts[0]].rstrip()] if opened else []) + parts


def _code(number: int, raw: str) -> Line:
    """Reads a line of a fenced block; ``;`` and ``#`` begin remarks in it."""
    text = re.sub(r"(?:^|\s)(?:;|#|//).*$", "", raw)
    line = _line(number, text, False)
    return Line(
        line.number,
        line.indent,
        line.text,
        (),
        line.ordinal,
        marked=line.marked,
        cells=line.cells,
        fenced=True,
    )


def _row(number: int, row: TableRow) -> Line:
    cells = tuple(plain(cell) for cell in row.cells)
    header = tuple(plain(cell) for cell in row.header)
    text = " | ".join(cells)
    return Line(
        number,
        0,
        "" if row.is_header else text,
        cells=() if row.is_header else cells,
        header=header,
    )


def _line(number: int, raw: str, is_heading: bool) -> Line:
    raw = raw.rstrip().replace("\t", " | ")
    indent = len(raw) - len(raw.lstrip())
    text = raw.strip()
    text = re.sub(r"^>+\s?", "", text)
    text = _CHECKBOX.sub(lambda m: m.group("bullet") or "- ", text)
    text = _KEYCAP.sub(lambda m: f"{m.group(1) or 10}. ", text)
    text = re.sub(r"^[*+:]\s+", "- ", text)  # a bullet, not emphasis; ':' defines
    marks = _HEADING.match(text)
    heading = bool(marks) or is_heading
    level = marks.group().count("#") if marks else 0
    text = _HEADING.sub("", text)
    code = tuple(c.strip().lower() for c in re.findall(r"`([^`]+)`", text))
    bold = bool(re.fullmatch(r"(\*\*|__)[^*]+\1:?", text))
    titled = _titled(text)
    text = _EQUATION.sub(lambda m: f"{m.group(1)}. ", plain(text))
    text = _GREETING.sub("", text)
    cells: tuple[str, ...] = ()
    if text.count("|") >= 2 or (" | " in text):
        parts = [cell.strip() for cell in text.strip("| ").split("|")]
        if all(set(part) <= set("-: ") for part in parts):
            return Line(number, indent, "")
        cells = tuple(parts)
    match = _MARKER.match(text)
    ordinal: int | None = None
    if match:
        digits = _digits(match)
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
        heading or bare or (bold and (not match or bool(match.group("step")))),
        cells,
        titled and not match,
        level=level,
    )


def _digits(match: re.Match[str]) -> str | None:
    """Returns the number of a marker, however it is written."""
    for group in ("number", "step", "time", "stamp", "paren"):
        if match.group(group):
            return match.group(group)
    if match.group("spelled"):
        return str(NUMBERS[match.group("spelled")])
    roman = match.group("roman")
    if roman and _ROMAN.match(roman):
        values = [{"i": 1, "v": 5, "x": 10, "l": 50}[c] for c in roman]
        signs = [-1 if a < b else 1 for a, b in pairwise([*values, 0])]
        return str(sum(v * s for v, s in zip(values, signs, strict=True)))
    return None


def _titled(text: str) -> bool:
    words = re.findall(r"[A-Za-z][\w'-]*", text)
    if not words or len(words) > 8 or len(text) > 70 or re.search(r"[.,;!?:]$|[✅→]", text):
        return False
    return all(word[0].isupper() for word in words if len(word) > 3 or word is words[0])


def plain(text: str) -> str:
    """Removes Markdown and LaTeX markup and lower-cases a piece of text."""
    text = text.lower()
    text = _LATEX_ARROW.sub(" → ", text)
    text = _LATEX_COMMAND.sub(r"\1", text)
    text = _LATEX_DELIMITER.sub(" ", text)
    text = text.replace("\\_", "_").replace("\\", " ")
    text = re.sub(r"(?<=[a-z\d_-])\[([^\[\]]*)\]", r"(\1)", text)  # pick[robot1, ball1]
    text = re.sub(r"^(\W*)\[([^\[\]]*)\]", r"\1\2", text)
    text = text.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')
    text = re.sub(r"~~[^~]*~~", " ", text)
    text = re.sub(r"[*`]+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)", "", text)
    text = _LATEX_SUBSCRIPT.sub(r"_\1", text)
    text = text.replace("‑", "-").replace("–", "-").replace("—", " - ")
    text = _ARROW.sub(" ; ", text)
    return re.sub(r"[ \u00a0]+", " ", text).strip()
