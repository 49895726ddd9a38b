"""Extracts candidate plans from an answer and chooses the one that it commits to.

The choice looks at the text alone: how passages are headed, whether one restates
another, whether the answer takes an attempt back. It never looks at whether a
candidate is executable or reaches the goal, since that would grade the best of several.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from surefoot.core.thinking import split_reply
from surefoot.pddl.extract import cues, doubts
from surefoot.pddl.extract.aliases import learn_aliases
from surefoot.pddl.extract.binding import MAX_STEPS, ArgumentSource, Binder, BoundStep
from surefoot.pddl.extract.commitment import Refusal, refuses_beside, says_nothing_to_do
from surefoot.pddl.extract.confidence import confidence
from surefoot.pddl.extract.document.lines import MAX_CHARS, Line, clean_text, lines_of
from surefoot.pddl.extract.document.literals import read_literals
from surefoot.pddl.extract.document.markdown import read_layout
from surefoot.pddl.extract.drafts import Draft, says
from surefoot.pddl.extract.items import classify, looks_like_step
from surefoot.pddl.extract.kinds import Section
from surefoot.pddl.extract.lexicon import Lexicon
from surefoot.pddl.extract.structure import Assembler, Block, LoopMark
from surefoot.pddl.extract.unrolling import expand, repeats, stated
from surefoot.pddl.extract.vocabulary import TaskVocabulary
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import Plan, Task

OTHER_READINGS = 2
"""How many other choices are tried where a text leaves one; each costs one more binding."""


class AnswerShape(StrEnum):
    """What an answer turns out to be."""

    PLAN = "plan"
    NO_ACTION = "no_action"
    """It says that nothing needs to be done: the empty plan."""
    REFUSAL = "refusal"
    """It declines, or says that the problem cannot be solved."""
    TRUNCATED = "truncated"
    """It stops in the middle of its plan."""
    UNEXPANDABLE = "unexpandable"
    """A loop in it does not say what its rounds do."""
    UNPARSED = "unparsed"
    """No plan can be made out."""
    EMPTY = "empty"
    """It has no text at all."""


@dataclass(frozen=True, slots=True)
class PlanCandidate:
    """A plan found in an answer.

    Attributes:
        steps: Its steps with their lines.
        first_line: 1-based first line of the passage.
        last_line: 1-based last line.
        role: ``main``, ``revision``, ``restatement``, ``alternative``, ``outline``,
            ``names`` (actions without arguments), ``withdrawn`` or ``no_action``.
        unexpandable: The loop that ends it early, if any.
        doubts: What makes the reading as a whole doubtful, as codes of
            ``surefoot.pddl.extract.doubts``; those of single steps stand with the steps.
        others: The same text with other objects where it leaves a choice. A verdict that does
            not hold for all of them is no verdict.
    """

    steps: tuple[BoundStep, ...]
    first_line: int
    last_line: int
    role: str
    unexpandable: str = ""
    doubts: tuple[str, ...] = ()
    others: tuple[Plan, ...] = ()

    @property
    def plan(self) -> Plan:
        """The plan alone."""
        return Plan(tuple(s.step for s in self.steps))

    def doubts_up_to(self, step: int | None = None) -> tuple[str, ...]:
        """Returns the doubts of the reading as a whole and of its first steps, sorted.

        Args:
            step: Number of the last step that matters, ``None`` for all: what comes behind
                a failure has no part in the verdict.
        """
        own = (code for s in self.steps[:step] for code in s.doubts)
        return tuple(sorted({*self.doubts, *own}))

    def confidence(self, step: int | None = None) -> float:
        """Returns the calibrated probability that the reading is right, in [0, 1].

        Args:
            step: Number of the last step that matters, ``None`` for all.
        """
        return round(confidence(self.doubts_up_to(step)), 3)


@dataclass(frozen=True, slots=True)
class Extraction:
    """Everything found in an answer.

    Attributes:
        form: What the answer is.
        chosen: The candidate that the answer commits to, if it has one.
        candidates: All candidates in text order.
        claims_goal: Whether the answer says that its plan reaches the goal.
        claims_unsolvable: Whether it says that the goal cannot be reached.
        unread: Number of lines that look like steps and were not read as such.
    """

    form: AnswerShape
    chosen: PlanCandidate | None
    candidates: tuple[PlanCandidate, ...]
    claims_goal: bool
    claims_unsolvable: bool
    unread: int = 0


def extract(answer: str, task: Task | GroundTask, lexicon: Lexicon | None = None) -> Extraction:
    """Finds the plan that an answer commits to.

    Args:
        answer: Free text, PDDL-like lines, or data (JSON, YAML, Python, XML).
        task: The task that the answer is for.
        lexicon: Extra words of the domain.

    Returns:
        All candidates with provenance, and the chosen one. Never fails on any text.
    """
    ground = task if isinstance(task, GroundTask) else GroundTask(task)
    if not answer.strip():
        return Extraction(AnswerShape.EMPTY, None, (), False, False)
    vocabulary = TaskVocabulary(ground.task, lexicon or Lexicon())
    return extract_with(answer, ground, vocabulary)


def extract_with(answer: str, ground: GroundTask, vocabulary: TaskVocabulary) -> Extraction:
    """Like :func:`extract`, with the words of the task compiled once for many answers."""
    if not answer.strip():
        return Extraction(AnswerShape.EMPTY, None, (), False, False)
    reply = split_reply(answer)
    if not reply.answer:  # nothing but thinking
        shape = AnswerShape.UNPARSED if reply.finished else AnswerShape.TRUNCATED
        return Extraction(shape, None, (), False, False)
    text = clean_text(reply.visible)
    aliases = learn_aliases(vocabulary, text)
    named = aliases.apply(text)
    codes = {doubts.ALIASED} if named != text else set[str]()
    if aliases.clashing:
        codes.add(doubts.CONTRADICTION)
    found = _read(named, ground, vocabulary, codes)
    if found.unread or (found.chosen is not None and _doubted(found.chosen)):
        # lines that could not be read: perhaps it is a report ('robot1 picked up ball1')
        told = _read(named, ground, vocabulary.with_past(), codes)
        if _num_read(told) >= 2 * max(1, _num_read(found)) and told.unread <= found.unread:
            found = told
    if found.chosen is not None and found.form is AnswerShape.PLAN:
        cut = len(answer) > MAX_CHARS or len(found.chosen.steps) >= MAX_STEPS
        return replace(found, form=AnswerShape.TRUNCATED) if cut else found
    return found


def _doubted(chosen: PlanCandidate) -> bool:
    return bool({doubts.UNREAD, doubts.INVENTED} & set(chosen.doubts_up_to()))


def _num_read(found: Extraction) -> int:
    """Returns the number of steps that name an action of the domain."""
    if found.chosen is None:
        return 0
    return sum(s.source is not ArgumentSource.UNKNOWN for s in found.chosen.steps)


def _read(text: str, ground: GroundTask, vocabulary: TaskVocabulary, known: set[str]) -> Extraction:
    layout = read_layout(text)
    lines = lines_of(text, layout)
    items = classify(vocabulary, lines, read_literals(text, layout.fences))
    assembler = Assembler(vocabulary)
    blocks = assembler.run(items)
    if not blocks and assembler.set_aside > 1:
        # all steps stand under what looked like an aside: then it was none, or is doubtful
        assembler = Assembler(vocabulary, whole=True)
        blocks = assembler.run(items)
        known = known | {doubts.SET_ASIDE}
    candidates = _candidates(blocks, ground, vocabulary, known)
    said = " ".join(line.text for line in lines if line.text)
    unsolvable = cues.says_unsolvable(said)
    claims_goal = cues.claims_goal(_after(lines, candidates)) and not unsolvable
    idle = says_nothing_to_do(vocabulary, items, candidates)
    if idle is not None and not idle.remark:
        empty = PlanCandidate((), idle.line, idle.line, "no_action")
        return Extraction(AnswerShape.NO_ACTION, empty, (empty, *candidates), True, unsolvable)
    chosen = _choose(candidates)
    if chosen is None:
        withdrawn = any(c.role == "withdrawn" for c in candidates)
        refused = unsolvable or withdrawn or cues.refuses(said)
        shape = AnswerShape.REFUSAL if refused else AnswerShape.UNPARSED
        unread = sum(looks_like_step(vocabulary, item) for item in items)
        return Extraction(shape, None, candidates, False, unsolvable, unread)
    refusal = refuses_beside(items, chosen)
    if refusal is Refusal.WHOLE:
        return Extraction(AnswerShape.REFUSAL, None, candidates, False, unsolvable)
    extra = {doubts.DENIED} if refusal is Refusal.UNCLEAR else set[str]()
    if assembler.unread:
        extra.add(doubts.UNREAD)
    if assembler.set_aside > len(chosen.steps):
        extra.add(doubts.SET_ASIDE)
    others = [c for c in candidates if c is not chosen and c.role in ("main", "alternative")]
    if any(c.steps for c in others):
        extra.add(doubts.SEVERAL)
    if idle is not None:
        extra.add(doubts.IDLE)
    codes = {*chosen.doubts, *extra}
    chosen = replace(chosen, doubts=tuple(sorted(codes)))
    form = AnswerShape.PLAN
    if chosen.unexpandable:
        form = AnswerShape.UNEXPANDABLE
    elif _cut_off(lines, chosen):
        form = AnswerShape.TRUNCATED
    return Extraction(form, chosen, candidates, claims_goal, unsolvable, assembler.unread)


@dataclass
class _Group:
    """Blocks that make up one candidate, as written and with loops unrolled."""

    role: str
    written: list[Draft]
    drafts: list[Draft]
    codes: set[str]


def _candidates(
    blocks: list[Block], ground: GroundTask, vocabulary: TaskVocabulary, codes: set[str]
) -> tuple[PlanCandidate, ...]:
    """Joins blocks that continue each other and binds each resulting candidate."""
    groups: list[_Group] = []
    for block in blocks:
        drafts = expand(vocabulary, block)
        if not drafts:
            continue
        own = set(block.doubts)
        if any(isinstance(e, LoopMark) for e in block.entries):
            own.add(doubts.LOOP)
        group = _Group("main", stated(block), drafts, own)
        main = next((g for g in reversed(groups) if g.role in ("main", "revision")), None)
        if block.withdrawn:
            group.role = "withdrawn"
            for earlier in groups:  # what it continues is taken back with it
                earlier.role = "withdrawn"
        elif not any(map(says, group.written)):
            group.role = "names"
        elif block.section is Section.OUTLINE:
            group.role = "outline"
        elif block.whole and main is not None:
            group.role = "revision"
        elif (
            not block.option
            and not (block.phase or 0) > 1  # a later phase that looks like an earlier one
            and any(
                repeats(g.written, group.written)
                for g in groups
                if g.role not in ("outline", "names")
            )
        ) or block.section is Section.SUMMARY:
            group.role = "restatement"
        elif block.option and main is not None:
            group.role = "alternative"
        elif main is not None:
            short = 2 * len(group.written) < len(main.written)
            if not block.revision or (short and not block.whole):
                main.written.extend(group.written)
                main.drafts.extend(drafts)
                main.codes |= group.codes | ({doubts.WITHDRAWN} if block.revision else set())
                continue
            group.role = "revision"
        groups.append(group)
    return tuple(_bind(g.role, g.drafts, ground, g.codes | codes) for g in groups)


def _bind(role: str, drafts: list[Draft], ground: GroundTask, codes: set[str]) -> PlanCandidate:
    stop = next((i for i, d in enumerate(drafts) if d.text.startswith("unexpandable: ")), None)
    loop = drafts[stop].text.removeprefix("unexpandable: ") if stop is not None else ""
    binder = Binder(ground)
    bound = binder.run(drafts[:stop])
    first = min(d.first_line for d in drafts)
    last = max(d.last_line for d in drafts)
    others: list[Plan] = []
    if binder.open_choice and role in ("main", "revision"):
        plan = Plan(tuple(s.step for s in bound))
        for policy in range(1, OTHER_READINGS + 1):
            other = Plan(tuple(s.step for s in Binder(ground, policy).run(drafts[:stop])))
            if other != plan and other not in others:
                others.append(other)
    return PlanCandidate(
        tuple(bound),
        first,
        last,
        role,
        loop,
        tuple(sorted(codes)),
        tuple(others),
    )


def _choose(candidates: tuple[PlanCandidate, ...]) -> PlanCandidate | None:
    """Takes the last revision, else the main plan.

    A restatement only stands in for a main plan whose loops are not spelled out, an
    outline for nothing at all or for a main plan of less than half its length.
    """
    longest = max((len(c.steps) for c in candidates if c.role == "outline"), default=0)
    for role in ("revision", "main"):
        found = [
            c
            for c in candidates
            if c.role == role and (c.steps or c.unexpandable) and 2 * len(c.steps) >= longest
        ]
        if found:
            chosen = found[-1]
            if not chosen.unexpandable:
                return chosen
            spelled = [
                c
                for c in candidates
                if c.role == "restatement"
                and not c.unexpandable
                and len(c.steps) > len(chosen.steps)
            ]
            return spelled[-1] if spelled else chosen
    for role in ("restatement", "outline", "names"):
        found = [c for c in candidates if c.role == role and c.steps]
        if found:
            return found[-1]
    return None


def _after(lines: list[Line], candidates: tuple[PlanCandidate, ...]) -> str:
    """Text behind the first step: where an answer says what its plan achieves."""
    start = min((c.first_line for c in candidates), default=0)
    return " ".join(line.text for line in lines if line.text and line.number > start)


def _cut_off(lines: list[Line], chosen: PlanCandidate) -> bool:
    last = next((line for line in reversed(lines) if line.text or line.marked), None)
    if last is None or last.number < chosen.last_line:
        return False
    return not last.heading and cues.breaks_off(last.text)
