"""Marks answers to questions; what is said last counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.pddl.questions.make import Question, QuestionForm

_ATOM = re.compile(r"\(\s*([^\s()]+(?:\s+[^\s()]+)*)\s*\)")
_ANSWER = re.compile(r"answer:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MarkedAnswer:
    """A marked answer.

    Attributes:
        correct: Whether it is right.
        parsed: What was read, ``None`` if nothing of the wanted form could be found.
    """

    correct: bool
    parsed: tuple[str, ...] | None


def check(question: Question, reply: str) -> MarkedAnswer:
    """Marks an answer.

    Args:
        question: The question.
        reply: The answer as written; a conclusion may follow any amount of reasoning. Where
            it has a line ``Answer:``, only what follows the last one is read.
    """
    read = {QuestionForm.BOOLEAN: _boolean, QuestionForm.CHOICE: _choice}.get(question.form, _items)
    parsed = read(question, _ANSWER.split(reply)[-1])
    return MarkedAnswer(False, None) if parsed is None else mark(question, parsed)


def mark(question: Question, parsed: Sequence[str]) -> MarkedAnswer:
    """Marks an answer that was read; where one item is wanted, the last one counts."""
    said = tuple(parsed)
    if question.every:
        return MarkedAnswer(set(said) == set(question.answers), said)
    return MarkedAnswer(bool(said) and said[-1] in question.answers, said)


def question_schema(question: Question) -> dict[str, Any]:
    """Returns a JSON schema of the answers that a question can have."""
    value: dict[str, Any] = {"type": "string"}
    if question.form is not QuestionForm.GENERATIVE:
        value["enum"] = list(question.pool)
    if question.every:
        value = {"type": "array", "items": value}
    return {
        "type": "object",
        "properties": {"answer": value},
        "required": ["answer"],
        "additionalProperties": False,
    }


def read_value(question: Question, value: Any) -> MarkedAnswer:
    """Marks an answer given as JSON that fits :func:`question_schema`."""
    said = value["answer"]
    items = said if isinstance(said, list) else [said]
    if question.form is not QuestionForm.GENERATIVE:
        return mark(question, items)
    atoms = question.answers[0].startswith("(")
    told = [f"({i})" if atoms and "(" not in i else i for i in items]
    return mark(question, [x for item in told for x in _items(question, item) or (item,)])


def _boolean(question: Question, reply: str) -> tuple[str, ...] | None:
    found = re.findall(r"\b(yes|no)\b", reply.lower())
    return (found[-1],) if found else None


def _choice(question: Question, reply: str) -> tuple[str, ...] | None:
    found = re.findall(r"(?<![\w-])\(?([A-D])\)?(?![\w-])", reply)
    if found:
        return (found[-1],)
    named = [
        letter
        for letter, o in zip("ABCD", question.options, strict=True)
        if re.search(rf"(?<![\w-]){re.escape(o)}(?![\w-])", reply)
    ]
    return (named[0],) if len(named) == 1 else None


def _items(question: Question, reply: str) -> tuple[str, ...] | None:
    if not question.answers[0].startswith("("):
        numbers = tuple(re.findall(r"\d+", reply))
        return numbers or None
    atoms = tuple(f"({' '.join(a.lower().split())})" for a in _ATOM.findall(reply))
    return atoms or None
