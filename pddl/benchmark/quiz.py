"""One question to one planner: how it is asked, and how the answer is read and recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from surefoot.core.chat import (
    Message,
    OptionRequest,
    OptionScores,
    ReplyStatus,
    UnlistedQuestion,
    Usage,
)
from surefoot.core.errors import HarnessError
from surefoot.pddl.benchmark.cases import BenchCase
from surefoot.pddl.benchmark.config import AnswerForm, Shot, Style
from surefoot.pddl.benchmark.dialogue import renamed
from surefoot.pddl.benchmark.prompts import describe
from surefoot.pddl.benchmark.tasks import EXAMPLE_SEED, BenchTasks
from surefoot.pddl.benchmark.turns import turn_of
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import Task
from surefoot.pddl.planner import Guesser, OptionPlanner, Planner, PlanReply, PlanRequest
from surefoot.pddl.questions import (
    MarkedAnswer,
    Question,
    QuestionForm,
    check,
    question_schema,
    read_value,
)
from surefoot.pddl.renaming import NameLevel
from surefoot.results.structured import read_json
from surefoot.results.transcripts import Transcripts

_REASON = "First reason step by step. Then write 'Answer:' and after it the answer."


class Quiz:
    """An episode that asks a question.

    Args:
        case: What to ask.
        tasks: The bench with its tasks.
    """

    def __init__(self, case: BenchCase, tasks: BenchTasks) -> None:
        self.case = case
        self._tasks = tasks
        found = tasks.questions(case.place, NameLevel(case.renaming), case.renaming_seed)
        self.question = next(q for q in found if q.key == case.question)
        self.task = renamed(tasks[case.place].task, case)[0]
        self._json = case.answer == AnswerForm.JSON
        self.messages = self._first_messages()

    def _first_messages(self) -> tuple[Message, ...]:
        if not self.case.style:
            return ()
        return (Message("user", "\n\n".join(self._parts(listed=True))),)

    def _parts(self, *, listed: bool) -> list[str]:
        """Returns the parts of the prompt, with or without the list of answers."""
        parts = [self._told(self.task, self.question, listed=listed)]
        shot = Shot(self.case.shot)
        example = self._example() if shot is Shot.ONE else None
        if example is not None:
            spec = get_domain(self.case.domain)
            task = renamed(spec.generate(spec.min_size, EXAMPLE_SEED).task, self.case)[0]
            parts = [
                "Here is a question with its answer.",
                self._told(task, example),
                written_answer(example, self._json),
                "Now answer the following one.",
                *parts,
            ]
        return parts

    def _example(self) -> Question | None:
        case = self.case
        level = NameLevel(case.renaming)
        return self._tasks.example_question(case.place, self.question, level, case.renaming_seed)

    def _told(self, task: Task, question: Question, *, listed: bool = True) -> str:
        """Describes a task and a question about it."""
        style = Style(self.case.style)
        told = describe(task, style, self.case.domain).strip().removesuffix("plan:").strip()
        if style in (Style.PUBLISHED, Style.COMPLETE):
            told += f"\n\n{_vocabulary(task)}"
        if not listed:
            return f"{told}\n\n{question.setting}\n\n{question.unlisted}"
        how = _how(question, self._json)
        if self.case.shot == Shot.COT:
            how = f"{_REASON}\n{how}"
        return f"{told}\n\n{question.setting}\n\n{question.text}\n{how}"

    @property
    def seed(self) -> int:
        """Seed of whatever is drawn; depends on the run's seed and the case."""
        digest = hashlib.sha256(f"{self._tasks.config.seed} {self.case.key}".encode()).digest()
        return int.from_bytes(digest[:4], "big") >> 1

    def text_request(self) -> PlanRequest:
        """Returns the question for planners that write."""
        schema = question_schema(self.question) if self._json else None
        key = f"{self.case.task} {self.question.key}"
        return PlanRequest(self.task, self.messages, self.seed, schema, key)

    def option_request(self) -> OptionRequest:
        """Returns the question for planners that choose among given answers."""
        q = self.question
        unlisted = None
        if self.messages and self.case.answer == AnswerForm.SCORED:
            told = Message("user", "\n\n".join(self._parts(listed=False)))
            unlisted = UnlistedQuestion((told,), q.options or q.pool)
        return OptionRequest(self.messages, q.pool, q.every, self.seed, unlisted)

    def marked(self, reply: PlanReply, transcripts: Transcripts | None = None) -> dict[str, Any]:
        """Returns the record of a written answer; its texts are stored in the transcripts."""
        record = self._marked(reply)
        if transcripts is not None:
            turn = turn_of(self.messages, reply.text, reply.thinking, transcripts)
            record["attempts"][0]["turn"] = turn
        if reply.left_out:
            record["attempts"][0]["left_out"] = list(reply.left_out)
        return record

    def _marked(self, reply: PlanReply) -> dict[str, Any]:
        if reply.status in (ReplyStatus.REFUSED, ReplyStatus.CUT):
            outcome = "refused" if reply.status is ReplyStatus.REFUSED else "cut"
            return self._record(outcome, None, reply.text, reply.usage)
        found = mark_text(self.question, reply.text, self._json)
        outcome = "unparsed" if found.parsed is None else "right" if found.correct else "wrong"
        return self._record(outcome, found.parsed, reply.text, reply.usage)

    def scored(self, reply: OptionScores) -> dict[str, Any]:
        """Returns the record of probabilities; the likeliest answer counts, the first of equals."""
        options = self.question.pool
        told = {"method": reply.method, "mass": reply.mass}
        if reply.status is ReplyStatus.UNSCORED:
            record = self._record("unscored", None, "", reply.usage)
            record["given"] |= {**told, "message": reply.message}
            return record
        best = max(range(len(options)), key=lambda i: reply.probabilities[i])
        outcome = "right" if options[best] in self.question.answers else "wrong"
        record = self._record(outcome, (options[best],), "", reply.usage)
        record["given"] |= {
            "probabilities": dict(zip(options, reply.probabilities, strict=True)),
            **told,
        }
        return record

    def _record(
        self, outcome: str, parsed: Sequence[str] | None, text: str, usage: Usage
    ) -> dict[str, Any]:
        q = self.question
        shown = f"{q.setting}\n\n{q.text}"
        asked = {
            "kind": q.kind.value,
            "form": q.form.value,
            "text": shown,
            "options": list(q.options),
            "answers": list(q.answers),
            "every": q.every,
            "chance": q.chance,
            "sha256": hashlib.sha256(f"{shown}\0{q.answers}".encode()).hexdigest(),
        }
        said = list(parsed) if parsed is not None else None
        return {
            "case": self.case.to_json(),
            "asked": asked,
            "given": {"outcome": outcome, "parsed": said, "text": text},
            "attempts": [{"kind": outcome, **asdict(usage)}],
            "prompt_sha256": hashlib.sha256(
                "".join(t.text for t in self.messages).encode()
            ).hexdigest(),
        }


def ask_all(
    planner: Planner, quizzes: Sequence[Quiz], transcripts: Transcripts | None = None
) -> Iterator[tuple[Quiz, dict[str, Any] | str]]:
    """Puts questions to a planner and yields their records.

    Yields:
        Each question with its record, or with what a server said that failed.
    """
    if isinstance(planner, Guesser):
        for i, reply in planner.guess([q.option_request() for q in quizzes]):
            yield quizzes[i], quizzes[i].marked(reply)
        return
    scored = [q for q in quizzes if q.case.answer == AnswerForm.SCORED]
    written = [q for q in quizzes if q.case.answer != AnswerForm.SCORED]
    for i, said in planner.solve([q.text_request() for q in written]) if written else ():
        failed = said.status is ReplyStatus.SERVER_ERROR
        yield written[i], said.message if failed else written[i].marked(said, transcripts)
    if not scored:
        return
    if not isinstance(planner, OptionPlanner):
        raise HarnessError(f"{planner.name} gives no probabilities of answers")
    for i, found in planner.score([q.option_request() for q in scored]):
        failed = found.status is ReplyStatus.SERVER_ERROR
        yield scored[i], found.message if failed else scored[i].scored(found)


def mark_text(question: Question, text: str, as_json: bool) -> MarkedAnswer:
    """Reads and marks a written answer."""
    if not as_json:
        return check(question, text)
    value = read_json(text, question_schema(question))
    return MarkedAnswer(False, None) if value is None else read_value(question, value)


def written_answer(question: Question, as_json: bool) -> str:
    """Writes a right answer in the form that is asked for."""
    said = list(question.answers) if question.every else [question.answers[0]]
    if as_json:
        return json.dumps({"answer": said if question.every else said[0]})
    return "\n".join(said)


def _how(question: Question, as_json: bool) -> str:
    if as_json:
        value = '["…", …]' if question.every else '"…"'
        if question.form is not QuestionForm.GENERATIVE:
            allowed = f", where … is one of: {', '.join(question.pool)}"
        elif question.answers[0].startswith("("):
            allowed = ", where … is written (name argument ...)"
        else:
            allowed = ", where … is a number"
        return f'Answer with one JSON object {{"answer": {value}}} and nothing else{allowed}.'
    if question.form is QuestionForm.BOOLEAN:
        return "Answer with yes or no."
    if question.form is QuestionForm.CHOICE:
        return "Answer with one letter."
    if question.answers[0].startswith("("):
        return "Write (name argument ...) with the names given above, and nothing else."
    return "Write numbers and nothing else."


def _vocabulary(task: Task) -> str:
    """Says how facts and actions are written, for styles that tell the task without PDDL."""
    facts = " ".join(
        f"({' '.join((p.name, *(v.name for v in p.parameters)))})"
        for p in task.domain.predicates.values()
        if p.name != "="
    )
    actions = " ".join(
        f"({' '.join((a.name, *(v.name for v in a.parameters)))})"
        for a in task.domain.actions.values()
    )
    return f"Facts are written {facts}\nActions are written {actions}"
