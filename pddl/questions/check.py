"""Marks answers to questions; what is said last counts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from surefoot.pddl.questions.make import Form, Question

_ATOM = re.compile(r"\(\s*([^\s()]+(?:\s+[^\s()]+)*)\s*\)")


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked answer.

    Attributes:
        correct: Whether it is right.
        parsed: What was read, ``None`` if nothing of the wanted form could be found.
    """

    correct: bool
    parsed: tuple[str, ...] | None


def check(question: Question, reply: str) -> Marked:
    """Marks an answer.

    Args:
        question: The question.
        reply: The answer as written; a conclusion may follow any amount of reasoning.
    """
    read = {Form.BOOLEAN: _boolean, Form.CHOICE: _choice}.get(question.form, _items)
    parsed = read(question, reply)
    if parsed is None:
        return Marked(False, None)
    if question.every:
        return Marked(set(parsed) == set(question.answers), parsed)
    if question.form is Form.GENERATIVE:
        return Marked(parsed[-1] in question.answers, parsed)
    return Marked(parsed == question.answers, parsed)


def _boolean(question: Question, reply: str) -> tuple[str, ...] | None:
    found = re.findall(r"\b(yes|no)\b", reply.lower())
    return (found[-1],) if found else None


def _choice(question: Question, reply: str) -> tuple[str, ...] | None:
    found = re.findall(r"(?<![\w-])\(?([A-D])\)?(?![\w-])", reply)
    if found:
        return (found[-1],)
    named = [letter for letter, o in zip("ABCD", question.options, strict=True)
             if re.search(rf"(?<![\w-]){re.escape(o)}(?![\w-])", reply)]  # fmt: skip
    return (named[0],) if len(named) == 1 else None


def _items(question: Question, reply: str) -> tuple[str, ...] | None:
    if not question.answers[0].startswith("("):
        numbers = tuple(re.findall(r"\d+", reply))
        return numbers or None
    atoms = tuple(f"({' '.join(a.lower().split())})" for a in _ATOM.findall(reply))
    return atoms or None
