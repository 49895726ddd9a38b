"""Answer readers by name: what finds a plan in an answer."""

from __future__ import annotations

from typing import Protocol

from surefoot.core.registry import Registry
from surefoot.pddl.extract.candidates import Extraction
from surefoot.pddl.extract.vocabulary import TaskVocabulary
from surefoot.pddl.ground import GroundTask


class AnswerReader(Protocol):
    """Finds the plan that an answer commits to."""

    def __call__(self, answer: str, ground: GroundTask, vocabulary: TaskVocabulary) -> Extraction:
        """Reads an answer; it should never fail on any text.

        A reader must not look at whether a plan validates, since its choice would then decide
        the grade.

        Args:
            answer: The answer as written.
            ground: The task.
            vocabulary: The words of the task, compiled once for many answers.
        """
        ...


ANSWER_READERS: Registry[AnswerReader] = Registry("answer_readers", "answer reader")
"""Answer readers by name."""

DEFAULT_READER = "text"
"""The reader of free text, PDDL-like lines and JSON."""

ANSWER_READERS.builtin(
    DEFAULT_READER,
    "surefoot.pddl.extract.candidates:extract_with",
    "free text, PDDL-like lines and JSON, with the words of the domain's lexicon",
)
