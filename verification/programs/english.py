"""Plans as English steps, read by an explicit grammar; what it does not cover is refused.

Sentences (``A`` an action phrase, ``C`` a condition, ``N`` the number of a step)::

    A | A and A | A, then A | A twice            if C, S [otherwise S] | S if C | S unless C
    otherwise, S | else S | if so, S             while C, S | S while C | S until C | until C, S
    wait until C [, then S] | wait while C       once C, S | as soon as C, S | S once C
    go to step N | proceed to step N | repeat    look for ... | check ... | observe ...
    continue to the next step                    end | never A [while C]

``if C`` makes two edges, ``wait until C`` a loop while ``C`` does not hold, ``proceed`` a jump
(GLM2FSA, Yang and others 2023). Looking takes no time: observations are always available.

A sentence with two readings, such as 'A, then B if C', is refused with both of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import Formula, Not, Prop, True_
from surefoot.verification.programs.clauses import (
    FIRST_STEP,
    LEADS,
    NEXT_STEP,
    NUMBER,
    Block,
    ClauseReader,
    Sensed,
    normal,
    number_of,
    without_first,
)
from surefoot.verification.programs.diagnosis import reason
from surefoot.verification.programs.document import NUMBERED, Gap, PlanItem, read_document
from surefoot.verification.programs.prohibitions import broken_prohibition
from surefoot.verification.programs.sentences import HEAD, NOTHING, DoubtError, SentenceReader
from surefoot.verification.programs.statements import (
    MAX_STATEMENTS,
    End,
    If,
    Mark,
    Proceed,
    Program,
    Statement,
    While,
    walk,
)
from surefoot.verification.programs.vocabulary import PlanVocabulary

__all__ = ["NUMBERED", "Gap", "NotUnderstoodError", "parse_english"]

MAX_SENTENCE = 600
"""Most characters of a sentence."""

CLAIM = "what if it is not so? write 'wait until C', or 'if C, A'"
"""Advice for 'check that C'."""

_SEP = r"(?: ,| :| then| , then)"
_OTHERWISE = re.compile(
    rf"^(?:(?:otherwise|else|or else|in (?:any|all|every) other cases?){_SEP}?|"
    r"(?:if not|if that is not the case|if this is not the case|if it is not the case|"
    r"if it is not|if there (?:is|are) not|if there (?:is|are) none|"
    r"if none(?: is| are)?(?: visible| present| there)?|if no|if you do not)"
    rf"{_SEP}) (?P<rest>.+)$"
)
_IF_SO = re.compile(
    r"^(?:if so|if yes|if (?:that|this) is the case|if it is the case|"
    r"if (?:it|that|this) is true|in that case|"
    r"(?P<one>if it is|if there is one|if there are(?: any)?|if there is(?: any)?|if you do|"
    r"if you see (?:one|any)|if one is (?:there|visible|present|seen|detected)|"
    r"if any (?:is|are) (?:there|visible|present|seen|detected)))"
    rf"{_SEP} (?P<rest>.+)$"
)
_ASKED = re.compile(
    r"^(?:check|see|find out|determine|decide|verify|look|test) (?:to see )?(?:if|"
    r"whether) (?P<what>.+?)(?: ,)? "
    r"(?:and|;|:) (?P<how>if so|if not|if it is|if yes)(?: ,)? (?P<rest>.+)$"
)
_FOLLOWING = (
    r"(?:the following|these|this|the steps below|the next)(?: (?:steps|things|actions))?"
    r"(?: in order)?"
)
_DO_THE_FOLLOWING = re.compile(
    r"(?: ,| :)?(?: then)?(?: please)? (?:do|perform|execute|take|carry out|follow|repeat)"
    rf"(?: {_FOLLOWING})$"
)
_REPEAT = re.compile(
    rf"^(?:(?:repeat|do|loop|perform|execute|"
    rf"carry out)(?: {_FOLLOWING})? )?(?:(?:(?P<number>{NUMBER}) times|(?P<word>twice))|"
    r"(?P<ever>forever|for ever|indefinitely|endlessly))$"
)


class NotUnderstoodError(InputError):
    """Some sentence of a plan has no reading in the grammar, or more than one.

    Attributes:
        gaps: All phrases that were not understood, in order.
    """

    def __init__(self, gaps: tuple[Gap, ...]) -> None:
        self.gaps = gaps
        more = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
        advice = gaps[0].why or (
            "write 'if C, A', 'otherwise, A', 'wait until C', 'go to step N' with the rulebook's "
            "words, or add phrases in a world (--world)"
        )
        super().__init__(f"not understood: {gaps[0]}{more}; {advice}", line=gaps[0].line)


def parse_english(text: str, vocabulary: PlanVocabulary, *, idle: str | None = None) -> Program:
    """Reads steps in English.

    Args:
        text: The plan.
        vocabulary: Names and phrases that it may use.
        idle: Action while it waits.

    Raises:
        NotUnderstoodError: Some sentences are not understood; it lists all of them.
        InputError: Too many steps, or none.
    """
    document = read_document(text, vocabulary)
    reader = _Reader(vocabulary, idle)
    statements = reader.steps(document.items)
    gaps = sorted((*document.gaps, *reader.gaps), key=lambda gap: gap.line)
    if gaps:
        raise NotUnderstoodError(tuple(gaps))
    program = Program(statements, idle, notes=tuple(document.aside))
    for item in reader.sentences.prohibitions:
        line = broken_prohibition(program, item)
        if line is not None:
            why = (
                f"line {line} may do it all the same; write the condition at that step, "
                "as in 'if C, A'"
            )
            raise NotUnderstoodError((Gap(item.line, item.step, item.words[:80], why),))
    said = tuple(item.text for item in reader.sentences.prohibitions)
    return Program(statements, idle, notes=tuple(document.aside), never=said)


@dataclass(slots=True)
class _Part:
    """A statement of a block, with the step that it is in."""

    statement: Statement
    step: int


class _Block:
    """Statements that are being read, with what 'otherwise' and 'if so' may refer to."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.asked: Sensed | None = None
        self.subject: Sensed | None = None
        self.claim = False

    @property
    def whole(self) -> Block:
        return tuple(part.statement for part in self.parts)


class _Reader:
    """Reads sentences to statements."""

    def __init__(self, vocabulary: PlanVocabulary, idle: str | None) -> None:
        self._clauses = ClauseReader(vocabulary, idle)
        self.gaps: list[Gap] = []
        self.sentences = SentenceReader(self._clauses)
        self._line = 0
        self._step = 0
        self._opening = False
        self._depth = 0

    def steps(self, items: list[PlanItem]) -> tuple[Statement, ...]:
        """Reads the outermost steps."""
        block = _Block()
        mixed = len({item.number is None for item in items}) > 1
        names, numbers = [], []
        for at, item in enumerate(items, 1):
            number = at if item.number is None else item.number
            names.append(f"item {at}" if mixed and item.number is None else str(number))
            numbers.append(number)
        others: set[str] = set()
        for at, item in enumerate(items):
            self._step = self.sentences.step = numbers[at]
            before = len(block.parts)
            block.parts.append(_Part(Mark(item.line, names[at]), self._step))
            if self._item(block, item) and len(block.parts) == before + 1:
                others.add(names[at])
            behind = names[at + 1] if at + 1 < len(items) else None
            for part in block.parts[:]:
                part.statement = self._aimed(part.statement, names[0], behind)
        for statement in walk(block.whole):
            if isinstance(statement, Proceed) and statement.to in others:
                why = f"step {statement.to} begins with 'otherwise', so nothing can go to it"
                self.gaps.append(Gap(statement.line, 0, f"go to step {statement.to}", why))
        return block.whole

    def _aimed(self, statement: Statement, first: str, behind: str | None) -> Statement:
        """Gives jumps to the first and to the next step their targets."""
        match statement:
            case Proceed(line, to) if to == FIRST_STEP:
                return Proceed(line, first)
            case Proceed(line, to) if to == NEXT_STEP:
                if behind is None:
                    why = "there is no next step; write 'end'"
                    self.gaps.append(Gap(line, self._step, NEXT_STEP, why))
                    return End(line)
                return Proceed(line, behind)
            case If(line, condition, then, otherwise):
                yes = tuple(self._aimed(s, first, behind) for s in then)
                no = tuple(self._aimed(s, first, behind) for s in otherwise)
                return statement if (yes, no) == (then, otherwise) else If(line, condition, yes, no)
            case While(line, condition, body):
                inner = tuple(self._aimed(s, first, behind) for s in body)
                return statement if inner == body else While(line, condition, inner)
        return statement

    def _item(self, block: _Block, item: PlanItem) -> bool:
        """Reads an item with the list below it; returns whether it begins with 'otherwise'."""
        sentences = _sentences(item.lines)
        alone = bool(sentences and _OTHERWISE.match(normal(sentences[0][1]) + " , x"))
        heads = item.introduces and item.children
        whole = sentences[:-1] if heads else sentences
        for at, (line, sentence, joined) in enumerate(whole):
            self._opening = at == 0
            self._add(block, line, sentence, own=at == 0, joined=joined)
        if block.claim and not heads:
            block.claim = False
            line, sentence, _ = sentences[-1]
            self.gaps.append(Gap(line, self._step, sentence[:80], CLAIM))
        if not item.children:
            if item.title and not sentences:
                why = "a title with nothing below it is no step"
                self.gaps.append(Gap(item.line, self._step, item.title[:80], why))
            return alone
        inner = _Block()
        inner.asked, inner.subject = block.asked, block.subject
        if heads:
            line, sentence, _ = sentences[-1]
            self._opening = len(sentences) == 1
            self._line = self._clauses.line = line
            said = normal(sentence)
            text = _head_text(said)
            if re.search(r"\brepeat\b", said) and re.match(r"(?:if|unless|once)\b", text):
                text = said
            if self._senses(inner, text):
                text = ""
        else:
            line, sentence, text = item.line, "", ""
            if sentences and self._conditional(block):
                why = "is the list below it part of it? write 'if C:' or steps of their own"
                self.gaps.append(Gap(line, self._step, sentences[-1][1][:80], why))
        self._depth += 1
        self._clauses.nested = True
        for child in item.children:
            self._item(inner, child)
        self._depth -= 1
        self._clauses.nested = self._depth > 0
        self._line = self._clauses.line = line
        if not text:
            block.parts += inner.parts
            return alone
        try:
            self._head(block, text, inner.whole, own=len(sentences) == 1)
        except DoubtError as doubt:
            self.gaps.append(Gap(line, self._step, sentence[:80], doubt.why))
        return alone

    def _head(self, block: _Block, text: str, body: Block, *, own: bool) -> None:
        """Reads a sentence such as 'if C:' with the list below it."""
        if any(isinstance(s, Proceed) and s.to == NEXT_STEP for s in walk(body[:-1])):
            raise DoubtError("'the next step' is in the middle of a list; write 'go to step N'")
        other = _OTHERWISE.match(text + " , x")
        if other:
            rest = other["rest"].removesuffix("x").strip(" ,:")
            if rest:
                head = HEAD.match(rest)
                if not head or head["word"] != "if":
                    raise DoubtError("")
                body = (
                    If(self._line, self.sentences.condition(head["rest"], block.subject), body),
                )
            self._attach(block, body, own=own)
            return
        so = _IF_SO.match(text + " , x")
        if so and so["rest"] == "x":
            self._push(block, (If(self._line, self._said(block, so), body),))
            block.asked = None
            return
        times = _REPEAT.match(text)
        if times:
            if times["ever"]:
                self._push(block, (While(self._line, True_(), body),))
                return
            number = 2 if times["word"] else number_of(times["number"]) or 0
            if number * sum(1 for _ in walk(body)) > MAX_STATEMENTS:
                raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
            self._push(block, body * number)
            return
        head = HEAD.match(re.sub(r"(?: ,)? repeat(?: the following)?(?: steps)?$", "", text))
        if head is None:
            raise DoubtError(reason(text, self._clauses.vocabulary))
        condition = self.sentences.condition(head["rest"], block.subject)
        self._push(block, self.sentences.guarded(head["word"], condition, body))

    def _add(self, block: _Block, line: int, sentence: str, *, own: bool, joined: bool) -> None:
        """Reads a sentence and appends it, or records that it is not understood."""
        self._line = self._clauses.line = line
        text = normal(sentence)
        if not text:
            return
        why = ""
        if len(text) <= MAX_SENTENCE:
            try:
                if joined and self._conditional(block) and not _OTHERWISE.match(text):
                    raise DoubtError(
                        "behind ';' it may belong to the condition before or not; write it as a "
                        "sentence of its own"
                    )
                self._sentence(block, text, own=own)
                return
            except DoubtError as doubt:
                why = doubt.why
        self.gaps.append(Gap(line, self._step, sentence[:80], why))

    @staticmethod
    def _conditional(block: _Block) -> bool:
        last = block.parts[-1].statement if block.parts else None
        return isinstance(last, If | While)

    def _sentence(self, block: _Block, text: str, *, own: bool) -> None:
        if self._opening:
            text = without_first(text)
        bare = text
        while (lead := LEADS.match(bare)) is not None and not _OTHERWISE.match(bare):
            bare = bare[lead.end() :]
        other = _OTHERWISE.match(bare)
        if other:
            if bare.startswith("if") and block.asked is not None:
                block.claim = False
                so_asked = self._asked_condition(block, plain=bare.startswith("if not "))
                self._push(
                    block, (If(self._line, Not(so_asked), self.sentences.body(other["rest"])),)
                )
                block.asked = None
            else:
                self._attach(block, self._other(block.subject, other["rest"]), own=own)
            return
        so = _IF_SO.match(bare)
        if block.claim and not so:
            block.claim = False
            raise DoubtError(CLAIM)
        if so:
            block.claim = False
            condition = self._said(block, so)
            self._push(block, self.sentences.branch(condition, so["rest"], negated=False))
            block.asked = None
            return
        if self._senses(block, bare):
            return
        block.asked = None
        asks = _ASKED.match(bare)
        if asks:
            condition = self.sentences.condition(asks["what"], block.subject)
            body = self.sentences.branch(condition, asks["rest"], negated=asks["how"] == "if not")
            self._push(block, body)
            return
        self._push(block, self.sentences.alone(block.subject, bare))

    def _other(self, subject: Sensed | None, text: str) -> Block:
        """Reads what follows 'otherwise,'."""
        if self._clauses.sequence(text) is not None or text in NOTHING:
            return self.sentences.body(text)
        read = self.sentences.alone(subject, text)
        if len(read) > 1 and re.search(r"\bthen\b", text):
            raise DoubtError(
                "what stands behind 'then' may be done in any case; write two sentences"
            )
        return read

    def _senses(self, block: _Block, text: str) -> bool:
        """Reads a sentence that only looks, and keeps what it looks at for 'if so'."""
        sensed = self._clauses.sensed(text)
        if sensed is None:
            return False
        block.asked = sensed
        block.claim = sensed.claim
        block.subject = None if sensed.whether else sensed
        return True

    def _said(self, block: _Block, so: re.Match[str]) -> Formula:
        return self._asked_condition(block, plain=so["one"] is None)

    def _asked_condition(self, block: _Block, *, plain: bool) -> Formula:
        """Returns what 'if so' refers to."""
        if block.asked is None or block.asked.condition is None:
            raise DoubtError("it refers to nothing before it; write the condition: 'if C, A'")
        if not plain and not isinstance(block.asked.condition, Prop):
            raise DoubtError("it is unclear what it refers to; write the condition: 'if C, A'")
        return block.asked.condition

    def _push(self, block: _Block, statements: Block) -> None:
        block.parts += [_Part(s, self._step) for s in statements]

    def _attach(self, block: _Block, other: Block, *, own: bool) -> None:
        """Attaches the other branch to the last ``if``."""
        at = _behind_marks(block, len(block.parts))
        last = block.parts[at].statement if at >= 0 else None
        if not isinstance(last, If):
            raise DoubtError("'otherwise' stands behind no 'if'; write 'if C, A' before it")
        before = _behind_marks(block, at)
        if before >= 0:
            rival = block.parts[before].statement
            same = block.parts[before].step == block.parts[at].step
            if isinstance(rival, If) and not rival.otherwise and (same or own):
                leaves = rival.then and isinstance(rival.then[-1], Proceed | End)
                if not leaves:
                    raise DoubtError(
                        "'otherwise' may refer to the last condition or to all before it; write "
                        "'otherwise, if C, ...' in between, or the condition"
                    )
        path = [last]
        while path[-1].otherwise:  # 'else if' chains: the innermost one that is still open
            inner = path[-1].otherwise
            if len(inner) != 1 or not isinstance(inner[0], If):
                raise DoubtError("there is an 'otherwise' already")
            path.append(inner[0])
        for node in reversed(path):
            other = (If(node.line, node.condition, node.then, other),)
        block.parts[at].statement = other[0]


def _behind_marks(block: _Block, end: int) -> int:
    """Returns the place of the last statement before a place that is no mark; -1 if none."""
    at = end - 1
    while at >= 0 and isinstance(block.parts[at].statement, Mark):
        at -= 1
    return at


def _head_text(text: str) -> str:
    """Drops 'do the following' and the like from a sentence that introduces a list."""
    text = text.strip(" ,:")
    text = _DO_THE_FOLLOWING.sub("", " " + text).strip(" ,:")
    while (lead := LEADS.match(text + " ")) is not None and not _OTHERWISE.match(text + " , x"):
        text = (text + " ")[lead.end() :].strip()
    return re.sub(r"(?: ,)? then$", "", text)


def _sentences(lines: list[tuple[int, str]]) -> list[tuple[int, str, bool]]:
    """Splits the lines of a step at full stops; a sentence may span several lines.

    The third entry tells whether a sentence stands behind a semicolon.
    """
    found: list[tuple[int, str, bool]] = []
    open_one, begun, joined = "", 0, False
    for at, line in lines:
        pieces = re.split(r"([.;!]+)(?:\s+|$)", line)
        for part, mark in zip(pieces[:-1:2], pieces[1::2], strict=True):
            found.append((begun or at, f"{open_one} {part}".strip(), joined))
            open_one, begun, joined = "", 0, ";" in mark
        rest = pieces[-1]
        if rest.strip():
            open_one, begun = f"{open_one} {rest}".strip(), begun or at
    if open_one:
        found.append((begun, open_one, joined))
    return [item for item in found if item[1]]
