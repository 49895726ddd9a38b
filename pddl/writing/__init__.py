"""Writes known plans as language models write them, right and damaged, to measure readers."""

from surefoot.pddl.writing.damages import DAMAGES
from surefoot.pddl.writing.model import AnswerStyle, Split, WrittenAnswer, WrittenShape
from surefoot.pddl.writing.phrases import DomainWords
from surefoot.pddl.writing.styles import can_show, styles
from surefoot.pddl.writing.tasks import KnownTask, known_tasks
from surefoot.pddl.writing.words import words_of
from surefoot.pddl.writing.writer import AnswerWriter

__all__ = [
    "DAMAGES",
    "AnswerStyle",
    "AnswerWriter",
    "DomainWords",
    "KnownTask",
    "Split",
    "WrittenAnswer",
    "WrittenShape",
    "can_show",
    "known_tasks",
    "styles",
    "words_of",
]
