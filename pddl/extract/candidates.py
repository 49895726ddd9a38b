"""Extracts candidate plans from an answer and chooses the one that it commits to.

The choice looks at the text alone: how passages are headed, whether one restates
another, whether the answer takes an attempt back. It never looks at whether a
candidate is executable or reaches the goal, since that would grade the best of several.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from surefoot.pddl.extract import cues
from surefoot.pddl.extract.binding import MAX_STEPS, ArgumentSource, Binder, BoundStep
from surefoot.pddl.extract.drafts import Draft
from surefoot.pddl.extract.items import Item, LineKind, Section, classify
from surefoot.pddl.extract.lexicon import Lexicon
from surefoot.pddl.extract.lines import MAX_CHARS, Line, split_lines
from surefoot.pddl.extract.sentences import read_steps
from surefoot.pddl.extract.structure import Assembler, Block
from surefoot.pddl.extract.unrolling import expand, repeats, stated
from surefoot.pddl.extract.vocabulary import TaskVocabulary
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language.model import Plan, Task


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
        role: ``main``, ``revision``, ``restatement``, ``alternative``, ``outline`` or
            ``no_action``.
        confidence: Share of its steps that the text fixes or that have one completion,
            in [0, 1]; assumed ones count half, forced and unknown ones nothing.
        unexpandable: The loop that ends it early, if any.
    """

    steps: tuple[BoundStep, ...]
    first_line: int
    last_line: int
    role: str
    confidence: float
    unexpandable: str = ""

    @property
    def plan(self) -> Plan:
        """The plan alone."""
        return Plan(tuple(s.step for s in self.steps))


@dataclass(frozen=True, slots=True)
class Extraction:
    """Everything found in an answer.

    Attributes:
        form: What the answer is.
        chosen: The candidate that the answer commits to, if it has one.
        candidates: All candidates in text order.
        claims_goal: Whether the answer says that its plan reaches the goal.
        claims_unsolvable: Whether it says that the goal cannot be reached.
    """

    form: AnswerShape
    chosen: PlanCandidate | None
    candidates: tuple[PlanCandidate, ...]
    claims_goal: bool
    claims_unsolvable: bool


def extract(answer: str, task: Task | GroundTask, lexicon: Lexicon | None = None) -> Extraction:
    """Finds the plan that an answer commits to.

    Args:
        answer: Free text, PDDL-like lines, or JSON.
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
    lines = split_lines(answer)
    text = " ".join(line.text for line in lines if line.text)
    unsolvable = cues.says_unsolvable(text)
    structured = _from_json(answer, ground, vocabulary)
    if structured is not None:
        form = AnswerShape.PLAN if structured.steps else AnswerShape.NO_ACTION
        return Extraction(form, structured, (structured,), True, unsolvable)
    items = classify(vocabulary, lines)
    blocks = Assembler(vocabulary).run(items)
    candidates = _candidates(blocks, ground, vocabulary)
    claims_goal = cues.claims_goal(_after(lines, candidates)) and not unsolvable
    no_action = _says_no_action(items, candidates)
    if no_action is not None:
        empty = PlanCandidate((), no_action, no_action, "no_action", 0.8)
        return Extraction(AnswerShape.NO_ACTION, empty, (empty, *candidates), True, unsolvable)
    chosen = _choose(candidates)
    if chosen is None:
        refused = unsolvable or cues.refuses(text)
        return Extraction(
            AnswerShape.REFUSAL if refused else AnswerShape.UNPARSED,
            None,
            candidates,
            False,
            unsolvable,
        )
    form = AnswerShape.PLAN
    if chosen.unexpandable:
        form = AnswerShape.UNEXPANDABLE
    elif _cut_off(answer, lines, chosen):
        form = AnswerShape.TRUNCATED
    return Extraction(form, chosen, candidates, claims_goal, unsolvable)


@dataclass
class _Group:
    """Blocks that make up one candidate, as written and with loops unrolled."""

    role: str
    written: list[Draft]
    drafts: list[Draft]


def _candidates(
    blocks: list[Block], ground: GroundTask, vocabulary: TaskVocabulary
) -> tuple[PlanCandidate, ...]:
    """Joins blocks that continue each other and binds each resulting candidate."""
    groups: list[_Group] = []
    for block in blocks:
        drafts = expand(vocabulary, block)
        if not drafts:
            continue
        group = _Group("main", stated(block), drafts)
        main = next((g for g in reversed(groups) if g.role in ("main", "revision")), None)
        if block.section is Section.OUTLINE:
            group.role = "outline"
        elif (
            not block.option
            and any(repeats(g.written, group.written) for g in groups if g.role != "outline")
        ) or block.section is Section.SUMMARY:
            group.role = "restatement"
        elif block.option and main is not None:
            group.role = "alternative"
        elif main is not None:
            if not block.revision or 2 * len(group.written) < len(main.written):
                main.written.extend(group.written)
                main.drafts.extend(drafts)
                continue
            group.role = "revision"
        groups.append(group)
    return tuple(_bind(group.role, group.drafts, ground) for group in groups)


def _bind(role: str, drafts: list[Draft], ground: GroundTask) -> PlanCandidate:
    stop = next((i for i, d in enumerate(drafts) if d.text.startswith("unexpandable: ")), None)
    loop = drafts[stop].text.removeprefix("unexpandable: ") if stop is not None else ""
    bound = Binder(ground).run(drafts[:stop])
    weights = {
        ArgumentSource.STATED: 1.0,
        ArgumentSource.COMPLETED: 1.0,
        ArgumentSource.ASSUMED: 0.5,
    }
    score = sum(weights.get(s.source, 0.0) for s in bound) / len(bound) if bound else 0.0
    first = min(d.first_line for d in drafts)
    last = max(d.last_line for d in drafts)
    return PlanCandidate(tuple(bound), first, last, role, round(score, 3), loop)


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
    for role in ("restatement", "outline"):
        found = [c for c in candidates if c.role == role and c.steps]
        if found:
            return found[-1]
    return None


def _says_no_action(items: list[Item], candidates: tuple[PlanCandidate, ...]) -> int | None:
    """Returns the line that says no action is needed, if the answer commits to that.

    Such a line counts where no plan stands in the answer, or before the first step; a
    remark about one object ('ball4 is already there') does not.
    """
    first_step = min((c.first_line for c in candidates if c.role != "outline"), default=None)
    for item in items:
        if item.kind in (LineKind.STEP, LineKind.ACTION, LineKind.BLANK):
            continue
        if not cues.says_no_action(item.line.text):
            continue
        if first_step is None or item.line.number < first_step:
            return item.line.number
    return None


def _after(lines: list[Line], candidates: tuple[PlanCandidate, ...]) -> str:
    """Text behind the first step: where an answer says what its plan achieves."""
    start = min((c.first_line for c in candidates), default=0)
    return " ".join(line.text for line in lines if line.text and line.number > start)


def _cut_off(answer: str, lines: list[Line], chosen: PlanCandidate) -> bool:
    if len(answer) > MAX_CHARS or len(chosen.steps) >= MAX_STEPS:
        return True
    last = next((line for line in reversed(lines) if line.text or line.marked), None)
    if last is None or last.number < chosen.last_line:
        return False
    return not last.heading and cues.breaks_off(last.text)


def _from_json(answer: str, ground: GroundTask, vocabulary: TaskVocabulary) -> PlanCandidate | None:
    """Reads ``{"plan": [{"action": …, "args": […]}, …]}`` or a list of such or of strings."""
    fenced = re.search(r"```(?:json)?\s*([\[{].*?[\]}])\s*```", answer, re.DOTALL)
    body = fenced.group(1) if fenced else answer.strip()
    if body[:1] not in "[{":
        return None
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(data, dict):
        keys = ("plan", "actions", "steps", "solution")
        data = next((data[k] for k in keys if isinstance(data.get(k), list)), None)
    if not isinstance(data, list):
        return None
    offset = answer[: answer.find(body)].count("\n")
    drafts: list[Draft] = []
    for number, entry in enumerate(data, start=1):
        line = min(offset + number, offset + body.count("\n") + 1)
        text = _json_step(entry)
        if text is None:
            return None
        drafts.extend(read_steps(vocabulary, text, line) or [Draft((), text, line, line)])
    return _bind("main", drafts, ground) if drafts else PlanCandidate((), 1, 1, "no_action", 1.0)


def _json_step(entry: object) -> str | None:
    if isinstance(entry, str):
        return entry.lower()
    if not isinstance(entry, dict):
        return None
    name = entry.get("action") or entry.get("name")
    args = entry.get("args") or entry.get("arguments") or entry.get("parameters") or []
    if isinstance(args, dict):
        args = list(args.values())
    if not isinstance(name, str) or not isinstance(args, list):
        return None
    if not args:
        return name.lower()
    return f"{name}({', '.join(str(a) for a in args)})".lower()
