"""Reads table rows as steps, by what the header says of each column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from surefoot.pddl.extract import doubts
from surefoot.pddl.extract.document import Line
from surefoot.pddl.extract.drafts import Draft, merge, noted
from surefoot.pddl.extract.formal import Call, complete, read_call
from surefoot.pddl.extract.kinds import Item, LineKind
from surefoot.pddl.extract.sentences import read_steps
from surefoot.pddl.extract.vocabulary import TaskVocabulary

_ACTION = re.compile(r"^(?:pddl )?(?:actions?|operations?|operators?|commands?|instructions?)\b")
_NUMBER = re.compile(r"^(?:#|no\.?|nr\.?|number|steps?(?: (?:#|no\.?|number))?|time(?: ?step)?|t)$")
_ARGUMENTS = re.compile(
    r"^(?:arguments?|args?|param(?:eter)?s?|objects?(?: involved)?|inputs?|operands?)"
    r"(?: ?\(.*\))?$"
)
_NOTES = re.compile(
    r"\b(?:effects?|results?|resulting|states?|status|pre-?conditions?|notes?|reasons?|comments?"
    r"|explanations?|descriptions?|purpose|details?|outcome|after|before|cost|duration|goal"
    r"|rationale|remarks?)\b"
)
_SENTENCE = re.compile(r"^(?:descriptions?|steps?|what|tasks?|activity|details?)\b")
_EMPTY = frozenset(("", "-", "–", "—", "none", "n/a", "na"))


def with_headers(lines: Sequence[Line]) -> Iterator[Line]:
    """Gives rows of tables without Markdown's delimiter row the header that stands above them."""
    header: tuple[str, ...] = ()
    for line in lines:
        if not line.cells:
            header = header if not line.text else ()
            yield line
        elif line.header:
            yield line
        elif not header:
            header = line.cells
            known = any(_ACTION.match(c) or _NUMBER.match(c) or c == "robot" for c in header)
            yield Line(line.number, line.indent, "") if known else replace(line, header=header)
        else:
            yield replace(line, header=header)


def read_row(vocabulary: TaskVocabulary, line: Line) -> Item:
    """Reads a row: its action, and the other columns as arguments by their headers.

    Args:
        vocabulary: The task's words.
        line: A row with its header.
    """
    columns = list(zip(line.header, line.cells, strict=False))
    action = _action_cell(vocabulary, columns)
    if action is None:
        drafts = _by_agent(vocabulary, columns, line.number)
    else:
        drafts = _step(vocabulary, columns, action, line.number)
    first = re.sub(r"\D+$", "", re.sub(r"^step\s*", "", line.cells[0]))
    ordinal = int(first) if first.isdigit() and len(first) < 5 else None
    text = columns[action][1] if action is not None else line.text
    numbered = replace(line, text=text, ordinal=ordinal, marked=True)
    return Item(numbered, LineKind.STEP if drafts else LineKind.DETAIL, tuple(drafts))


def _action_cell(vocabulary: TaskVocabulary, columns: Sequence[tuple[str, str]]) -> int | None:
    for pattern in (_ACTION, _SENTENCE):
        for at, (name, cell) in enumerate(columns):
            if not pattern.match(name) or cell in _EMPTY or cell.isdigit():
                continue
            if pattern is _ACTION or read_steps(vocabulary, cell, 1):
                return at
    return None


def _step(
    vocabulary: TaskVocabulary, columns: Sequence[tuple[str, str]], action: int, number: int
) -> list[Draft]:
    text = columns[action][1]
    args: tuple[str, ...] = ()
    named: list[tuple[str, str]] = []
    for at, (name, cell) in enumerate(columns):
        if at == action or cell in _EMPTY or _NUMBER.match(name) or _NOTES.search(name):
            continue
        if _ARGUMENTS.match(name):
            args += tuple(t for t in re.split(r"\s*[,;]\s*", cell.strip("()[] ")) if t)
        elif name:
            named.append((name, cell))
    drafts = read_steps(vocabulary, text, number)
    if not drafts:
        call = read_call(vocabulary, Call(text, args, tuple(named), number, text))
        return [call]
    if len(drafts) == 1 and (args or named):
        drafts = [complete(vocabulary, drafts[0], args, named)]
    for at, (_, cell) in enumerate(columns):
        said = read_steps(vocabulary, cell, number) if at != action and len(drafts) == 1 else []
        if len(said) == 1 and said[0].actions & drafts[0].actions:
            if merge(drafts[0], said[0]) is None:  # two columns tell different steps
                drafts = [noted(drafts[0], doubts.CONTRADICTION)]
    return drafts


def _by_agent(
    vocabulary: TaskVocabulary, columns: Sequence[tuple[str, str]], number: int
) -> list[Draft]:
    """Reads a row in which every acting object has a column of its own; from left to right."""
    agents = vocabulary.task.objects_by_type.get(vocabulary.lexicon.agent or "", ())
    drafts: list[Draft] = []
    for name, cell in columns:
        found = [r.objects[0] for r in vocabulary.refs(name) if r.exact and r.objects]
        if len(found) == 1 and found[0] in agents and cell:
            drafts += read_steps(vocabulary, f"{found[0]} {cell}", number)
    return drafts
