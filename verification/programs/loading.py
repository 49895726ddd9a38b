"""Loading of plans in all forms."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.verification.programs.document import starts_item
from surefoot.verification.programs.english import parse_english
from surefoot.verification.programs.linear import parse_lines
from surefoot.verification.programs.python import parse_python
from surefoot.verification.programs.statements import Program
from surefoot.verification.programs.structured import parse_json
from surefoot.verification.programs.vocabulary import PlanVocabulary

_SENTENCES = re.compile(
    r"\b(?:if|unless|until|while|once|otherwise|then|wait for|never)\b.*[.:]", re.IGNORECASE
)

MAX_BYTES = 2**21
"""Largest accepted plan."""


def parse_program(
    text: str, vocabulary: PlanVocabulary, *, form: str | None = None, idle: str | None = None
) -> Program:
    """Reads a plan.

    Args:
        text: The plan.
        vocabulary: Names and phrases that it may use.
        form: ``json``, ``python``, ``english`` or ``lines``; by default JSON if it starts with a
            bracket, English if a line starts with a number, a dash or a letter or there are
            sentences with words such as 'if', else lines.
        idle: Action while it waits, unless the plan names one.

    Raises:
        InputError: It cannot be read.
    """
    if form is None:
        start = text.lstrip()[:1]
        form = "json" if start in ("[", "{") else "english" if _is_english(text) else "lines"
    if idle is not None:
        idle = vocabulary.action(idle)
    if form == "json":
        program = parse_json(text, vocabulary)
        return replace(program, idle=program.idle or idle)
    if form == "python":
        return parse_python(text, vocabulary, idle=idle)
    if form == "english":
        return parse_english(text, vocabulary, idle=idle)
    if form == "lines":
        return parse_lines(text, vocabulary, idle=idle)
    raise InputError(f"unknown form '{form}'; a plan is json, python, english or lines")


def _is_english(text: str) -> bool:
    """Whether text is a list with numbers, dashes or letters, or sentences."""
    return any(map(starts_item, text.splitlines())) or _SENTENCES.search(text) is not None


def load_program(path: Path, vocabulary: PlanVocabulary, *, idle: str | None = None) -> Program:
    """Reads a plan from a file: ``.json``, ``.py``, or text (numbered steps or a list of actions).

    Raises:
        InputError: The file or the plan cannot be read; the message names file and line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError("the plan is larger than 2 MiB; shorten it", file=str(path))
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the plan: {reason}", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("not a text file (expected UTF-8)", file=str(path)) from None
    if not text.strip():
        raise InputError("the plan is empty", file=str(path))
    form = {".json": "json", ".py": "python"}.get(path.suffix.lower())
    try:
        return parse_program(text, vocabulary, form=form, idle=idle)
    except InputError as error:
        if error.file is None:
            error.file = str(path)
        raise
