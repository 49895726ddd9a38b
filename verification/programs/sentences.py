"""Sentences of plans in English, each with all the readings that it has."""

from __future__ import annotations

import re
from dataclasses import replace

from surefoot.verification.formulas.syntax import Formula, Not, True_
from surefoot.verification.programs.clauses import (
    FIRST_STEP,
    LEADS,
    NUMBER,
    Block,
    ClauseReader,
    Sensed,
    Sequence,
    number_of,
)
from surefoot.verification.programs.diagnosis import reason
from surefoot.verification.programs.prohibitions import Prohibition, prohibition
from surefoot.verification.programs.statements import (
    MAX_STATEMENTS,
    Do,
    If,
    Proceed,
    WaitUntil,
    While,
)
from surefoot.verification.programs.writing import block_text

NOTHING = ("do nothing", "nothing", "do nothing else")
"""What a branch without actions may say."""

CONDITIONALS = (
    r"given that|on (?:the )?condition that|in the (?:case|event) that|if and only if|only if|"
    r"if|provided that|provided|in case|assuming that|assuming"
)
_NEGATED = ("unless", "except if")
_AFTER = r"only once|once|only after|after|as soon as|the moment"
_WHEN = r"when|whenever|only when"
_WHILE = r"while|as long as|for as long as|so long as|during the time that"
"""Words of conditions, by what they mean."""

HEAD = re.compile(
    rf"^(?P<word>{CONDITIONALS}|unless|except if|{_WHILE}|until|{_AFTER}|{_WHEN}) (?P<rest>.+)$"
)
_INFIX = re.compile(
    rf"(?: ,)? (?P<word>but only if|but only when|{CONDITIONALS}|unless|except if|{_WHILE}|"
    rf"(?:up )?until|till|"
    rf"{_AFTER}|{_WHEN}) "
)
_COMMA = re.compile(r" , then | then | [,:] (?:then )?")
_ELSE = re.compile(r"(?: ,)?(?: and)? (?:otherwise|else|if not|or else)(?: ,)? ")
_IN_WHICH_CASE = re.compile(r"(?: ,)? in which case(?: ,)? ")
_BEHIND = re.compile(r" , then | , after which |(?: ,)? and then | , and | , | and ")
_ONLY = re.compile(r"^only (?P<act>.+?) (?P<word>if|when|once|after) (?P<what>.+)$")
_IT = re.compile(r"\b(?:it|they) (is|are|turns?|becomes?|has|have)\b")
_UNTIL_REPEAT = re.compile(
    r"^(?:repeat|loop back|go back|start over|return|go)(?: (?:from|to))?"
    r"(?: (?:the (?:whole )?(?:plan|process|procedure|sequence)|these steps|the (?:above|"
    r"previous) steps|"
    r"all steps|the beginning|the start|from the (?:beginning|start)))? (?P<word>until|while|"
    r"as long as|unless|if) (?P<what>.+)$"
)
_REPEATEDLY = re.compile(r"^(?:repeatedly|again and again) ")
_TIMES = re.compile(
    rf"^(?:do (?:this|the following) )?(?:(?P<number>{NUMBER}) times|(?P<word>twice))"
    r" [,:] (?P<rest>.+)$"
)
_WAITS = re.compile(r"(?:^| )(?:wait|hold|pause|hold on|waiting)$")


class DoubtError(Exception):
    """A sentence that has two readings, or none for a known reason."""

    def __init__(self, why: str) -> None:
        self.why = why


class SentenceReader:
    """Reads sentences that refer to nothing before them, but for 'it'.

    Args:
        clauses: Reads their clauses; its line is that of the statements.
    """

    def __init__(self, clauses: ClauseReader) -> None:
        self._clauses = clauses
        self.prohibitions: list[Prohibition] = []
        self.step = 0

    def alone(self, subject: Sensed | None, text: str) -> Block:
        """Reads a sentence that refers to nothing before it, but for 'it'."""
        text = self._resolved(text, subject)
        while (lead := LEADS.match(text)) is not None:
            text = text[lead.end() :]
        ban = prohibition(text, self._clauses, self._clauses.line, self.step)
        if ban is not None:
            self.prohibitions.append(ban)
            return ()
        readings: list[Block] = []
        sequence = self._clauses.sequence(text)
        if sequence is not None:
            readings.append(sequence.whole)
        only = _ONLY.match(text)
        if only:
            text = f"{only['act']} only {only['word']} {only['what']}"
        readings += self._prefixed(text)
        times = _TIMES.match(text)
        if times:
            body = self._clauses.sequence(times["rest"])
            if body is not None and len(body.blocks) == 1:
                count = 2 if times["word"] else number_of(times["number"]) or 0
                readings.append(body.whole * min(count, MAX_STATEMENTS))
        readings += self._infixed(text)
        return self._only(text, readings)

    def _resolved(self, text: str, subject: Sensed | None) -> str:
        """Puts what was looked at in the place of 'it' in a condition."""
        head = re.match(
            rf"^(?:{CONDITIONALS}|unless|{_WHILE}|{_AFTER}|until|wait until|wait while) it ", text
        )
        if head and subject is not None and len(_IT.findall(text)) == 1:
            return _IT.sub(rf"{subject.thing} \1", text, count=1)
        return text

    def _only(self, text: str, readings: list[Block]) -> Block:
        distinct = list(dict.fromkeys(readings))
        if len(distinct) == 1:
            return distinct[0]
        if not distinct:
            raise DoubtError(reason(text, self._clauses.vocabulary))
        first, second = (block_text(block) for block in distinct[:2])
        raise DoubtError(f"it may mean '{first}' or '{second}'; write two sentences")

    def body(self, text: str) -> Block:
        """Reads clauses that all belong to a condition before them."""
        readings = self._bodies(text)
        if len(readings) > 1:
            raise DoubtError(
                "what stands behind 'then' may be done in any case; write two sentences, or "
                "'A and B'"
            )
        return self._only(text, [inner for inner, _ in readings])

    def _bodies(self, text: str, condition: Formula | None = None) -> list[tuple[Block, Block]]:
        """Splits clauses behind a condition into those within and those behind it, in all ways."""
        ban = prohibition(text, self._clauses, self._clauses.line, self.step)
        if ban is not None and ban.condition == True_() and condition is not None:
            self.prohibitions.append(replace(ban, condition=condition))
            return [((), ())]
        if text in NOTHING:
            return [((), ())]
        sequence = self._clauses.sequence(text)
        if sequence is None:
            return []
        return _splits(sequence)

    def condition(self, text: str, subject: Sensed | None) -> Formula:
        """Reads a condition, in which 'it' is what was looked at."""
        if subject is not None and text.startswith("it ") and len(_IT.findall(text)) == 1:
            text = _IT.sub(rf"{subject.thing} \1", text, count=1)
        condition = self._clauses.condition(text)
        if condition is None:
            raise DoubtError(reason(text, self._clauses.vocabulary, condition=True))
        return condition

    def branch(self, condition: Formula, text: str, *, negated: bool) -> Block:
        """Reads what follows 'if C,'."""
        return self._only(text, self._branches(Not(condition) if negated else condition, text))

    def _branches(self, condition: Formula, text: str) -> list[Block]:
        parts = _ELSE.split(text, maxsplit=1)
        line = self._clauses.line
        if len(parts) == 2:
            then, other = self._clauses.sequence(parts[0]), self._bodies(parts[1], Not(condition))
            if parts[1].startswith("if "):
                other = [(block, ()) for block in self._prefixed(parts[1])]
            if then is None:
                return []
            return [(If(line, condition, then.whole, inner), *rest) for inner, rest in other]
        return [
            (If(line, condition, inner), *rest) for inner, rest in self._bodies(text, condition)
        ]

    def _prefixed(self, text: str) -> list[Block]:
        """Reads 'if C, S', 'while C, S', 'once C, S'."""
        head = HEAD.match(text)
        if head is None:
            return []
        word, rest = head["word"], head["rest"]
        found: list[Block] = []
        for cut in _COMMA.finditer(rest):
            condition = self._clauses.condition(rest[: cut.start()])
            if condition is None:
                continue
            behind = rest[cut.end() :]
            if _tests(word):
                found += self._branches(Not(condition) if word in _NEGATED else condition, behind)
            elif word in _AFTER.split("|"):
                sequence = self._clauses.sequence(behind)
                if sequence is not None:
                    found.append((WaitUntil(self._clauses.line, condition), *sequence.whole))
            elif word in _WHEN.split("|"):
                if self._bodies(behind):
                    self.guarded(word, condition, ())
            else:
                kept = self._clauses.keeping(behind)
                if kept is not None:
                    body: Block = (Do(self._clauses.line, (kept,)),)
                    found.append(self.guarded(word, condition, body))
                    continue
                for inner, after in self._bodies(behind):
                    if not any(isinstance(s, WaitUntil | While) for s in inner):
                        found.append((*self.guarded(word, condition, inner), *after))
        return found

    def _infixed(self, text: str) -> list[Block]:
        """Reads 'S if C', 'S unless C', 'S while C', 'S until C' and 'S once C'."""
        again = _UNTIL_REPEAT.match(text)
        if again and not self._clauses.nested:
            return self._repeated(again)
        found: list[Block] = []
        for cut in _INFIX.finditer(text):
            word = re.sub(r"^(?:but|up) ", "", cut["word"])
            before, behind = text[: cut.start()], text[cut.end() :]
            if _WAITS.search(before):
                continue  # 'wait until C' is one clause, also where 'wait' is an action
            before = _REPEATEDLY.sub("", before)
            kept = self._clauses.keeping(before)
            loops = word in ("until", "till", *_WHILE.split("|"))
            if not loops and _REPEATEDLY.match(text):
                continue
            if kept is not None and loops:
                sequence: Sequence | None = Sequence(((Do(self._clauses.line, (kept,)),),), ())
            else:
                sequence = self._clauses.sequence(before)
            if sequence is None or not sequence.whole:
                continue
            for condition, after, other in self._behind(behind, word):
                for scope in range(len(sequence.blocks)):
                    first = tuple(s for b in sequence.blocks[:scope] for s in b)
                    last = tuple(s for b in sequence.blocks[scope:] for s in b)
                    if loops and any(isinstance(s, WaitUntil | While) for s in last):
                        continue
                    guarded = self.guarded(word, condition, last)
                    if other is not None and isinstance(guarded[0], If):
                        guarded = (If(self._clauses.line, guarded[0].condition, last, other),)
                    found.append((*first, *guarded, *after))
                    if after and _tests(word):
                        found.append((*first, *self.guarded(word, condition, last + after)))
        return found

    def _behind(self, text: str, word: str) -> list[tuple[Formula, Block, Block | None]]:
        """Reads the condition behind 'S if', with what follows it."""
        found: list[tuple[Formula, Block, Block | None]] = []
        condition = self._clauses.condition(text)
        if condition is not None:
            found.append((condition, (), None))
        parts = _ELSE.split(text, maxsplit=1)
        if len(parts) == 1 and word == "unless":
            parts = _IN_WHICH_CASE.split(text, maxsplit=1)
        if len(parts) == 2 and _tests(word):
            condition = self._clauses.condition(parts[0])
            for other, rest in self._bodies(parts[1]) if condition is not None else ():
                found.append((condition, rest, other))  # type: ignore[arg-type]
            return found
        for cut in _BEHIND.finditer(text):
            condition = self._clauses.condition(text[: cut.start()])
            if condition is not None:
                sequence = self._clauses.sequence(text[cut.end() :])
                if sequence is not None:
                    found.append((condition, sequence.whole, None))
        return found

    def _repeated(self, again: re.Match[str]) -> list[Block]:
        """Reads 'repeat these steps until C': back to the first step unless C holds."""
        condition = self._clauses.condition(again["what"])
        if condition is None:
            return []
        if again["word"] in ("until", "unless"):
            condition = Not(condition)
        return [(If(self._clauses.line, condition, (Proceed(self._clauses.line, FIRST_STEP),)),)]

    def guarded(self, word: str, condition: Formula, body: Block) -> Block:
        """Applies 'if', 'while', 'until' or 'once' to a block."""
        line = self._clauses.line
        if word not in _NEGATED and _tests(word):
            return (If(line, condition, body),)
        if word in _NEGATED:
            return (If(line, Not(condition), body),)
        if word in _WHILE.split("|"):
            return (While(line, condition, body),)
        if word in ("until", "till"):
            return (While(line, Not(condition), body),)
        if word in _AFTER.split("|"):
            return (WaitUntil(line, condition), *body)
        raise DoubtError(
            f"'{word}' may mean 'once' (wait for it) or 'if' (test it now); write one of these"
        )


def _tests(word: str) -> bool:
    """Whether a word tests a condition once, as 'if' and 'unless' do."""
    return word in _NEGATED or re.fullmatch(CONDITIONALS, word) is not None


def _splits(sequence: Sequence) -> list[tuple[Block, Block]]:
    """Splits clauses where 'then' may end the reach of a condition before them."""
    blocks = sequence.blocks
    ways: list[tuple[Block, Block]] = [(sequence.whole, ())]
    for at, doubtful in enumerate(sequence.then, 1):
        if doubtful:
            inner = tuple(s for block in blocks[:at] for s in block)
            rest = tuple(s for block in blocks[at:] for s in block)
            if rest:
                ways.append((inner, rest))
    return ways
