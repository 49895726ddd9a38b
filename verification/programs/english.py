"""Plans as numbered English steps, read by an explicit grammar; what it does not cover is refused.

Sentences (``A`` an action phrase, ``C`` a condition, ``N`` the number of a step)::

    A | A and A | A, then A                      if C, S [otherwise S] | S if C | S unless C
    otherwise, S | else S                        while C, S | S while C | S until C
    wait until C [, then S] | wait while C       once C, S | as soon as C, S
    go to step N | proceed to step N | repeat    look for ... | check ... | observe ...
    continue to the next step                    end

``if C`` makes two edges, ``wait until C`` a loop while ``C`` does not hold, ``proceed`` a jump
(GLM2FSA, Yang and others 2023). Looking takes no time: observations are always available.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import Formula, Not
from surefoot.verification.programs.phrases import parse_condition
from surefoot.verification.programs.statements import (
    MAX_STATEMENTS,
    Do,
    End,
    If,
    Mark,
    Proceed,
    Program,
    Statement,
    WaitUntil,
    While,
)
from surefoot.verification.programs.vocabulary import PlanVocabulary

NUMBERED = re.compile(r"^\s*(?:[-*#>\s]*)(?:step\s*)?(\d{1,6})\s*[.):\-]\s*(.*)$", re.IGNORECASE)
"""The start of a step."""

MAX_SENTENCE = 600
"""Most characters of a sentence."""

Block = tuple[Statement, ...]

_LEADS = re.compile(
    r"^(?:then|next|first|firstly|finally|lastly|now|please|carefully|safely|slowly|immediately|"
    r"and|also|you should|you must|the (?:car|robot|vehicle|arm) (?:should|must))[, ]+"
)
_TRAILS = re.compile(r"[, ]+(?:carefully|safely|slowly|immediately|now|again|instead)$")
_JUMP = re.compile(
    r"^(?:go|proceed|return|jump|move on|continue|repeat)(?: back)? (?:to|with|from|at) "
    r"step (\d{1,6})$"
)
_AGAIN = re.compile(
    r"^(?:repeat|start (?:over|again)|"
    r"(?:repeat|return|go back|start again|go) (?:from|to|at) the (?:start|beginning|first step))$"
)
_ON = re.compile(r"^(?:continue|proceed|go on|move on)(?: (?:to|with) the next step)$")
_END = re.compile(r"^(?:end|finish|(?:the )?(?:plan|task) is (?:done|finished|complete)|done)$")
_SENSE = re.compile(
    r"^(?:look (?:for|at|out for)|check(?: for| if| whether)?|observe|watch(?: for| out for)?|"
    r"scan(?: for)?|monitor|detect|see (?:if|whether)) (.+)$"
)
_CHECK_IF = re.compile(r"^(?:check|see) (?:if|whether) ")
_COMMA = re.compile(r",? then |[,:] (?:then )?")
_AND = re.compile(r",? and then |,? then |,? and |, ")


@dataclass(frozen=True, slots=True)
class Gap:
    """Words that were not understood.

    Attributes:
        line: Line of the file.
        step: Number of the step; 0 before the first.
        words: The words.
    """

    line: int
    step: int
    words: str

    def __str__(self) -> str:
        return f"step {self.step}: '{self.words}'" if self.step else f"'{self.words}'"


class NotUnderstoodError(InputError):
    """Some sentence of a plan has no reading in the grammar, or more than one.

    Attributes:
        gaps: All phrases that were not understood, in order.
    """

    def __init__(self, gaps: tuple[Gap, ...]) -> None:
        self.gaps = gaps
        more = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
        super().__init__(
            f"not understood: {gaps[0]}{more}; write 'if C, A', 'otherwise, A', 'wait until C', "
            f"'go to step N' with the rulebook's words, or add phrases in a world (--world)",
            line=gaps[0].line,
        )


def parse_english(text: str, vocabulary: PlanVocabulary, *, idle: str | None = None) -> Program:
    """Reads numbered steps.

    Args:
        text: The plan.
        vocabulary: Names and phrases that it may use.
        idle: Action while it waits.

    Raises:
        NotUnderstoodError: Some sentences are not understood; it lists all of them.
        InputError: Too many steps, or no numbered step.
    """
    steps = _steps(text)
    reader = _Reader(vocabulary)
    made: list[Statement] = []
    for number, sentences in steps:
        made.append(Mark(sentences[0][0] if sentences else 0, str(number)))
        for line, sentence in sentences:
            reader.add(made, line, number, sentence)
    if reader.gaps:
        raise NotUnderstoodError(tuple(reader.gaps))
    return Program(tuple(made), idle)


def _steps(text: str) -> list[tuple[int, list[tuple[int, str]]]]:
    """Splits a text into steps, and these into sentences with their lines."""
    steps: dict[int, list[tuple[int, str]]] = {}
    number = 0
    for at, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"[*`_]{2,}|`", "", raw).strip()
        numbered = NUMBERED.match(line)
        if numbered:
            number, line = int(numbered[1]), numbered[2]
            if number in steps:
                raise InputError(f"there are two steps {number}; number them anew", line=at)
            steps[number] = []
            if len(steps) > MAX_STATEMENTS:
                raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
        elif not line or (not steps and line.endswith(":")):
            continue
        elif not steps:
            raise NotUnderstoodError((Gap(at, 0, line[:60]),))
        steps[number].append((at, line))
    if not steps:
        raise InputError("the plan has no numbered step such as '1. Stop.'")
    return [(number, _sentences(lines)) for number, lines in steps.items()]


def _sentences(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Splits the lines of a step at full stops; a sentence may span several lines."""
    found: list[tuple[int, str]] = []
    open_one = ""
    begun = 0
    for at, line in lines:
        *whole, rest = re.split(r"[.;!]+(?:\s+|$)", line)
        for part in whole:
            found.append((begun or at, f"{open_one} {part}".strip()))
            open_one, begun = "", 0
        if rest.strip():
            open_one, begun = f"{open_one} {rest}".strip(), begun or at
    if open_one:
        found.append((begun, open_one))
    return [(at, sentence) for at, sentence in found if sentence]


class _Reader:
    def __init__(self, vocabulary: PlanVocabulary) -> None:
        self._vocabulary = vocabulary
        self.gaps: list[Gap] = []
        self._line = 0

    def add(self, made: list[Statement], line: int, step: int, sentence: str) -> None:
        """Reads a sentence and appends it, or records that it is not understood."""
        self._line = line
        text = re.sub(r"\s+", " ", sentence.lower()).strip(" ,:")
        read = None
        if len(text) <= MAX_SENTENCE:
            other = re.match(r"^(?:otherwise|else)[,:]? (.+)$", text)
            if other:
                read = self._attach(made, other[1])
            else:
                block = self._sentence(text)
                read = block is not None
                made.extend(block or ())
        if not read:
            self.gaps.append(Gap(line, step, sentence[:80]))

    def _attach(self, made: list[Statement], text: str) -> bool:
        """Attaches the other branch to the last ``if``."""
        at = len(made) - 1
        while at >= 0 and isinstance(made[at], Mark):
            at -= 1
        last = made[at] if at >= 0 else None
        block = self._sentence(text)
        if block is None or not isinstance(last, If):
            return False
        path = [last]
        while path[-1].otherwise:  # 'else if' chains: the innermost one that is still open
            inner = path[-1].otherwise
            if len(inner) != 1 or not isinstance(inner[0], If):
                return False
            path.append(inner[0])
        for node in reversed(path):
            block = (If(node.line, node.condition, node.then, block),)
        made[at] = block[0]
        return True

    def _sentence(self, text: str) -> Block | None:
        while (lead := _LEADS.match(text)) is not None:
            text = text[lead.end() :]
        text = _TRAILS.sub("", text)
        head, _, rest = text.partition(" ")
        if head in ("if", "unless"):
            return self._if(rest, negated=head == "unless")
        if head == "while":
            pairs = self._split(rest, _COMMA)
            return self._only([(While(self._line, c, s),) for c, s in pairs])
        for word in ("once ", "as soon as "):
            if text.startswith(word):
                pairs = self._split(text[len(word) :], _COMMA)
                return self._only([(WaitUntil(self._line, c), *s) for c, s in pairs])
        return self._postfix(text) or self._clause(text)

    def _if(self, text: str, *, negated: bool) -> Block | None:
        main, other = text, None
        parts = re.split(r"[,;]? (?:otherwise|else)[,:]? ", text, maxsplit=1)
        if len(parts) == 2:
            main = parts[0]
            other = self._sentence(parts[1])
            if other is None:
                return None
        readings: list[Block] = [
            (If(self._line, Not(c) if negated else c, then, other or ()),)
            for c, then in self._split(main, _COMMA)
        ]
        return self._only(readings)

    def _split(self, text: str, separator: re.Pattern[str]) -> list[tuple[Formula, Block]]:
        """Returns all ways to split a text into a condition and a sentence."""
        found = []
        for cut in separator.finditer(text):
            condition = parse_condition(text[: cut.start()], self._vocabulary)
            if condition is not None:
                block = self._clause(_LEADS.sub("", text[cut.end() :]))
                if block is not None:
                    found.append((condition, block))
        return found

    @staticmethod
    def _only(readings: list[Block]) -> Block | None:
        return readings[0] if len(readings) == 1 else None

    def _postfix(self, text: str) -> Block | None:
        """Reads 'S if C', 'S unless C', 'S while C' and 'S until C'."""
        readings: list[Block] = []
        for cut in re.finditer(r",? (only if|if|unless|while|until) ", text):
            body = self._clause(text[: cut.start()])
            condition = parse_condition(text[cut.end() :], self._vocabulary)
            if body is None or condition is None:
                continue
            word = cut[1]
            if word in ("unless", "until"):
                condition = Not(condition)
            loops = word in ("while", "until")
            if loops:
                readings.append((While(self._line, condition, body),))
            else:
                readings.append((If(self._line, condition, body),))
        return self._only(readings)

    def _clause(self, text: str) -> Block | None:
        """Reads one action or several in sequence."""
        text = text.strip(" ,")
        whole = self._simple(text)
        if whole is not None:
            return whole
        for cut in _AND.finditer(text):
            first = self._simple(text[: cut.start()])
            if first is not None and not _CHECK_IF.match(text):  # 'check if C, A' has two readings
                rest = self._clause(text[cut.end() :])
                if rest is not None:
                    return first + rest
        return None

    def _simple(self, text: str) -> Block | None:
        text = _TRAILS.sub("", _LEADS.sub("", text))
        found = self._vocabulary.find(text)
        if found is not None and found[1] and found[0] in self._vocabulary.actions:
            return (Do(self._line, (found[0],)),)
        if jump := _JUMP.match(text):
            return (Proceed(self._line, str(int(jump[1]))),)
        if _AGAIN.match(text):
            return (Proceed(self._line, "1"),)
        if _END.match(text):
            return (End(self._line),)
        if _ON.match(text):
            return ()
        for word in ("wait until ", "wait while "):
            if text.startswith(word):
                condition = parse_condition(text[len(word) :], self._vocabulary)
                if condition is None:
                    return None
                if word == "wait until ":
                    return (WaitUntil(self._line, condition),)
                return (While(self._line, condition, ()),)
        sensed = _SENSE.match(text)
        if sensed and all(map(self._vocabulary.senses, re.split(r",? (?:and|or) |, ", sensed[1]))):
            return ()
        return None
