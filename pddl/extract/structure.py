"""Puts the steps of an answer together into candidate plans."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from surefoot.pddl.extract import doubts
from surefoot.pddl.extract.discourse import withdraws
from surefoot.pddl.extract.document import Line
from surefoot.pddl.extract.drafts import Draft, fixed, merge, noted
from surefoot.pddl.extract.formal import complete, parameter_for
from surefoot.pddl.extract.items import looks_like_step, statement
from surefoot.pddl.extract.kinds import Item, LineKind, Section
from surefoot.pddl.extract.loops import Loop, index_of, read_loop
from surefoot.pddl.extract.sentences import denies_call, read_steps
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
        whole: Whether what it replaces was taken back explicitly, however long it was.
        withdrawn: Whether the answer takes it back without putting another in its place.
        phase: Number of the heading that it stands under (``Step 2: Deliver it``).
        entries: Its steps and loops.
        doubts: What makes its reading doubtful.
    """

    section: Section
    revision: bool = False
    option: bool = False
    whole: bool = False
    withdrawn: bool = False
    phase: int | None = None
    entries: list[Entry] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)


_LOOP_DONE = re.compile(
    r"^(?:after|once|when|now that|with|as soon as)\b[^,:]*\b(?:all|every|each|the loop|this)\b"
    r"[^,:]*\b(?:have|has|are|is|been|being|done|processed|complete|finished|replaced|handled"
    r"|changed|moved|delivered|loop)\b"
    r"|^(?:finally|lastly|after (?:the loop|that|this|repeating|completing|finishing|processing)"
    r"|end (?:of )?(?:the )?(?:for|loop|repeat)|final steps?|clean ?up)\b"
)
_DENIES = re.compile(
    r"^(?:please )?(?:do not|don't|never|skip|omit|avoid|no need to|there is no need|not needed"
    r"|not necessary|this step (?:is not|can be)|ignore this)\b"
)
_CONCURRENT_HEADING = re.compile(r"\b(?:simultaneous|parallel|concurrent)")


def _strict(drafts: Sequence[Draft]) -> bool:
    return any(d.readings and d.readings[0].strict for d in drafts)


def _following(items: Sequence[Item]) -> list[list[Item]]:
    """Lists for every line what follows it up to the next heading, at most a few lines."""
    kept = [i for i in items if i.kind is not LineKind.BLANK]
    place = {id(item): at for at, item in enumerate(kept)}
    result: list[list[Item]] = []
    for item in items:
        found: list[Item] = []
        start = place.get(id(item))
        for later in kept[start + 1 : start + 9] if start is not None else ():
            if later.kind is LineKind.HEADING:
                break
            found.append(later)
        result.append(found)
    return result


@dataclass
class _Title:
    item: Item
    start: int
    used: bool = False
    labelled: bool = False
    """Whether it is an ``Action:`` line without a title above it."""


class Assembler:
    """Walks over classified lines and collects blocks of steps.

    Args:
        vocabulary: The task's words.
        whole: Whether parts that look like asides count as well.
    """

    def __init__(self, vocabulary: TaskVocabulary, *, whole: bool = False) -> None:
        self.vocabulary = vocabulary
        self._whole = whole
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
        self._unknown = False  # whether the heading names something that does not exist
        self._pending = False  # whether the plan so far was taken back
        self._heading_steps = 0
        self._between = 0
        self._phase: int | None = None
        self._said_above: Draft | None = None
        self.unread = 0
        """Number of listed lines outside of asides that look like steps and were not read."""
        self.set_aside = 0
        """Number of steps met in parts that are not the plan."""

    def run(self, items: Sequence[Item]) -> list[Block]:
        """Reads all lines and returns the blocks that hold steps."""
        after = _following(items)
        for index, item in enumerate(items):
            self._take(item, after[index], items[max(0, index - 6) : index])
        self._close_loop()
        if self._pending:
            for block in self.blocks:
                block.withdrawn = block.withdrawn or block is self._block
        return [b for b in self.blocks if any(isinstance(e, ListedStep) for e in b.entries)]

    @property
    def _block(self) -> Block:
        return self.blocks[-1]

    def _take(self, item: Item, following: Sequence[Item], before: Sequence[Item]) -> None:
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
        if self._open_loop is not None and _LOOP_DONE.search(line.text):
            self._close_loop()
            if item.kind is not LineKind.STEP:
                self._title = None
                return
        self._watch(item)
        if (
            (line.marked or line.fenced)
            and self._section is not Section.ASIDE
            and not statement(line.text)
        ):
            self.unread += looks_like_step(self.vocabulary, item)
        self._discourse(item)
        match item.kind:
            case LineKind.HEADING:
                rules = _RULES.search(line.text)
                titles = not rules and self._titles_a_step(item, following)
                if item.drafts and titles:
                    self._heading_steps += 1
                    self._step(item)
                elif titles and self._heading_steps and self._is_odd(item):
                    code = (doubts.INVENTED,)
                    draft = Draft((), line.text, line.number, line.number, doubts=code)
                    self._step(replace(item, drafts=(draft,)))
                else:
                    self._heading(item, before)
                    own = [i for i in following if i.kind is LineKind.STEP]
                    self._heading_steps += bool(own) and line.ordinal is not None
                    one = len(own) == len(item.drafts) == 1
                    self._said_above = item.drafts[0] if one else None
            case LineKind.DETAIL:
                if line.text.endswith(":"):
                    self._muted = line.indent
            case LineKind.ARGUMENTS:
                self._arguments(item)
            case LineKind.LOOP:
                self._loop(item)
            case LineKind.STEP | LineKind.ODD:
                self._step(item)
            case LineKind.TEXT if line.ordinal is not None and self._section is Section.PLAN:
                # what stands below belongs to this item, not to the one before
                self._title = _Title(item, len(self._block.entries))
            case LineKind.ACTION:
                if not item.drafts:
                    self._listing = line.indent
                self._action(item)
            case _:
                pass

    @staticmethod
    def _titles_a_step(item: Item, following: Sequence[Item]) -> bool:
        """Tells a heading that is a step from one that stands over steps."""
        if not following:
            return item.line.ordinal is not None
        first = following[0]
        if first.kind in (LineKind.ACTION, LineKind.DETAIL, LineKind.ARGUMENTS):
            return True
        if item.line.ordinal is None:
            return False
        # 'Step 1: Fetch the ball' over steps of its own is a phase
        return not any(i.kind in (LineKind.STEP, LineKind.LOOP) for i in following)

    def _watch(self, item: Item) -> None:
        """Counts sentences between steps that could be steps and were not read."""
        if item.kind is LineKind.STEP:
            self.unread += self._between
            self._between = 0
        elif item.kind is LineKind.HEADING:
            self._between = 0
        elif (
            item.kind is LineKind.TEXT
            and not item.line.marked
            and self._section is Section.PLAN
            and self._block.entries
            and not statement(item.line.text)
        ):
            self._between += looks_like_step(self.vocabulary, item)

    def _is_odd(self, item: Item) -> bool:
        """Returns whether a numbered heading among steps is a step that does not exist."""
        numbered = item.line.ordinal is not None and item.section is not Section.ASIDE
        return (
            numbered
            and not statement(item.line.text)
            and not self.vocabulary.ignored(item.line.text)
        )

    def _discourse(self, item: Item) -> None:
        """Notes what a line says of the plan before it."""
        text = item.line.text
        if item.kind in (LineKind.BLANK, LineKind.STEP, LineKind.ACTION, LineKind.ARGUMENTS):
            return
        if not any(isinstance(e, ListedStep) for e in self._block.entries):
            return
        denied = _DENIES.match(text) or denies_call(text)
        if self._title is not None and denied and item.kind is not LineKind.HEADING:
            self._deny()
        inner = self._title is not None and item.line.indent > self._title.item.line.indent
        if _CONCURRENT_HEADING.search(text) and item.kind is LineKind.HEADING:
            self._block.doubts.add(doubts.PARALLEL)
        if self._section is Section.ASIDE or not withdraws(text):
            return
        if inner or (item.line.ordinal is not None and item.kind is not LineKind.HEADING):
            self._block.doubts.add(doubts.WITHDRAWN)
        else:
            self._pending = True

    def _deny(self) -> None:
        """Marks the steps of the current title: what stands below says not to take them."""
        assert self._title is not None
        for entry in self._block.entries[self._title.start :]:
            if isinstance(entry, ListedStep):
                entry.draft = noted(entry.draft, doubts.CONTRADICTION)

    def _arguments(self, item: Item) -> None:
        """Binds arguments that stand below their step."""
        title = self._title
        if self._section is Section.ASIDE or title is None or not self._block.entries:
            return
        entry = self._block.entries[-1]
        if not isinstance(entry, ListedStep) or item.line.indent < title.item.line.indent:
            return
        args = [value for key, value in item.arguments if not key]
        named = [(key, value) for key, value in item.arguments if key]
        if len(self._block.entries) - title.start != 1:
            return
        if named and not any(
            parameter_for(self.vocabulary, r.action, key, [None] * len(r.slots)) is not None
            for key, _ in named
            for r in entry.draft.readings
        ):
            return  # 'location: room2' tells a state
        if args and not title.used and item.line.number > entry.draft.last_line + 3:
            return
        title.used = True
        draft = complete(self.vocabulary, entry.draft, args, named)
        entry.draft = replace(draft, last_line=max(draft.last_line, item.line.number))

    def _heading(self, item: Item, before: Sequence[Item]) -> None:
        self._title = None
        text = item.line.text
        self._phase = item.line.ordinal
        if self._open_loop is not None and not self._inside_loop(item):
            self._close_loop()
        partly = _PARTLY.search(text)
        if partly is not None and self._drop_from(int(partly.group(1))):
            return
        section = item.section
        if self._whole and section is Section.ASIDE:
            section = None
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
        strange = [r for r in item.refs if r.unknown]
        self._unknown = bool(strange) and section is not Section.ASIDE
        if not agents and any(self._agents.intersection(r.like) for r in strange):
            self._agent = strange[0].text
        exact = tuple(r.objects[0] for r in item.refs if r.exact and r.objects)
        indices = {index_of(o) for o in exact}
        self._focus = exact if len(indices) == 1 else ()
        if self._pending and section is not Section.ASIDE:
            self._take_back()
        elif section is not None or revision:
            self._new_block(revision)
            self._block.option = self._block.option or option

    def _take_back(self) -> None:
        """Begins the plan that replaces the one taken back."""
        self._pending = False
        self._section = Section.PLAN
        self.blocks.append(Block(Section.PLAN, revision=True, whole=True))
        self._title = None

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
            self.blocks.append(Block(self._section, phase=self._phase))
        self._block.section = self._section
        self._block.revision = self._block.revision or revision

    def _drafts(self, item: Item) -> list[Draft]:
        drafts = [replace(d, focus=self._focus, agent=self._agent) for d in item.drafts]
        if not self._unknown:
            return drafts
        return [replace(d, doubts=(*d.doubts, doubts.VAGUE)) for d in drafts]

    def _step(self, item: Item) -> None:
        if self._section is Section.ASIDE:
            self.set_aside += len(item.drafts)
            return
        line = item.line
        if self._pending:
            self._after_withdrawal(line.ordinal)
        if self._open_loop is not None and not self._inside_loop(item):
            self._close_loop()
        title = self._title
        child = (
            title is not None
            and (line.indent > title.item.line.indent or self._is_code_of(title, line))
            and line.ordinal is None
            and item.kind is LineKind.STEP
        )
        if child and title is not None:
            self._refine(title, self._drafts(item), _strict(item.drafts))
            return
        starts_anew = line.ordinal == 1 and self._last_ordinal() not in (None, 0)
        if starts_anew and line.indent == 0:
            self._new_block()
        start = len(self._block.entries)
        drafts = self._drafts(item)
        above, self._said_above = self._said_above, None
        if above is not None and len(drafts) == 1 and above.actions & drafts[0].actions:
            # a heading over a single step is its title
            joined = merge(drafts[0], above)
            drafts = [joined or noted(drafts[0], doubts.CONTRADICTION)]
        for draft in drafts:
            self._block.entries.append(ListedStep(draft, line.ordinal, line.indent))
        self._title = _Title(item, start)

    @staticmethod
    def _is_code_of(title: _Title, line: Line) -> bool:
        """Returns whether a line is the code that stands below a numbered title."""
        head = title.item.line
        return line.fenced and not head.fenced and head.ordinal is not None and not title.used

    def _after_withdrawal(self, ordinal: int | None) -> None:
        """Decides how much was taken back, by the number of the step that follows."""
        last = self._last_ordinal()
        if (ordinal is not None and last is not None and ordinal == last + 1) or (
            ordinal is not None and ordinal > 1 and self._drop_from(ordinal)
        ):
            self._block.doubts.add(doubts.WITHDRAWN)
            self._pending = False
        else:
            self._take_back()

    def _action(self, item: Item) -> None:
        if self._section is Section.ASIDE:
            self.set_aside += len(item.drafts)
            return
        if not item.drafts:
            return
        if self._pending:
            self._after_withdrawal(None)
        if self._title is not None and not self._title.labelled:
            self._refine(self._title, self._drafts(item), True)
        else:
            start = len(self._block.entries)
            self._block.entries.extend(ListedStep(d) for d in self._drafts(item))
            self._title = _Title(item, start, labelled=True)  # arguments may stand below it

    def _refine(self, title: _Title, drafts: list[Draft], formal: bool) -> None:
        """Puts more precise steps in the place of their title, or adds to them."""
        entries = self._block.entries
        head = title.item.line
        if not title.used:
            stated = [e for e in entries[title.start :] if isinstance(e, ListedStep)]
            if drafts and stated and len(entries) - title.start == len(stated):
                said = stated[-1].draft
                joined = merge(drafts[0], said) if len(stated) == 1 else None
                if joined is not None:
                    drafts = [joined, *drafts[1:]]
                elif len(stated) == 1 and said.actions & drafts[0].actions:
                    if not formal and fixed(said):  # a remark never overrides a stated step
                        stated[-1].draft = noted(said, doubts.REMARKED)
                        return
                    drafts = [noted(drafts[0], doubts.CONTRADICTION), *drafts[1:]]
                elif len(stated) == 1 and fixed(said) and not formal:
                    stated[-1].draft = noted(said, doubts.REMARKED)
                    return
                del entries[title.start :]
            title.used = True
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
