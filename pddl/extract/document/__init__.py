"""The structure of an answer: lines with their layout, tables, code, and data in code."""

from surefoot.pddl.extract.document.lines import MAX_CHARS, Line, plain, split_lines
from surefoot.pddl.extract.document.literals import LiteralCall, LiteralPlan, read_literals

__all__ = [
    "MAX_CHARS",
    "Line",
    "LiteralCall",
    "LiteralPlan",
    "plain",
    "read_literals",
    "split_lines",
]
