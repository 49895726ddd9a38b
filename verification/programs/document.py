"""The layout of a plan in English: steps, lists within them, and what stands around them.

Headings, opening and closing words of a chat are set aside, and named in the reading, if they
say nothing about the plan itself; any other text beside the steps is a gap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from surefoot.core.errors import InputError
from surefoot.verification.programs.statements import MAX_STATEMENTS
from surefoot.verification.programs.vocabulary import PlanVocabulary

NUMBERED = re.compile(r"^\s*(?:[-*#>\s]*)(?:step\s*)?(\d{1,6})\s*[.):\-]\s*(.*)$", re.IGNORECASE)
"""The start of a numbered step."""

LISTED = re.compile(r"^\s*(?:[-*•+]|\(?[a-z][.)])\s+(?=\S)", re.IGNORECASE)
"""The start of an item with a dash or a letter."""

MAX_LEVELS = 20
"""Deepest nesting of lists."""

MAX_ASIDE = 400
"""Most characters of a sentence that is set aside."""

_RESTRICTIVE = re.compile(
    r"\b(?:if|unless|until|while|when(?:ever)?|once|only|except|not|never|no|none|without|but|"
    r"otherwise|else|always|must|should|shall|before|after|repeat(?:ed|s|ing)?|again|then|"
    r"instead|"
    r"skip|ignore|wait|loop(?:s|ed)?|step \d+|first|assum\w+|provided|restart|back|cannot|"
    r"avoid)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
"""Words that may say something about what the plan does."""

_MORE = re.compile(
    r"\b(?:times?|twice|cases?|long|soon|following|do|each|every|all|any|given|condition)\b",
    re.IGNORECASE,
)
"""More of them, in titles."""

_LOOPS = re.compile(
    r"\b(?:repeat\w*|loop\w*|again|restart\w*|back|step \d+|must|should|except|skip|"
    r"ignore|instead|unless|but)\b",
    re.IGNORECASE,
)
_GREETING = (
    r"(?:sure(?: thing)?|certainly|of course|okay|ok|absolutely|great|got it|understood|"
    r"no problem|happy to help|with pleasure|alright|yes|thanks|thank you|hello|hi)"
)
_NOUN = (
    r"(?:plan|steps|step-by-step|sequence|procedure|instructions|program|actions|controller|"
    r"approach|solution|answer|checklist|routine|list)"
)
_OPENING = re.compile(
    rf"^(?:(?:{_GREETING}[\s,.!:;—-]*)+$|"
    rf"(?:{_GREETING}[\s,.!:;—-]*)*(?:"
    rf"(?:(?:based on|given|for|to|as requested|considering|in order to|"
    rf"following)\b[^.;]*?,?\s*)?"
    rf"(?:here(?:['’]s| is| are| comes)|below (?:is|are)|this is|these are|the following (?:is|"
    rf"are))\b[^.;]*\b{_NOUN}\b[^.;]*|"
    rf"i(?:['’](?:d|ll|ve)| would| will| have)? (?:propose|suggest|recommend|use|follow|"
    rf"describe|give|"
    rf"write|written|lay out|made|prepared)\b[^.;]*\b{_NOUN}\b[^.;]*|(?:let me|"
    rf"let['’]s) [^.;]*\b{_NOUN}\b|"
    rf"(?:my|the|a|our|your|proposed|suggested|final)(?: [\w-]+){{0,3}} {_NOUN}\b(?: (?:is|for|"
    rf"to|of)\b[^.;]*)?|"
    rf"(?:to|in order to)\b[^.;]*,\s*(?:please )?(?:follow|do|take|use|perform|execute|"
    rf"carry out) "
    rf"(?:these|the following|this)\b[^.;]*|"
    rf"(?:follow|do|take|use|perform|execute|carry out) (?:these|the following)\b[^.;]*|"
    rf"(?:[a-z-]+ ){{0,3}}{_NOUN}"
    rf")[.:!]*$)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^(?:(?:please )?(?:let me know|feel free|do not hesitate|don['’]t hesitate)\b.*|"
    r"(?:i )?hope (?:this|that|it)\b.*\bhelp\w*\b.*|good luck\W*|(?:drive|stay|be|"
    r"travel) safe(?:ly)?\W*|"
    r"have a (?:safe|nice|good|great)\b.*|safe (?:travels|driving)\W*|"
    r"if you (?:have|need|want|would like)\b.*\b(?:let me know|ask|questions?|help|tell me)\b.*|"
    r"is there anything else\b.*|would you like\b.*\?|that is (?:it|all)\W*|that['’]s (?:it|"
    r"all)\W*|"
    r"(?:this|these|the (?:above )?|with this|following this|by following (?:this|these)|"
    r"following these)\s*(?:plan|steps|sequence|procedure|approach|program|controller|"
    r"instructions)?"
    r",?\s*(?:you|we|the car|the robot|the vehicle|the arm|it)?\s*"
    r"(?:ensures?|guarantees?|keeps?|makes? sure|complies|comply|satisf(?:y|ies)|obeys?|follows?|"
    r"respects?|(?:is|are) (?:safe|simple|complete|designed|meant|intended)|lets?|allows?|helps?|"
    r"prioriti[sz]es?|accounts? for|covers?|meets?|reflects?)\b.*)$",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^\*\*(?P<inner>[^*]+?)(?P<colon>:?)\*\*(?P<behind>:?)\s*(?P<rest>.*)$")


@dataclass(frozen=True, slots=True)
class Gap:
    """Words that were not understood.

    Attributes:
        line: Line of the file.
        step: Number of the step; 0 before the first.
        words: The words.
        why: What stands in the way and how to say it; may be empty.
    """

    line: int
    step: int
    words: str
    why: str = ""

    def __str__(self) -> str:
        return f"step {self.step}: '{self.words}'" if self.step else f"'{self.words}'"


@dataclass(slots=True)
class PlanItem:
    """A step, or an item of a list within one.

    Attributes:
        line: Its first line.
        number: Its number in the text; None for dashes and letters.
        indent: Columns before it.
        lines: Its own text, with lines.
        children: The items of the list below it.
        title: A title that was set aside; one with nothing below it is a gap.
    """

    line: int
    number: int | None
    indent: int
    lines: list[tuple[int, str]] = field(default_factory=list)
    children: list[PlanItem] = field(default_factory=list)
    title: str = ""

    @property
    def introduces(self) -> bool:
        """Whether its text ends with a colon."""
        return bool(self.lines) and self.lines[-1][1].rstrip().endswith(":")


@dataclass(slots=True)
class PlanDocument:
    """A plan by its layout.

    Attributes:
        items: The outermost steps.
        aside: Texts that were set aside.
        gaps: Texts beside the steps that may say something about the plan.
    """

    items: list[PlanItem] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def read_document(text: str, vocabulary: PlanVocabulary) -> PlanDocument:
    """Reads the layout of a plan.

    Args:
        text: The plan.
        vocabulary: Words that a heading must not have to be set aside.

    Raises:
        InputError: There are too many steps, no step, or two steps of a number.
    """
    lines = text.splitlines()
    prose = not any(starts_item(line) for line in lines)
    reader = _Layout(vocabulary, prose=prose)
    for at, raw in enumerate(lines, 1):
        reader.add(at, raw)
    found = reader.document
    if not found.items and not found.gaps:
        raise InputError("the plan has no numbered step such as '1. Stop.'")
    return found


def starts_item(line: str) -> bool:
    """Whether a line begins with a number, a dash or a letter."""
    plain = _plain(line)
    return NUMBERED.match(plain) is not None or LISTED.match(plain) is not None


class _Layout:
    def __init__(self, vocabulary: PlanVocabulary, *, prose: bool) -> None:
        self._vocabulary = vocabulary
        self._prose = prose
        self.document = PlanDocument()
        self._stack: list[PlanItem] = []
        self._blank = False
        self._count = 0
        self._numbers: set[int] = set()

    def add(self, at: int, raw: str) -> None:
        """Adds a line."""
        raw = raw.expandtabs(4).rstrip()
        if not raw.strip() or re.match(r"^\s*(?:```\w*|~~~\w*|-{3,}|\*{3,}|_{3,}|={3,})$", raw):
            self._blank = True
            return
        indent = len(raw) - len(raw.lstrip())
        plain = _plain(raw)
        numbered = NUMBERED.match(plain)
        listed = None if numbered else LISTED.match(plain)
        if numbered or listed:
            number = int(numbered[1]) if numbered else None
            marked = re.match(r"^\s*(?:[-*#>\s]*)(?:\**step\s*)?\d{1,6}\s*[.):\-]\s*", raw, re.I)
            start = marked.end() if marked else None
            if listed:
                start = LISTED.match(raw).end() if LISTED.match(raw) else None  # type: ignore[union-attr]
            rest = numbered[2] if numbered else plain[listed.end() :] if listed else ""
            heading = re.match(r"^\s*(?:#|\*\*[^*]*[^*:.]\*\*$)", raw) is not None
            self._item(at, indent, number, rest, raw[start:] if start else rest, heading=heading)
        else:
            heading = re.match(r"^\s*#{1,6}\s|^\s*\*\*[^*]+\*\*:?$", raw) is not None
            self._text(at, indent, plain.strip(), heading=heading)
        self._blank = False

    def _item(
        self, at: int, indent: int, number: int | None, rest: str, raw: str, *, heading: bool
    ) -> None:
        self._count += 1
        if self._count > MAX_STATEMENTS:
            raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
        item = PlanItem(at, number, indent)
        item.title, rest = self._title(rest, raw, heading=heading)
        if rest:
            item.lines.append((at, rest))
        stack = self._stack
        while stack and not self._within(stack[-1], item):
            stack.pop()
        if stack:
            if len(stack) >= MAX_LEVELS:
                raise InputError(f"lists are nested deeper than {MAX_LEVELS} levels", line=at)
            if number is not None and not stack[-1].children and number != 1:
                self._gap(at, rest, "a list within a step starts with 1")
            stack[-1].children.append(item)
        else:
            if number is not None:
                if number in self._numbers:
                    message = f"there are two steps {number}; number them anew"
                    raise InputError(message, line=at)
                if self._numbers and number < max(self._numbers):
                    message = f"step {number} stands behind step {max(self._numbers)}"
                    raise InputError(f"{message}; number the steps in order", line=at)
                self._numbers.add(number)
            self.document.items.append(item)
        stack.append(item)

    @staticmethod
    def _within(outer: PlanItem, inner: PlanItem) -> bool:
        if inner.indent >= outer.indent + 2:
            return True
        kinds = outer.number is not None and inner.number is None
        return kinds and inner.indent >= outer.indent

    def _title(self, rest: str, raw: str, *, heading: bool) -> tuple[str, str]:
        """Splits a title such as '**Approach:**' off if it says nothing of the plan."""
        title = _TITLE.match(raw.strip())
        inner, behind = "", rest
        if title and (title["colon"] or title["behind"] or not title["rest"]):
            inner, behind = title["inner"].strip(" :"), _plain(title["rest"])
        elif heading and not rest.rstrip().endswith((".", ":")):
            inner, behind = rest.strip(" *"), ""
        if inner and self._idle(inner):
            self.document.aside.append(inner)
            return inner, behind.strip()
        return "", rest.strip()

    def _idle(self, title: str) -> bool:
        """Whether a title has no word of the vocabulary and none that may restrict the plan."""
        return not any(
            (self._vocabulary.touches(title), _RESTRICTIVE.search(title), _MORE.search(title))
        )

    def _text(self, at: int, indent: int, text: str, *, heading: bool) -> None:
        if heading:
            title = text.lstrip("# ").strip()
            if _opens(title) or self._idle(title):
                self.document.aside.append(title)
                self._stack = []
            else:
                self._gap(at, title, "a heading is no step; write it as a step or leave it out")
            return
        if self._prose and not any(_opens(p) or _closes(p) for p in _split(text)):
            if not self.document.items:
                self.document.items.append(PlanItem(at, None, 0))
            self.document.items[0].lines.append((at, text))
            return
        if not self.document.items:
            if all(_opens(part) for part in _split(text)):
                self.document.aside.append(text)
            else:
                self._gap(
                    at, text, "text before the first step; write it as a step or leave it out"
                )
            return
        last = self._stack[-1] if self._stack else None
        outside = self._prose or (
            self._blank and indent <= (self._stack[0].indent if self._stack else 0)
        )
        if last is not None and not outside and (len(self._stack) == 1 or indent > last.indent):
            if not last.children:
                last.lines.append((at, text))
                return
        elif outside and all(_closes(part) for part in _split(text)):
            self.document.aside.append(text)
            return
        self._gap(at, text, "text beside the steps; write it as a step or leave it out")

    def _gap(self, at: int, words: str, why: str) -> None:
        step = (
            self.document.items[-1].number or len(self.document.items) if self.document.items else 0
        )
        self.document.gaps.append(Gap(at, step, words[:60], why))


def _plain(raw: str) -> str:
    return re.sub(r"[*`_]{2,}|`", "", raw)


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?:])\s+", text.strip("*_ ")) if part]


def _opens(text: str) -> bool:
    """Whether a text only opens a plan, as 'Sure! Here is a plan:'."""
    if len(text) > MAX_ASIDE:
        return False
    bare = re.sub(rf"^(?:{_GREETING}[\s,.!:;—-]*)+", "", text, flags=re.IGNORECASE)
    return _OPENING.match(text) is not None and _RESTRICTIVE.search(bare) is None


def _closes(text: str) -> bool:
    """Whether a text only closes an answer, as 'Let me know if you have questions.'."""
    if len(text) > MAX_ASIDE:
        return False
    return _CLOSING.match(text.strip()) is not None and _LOOPS.search(text) is None
