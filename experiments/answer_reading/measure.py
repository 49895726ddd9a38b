"""Writes answers, reads them, and compares what was read with what they state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from surefoot.pddl.extract import TaskVocabulary
from surefoot.pddl.extract.readers import ANSWER_READERS, DEFAULT_READER
from surefoot.pddl.grading.grader import find_lexicon
from surefoot.pddl.grading.judgement import judge, last_step
from surefoot.pddl.grading.records import AnswerOutcome
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.writing import (
    DAMAGES,
    AnswerWriter,
    KnownTask,
    Split,
    WrittenAnswer,
    WrittenShape,
    can_show,
    known_tasks,
    styles,
    words_of,
)

_TRIES = 50
"""Tasks that are drawn for a style and a damage before others are drawn."""
_NO_FOLDER = Path("/nonexistent")
"""There is no lexicon beside the tasks: the built-in one is used where the domain ships."""


@dataclass(frozen=True)
class ReadAnswer:
    """An answer that was written and read.

    Attributes:
        task: Name of the task.
        domain: Its domain.
        naming: How its objects are called.
        style: Name of the style.
        structure: Its structure.
        wording: Its wording.
        extras: What else it says.
        damage: Its damage, ``""`` if it was written right.
        shape: What the answer is.
        read_shape: What the reader takes it for.
        exact: Whether the plan that was read is the one that the answer states, or none was read
            where it states none; ``None`` where it does not state one plan unambiguously.
        valid: Whether the answer states a plan that solves the task.
        read_valid: Whether the plan that was read solves it.
        doubtful: Whether the reader is not sure enough of its reading for a verdict.
        doubts: What makes its reading doubtful.
        confidence: The reader's confidence in the plan that it read, 0 without one.
        text: The answer, if it was read wrongly.
        stated: The steps that it states, if it was read wrongly.
        read: The steps that were read, if it was read wrongly.
    """

    task: str
    domain: str
    naming: str
    style: str
    structure: str
    wording: str
    extras: tuple[str, ...]
    damage: str
    shape: str
    read_shape: str
    exact: bool | None
    valid: bool
    read_valid: bool
    doubtful: bool
    doubts: tuple[str, ...]
    confidence: float
    text: str = ""
    stated: tuple[str, ...] = ()
    read: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether the reading is an error: another verdict, or another plan."""
        return self.valid is not self.read_valid or self.exact is False

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data."""
        return asdict(self)


def measure(
    split: Split | str,
    num_answers: int,
    seed: int = 0,
    *,
    damaged: bool | None = None,
    first: int = 0,
    reader: str = DEFAULT_READER,
) -> list[ReadAnswer]:
    """Writes answers of one split and reads them as grading does.

    Styles, domains and damages are drawn in equal parts, so that no frequent one hides a rare one.

    Args:
        split: Which styles are written in.
        num_answers: How many answers.
        seed: Seed of all draws.
        damaged: Whether answers are damaged; half of them are by default.
        first: Number of the first answer; each number gives the same answer on its own.
        reader: Name of the answer reader.
    """
    chosen = Split(split)
    return [
        _read(known_tasks(chosen)[at], answer, _tools(chosen, at), reader)
        for at, answer in write_answers(chosen, num_answers, seed, damaged=damaged, first=first)
    ]


def write_answers(
    split: Split, num_answers: int, seed: int = 0, *, damaged: bool | None = None, first: int = 0
) -> Iterator[tuple[int, WrittenAnswer]]:
    """Yields answers, each with the place of its task among the split's known tasks.

    Args:
        split: Which styles are written in.
        num_answers: How many answers.
        seed: Seed of all draws.
        damaged: Whether answers are damaged; half of them are by default.
        first: Number of the first answer.
    """
    by_domain: dict[str, list[int]] = {}
    for at, known in enumerate(known_tasks(split)):
        by_domain.setdefault(known.domain, []).append(at)
    for number in range(first, first + num_answers):
        rng = Random(f"answers:{split}:{seed}:{damaged}:{number}")
        yield _draw(split, number, rng, damaged, by_domain)


def _draw(
    split: Split,
    number: int,
    rng: Random,
    damaged: bool | None,
    by_domain: dict[str, list[int]],
) -> tuple[int, WrittenAnswer]:
    domains = sorted(by_domain)
    while True:
        hurt = rng.random() < 0.5 if damaged is None else damaged
        damage = rng.choice(list(DAMAGES)) if hurt else None
        style = rng.choice([s for s in styles(split) if damage is None or can_show(s, damage)])
        for _ in range(_TRIES):
            at = rng.choice(by_domain[rng.choice(domains)])
            answer = _tools(split, at).writer.write(
                known_tasks(split)[at].plan, style, number, damage
            )
            if answer is not None:
                return at, answer


@dataclass(frozen=True)
class _Tools:
    writer: AnswerWriter
    vocabulary: TaskVocabulary


@lru_cache(maxsize=1000)
def _tools(split: Split, at: int) -> _Tools:
    known = known_tasks(split)[at]
    ground = GroundTask(known.task)
    lexicon = find_lexicon(known.task.domain, _NO_FOLDER)
    return _Tools(AnswerWriter(ground, words_of(known.domain)), TaskVocabulary(known.task, lexicon))


def _read(known: KnownTask, answer: WrittenAnswer, tools: _Tools, reader: str) -> ReadAnswer:
    ground = tools.writer.ground
    found = ANSWER_READERS.get(reader)(answer.text, ground, tools.vocabulary)
    plan = found.chosen.plan if found.chosen else None
    judged = judge(found, ground)
    kind, end = judged.kind, last_step(judged.verdict)
    exact: bool | None = None
    if answer.readable and answer.shape is not WrittenShape.TRUNCATED:
        exact = (None if plan is None else plan.steps) == answer.steps
    row = ReadAnswer(
        known.task.name,
        known.domain,
        known.naming,
        answer.style.name,
        answer.style.structure,
        answer.style.wording,
        answer.style.extras,
        answer.damage or "",
        answer.shape.value,
        found.form.value,
        exact,
        answer.valid,
        kind is AnswerOutcome.VALID,
        kind is AnswerOutcome.DOUBTFUL,
        found.chosen.doubts_up_to(end) if found.chosen else (),
        found.chosen.confidence(end) if found.chosen else 0.0,
    )
    if not row.wrong:
        return row
    return replace(
        row,
        text=answer.text,
        stated=tuple(map(str, answer.steps or ())),
        read=tuple(map(str, plan.steps if plan else ())),
    )
