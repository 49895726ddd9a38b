"""Writes known plans as language models write them, right and damaged, to measure readers."""

from surefoot.pddl.writing.damages import DAMAGES
from surefoot.pddl.writing.model import Split, Style, WrittenAnswer, WrittenShape
from surefoot.pddl.writing.phrases import DomainWords
from surefoot.pddl.writing.styles import styles
from surefoot.pddl.writing.words import words_of
from surefoot.pddl.writing.writer import AnswerWriter

__all__ = [
    "DAMAGES",
    "AnswerWriter",
    "DomainWords",
    "Split",
    "Style",
    "WrittenAnswer",
    "WrittenShape",
    "styles",
    "words_of",
]
