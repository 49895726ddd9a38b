"""One episode: asks, grades, and where the mode says so tells the error and asks again."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from surefoot.core.chat import Message, ReplyStatus
from surefoot.pddl.benchmark.cases import BenchCase
from surefoot.pddl.benchmark.config import AnswerForm, BenchJob, Mode, Shot, Style
from surefoot.pddl.benchmark.prompts import (
    answer_schema,
    changed_text,
    describe,
    feedback,
    first_messages,
    plan_json,
)
from surefoot.pddl.benchmark.tasks import EXAMPLE_SEED, BenchTasks
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.extract import Lexicon, TaskVocabulary
from surefoot.pddl.grading.answers import Answer, TaskFiles
from surefoot.pddl.grading.doubtful import clarification
from surefoot.pddl.grading.grader import BoundsLookup, LoadedTask, find_lexicon, grade
from surefoot.pddl.grading.records import SOLVED, AnswerOutcome, AnswerRecord, paper_label
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, Task, parse_plan
from surefoot.pddl.planner import PlanReply, PlanRequest
from surefoot.pddl.reference.bounds import Bounds, content_key
from surefoot.pddl.renaming import NameLevel, Renaming, rename_task
from surefoot.pddl.validator import validate

_FEEDBACK = {Mode.REPAIR_BINARY: "binary", Mode.REPAIR_FIRST: "first", Mode.REPAIR_ALL: "all"}
_NO_TEXT = {
    ReplyStatus.REFUSED: (AnswerOutcome.REFUSAL, "declined"),
    ReplyStatus.UNSOLVABLE: (AnswerOutcome.REFUSAL, "claims a proof that there is no plan"),
    ReplyStatus.GAVE_UP: (AnswerOutcome.NO_PLAN, "ended without a plan"),
}
_UNFINISHED = frozenset(
    {
        AnswerOutcome.GOAL_UNMET,
        AnswerOutcome.WRONG_GOAL,
        AnswerOutcome.UNPARSED,
        AnswerOutcome.NOT_RUN,
    }
)


class Dialogue:
    """A running episode.

    Args:
        case: What to ask.
        tasks: The bench with its tasks.
        bounds: Looks up what is known of a task's optimal cost.

    Attributes:
        attempts: Outcome of each answer so far; plain JSON data.
        record: Grade of the answer that counts, once there is one.
    """

    def __init__(self, case: BenchCase, tasks: BenchTasks, bounds: BoundsLookup) -> None:
        self.case = case
        self.config = tasks.config
        self.attempts: list[dict[str, Any]] = []
        self.record: AnswerRecord | None = None
        source = tasks[case.place]
        variant = tasks.variant(BenchJob(case.job), case.place)
        original = source.task if variant is None else variant.task
        self.task, self._renaming = renamed(original, case)
        style = Style(case.style) if case.style else None
        words = style in (Style.PUBLISHED, Style.COMPLETE)
        folder = source.folder
        lexicon = (
            Lexicon() if not words else find_lexicon(self.task.domain, folder or _nowhere(case))
        )
        self._loaded = LoadedTask(
            TaskFiles(case.task, case.domain, _nowhere(case), _nowhere(case)),
            GroundTask(self.task),
            TaskVocabulary(self.task, lexicon),
            _known(bounds(original), original, variant.witness if variant else None),
            content_key(self.task),
            tasks.config.reader,
        )
        self._schema = answer_schema(self.task) if case.answer == AnswerForm.JSON else None
        self.messages: tuple[Message, ...] = ()
        if style is not None:
            given = style is Style.PUBLISHED and bool(source.prompt) and variant is None
            told = describe(self.task, style, case.domain, source.prompt if given else "")
            if variant is not None and style is not Style.COMPACT:
                before = describe(renamed(variant.earlier, case)[0], style, case.domain)
                told = changed_text(BenchJob(case.job), variant, before, told, self._renaming)
            shot = Shot(case.shot)
            example = self._example(style) if shot is Shot.ONE else None
            self.messages = first_messages(
                told, style, shot, AnswerForm(case.answer), given, example
            )

    def _example(self, style: Style) -> tuple[str, Plan] | None:
        if self.case.domain not in list_domains() or self.case.size is None:
            return None
        spec = get_domain(self.case.domain)
        instance = spec.generate(spec.min_size, EXAMPLE_SEED)
        task, renaming = renamed(instance.task, self.case)
        plan = renaming.apply_plan(instance.witness) if renaming else instance.witness
        return describe(task, style, self.case.domain), plan

    @property
    def finished(self) -> bool:
        """Whether the episode is finished."""
        if self.record is None:
            return False
        rounds = 1 if self.case.mode == Mode.DIRECT else self.config.rounds
        return self.record.kind in SOLVED or len(self.attempts) >= rounds

    def request(self) -> PlanRequest:
        """Returns what to ask next; its seed depends on the run's seed, the case and the round."""
        text = f"{self.config.seed} {self.case.key} {len(self.attempts)}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
        job = "" if self.case.job == BenchJob.PLAN else f" {self.case.job}"
        return PlanRequest(self.task, self.messages, seed, self._schema, self.case.task + job)

    def take(self, reply: PlanReply) -> None:
        """Grades a reply and prepares the next turn; ``SERVER_ERROR`` must not come here."""
        record = replace(judge(reply, self._loaded, self.case.planner), sample=self.case.sample)
        self.record = record
        self.attempts.append(
            {
                "kind": record.kind.value,
                "first_error": record.first_error,
                "steps": len(record.steps),
                "status": reply.status.value,
                "lower": reply.lower,
                **asdict(reply.usage),
            }
        )
        detail = _FEEDBACK.get(Mode(self.case.mode))
        if detail is None or self.finished:
            return
        if record.kind is AnswerOutcome.DOUBTFUL:
            heard = clarification(record)
        else:
            heard = self._feedback(record, detail)
        self.messages = (*self.messages, Message("assistant", reply.text), Message("user", heard))

    def _feedback(self, record: AnswerRecord, detail: str) -> str:
        plan = parse_plan("\n".join(s.action for s in record.steps))
        read = record.kind not in (
            AnswerOutcome.UNPARSED,
            AnswerOutcome.REFUSAL,
            AnswerOutcome.NO_PLAN,
        )
        verdict = validate(self._loaded.ground, plan) if read else None
        return feedback(detail, self._loaded.ground, plan, verdict)

    def to_json(self) -> dict[str, Any]:
        """Returns the record of the finished episode."""
        assert self.record is not None
        plan = parse_plan("\n".join(s.action for s in self.record.steps))
        decoded = self._renaming.invert().apply_plan(plan) if self._renaming else plan
        return {
            "case": self.case.to_json(),
            "graded": self.record.to_json(),
            "attempts": self.attempts,
            "decoded": [str(step) for step in decoded.steps],
            "prompt_sha256": hashlib.sha256(
                "\0".join(t.text for t in self.messages[:1]).encode()
            ).hexdigest(),
        }


def judge(reply: PlanReply, task: LoadedTask, planner: str) -> AnswerRecord:
    """Grades a reply.

    A plan that is given as such is checked as it is; a text goes through extraction. An
    empty text counts as no plan (the model was asked), and a text that was cut at its token
    limit as breaking off unless it fails earlier or succeeds.
    """
    text = plan_json(reply.plan) if reply.plan is not None else reply.text
    record = grade(Answer(task.files, planner, text, planner), task)
    if reply.plan is not None and record.kind is AnswerOutcome.WRONG_GOAL:
        return _as(record, AnswerOutcome.GOAL_UNMET, record.detail)  # a script claims nothing
    if reply.plan is None and reply.status in _NO_TEXT:
        kind, detail = _NO_TEXT[reply.status]
        return _as(record, kind, reply.message or detail)
    if reply.status is ReplyStatus.CUT and record.kind in _UNFINISHED:
        return _as(record, AnswerOutcome.TRUNCATED, "cut off at the token limit")
    if record.kind is AnswerOutcome.NOT_RUN:
        return _as(record, AnswerOutcome.UNPARSED, "the answer is empty")
    return record


def _as(record: AnswerRecord, kind: AnswerOutcome, detail: str) -> AnswerRecord:
    return replace(record, kind=kind, paper=paper_label(kind), detail=detail, read_as="")


def renamed(task: Task, case: BenchCase) -> tuple[Task, Renaming | None]:
    """Renames a task for a case; ``None`` for its own."""
    if case.renaming == NameLevel.NONE or case.renaming_seed is None:
        return task, None
    return rename_task(task, NameLevel(case.renaming), case.renaming_seed)


def _known(bounds: Bounds, task: Task, witness: Plan | None) -> Bounds:
    """Adds what the plan of a changed task says of its optimal cost."""
    if witness is None:
        return bounds
    return bounds.joined(Bounds(None, validate(task, witness).cost, "known plan"))


def _nowhere(case: BenchCase) -> Path:
    return Path(case.task)
