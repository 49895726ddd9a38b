"""Parser of temporal-logic formulas in Spot's infix grammar.

Operators from the loosest to the tightest, as in Spot (its manual `tl.pdf`, section 'Operator
precedence'): ``->`` and ``<->`` (right), ``|`` (left), ``^`` (left), ``&`` (left), ``U W R M``
(right), then the prefix operators. Words that start with F, G or X followed by a letter
or an underscore are operators before the rest of the word, as in Spot: ``GFa`` is ``G F a``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import (
    Always,
    And,
    Eventually,
    False_,
    Formula,
    Iff,
    Implies,
    Next,
    Not,
    Or,
    Prop,
    Release,
    StrongNext,
    StrongRelease,
    True_,
    Until,
    WeakUntil,
    Xor,
)

MAX_LENGTH = 10_000
"""Longest accepted formula in characters."""

MAX_DEPTH = 100
"""Deepest accepted nesting, including brackets and steps of ``X[n]``."""

MAX_SIZE = 10_000
"""Most operators and leaves, including those that ``F[n:m]`` expands to."""

_SPELLINGS = {
    "->": ("->", "=>", "-->", "→", "⟶", "⇒"),
    "<->": ("<->", "<=>", "<-->", "↔", "⇔"),
    "|": ("|", "||", "\\/", "+", "∨", "∪"),
    "^": ("^", "xor", "⊕"),
    "&": ("&", "&&", "/\\", "*", "∧", "∩"),
    "!": ("!", "~", "¬"),
    "G": ("[]", "□"),
    "F": ("<>", "◇"),
    "X": ("()", "○"),
}
_MEANING = {text: symbol for symbol, texts in _SPELLINGS.items() for text in texts}
_SYMBOL = re.compile(
    "|".join(re.escape(t) for t in sorted(_MEANING, key=len, reverse=True) if t != "xor")
)
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CONSTANTS = {"1": True_(), "0": False_(), "true": True_(), "false": False_()}
_PREFIX = {"!": Not, "X": Next, "X[!]": StrongNext, "F": Eventually, "G": Always}
_RANGE = re.compile(r"\s*\[\s*(\d+)\s*(?:(:|\.\.|,|to)\s*(\d+|\$)?\s*)?(!?)\s*\]")
_STRONG = re.compile(r"\s*\[\s*!\s*\]")

_LEVELS: dict[str, int] = {
    "->": 1,
    "<->": 1,
    "|": 2,
    "^": 3,
    "&": 4,
    "U": 5,
    "W": 5,
    "R": 5,
    "V": 5,
    "M": 5,
}
_MANY = {"|": Or, "&": And}
_BINARY = {
    "->": Implies,
    "<->": Iff,
    "^": Xor,
    "U": Until,
    "W": WeakUntil,
    "R": Release,
    "V": Release,
    "M": StrongRelease,
}


class FormulaError(InputError):
    """A formula that cannot be parsed.

    Args:
        message: What is wrong and what to do.
        text: The whole formula.
        column: 1-based column of the place in ``text``, in characters.
        file: The file that contains it, if any.
        line: The line of that file where the formula starts.
        file_column: 1-based column of the place in that line, if known.

    Attributes:
        text: The formula.
        at: 1-based column of the error.
    """

    def __init__(
        self,
        message: str,
        text: str,
        column: int,
        *,
        file: str | None = None,
        line: int | None = None,
        file_column: int | None = None,
    ) -> None:
        place = column if file is None else file_column
        super().__init__(message, file=file, line=line, column=place)
        self.args = (message, text, column)  # needed to pickle it in a process pool
        self.text = text
        self.at = column

    def shown(self) -> str:
        """Returns three lines: the message, the formula, a caret under the place."""
        return caret(self.text, self.at, str(self))


_PATHS = frozenset("A E AG AF AX AU EG EF EX EU".split())
_PAST = frozenset("Y O H S B".split())
_COMPARED = re.compile(r"\s*(?:<=|>=|<(?!-)|>|==|!=)")


def _other_logic(word: str, behind: str) -> str:
    """Names the logic that a word which is no proposition seems to come from; else ''."""
    if re.match(r"P(?:max|min)?$", word) and re.match(r"\s*(?:[<>=]|=\?)", behind):
        return (
            "probabilities of formulas (PCTL) are not supported; a rule holds in every run or not"
        )
    if word in _PATHS:
        return (
            f"'{word}' is of CTL, which is not supported; rules are about all runs: write 'G p' "
            "for 'AG p', 'F p' for 'AF p'; 'there is a run' cannot be said"
        )
    if word in _PAST:
        return (
            f"'{word}' is a past operator, which is not supported; say it forwards, such as "
            "'!q W p' for 'q only after p'"
        )
    if _COMPARED.match(behind):
        return (
            f"comparisons of numbers such as '{word}{behind[:8].rstrip()}' (STL) are not "
            "supported; declare an observation for it, such as 'slow: at most 3 m/s'"
        )
    return ""


def caret(text: str, column: int, message: str) -> str:
    """Marks the place of an error in a formula.

    Args:
        text: The formula; a long one is shown only around the place.
        column: 1-based column of the place, in characters.
        message: What is wrong.

    Returns:
        Three lines: message, formula, and a caret under the column.
    """
    line = "".join(" " if c.isspace() else c for c in text)
    at = min(max(column, 1), len(line) + 1) - 1
    start = max(0, at - 48) if len(line) > 96 else 0
    piece = line[start : start + 96]
    before, after = ("…" if start else ""), ("…" if start + 96 < len(line) else "")
    return f"{message}\n  {before}{piece}{after}\n  {' ' * (at - start + len(before))}^"


def nearest(name: str, known: Collection[str]) -> str:
    """Returns ``; did you mean 'X'?`` with the nearest known name, or a list of the known ones."""
    close = get_close_matches(name[:80], [k for k in known if len(k) < 80][:5000], n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    listed = sorted(known)
    more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
    return f"; known: {', '.join(listed[:12])}{more}" if listed else "; none is declared"


def parse(text: str, known: Collection[str] | None = None) -> Formula:
    """Parses a formula.

    Args:
        text: The formula in Spot's grammar.
        known: The propositions that may occur; any by default.

    Returns:
        The formula as written; only ``X[n]``, ``F[n:m]`` and ``G[n:m]`` are expanded into steps of
        next.

    Raises:
        FormulaError: An :class:`InputError` with the column: the text is not a formula, names an
            unknown proposition, has more than 10,000 characters or (expanded) operators, or is
            nested deeper than 100 levels.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"the formula has {len(text):,} characters; at most {MAX_LENGTH:,} are read", text, 1
        )
    return _Parser(text, known).formula()


class _Read(NamedTuple):
    """A parsed part, its depth, and its number of operators and leaves."""

    formula: Formula
    depth: int
    size: int


class _Parser:
    """Operator-precedence parser of one text; ``at`` is the current position."""

    def __init__(self, text: str, known: Collection[str] | None) -> None:
        self.text = text
        self.known = known
        self.at = 0
        self.nesting = 0

    def formula(self) -> Formula:
        """Parses the whole text."""
        self._skip()
        if self.at == len(self.text):
            self._fail("the formula is empty", self.at)
        read = self._expression(1)
        if self.at < len(self.text):
            if self.text[self.at] == ")":
                self._fail("unbalanced ')': nothing is open here", self.at)
            word = _WORD.match(self.text, self.at)
            other = _other_logic(word.group(), "") if word else ""
            self._fail(other or f"expected an operator, not {self._shown(self.at)}", self.at)
        return read.formula

    def _fail(self, message: str, at: int) -> NoReturn:
        raise FormulaError(message, self.text, at + 1)

    def _shown(self, at: int) -> str:
        if at >= len(self.text):
            return "the end"
        word = _WORD.match(self.text, at)
        piece = word.group() if word else self.text[at]
        return f"'{piece if len(piece) < 30 else piece[:29] + '…'}'"

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _deep(self, depth: int, at: int) -> None:
        if depth > MAX_DEPTH:
            self._fail(f"nested deeper than {MAX_DEPTH} levels", at)

    def _read(self, formula: Formula, parts: Sequence[_Read], at: int) -> _Read:
        """Applies an operator to parts, within the limits."""
        depth, size = 1 + max(p.depth for p in parts), 1 + sum(p.size for p in parts)
        self._deep(depth, at)
        if size > MAX_SIZE:
            self._fail(f"spelled out, the formula has more than {MAX_SIZE:,} operators", at)
        return _Read(formula, depth, size)

    def _operator(self) -> tuple[str, int]:
        """Returns the binary operator at the current position and its end, or ``""``."""
        match = _SYMBOL.match(self.text, self.at)
        if match:
            symbol = _MEANING[match.group()]
            return (symbol, match.end()) if symbol in _LEVELS else ("", self.at)
        word = _WORD.match(self.text, self.at)
        if word is None:
            return "", self.at
        if word.group() == "xor":
            return "^", word.end()
        # after an operand a word that starts with one of these letters starts with an operator
        return (word.group()[0], self.at + 1) if word.group()[0] in "UWRVM" else ("", self.at)

    def _expression(self, least: int) -> _Read:
        """Parses operators that bind at least as tightly as ``least``."""
        left = self._operand()
        while True:
            start = self.at
            symbol, end = self._operator()
            level = _LEVELS.get(symbol, 0)
            if level < max(least, 1):
                return left
            self.at = end
            self._skip()
            self.nesting += 1
            self._deep(self.nesting, start)
            left = self._joined(symbol, left, level, start)
            self.nesting -= 1

    def _joined(self, symbol: str, left: _Read, level: int, start: int) -> _Read:
        """Parses the right operand of an operator and joins it with the left one."""
        if symbol in "|&":
            parts = [left]
            while True:
                parts.append(self._expression(level + 1))
                again, end = self._operator()
                if again != symbol:
                    break
                self.at = end
                self._skip()
            return self._read(_MANY[symbol](tuple(p.formula for p in parts)), parts, start)
        right = self._expression(level + 1 if symbol == "^" else level)
        return self._read(_BINARY[symbol](left.formula, right.formula), (left, right), start)

    def _operand(self) -> _Read:
        """Parses prefix operators and the constant, proposition or bracket after them."""
        prefixes: list[tuple[str, tuple[int, int | None, bool] | None, int]] = []
        while True:
            start = self.at
            symbol = self._prefix()
            if not symbol:
                break
            steps = self._range(symbol) if symbol in "XFG" else None
            if steps is None and symbol == "X" and (match := _STRONG.match(self.text, self.at)):
                symbol, self.at = "X[!]", match.end()
            self._skip()
            prefixes.append((symbol, steps, start))
            self._deep(self.nesting + len(prefixes), start)
        read = self._atom()
        for symbol, steps, start in reversed(prefixes):
            if steps is None:
                read = self._read(_PREFIX[symbol](read.formula), (read,), start)
            else:
                read = self._bounded(symbol, steps, read, start)
        return read

    def _prefix(self) -> str:
        """Consumes a prefix operator, or returns ``""``."""
        match = _SYMBOL.match(self.text, self.at)
        if match and _MEANING[match.group()] in "!GFX":
            self.at = match.end()
            return _MEANING[match.group()]
        word = _WORD.match(self.text, self.at)
        if word is None or word.group()[0] not in "FGX":
            return ""
        if word.group().lower() == "false" or word.group()[1:2].isdigit():
            return ""  # F1 is a proposition
        if self.known is not None and len(word.group()) > 1 and word.group() in self.known:
            self._fail(
                f"'{word.group()}' reads as {word.group()[0]} {word.group()[1:]}; "
                f'write "{word.group()}" in double quotes for the proposition',
                self.at,
            )
        self.at += 1
        return word.group()[0]

    def _range(self, symbol: str) -> tuple[int, int | None, bool] | None:
        """Consumes ``[n]`` or ``[n:m]`` after an operator: first, last (None: open), strong."""
        match = _RANGE.match(self.text, self.at)
        if match is None:
            return None
        low, colon, high, strong = match.groups()
        if (symbol == "X") == (colon is not None):
            form = "X[n]" if symbol == "X" else f"{symbol}[n:m]"
            self._fail(f"write {form} with whole numbers", self.at)
        last = None if high in (None, "$") and colon else int((high or low)[:9])
        numbers = [int(low[:9]), last if last is not None else int(low[:9])]
        if max(numbers) > MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} steps", self.at)
        self.at = match.end()
        return min(numbers), None if last is None else max(numbers), bool(strong)

    def _bounded(
        self, symbol: str, steps: tuple[int, int | None, bool], read: _Read, start: int
    ) -> _Read:
        """Expands steps of next: F[2:3] a is X X (a | X a)."""
        first, last, strong = steps
        forward = StrongNext if strong else Next
        whole = read
        if symbol != "X" and last is None:
            whole = self._read(_PREFIX[symbol](read.formula), (read,), start)
        elif symbol != "X" and last is not None:
            for _ in range(last - first):
                later = self._read(forward(whole.formula), (whole,), start)
                either = _MANY["|" if symbol == "F" else "&"]((read.formula, later.formula))
                whole = self._read(either, (read, later), start)
        for _ in range(first):
            whole = self._read(forward(whole.formula), (whole,), start)
        return whole

    def _atom(self) -> _Read:
        start = self.at
        if self.text.startswith("(", start):
            self.at += 1
            self._skip()
            self.nesting += 1
            self._deep(self.nesting, start)
            read = self._expression(1)
            self.nesting -= 1
            if not self.text.startswith(")", self.at):
                if self.at < len(self.text):
                    self._fail(f"expected an operator or ')', not {self._shown(self.at)}", self.at)
                self._fail("unbalanced '(': it is never closed", start)
            self.at += 1
            self._skip()
            return read
        quoted, word = _QUOTED.match(self.text, start), _WORD.match(self.text, start)
        if quoted:
            self.at = quoted.end()
            name = re.sub(r"\\(.)", r"\1", quoted.group(1), flags=re.DOTALL)
            return self._proposition(name.replace("\n", " "), start)
        if self.text.startswith('"', start):
            self._fail("the quoted name has no closing '\"'", start)
        if self.text.startswith("{", start):
            self._fail(
                "sequences in braces (PSL) are not supported; write the formula in LTL", start
            )
        if word is None:
            self._fail(f"expected a proposition, not {self._shown(start)}", start)
        self.at = word.end()
        constant = _CONSTANTS.get(word.group().lower())
        if constant is not None:
            self._skip()
            return _Read(constant, 1, 1)
        if word.group()[0].isdigit() or word.group() in ("U", "W", "R", "V", "M"):
            self._fail(f"expected a proposition, not {self._shown(start)}", start)
        return self._proposition(word.group(), start)

    def _proposition(self, name: str, start: int) -> _Read:
        if not name.strip():
            self._fail("a proposition needs a name", start)
        if self.known is not None and name not in self.known:
            other = _other_logic(name, self.text[self.at :])
            if other:
                self._fail(other, start)
            self._fail(f"unknown proposition '{name}'{nearest(name, self.known)}", start)
        formula: Formula = Prop(name)
        self._skip()
        value = self.text[self.at : self.at + 2]
        if value in ("=0", "=1"):
            self.at += 2
            self._skip()
            if value == "=0":
                return _Read(Not(formula), 2, 2)
        return _Read(formula, 1, 1)
