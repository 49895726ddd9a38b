"""Writes known plans as language models write them, right and damaged, to measure readers.

Styles come in three splits: readers are developed with one in view, improved on the errors that
another shows (validation), and only measured on the third (held-out). Whoever writes a reader
never looks at the third, nor at which of its components are read worst. Once it has been looked
at, it belongs to validation, and another one has to be written; the validation styles are two
sets for that reason.
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
