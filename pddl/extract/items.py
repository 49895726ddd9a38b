"""Classifies the lines of an answer: steps, labels, headings, loops and the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from surefoot.pddl.extract import doubts
from surefoot.pddl.extract.cues import no_action_sentence
from surefoot.pddl.extract.discourse import withdraws
from surefoot.pddl.extract.document import Line, LiteralPlan, plain
from surefoot.pddl.extract.drafts import Draft, says
from surefoot.pddl.extract.formal import Call, bare_call, colon_call, find_calls, is_name, read_call
from surefoot.pddl.extract.kinds import Item, LineKind, Section
from surefoot.pddl.extract.sentences import dropped, read_steps
from surefoot.pddl.extract.tables import read_row, with_headers
from surefoot.pddl.extract.vocabulary import TaskVocabulary

_REASONS = re.compile(
    r"\b(?:because|since|better suited|needs? to perform fewer|fewer (?:moves|steps|actions)"
    r"|as (?:it|he|she|they) (?:is|are|has|have|needs?|can|must)|optimal choice)\b"
)
"""A heading that argues for a choice; the steps below it are weighed, not taken."""
_ACTION_LABEL = re.compile(
    r"^(?:adjust(?:ed)? )?(?:pddl )?(?:actions?|commands?|operations?|behaviou?rs?)"
    r"(?: \d+)?(?: \([^)]*\))?$"
)
_ARGUMENTS_LABEL = re.compile(
    r"^(?:arguments?|args?|param(?:eter)?s?|objects?(?: (?:involved|used))?|inputs?|operands?"
    r"|variables?|entities|bindings?)(?: ?\([^)]*\))?$"
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
    r"|terminology|glossary|abbreviations?|notation|nomenclature|available (?:actions|operators)"
    r"|(?:actions?|operators?) (?:available|definitions?|descriptions?|explained|meanings?)"
    r"|execution details|coordination|comments?|remarks?"
    r"|legend|analysis|why|justification|strateg(?:y|ic)|observations?|painted tiles|state"
    r"|resulting|positions?|current|understanding|benefits|pre-?conditions?|effects?|domain"
    r"|identif|objects?|result|summary of (?:assignments?|the final)|breakdown"
    r"|(?:total|number of|count(?:ing)?) (?:of )?(?:actions|steps|moves))\b"
)
_ABOUT = re.compile(
    r"^(?:this|the above|these|by)\b.*\b(?:achiev|ensur|satisf|guarantee|meets?|works?|follow)"
)
_LEADS_IN = re.compile(
    r"\b(?:as follows|proceed|here(?:'s| is) how|how to (?:get|go|reach|solve|do)"
    r"|to get (?:from|to|there)|(?:the|these|this) (?:following )?(?:steps|actions|plan|sequence)"
    r"|(?:the )?following|(?:i|we|you)(?:'d| would| can| could| will| should|'ll)? (?:\w+ )?"
    r"(?:do|execute|perform|carry out|suggest|propose|use|take|follow))\b[^.]*:$"
)
_STATES = re.compile(
    r"\b(?:initial|goal|final|resulting|current) (?:state|conditions?|configuration|situation)"
    r"|\b(?:available|defined|permitted|allowed) (?:actions|operators)"
    r"|\b(?:constraints?|rules|objects|assumptions?|facts|observations?|conditions?)\b"
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


def classify(
    vocabulary: TaskVocabulary, lines: list[Line], literals: Sequence[LiteralPlan] = ()
) -> list[Item]:
    """Classifies every line of an answer.

    Args:
        vocabulary: The task's words.
        lines: The answer's lines.
        literals: The parts of it that are data.
    """
    data = {p.first_line: p for p in literals}
    taken = {n for p in literals for n in range(p.first_line, p.last_line + 1)}
    read: list[Item] = []
    refused: set[int] = set()
    for line in with_headers(lines):
        plan = data.pop(line.number, None)
        if plan is not None:
            items = _from_data(vocabulary, plan, line)
            read += items
            if not items:
                refused.update(range(plan.first_line, plan.last_line + 1))
        if line.number in taken and line.number not in refused:
            continue
        read.append(read_row(vocabulary, line) if line.cells else _classify_line(vocabulary, line))
    items = _without_remarks(vocabulary, _with_reports(vocabulary, _as_story(vocabulary, read)))
    if vocabulary.past:
        items = _listed_only(items)
    return _without_facts(items)


def _without_facts(items: list[Item]) -> list[Item]:
    """Takes numbered lines for text in lists that hold fewer steps than other lines."""
    lists: list[list[int]] = []
    last = 0
    for at, item in enumerate(items):
        ordinal = item.line.ordinal
        if ordinal is None or item.kind is LineKind.HEADING:
            continue
        if not lists or ordinal <= last:
            lists.append([])
        lists[-1].append(at)
        last = ordinal
    result = list(items)
    for places in lists:
        steps = sum(items[at].kind in (LineKind.STEP, LineKind.LOOP) for at in places)
        if steps * 2 < len(places):
            for at in places:
                if items[at].kind is LineKind.ODD:
                    result[at] = replace(items[at], kind=LineKind.TEXT)
    return result


def _from_data(vocabulary: TaskVocabulary, plan: LiteralPlan, line: Line) -> list[Item]:
    """Reads a plan that is data; nothing if its entries are no steps of this task."""
    items: list[Item] = []
    known = 0
    for call in plan.calls:
        text = f"{call.name}({', '.join((*call.args, *(v for _, v in call.named)))})"
        formal = Call(call.name, call.args, call.named, call.line, text)
        drafts: list[Draft] = []
        if not call.args and not call.named:
            drafts = read_steps(vocabulary, plain(call.name), call.line)
        drafts = drafts or [read_call(vocabulary, formal)]
        known += all(d.readings for d in drafts)
        place = replace(line, number=call.line, text=text, marked=True, cells=(), heading=False)
        items.append(Item(place, LineKind.STEP, tuple(drafts)))
    return items if 2 * known >= len(items) else []


_PASSIVE = re.compile(r"\b(?:is|are|gets?|was|were|has been|have been|being)\b")


_JUST_STATE = re.compile(
    r"\b(?:is|are|was|were) (?:now |still |already |not )?"
    r"(?:open|clean|empty|clear|free|full|shut)\b"
)


def _runs(items: list[Item]) -> list[tuple[int, bool, int]]:
    """Returns for every line the list that it belongs to: indent, whether numbered, and count."""
    count = 0
    last: dict[int, int] = {}
    result: list[tuple[int, bool, int]] = []
    for item in items:
        line = item.line
        if item.kind is LineKind.HEADING or (
            line.ordinal is not None and line.ordinal <= last.get(line.indent, 0)
        ):
            count += 1
            last = {}
        if line.ordinal is not None:
            last[line.indent] = line.ordinal
        result.append((line.indent, line.ordinal is not None, count))
    return result


def _with_reports(vocabulary: TaskVocabulary, items: list[Item]) -> list[Item]:
    """Reads ``ball1 is picked up by robot1`` where it stands as an item among steps.

    A passive sentence tells a result more often than a step, so it counts only as an item of
    the list that the steps stand in, or where nothing else is a step.
    """
    runs = _runs(items)
    steps = Counter(
        run
        for run, i in zip(runs, items, strict=True)
        if i.kind is LineKind.STEP and i.line.marked and not i.line.cells
    )
    others = Counter(
        run
        for run, i in zip(runs, items, strict=True)
        if i.line.marked and i.kind in (LineKind.TEXT, LineKind.ODD)
    )
    result: list[Item] = []
    for run, item in zip(runs, items, strict=True):
        if (
            item.kind in (LineKind.TEXT, LineKind.ODD, LineKind.DETAIL)
            and item.line.marked
            and (steps[run] or not steps)
            and _PASSIVE.search(item.line.text)
            and not _JUST_STATE.search(item.line.text)
        ):
            drafts = tuple(read_steps(vocabulary.with_past(), item.line.text, item.line.number))
            if drafts and any(d.readings for d in drafts):
                item = replace(item, kind=LineKind.STEP, drafts=drafts)
        if (
            item.kind is LineKind.TEXT
            and item.line.marked
            and steps[run] > others[run]
            and not statement(" ".join(item.line.text.split()[:5]))
            and looks_like_step(vocabulary, item)
        ):
            # between steps, what reads like a step is one that does not exist
            drafts = (_invented(item.line.text, item.line.number),)
            item = replace(item, kind=LineKind.ODD, drafts=drafts)
        result.append(item)
    return result


def _as_story(vocabulary: TaskVocabulary, items: list[Item]) -> list[Item]:
    """Reads single sentences in the past where whole paragraphs are steps."""
    if not any(len(i.drafts) > 2 and not i.line.marked for i in items if i.kind is LineKind.STEP):
        return items
    result: list[Item] = []
    for item in items:
        if item.kind is LineKind.TEXT and not item.line.marked and not item.line.fenced:
            text = item.line.text
            drafts = read_steps(vocabulary.with_past(), text, item.line.number, prose=True)
            if drafts and all(d.readings and says(d) for d in drafts):
                item = replace(item, kind=LineKind.STEP, drafts=tuple(drafts))
        result.append(item)
    return result


def _listed_only(items: list[Item]) -> list[Item]:
    """Keeps to the list where a report has one: what stands outside of it looks back."""
    listed = sum(i.kind is LineKind.STEP and i.line.marked for i in items)
    if listed < 2:
        return items
    return [
        replace(i, kind=LineKind.DETAIL, drafts=())
        if i.kind is LineKind.STEP and not i.line.marked
        else i
        for i in items
    ]


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


def statement(text: str) -> bool:
    """Returns whether a line states how things are, and so is no step."""
    return bool(_STATEMENT.search(text))


def looks_like_step(vocabulary: TaskVocabulary, item: Item) -> bool:
    """Returns whether a line that was not read names an action and an object, like a step."""
    text = item.line.text
    if item.kind not in (LineKind.TEXT, LineKind.ODD) or len(text) > 300 or not text:
        return False
    if any(ref.exact for ref in vocabulary.refs(text)):
        return bool(vocabulary.with_past().phrases(text)) or item.line.marked
    return False


def section_of(text: str) -> Section | None:
    """Returns the kind of section that a heading opens, ``None`` if it does not say."""
    if _ABOUT.search(text):
        return Section.ASIDE
    if _LEADS_IN.search(text) and not _SUMMARY_WORDS.search(text) and not _STATES.search(text):
        return Section.PLAN
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


def _arguments(vocabulary: TaskVocabulary, name: str, rest: str) -> tuple[tuple[str, str], ...]:
    """Reads ``parameters: robot1, ball1`` and ``from: room1``; nothing if it is no such line."""
    values = [t.strip(" .`'\"") for t in re.split(r"\s*[,;]\s*", rest.strip("()[] ."))]
    if _ARGUMENTS_LABEL.match(name):
        pairs = [re.match(r"^\??([a-z][\w -]*?)\s*(?:=|:|->)\s*(\S.*)$", v) for v in values]
        if any(pairs):
            return tuple((m.group(1), m.group(2)) for m in pairs if m)
        if len(values) == 1 and not vocabulary.object_named(values[0]):
            values = values[0].split()
        return tuple(("", v) for v in values if v)
    if len(values) == 1 and (is_name(vocabulary, values[0]) or vocabulary.object_named(values[0])):
        return ((name, values[0]),)
    return ()


def list_of_names(vocabulary: TaskVocabulary, text: str) -> list[str]:
    """Returns the names on a line that holds nothing but names of objects."""
    bare = re.sub(r"^(?:with|using|on|for|of|objects|args)\s+", "", text.strip("()[]. "))
    pieces = re.split(r"\s*,\s*|\s+", bare)
    if not bare or not all(is_name(vocabulary, p) for p in pieces):
        return []
    if not any(p in vocabulary.task.objects for p in pieces):
        return []
    return pieces


def _speaks_of_plan(line: Line, text: str) -> bool:
    """Returns whether a line is about the plan: takes it back, or says that it is empty."""
    return no_action_sentence(text) is not None or (not line.marked and withdraws(text))


def _invented(text: str, number: int) -> Draft:
    return Draft((), text, number, number, doubts=(doubts.INVENTED,))


_DEFINES = re.compile(r"^(?:let|we let)\b.*?\b(?:be|denote|represent|stand for|refer to)\b")


def _is_aside(vocabulary: TaskVocabulary, text: str) -> bool:
    """Returns whether a line is a remark in parentheses and no step in them."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    return not find_calls(vocabulary, text, 1) and bare_call(vocabulary, text, 1) is None


def _classify_line(vocabulary: TaskVocabulary, line: Line) -> Item:
    text = line.text
    if not text:
        return Item(line, LineKind.BLANK)
    if _is_aside(vocabulary, text) or _DEFINES.match(text):
        return Item(line, LineKind.DETAIL)
    label = line.label
    if label is not None:
        name, rest = label
        called = colon_call(vocabulary, text, line.number)
        if called is not None:
            return Item(line, LineKind.STEP, (called,))
        if _ACTION_LABEL.match(name) and (not line.heading or line.indent):
            if _LOOP.search(rest):
                return Item(line, LineKind.LOOP)
            drafts = tuple(read_steps(vocabulary, rest, line.number))
            return Item(line, LineKind.ACTION if drafts or not rest else LineKind.DETAIL, drafts)
        if rest and (said := _arguments(vocabulary, name, rest)):
            return Item(line, LineKind.ARGUMENTS, arguments=said)
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
    names = list_of_names(vocabulary, text)
    if names and not line.heading:
        return Item(line, LineKind.ARGUMENTS, arguments=tuple(("", n) for n in names))
    prose = not line.marked and not line.heading and text.count(". ") >= 1
    drafts = tuple(read_steps(vocabulary, text, line.number, prose=prose))
    if drafts and not any(map(says, drafts)) and _speaks_of_plan(line, text):
        return Item(line, LineKind.TEXT)  # 'Hold on, this plan has a mistake.'
    if drafts and dropped(text):
        return Item(line, LineKind.DETAIL)
    if line.heading:
        refs = tuple(vocabulary.refs(text))
        section = Section.PLAN if line.ordinal is not None else section_of(text)
        return Item(line, LineKind.HEADING, drafts, refs, section)
    if drafts:
        return Item(line, LineKind.STEP, drafts)
    if line.titled:
        refs = tuple(vocabulary.refs(text))
        return Item(line, LineKind.HEADING, (), refs, section_of(text))
    if line.ordinal is not None and not _STATEMENT.search(text) and not vocabulary.ignored(text):
        return Item(line, LineKind.ODD, (_invented(text, line.number),))
    return Item(line, LineKind.TEXT, refs=())
