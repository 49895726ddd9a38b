"""Counts how written plans are read: right, wrong, or refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from surefoot.core.errors import InputError
from surefoot.core.progress import Progress, silent
from surefoot.verification.programs.equivalence import equivalent
from surefoot.verification.programs.loading import parse_program
from surefoot.verification.writing.wordings import Wordings
from surefoot.verification.writing.writer import EnglishWriter, WrittenPlan

KEPT = 20
"""Most examples that are kept of each kind."""


@dataclass
class ReadingCounts:
    """How written plans were read.

    Attributes:
        plans: Plans with one meaning.
        read: Those that were read as what they say.
        refused: Those that were refused.
        misread: Those that were read as something else.
        doubtful: Plans with a sentence that has two readings or none.
        doubtful_read: Those of them that were read all the same.
        by_construct: Counts of plans, read and refused ones, and misread ones, by construct.
        misread_examples: Some misread plans, and doubtful ones that were read.
        refused_examples: Some refused plans with the message.
    """

    plans: int = 0
    read: int = 0
    refused: int = 0
    misread: int = 0
    doubtful: int = 0
    doubtful_read: int = 0
    by_construct: dict[str, Counter[str]] = field(default_factory=dict)
    misread_examples: list[str] = field(default_factory=list)
    refused_examples: list[str] = field(default_factory=list)


def count_readings(
    wordings: Wordings, number: int, seed: int, *, progress: Progress = silent
) -> ReadingCounts:
    """Writes plans, reads them and counts.

    Args:
        wordings: Ways to say them.
        number: Number of plans.
        seed: Draws them.
        progress: Called after each thousand.
    """
    writer = EnglishWriter(wordings, seed)
    counts = ReadingCounts()
    for at in range(number):
        plan = writer.write()
        outcome, message = _outcome(plan)
        if plan.program is None:
            counts.doubtful += 1
            if outcome != "refused":
                counts.doubtful_read += 1
                outcome = "misread"
        else:
            counts.plans += 1
            setattr(counts, outcome, getattr(counts, outcome) + 1)
        for kind in plan.constructs:
            if plan.program is not None or kind.startswith("doubt"):
                row = counts.by_construct.setdefault(kind, Counter())
                row.update(("plans", outcome))
        if outcome == "misread" and len(counts.misread_examples) < KEPT:
            counts.misread_examples.append(plan.text)
        if outcome == "refused" and plan.program and len(counts.refused_examples) < KEPT:
            counts.refused_examples.append(f"{plan.text}-> {message}")
        if (at + 1) % 1000 == 0:
            progress(at + 1, number, wordings.name)
    return counts


def _outcome(plan: WrittenPlan) -> tuple[str, str]:
    scene = plan.scene
    try:
        program = parse_program(plan.text, scene.vocabulary, idle=scene.idle)
    except InputError as error:
        return "refused", str(error)
    if plan.program is None:
        return "read", ""
    return ("read" if equivalent(plan.program, program) else "misread"), ""
