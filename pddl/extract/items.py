"""Classifies the lines of an answer: steps, labels, headings, loops and the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, auto

from surefoot.pddl.extract.drafts import Draft
from surefoot.pddl.extract.lines import Line
from surefoot.pddl.extract.sentences import dropped, read_steps
from surefoot.pddl.extract.vocabulary import Ref, TaskVocabulary


class LineKind(Enum):
    """What a line is for."""

    BLANK = auto()
    STEP = auto()
    ACTION = auto()
    """A step under an 'Action:' label; it makes the step above it precise."""
    HEADING = auto()
    DETAIL = auto()
    """Preconditions, effects, states, notes: never a step."""
    LOOP = auto()
    ODD = auto()
    """Numbered like a step, but no action of the domain."""
    TEXT = auto()


class Section(Enum):
    """What a part of an answer is for."""

    PLAN = auto()
    SUMMARY = auto()
    OUTLINE = auto()
    ASIDE = auto()
    """Initial state, goal, explanation, notes: steps named there are not executed."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line with its use.

    Attributes:
        line: The line.
        kind: What it is for.
        drafts: The steps that it states.
        refs: Objects named in a heading.
        section: For a heading, the kind of section that it opens, if it says so.
    """

    line: Line
    kind: LineKind
    drafts: tuple[Draft, ...] = ()
    refs: tuple[Ref, ...] = ()
    section: Section | None = None


_REASONS = re.compile(
    r"\b(?:because|since|better suited|needs? to perform fewer|fewer (?:moves|steps|actions)"
    r"|as (?:it|he|she|they) (?:is|are|has|have|needs?|can|must)|optimal choice)\b"
)
"""A heading that argues for a choice; the steps below it are weighed, not taken."""
_ACTION_LABEL = re.compile(
    r"^(?:adjust(?:ed)? )?(?:pddl )?(?:actions?|commands?|operations?|behaviou?rs?)"
    r"(?: \d+)?(?: \([^)]*\))?$"
)
_INNER_LABEL = re.compile(
    r"^(?:steps? \d+ ?(?:-|to|and|&|through) ?\d+|pre-?conditions?|effects?|results?|resulting"
    r"|state|status|description|note|notes|reason|rationale|explanation|outcome|after|before"
    r"|purpose|check|issue|conflict|corrections?|hands?|location|remark|comment|verification"
    r"|therefore|condition|requirement|reminder|level|contents?|cost|post-?conditions?"
    r"|constraint violation|justification|details?)\b"
)
_OUTER_LABEL = re.compile(
    r"^(?:goal|current|initial|final state|constraints?|positions?|objective|total|strategy"
    r"|optimality|assum|summary|problem|configuration|important|movement|painting|available"
    r"|colors?|setup|key|robots involved|efficiency|given|domain|shaker (?:level|status))\b"
)
_NOTES = re.compile(r"^(?:explanations?|notes|reasoning|justification|verification)\b")
_PLAN_WORDS = re.compile(
    r"\b(?:steps?|plan|actions?|sequence|solution|procedure|phase|part|tasks?|moves|moving|making|making"
    r"|prepar|fetch|process|for (?:each )?(?:hub|robot|ball|block))"
)
_ASIDE_WORDS = re.compile(
    r"\b(?:initial (?:state|conditions?|configuration|arrangement)|goal"
    r"|final (?:state|configuration|position|grid|arrangement|check|stack)|explanation|notes?"
    r"|definitions?|constraints?|restrictions|rules|recap|overview of|optimality|verification"
    r"|assumptions?|conclusion|reasoning|key|considerations?|objectives?|problem|grid|layout"
    r"|legend|analysis|why|justification|strateg(?:y|ic)|observations?|painted tiles|state"
    r"|resulting|positions?|current|understanding|benefits|pre-?conditions?|effects?|domain"
    r"|identif|objects?|result|summary of (?:assignments?|the final)|breakdown"
    r"|(?:total|number of|count(?:ing)?) (?:of )?(?:actions|steps|moves))\b"
)
_ABOUT = re.compile(
    r"^(?:this|the above|these|by)\b.*\b(?:achiev|ensur|satisf|guarantee|meets?|works?|follow)"
)
_ANNOUNCED = re.compile(
    r"\b(?:here(?:'s| is| are)|below|following|optimal|step-by-step|detailed)\b.*"
    r"\b(?:plan|sequence|steps|actions|solution)\b"
)
_SUMMARY_WORDS = re.compile(r"\b(?:summar(?:y|ized|ised)|recap of|in short|condensed|concise)\b")
_OUTLINE_WORDS = re.compile(
    r"\b(?:overview|outline|overall (?:strategy|plan|approach)|structure)\b"
)
_LOOP = re.compile(
    r"\brepeat\b|\brepeating\b"
    r"|^(?:now,? |then,? |next,? )?for (?:each|every|all|the remaining|the other)\b"
    r"|\bdo the same\b|\bsame (?:steps|process|sequence|procedure|actions)\b|\bsimilarly\b"
    r"|\bcontinue (?:this|the|with|in|until|these|like)\b|\band so on\b|^(?:\.\.\.|…|etc\.?)$"
    r"|\((?:for|once for) [^)]*\b(?:each|every|all)\b|\b\d+ times\b"
    r"|\bsteps? \d+\s*(?:-|to|through)\s*\d+ (?:for|until)\b"
    r"|\bperform the following\b.*\beach\b"
)
_STATEMENT = re.compile(
    r"\b(?:is|are|was|were|now|becomes?|contains?|remains?|has|have|so|since|because|if|this|there"
    r"|ensures?|verify|check|confirm|continue|wait|stay|done|goal|finish|prepare|position|decide"
    r"|identify|select|choose|locate|pick one|plan|final|total|optional|note|nothing|needed"
    r"|completed?|already|will|should|all)\b"
)


def classify(vocabulary: TaskVocabulary, lines: list[Line]) -> list[Item]:
    """Classifies every line of an answer.

    Args:
        vocabulary: The task's words.
        lines: The answer's lines.
    """
    items = _without_remarks(vocabulary, _expand_tables(vocabulary, lines))
    numbered = [i for i in items if i.line.ordinal is not None and i.kind is not LineKind.HEADING]
    steps = sum(i.kind in (LineKind.STEP, LineKind.LOOP) for i in numbered)
    if not numbered or steps * 2 < len(numbered):
        return [replace(i, kind=LineKind.TEXT) if i.kind is LineKind.ODD else i for i in items]
    return items


def _without_remarks(vocabulary: TaskVocabulary, items: list[Item]) -> list[Item]:
    """Takes ``robot2 paints the tile`` for a remark where steps read ``robot2: paint up``."""
    agents = vocabulary.task.objects_by_type.get(vocabulary.lexicon.agent or "", ())

    names = "|".join(map(re.escape, agents))
    orders = re.compile(rf"(?:{names}): [a-z]+")
    if (
        not agents
        or sum(i.kind is LineKind.STEP and bool(orders.match(i.line.text)) for i in items) < 2
    ):
        return items
    tells = re.compile(rf"(?:{names}) [a-z]+s\b")
    return [
        replace(i, kind=LineKind.DETAIL, drafts=())
        if i.kind is LineKind.STEP and not i.line.marked and tells.match(i.line.text)
        else i
        for i in items
    ]


def section_of(text: str) -> Section | None:
    """Returns the kind of section that a heading opens, ``None`` if it does not say."""
    if _ABOUT.search(text):
        return Section.ASIDE
    if _OUTLINE_WORDS.search(text):
        return Section.OUTLINE
    if _ANNOUNCED.search(text) and not _SUMMARY_WORDS.search(text):
        return Section.PLAN
    if _SUMMARY_WORDS.search(text) and not re.search(r"\b(?:assignment|state)", text):
        return Section.SUMMARY
    if _REASONS.search(text):
        return Section.ASIDE
    if re.search(r"\b(?:final|initial|goal|resulting) (?:state|position|pattern|config)", text):
        return Section.ASIDE
    if _PLAN_WORDS.search(text) and not re.match(r"(?:explanation|notes?|total|why)\b", text):
        return Section.PLAN
    if _ASIDE_WORDS.search(text):
        return Section.ASIDE
    return None


def _expand_tables(vocabulary: TaskVocabulary, lines: list[Line]) -> list[Item]:
    items: list[Item] = []
    header: tuple[str, ...] = ()
    for line in lines:
        if not line.cells:
            header = header if not line.text else ()
            items.append(_classify_line(vocabulary, line))
            continue
        if not header:
            header = line.cells
            if any(cell in ("action", "actions", "step", "robot") for cell in header):
                items.append(Item(line, LineKind.DETAIL))
                continue
        items.append(_table_row(vocabulary, line, header))
    return items


_COLUMN_PREPOSITIONS = ("from", "to", "in", "on", "at", "with", "into", "onto")


def _table_row(vocabulary: TaskVocabulary, line: Line, header: tuple[str, ...]) -> Item:
    """Reads a table row as a sentence: actor, action, then the other columns as objects."""
    named = dict(zip(header, line.cells, strict=False))
    action = next((text for name, text in named.items() if name.startswith("action")), None)
    if action is None:
        return _agents_row(vocabulary, line, named)
    text = action
    bare = not vocabulary.refs(action)  # the action's objects stand in columns of their own
    for name, cell in named.items():
        words = name.split()
        if cell in ("", "-", "–", "none", "n/a") or cell is action:
            continue
        if name in ("robot", "agent", "actor"):
            text = f"{cell} {text}"
        elif words and words[0] in _COLUMN_PREPOSITIONS and "/" not in name:
            text = f"{text} {words[0]} {cell}"
        elif name in ("gripper", "hand", "arm", "tool"):
            text = f"{text} with {cell} {name}"
        elif name in ("object", "objects", "item", "target") or (bare and _one(vocabulary, cell)):
            text = f"{text} {cell}"
    drafts = tuple(read_steps(vocabulary, text, line.number))
    first = line.cells[0]
    ordinal = int(first) if first.isdigit() else None
    numbered = replace(line, text=text, ordinal=ordinal, marked=True)
    return Item(numbered, LineKind.STEP if drafts else LineKind.DETAIL, drafts)


def _agents_row(vocabulary: TaskVocabulary, line: Line, named: dict[str, str]) -> Item:
    """Reads a row in which every acting object has a column of its own; from left to right."""
    agents = vocabulary.task.objects_by_type.get(vocabulary.lexicon.agent or "", ())
    drafts: list[Draft] = []
    for name, cell in named.items():
        found = [r.objects[0] for r in vocabulary.refs(name) if r.exact]
        if len(found) == 1 and found[0] in agents and cell:
            drafts += read_steps(vocabulary, f"{found[0]} {cell}", line.number)
    numbered = replace(line, marked=True)
    return Item(numbered, LineKind.STEP if drafts else LineKind.DETAIL, tuple(drafts))


def _one(vocabulary: TaskVocabulary, cell: str) -> bool:
    found = vocabulary.object_named(cell)
    return found is not None and found.exact


def _classify_line(vocabulary: TaskVocabulary, line: Line) -> Item:
    text = line.text
    if not text:
        return Item(line, LineKind.BLANK)
    label = line.label
    if label is not None:
        name, rest = label
        if _ACTION_LABEL.match(name) and (not line.heading or line.indent):
            if _LOOP.search(rest):
                return Item(line, LineKind.LOOP)
            drafts = tuple(read_steps(vocabulary, rest, line.number))
            return Item(line, LineKind.ACTION if drafts or not rest else LineKind.DETAIL, drafts)
        if not rest and line.heading and _NOTES.match(name):
            return Item(line, LineKind.HEADING, section=Section.ASIDE)
        if _INNER_LABEL.match(name) or (rest and _OUTER_LABEL.match(name)):
            return Item(line, LineKind.DETAIL)
    looped = re.match(r"(?:after|once|when)\b[^,]*\b(?:repeat|all)[^,]*,\s*", text)
    if looped:
        text = text[looped.end() :]
    elif _LOOP.search(text):
        refs = tuple(vocabulary.refs(text))
        return Item(line, LineKind.LOOP, refs=refs)
    drafts = tuple(read_steps(vocabulary, text, line.number))
    if drafts and dropped(text):
        return Item(line, LineKind.DETAIL)
    if line.heading:
        refs = tuple(vocabulary.refs(text))
        return Item(line, LineKind.HEADING, drafts, refs, section_of(text))
    if drafts:
        return Item(line, LineKind.STEP, drafts)
    if line.titled:
        refs = tuple(vocabulary.refs(text))
        return Item(line, LineKind.HEADING, (), refs, section_of(text))
    if line.ordinal is not None and not _STATEMENT.search(text) and not vocabulary.ignored(text):
        return Item(line, LineKind.ODD, (Draft((), text, line.number, line.number),))
    return Item(line, LineKind.TEXT, refs=())
