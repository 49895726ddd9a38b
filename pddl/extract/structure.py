"""Puts the steps of an answer together into candidate plans."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from surefoot.pddl.extract.drafts import Draft, merge
from surefoot.pddl.extract.items import Item, LineKind, Section
from surefoot.pddl.extract.loops import Loop, index_of, read_loop
from surefoot.pddl.extract.sentences import read_steps
from surefoot.pddl.extract.vocabulary import TaskVocabulary

_REVISION = re.compile(
    r"\b(?:revised|corrected|adjusted|updated|improved|combin(?:ed|ing))\b"
    r".*\b(?:plan|sequence|solution|approach|steps?|actions)\b"
    r"|\b(?:final|complete|full|new)\b.*\b(?:plan|sequence|solution)\b"
    r"|\blet's (?:revise|correct|retry|redo)\b"
)
ELLIPSIS = re.compile(r"[.…\s]+|etc\.?")
_ONE_STEP = re.compile(r"\brepeat [`'\"]?(\w[^,;:]*?)[`'\"]? for (?:all|each|every|the)\b")
_PARTLY = re.compile(r"\b(?:revised|corrected|adjusted|updated) steps? (\d+)\b")
_RULES = re.compile(r"\b(?:constraints?|rules?|restrictions?|requirements?|directions?):?$")
_OPTION = re.compile(r"^(?:option|approach|method|plan|solution|variant) (?:\d|[a-d]\b)")
_ALTERNATIVE = re.compile(r"\balternative(?:ly)?\b")
_TROUBLE = re.compile(
    r"\b(?:conflict|violat|mistake|doesn't work|does not work|incorrect|not possible|issue|problem"
    r"|wrong|impossible|cannot proceed)"
)


@dataclass
class ListedStep:
    """A draft with the place that it had in its list."""

    draft: Draft
    ordinal: int | None = None
    indent: int = 0


@dataclass
class LoopMark:
    """A loop met while reading, to be unrolled when its body is known."""

    loop: Loop
    line: int
    forward: bool
    length: int = 0
    """For a forward loop, how many entries after it belong to its body."""
    indent: int = 0
    replaces: int = 0
    """How many entries before it only announce it, if it has a body."""
    inline: tuple[Draft, ...] = ()
    """Steps that the loop's own line states; its body if none follows."""
    single: bool = False
    """Whether it repeats one step that it names, not all steps before it."""


Entry = ListedStep | LoopMark


@dataclass
class Block:
    """A stretch of steps between headings that start a list anew.

    Attributes:
        section: What it is for.
        revision: Whether its heading takes back what stands before it.
        option: Whether its heading offers it as one of several plans.
        entries: Its steps and loops.
        part_start: Where the current heading's steps begin.
    """

    section: Section
    revision: bool = False
    option: bool = False
    entries: list[Entry] = field(default_factory=list)
    part_start: int = 0


@dataclass
class _Title:
    item: Item
    start: int
    used: bool = False


class Assembler:
    """Walks over classified lines and collects blocks of steps.

    Args:
        vocabulary: The task's words.
    """

    def __init__(self, vocabulary: TaskVocabulary) -> None:
        self.vocabulary = vocabulary
        self.blocks: list[Block] = [Block(Section.PLAN)]
        self._section = Section.PLAN
        self._agent: str | None = None
        self._focus: tuple[str, ...] = ()
        self._title: _Title | None = None
        self._muted: int | None = None
        self._listing: int | None = None  # indent of a bare 'Actions:' label
        self._open_loop: tuple[LoopMark, Item] | None = None
        agent = vocabulary.lexicon.agent
        self._agents = frozenset(vocabulary.task.objects_of((agent,))) if agent else frozenset()

    def run(self, items: Sequence[Item]) -> list[Block]:
        """Reads all lines and returns the blocks that hold steps."""
        for index, item in enumerate(items):
            following = next((i for i in items[index + 1 :] if i.kind is not LineKind.BLANK), None)
            self._take(item, following, items[max(0, index - 6) : index])
        self._close_loop()
        return [b for b in self.blocks if any(isinstance(e, ListedStep) for e in b.entries)]

    @property
    def _block(self) -> Block:
        return self.blocks[-1]

    def _take(self, item: Item, following: Item | None, before: Sequence[Item]) -> None:
        line = item.line
        if self._muted is not None and item.kind is not LineKind.BLANK:
            if line.indent > self._muted and item.kind in (
                LineKind.STEP,
                LineKind.TEXT,
                LineKind.DETAIL,
            ):
                return
            self._muted = None
        if self._listing is not None and item.kind is not LineKind.BLANK:
            if line.indent > self._listing and item.kind is LineKind.STEP:
                self._action(item)
                return
            self._listing = None
        match item.kind:
            case LineKind.HEADING:
                rules = _RULES.search(line.text)
                if item.drafts and not rules and self._titles_a_step(following):
                    self._step(item)
                else:
                    self._heading(item, before)
            case LineKind.DETAIL:
                if line.text.endswith(":"):
                    self._muted = line.indent
            case LineKind.LOOP:
                self._loop(item)
            case LineKind.STEP | LineKind.ODD:
                self._step(item)
            case LineKind.ACTION:
                if not item.drafts:
                    self._listing = line.indent
                self._action(item)
            case _:
                pass

    @staticmethod
    def _titles_a_step(following: Item | None) -> bool:
        return following is not None and following.kind in (LineKind.ACTION, LineKind.DETAIL)

    def _heading(self, item: Item, before: Sequence[Item]) -> None:
        self._title = None
        text = item.line.text
        if self._open_loop is not None and not self._inside_loop(item):
            self._close_loop()
        partly = _PARTLY.search(text)
        if partly is not None and self._drop_from(int(partly.group(1))):
            return
        section = item.section
        agents = [
            r.objects[0]
            for r in item.refs
            if r.exact and r.objects[:1] and r.objects[0] in self._agents
        ]
        revision = bool(_REVISION.search(text)) and not agents
        if _ALTERNATIVE.search(text) and not agents:
            revision = any(_TROUBLE.search(i.line.text) for i in before)
            if not revision and any(b.entries for b in self.blocks):
                section = Section.OUTLINE  # a hypothetical second plan
        option = bool(_OPTION.match(text))
        if option and section is not Section.ASIDE:
            section = Section.PLAN
        if section is not None:
            self._section = section
        if len(set(agents)) == 1:
            self._agent = agents[0]
        elif agents or section is not None:
            self._agent = None
        exact = tuple(r.objects[0] for r in item.refs if r.exact and r.objects)
        indices = {index_of(o) for o in exact}
        self._focus = exact if len(indices) == 1 else ()
        if section is not None or revision:
            self._new_block(revision)
            self._block.option = self._block.option or option
        self._block.part_start = len(self._block.entries)

    def _drop_from(self, ordinal: int) -> bool:
        """Takes back the steps from a number on; tells whether there is such a step."""
        for at, entry in enumerate(self._block.entries):
            if (
                isinstance(entry, ListedStep)
                and entry.ordinal is not None
                and entry.ordinal >= ordinal
            ):
                del self._block.entries[at:]
                return True
        return False

    def _new_block(self, revision: bool = False) -> None:
        if self._open_loop is not None:
            return
        if self._block.entries or self._block.section is not self._section:
            self.blocks.append(Block(self._section))
        self._block.section = self._section
        self._block.revision = self._block.revision or revision

    def _drafts(self, item: Item) -> list[Draft]:
        return [replace(d, focus=self._focus, agent=self._agent) for d in item.drafts]

    def _step(self, item: Item) -> None:
        if self._section is Section.ASIDE:
            return
        line = item.line
        if self._open_loop is not None and not self._inside_loop(item):
            self._close_loop()
        title = self._title
        child = (
            title is not None
            and line.indent > title.item.line.indent
            and line.ordinal is None
            and item.kind is LineKind.STEP
        )
        if child and title is not None:
            self._refine(title, self._drafts(item))
            return
        starts_anew = line.ordinal == 1 and self._last_ordinal() not in (None, 0)
        if starts_anew and line.indent == 0:
            self._new_block()
        start = len(self._block.entries)
        for draft in self._drafts(item):
            self._block.entries.append(ListedStep(draft, line.ordinal, line.indent))
        self._title = _Title(item, start)

    def _action(self, item: Item) -> None:
        if self._section is Section.ASIDE:
            return
        if not item.drafts:
            return
        if self._title is not None:
            self._refine(self._title, self._drafts(item))
        else:
            self._block.entries.extend(ListedStep(d) for d in self._drafts(item))

    def _refine(self, title: _Title, drafts: list[Draft]) -> None:
        """Puts more precise steps in the place of their title, or adds to them."""
        entries = self._block.entries
        head = title.item.line
        if not title.used:
            title.used = True
            stated = [e for e in entries[title.start :] if isinstance(e, ListedStep)]
            if drafts and stated and len(entries) - title.start == len(stated):
                joined = merge(drafts[0], stated[-1].draft) if len(stated) == 1 else None
                del entries[title.start :]
                if joined is not None:
                    drafts = [joined, *drafts[1:]]
        entries.extend(ListedStep(d, head.ordinal, head.indent) for d in drafts)

    def _last_ordinal(self) -> int | None:
        for entry in reversed(self._block.entries):
            if isinstance(entry, ListedStep) and entry.ordinal is not None:
                return entry.ordinal
        return None

    def _loop(self, item: Item) -> None:
        if self._section is Section.ASIDE:
            return
        text = item.line.text
        loop = read_loop(self.vocabulary, text)
        block = self._block
        if ELLIPSIS.fullmatch(text):
            block.entries.append(LoopMark(loop, item.line.number, False))
            return
        title = self._title
        replaces = 0
        if title is not None and not title.used and item.line.indent > title.item.line.indent:
            replaces = len(block.entries) - title.start
            title.used = True
        forward = bool(re.match(r"(?:_|now,? |then,? |action: )?for (?:each|every|all)", text))
        forward = forward or bool(re.search(r"\bfollowing\b|\bbelow\b|\bfrom here\b|:$", text))
        forward = forward or item.line.heading or "(repeat" in text
        if loop.first is not None and (self._last_ordinal() or 0) < loop.first:
            forward = True
        if self._open_loop is not None and forward and loop.first is None:
            open_mark = self._open_loop[0]
            if not loop.indices:
                return  # 'repeat the following 9 times' below 'for each of the 9 hubs'
            if block.entries and block.entries[-1] is open_mark:
                open_mark.loop = loop if len(loop.indices) > 1 else open_mark.loop
                return  # the same loop announced twice
        self._close_loop()
        tail = re.split(r"[,:]\s", text, maxsplit=1)[1:] or [""]
        inline = tuple(read_steps(self.vocabulary, tail[0], item.line.number)) if forward else ()
        said = _ONE_STEP.search(text)
        single = bool(
            said and len(read_steps(self.vocabulary, said.group(1), item.line.number)) == 1
        )
        forward = forward and not single
        mark = LoopMark(
            loop,
            item.line.number,
            forward,
            indent=item.line.indent,
            replaces=replaces,
            inline=inline,
            single=single,
        )
        block.entries.append(mark)
        if forward and loop.first is None:
            self._open_loop = (mark, item)
            self._title = None

    def _inside_loop(self, item: Item) -> bool:
        if self._open_loop is None:
            return False
        head = self._open_loop[1].line
        line = item.line
        if item.kind is LineKind.HEADING:
            part = line.marked and line.ordinal is None and not head.marked  # 'a. Loosening'
            empty = self._block.entries[-1:] == [self._open_loop[0]]
            one = any(r.objects and not r.many for r in item.refs)
            return line.indent > head.indent or part or empty or one
        if line.indent != head.indent:
            return line.indent > head.indent
        return not head.marked or (head.ordinal is not None and line.ordinal is None)

    def _close_loop(self) -> None:
        if self._open_loop is not None:
            mark = self._open_loop[0]
            at = next(i for i, e in enumerate(self._block.entries) if e is mark)
            mark.length = len(self._block.entries) - at - 1
            self._open_loop = None
