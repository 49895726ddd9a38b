"""Writes known plans as language models write them, right and damaged, to measure readers.

Styles come in three splits: readers are developed with one in view, improved on the errors that
another shows (validation), and only measured on the third, which whoever writes a reader never
looks at (held-out).
"""

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
