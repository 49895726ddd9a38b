"""Finds plans in free text: candidates with line numbers, and the one that counts."""

from surefoot.pddl.extract.binding import BoundStep, Source
from surefoot.pddl.extract.candidates import Candidate, Extraction, Form, extract, extract_with
from surefoot.pddl.extract.lexicon import Lexicon, load_lexicon
from surefoot.pddl.extract.vocabulary import Vocabulary

__all__ = [
    "BoundStep",
    "Candidate",
    "Extraction",
    "Form",
    "Lexicon",
    "Source",
    "Vocabulary",
    "extract",
    "extract_with",
    "load_lexicon",
]
