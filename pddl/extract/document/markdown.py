"""What a Markdown parser says of an answer's lines: headings, code, and table rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block of code.

    Attributes:
        first_line: 1-based line of its opening fence.
        last_line: 1-based line of its closing fence, or its last line.
        language: First word behind the fence, lower case; ``""`` if there is none.
        content: The code.
    """

    first_line: int
    last_line: int
    language: str
    content: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """A table row.

    Attributes:
        cells: Its cells, as written.
        header: The cells of the table's header row.
        is_header: Whether it is the header row itself.
    """

    cells: tuple[str, ...]
    header: tuple[str, ...]
    is_header: bool = False


@dataclass
class Layout:
    """What was found, by 1-based line."""

    headings: set[int] = field(default_factory=set)
    fences: list[Fence] = field(default_factory=list)
    rows: dict[int, TableRow] = field(default_factory=dict)
    rules: set[int] = field(default_factory=set)
    """Lines without text of their own: delimiter rows of tables, underlines of headings."""


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # Indented text is a nested item more often than code; inline markup is left to the reader,
    # which has to undo LaTeX as well.
    parser = MarkdownIt("commonmark").enable("table")
    return parser.disable(["code", "html_block", "reference", "inline"])


def read_layout(text: str) -> Layout:
    """Parses an answer as Markdown.

    Args:
        text: The answer; its line ends must be line feeds.
    """
    layout = Layout()
    tokens = _parser().parse(text)
    table: list[tuple[str, ...]] = []
    for at, token in enumerate(tokens):
        if token.map is None:
            continue
        first = token.map[0] + 1
        if token.type == "fence":
            language = token.info.split()[0].lower().strip("{}.") if token.info.strip() else ""
            layout.fences.append(Fence(first, token.map[1], language, token.content))
        elif token.type == "heading_open":
            layout.headings.add(first)
            if token.markup in ("-", "="):
                layout.rules.update(range(first + 1, token.map[1] + 1))
        elif token.type == "table_open":
            table = []
            layout.rules.add(first + 1)
        elif token.type == "tr_open":
            cells = tuple(_cells(tokens, at))
            table.append(cells)
            layout.rows[first] = TableRow(cells, table[0], len(table) == 1)
    return layout


def _cells(tokens: list[Token], at: int) -> Iterator[str]:
    for token in tokens[at:]:
        if token.type == "tr_close":
            return
        if token.type == "inline":
            yield token.content.strip()
