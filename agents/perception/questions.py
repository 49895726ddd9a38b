"""Facts as questions: what a model is asked, what it may answer, and which group a fact is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Answers = Mapping[str, str]
"""The option that was chosen, or is true, by fact."""

YES, NO = "yes", "no"
YES_NO = (YES, NO)


@dataclass(frozen=True, slots=True)
class FactQuestion:
    """One fact of a scene as a question with given answers.

    Attributes:
        fact: The fact's id, the same whatever the view.
        text: The question in English.
        options: The answers in words, exactly one of which is true.
        kind: Group of like facts, for calibration by group.
    """

    fact: str
    text: str
    options: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question with the truth of the simulator.

    Attributes:
        question: The question.
        truth: The true option.
    """

    question: FactQuestion
    truth: str


def with_truth(questions: Sequence[FactQuestion], truth: Answers) -> tuple[LabelledQuestion, ...]:
    """Puts the truth beside the questions; facts without a true option are left out.

    A block that has fallen off the table, for example, is at none of the places.
    """
    return tuple(LabelledQuestion(q, truth[q.fact]) for q in questions if q.fact in truth)
