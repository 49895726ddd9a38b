"""Rewrites the LaTeX that answers use for lists and boxes as plain text, line by line."""

from __future__ import annotations

import re

_ENVIRONMENT = re.compile(
    r"\\(?P<what>begin|end)\s*\{(?P<name>enumerate|itemize|description|array|tabular|align\*?"
    r"|aligned|gather\*?|equation\*?|cases|verbatim|center|quote|lstlisting)\}"
    r"(?:\[[^\]]*\])?(?:\{[lcr|@{}\s]*\})?"
)
_ITEM = re.compile(r"\\item\b\s*(?:\[(?P<label>[^\]]*)\])?\s*")
_CODE = re.compile(r"\\(?:texttt|verb|mathtt|lstinline|code)\s*(?:\{([^{}]*)\}|([|!+])(.*?)\2)")
_BOLD = re.compile(r"\\(?:textbf|mathbf|textit|emph|underline)\s*\{([^{}]*)\}")
_HEADING = re.compile(r"\\(?:sub)*(?:section|paragraph)\*?\s*\{([^{}]*)\}")
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{")
_SPACE = re.compile(r"\\(?:quad|qquad|,|;|:|!|hspace\{[^}]*\}|vspace\{[^}]*\}|newline|noindent)")


def undo_latex(text: str) -> str:
    """Replaces LaTeX lists, boxes, tables and type styles; the number of lines stays."""
    if "\\" not in text:
        return text
    text = _unbox(text)
    lines: list[str] = []
    numbers: list[int | None] = []
    grid = 0
    for line in text.split("\n"):
        for match in _ENVIRONMENT.finditer(line):
            name = match.group("name")
            if match.group("what") == "begin":
                numbers.append(0 if name == "enumerate" else None)
                grid += name in ("array", "tabular")
            elif numbers:
                numbers.pop()
                grid -= grid > 0 and name in ("array", "tabular")
        line = _ENVIRONMENT.sub("", line)
        line = _HEADING.sub(r"# \1", line)
        line = _CODE.sub(lambda m: f"`{m.group(1) or m.group(3) or ''}`", line)
        line = _BOLD.sub(r"**\1**", line)
        line = _SPACE.sub(" ", line)
        line = re.sub(r"\\hline\b", "", line)
        if grid:
            line = re.sub(r"(?<!\\)&", "|", line)
            line = re.sub(r"\\\\\s*$", "", line)
        line = re.sub(r"\\\\(?=\s|$)", " ; ", line).replace("&=", " ")
        lines.append(_items(line, numbers))
    return "\n".join(lines)


def _items(line: str, numbers: list[int | None]) -> str:
    indent = "   " * max(0, len(numbers) - 1)

    def mark(match: re.Match[str]) -> str:
        if match.group("label"):
            return f"{indent}- {match.group('label')} "
        if not numbers or numbers[-1] is None:
            return f"{indent}- "
        numbers[-1] += 1
        return f"{indent}{numbers[-1]}. "

    return _ITEM.sub(mark, line.lstrip() if _ITEM.match(line.lstrip()) else line)


def _unbox(text: str) -> str:
    """Removes the command of a box and the brace that closes it."""
    while True:
        match = _BOX.search(text)
        if match is None:
            return text
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0) if text[end - 1] != "\\" else 0
            end += 1
        closed = end - 1 if depth == 0 else end
        text = text[: match.start()] + text[match.end() : closed] + text[closed + (depth == 0) :]
