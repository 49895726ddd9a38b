"""Plans as plain lists: one action per line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from surefoot.core.errors import InputError
from surefoot.verification.programs.statements import MAX_STATEMENTS, Do, Program
from surefoot.verification.programs.vocabulary import PlanVocabulary


def linear(
    actions: Sequence[str], vocabulary: PlanVocabulary, *, idle: str | None = None
) -> Program:
    """Builds a program from names of actions.

    Raises:
        InputError: There are too many, or one is unknown.
    """
    if len(actions) > MAX_STATEMENTS:
        raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
    steps = [Do(i, (vocabulary.action(name, line=i),)) for i, name in enumerate(actions, 1)]
    return Program(tuple(steps), idle)


def parse_lines(text: str, vocabulary: PlanVocabulary, *, idle: str | None = None) -> Program:
    """Reads one action per line; empty lines and comments after ``#`` are ignored.

    Args:
        text: The plan.
        vocabulary: Names and phrases that it may use.
        idle: Action while it waits.

    Raises:
        InputError: An unknown action, with its line.
    """
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        phrase = re.sub(r"\(\s*\)$", "", line.partition("#")[0].strip()).strip()
        if not phrase:
            continue
        found = vocabulary.find(phrase)
        known = found is not None and found[1] and found[0] in vocabulary.actions
        name = found[0] if known and found else vocabulary.action(phrase, line=number)
        steps.append(Do(number, (name,)))
        if len(steps) > MAX_STATEMENTS:
            raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
    return Program(tuple(steps), idle)
