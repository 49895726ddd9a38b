"""Finds plans in free text: candidates with line numbers, and the one that counts."""

from surefoot.pddl.extract.binding import ArgumentSource, BoundStep
from surefoot.pddl.extract.candidates import (
    AnswerShape,
    Extraction,
    PlanCandidate,
    extract,
    extract_with,
)
from surefoot.pddl.extract.lexicon import Lexicon, load_lexicon
from surefoot.pddl.extract.vocabulary import TaskVocabulary

__all__ = [
    "AnswerShape",
    "ArgumentSource",
    "BoundStep",
    "Extraction",
    "Lexicon",
    "PlanCandidate",
    "TaskVocabulary",
    "extract",
    "extract_with",
    "load_lexicon",
]
