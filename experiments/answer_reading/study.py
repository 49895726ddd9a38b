"""How well answers are read: written answers whose meaning is known, right and damaged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surefoot.core.files import write_atomic
from surefoot.experiments.answer_reading.config import AnswerReadingConfig
from surefoot.experiments.answer_reading.measure import measure
from surefoot.experiments.answer_reading.report import render_study
from surefoot.experiments.answer_reading.summary import Row, is_falsely_valid, split_summary
from surefoot.experiments.base import Study
from surefoot.pddl.extract.readers import ANSWER_READERS
from surefoot.pddl.writing import Split

_EXAMPLES = 20
"""Wrong readings that each case keeps with their text, beside the falsely valid ones."""


@dataclass(frozen=True)
class Batch:
    """Answers that are written and read together.

    Attributes:
        split: Which styles are written in.
        damaged: Whether they are damaged.
        first: Number of the first.
        size: How many.
        seed: Seed of all draws.
        reader: Name of the answer reader.
    """

    split: Split
    damaged: bool
    first: int
    size: int
    seed: int
    reader: str

    @property
    def key(self) -> str:
        """Name of the case."""
        return f"{'damaged' if self.damaged else 'right'}/{self.first}"


def read_batch(batch: Batch) -> list[dict[str, Any]]:
    """Writes and reads a batch; all false verdicts keep their text, and some other errors."""
    rows = measure(
        batch.split,
        batch.size,
        batch.seed,
        damaged=batch.damaged,
        first=batch.first,
        reader=batch.reader,
    )
    found, kept = [], 0
    for row in rows:
        data = row.to_json()
        kept += row.wrong
        if not row.wrong or (kept > _EXAMPLES and not is_falsely_valid(data)):
            for name in ("text", "stated", "read"):
                del data[name]
        found.append(data)
    return found


class AnswerReadingStudy(Study[AnswerReadingConfig]):
    """Writes and reads answers."""

    name = "answer-reading"
    claim = "Plans in free text are read as they are stated, and none is valid that is not stated"
    complete = True

    def check(self) -> None:
        """Checks that the reader exists."""
        ANSWER_READERS.entry(self.config.reader)

    def results(self) -> tuple[dict[str, Any], str]:
        """Reads what is not finished; returns the summary and the report."""
        config = self.config
        summary: dict[str, Any] = {"study": config.to_json(), "splits": {}}
        for split in config.splits:
            batches = [
                Batch(
                    split,
                    damaged,
                    first,
                    min(config.batch, total - first),
                    config.seed,
                    config.reader,
                )
                for damaged, total in ((False, config.right), (True, config.damaged))
                for first in range(0, total, config.batch)
            ]
            records = self.part(split.value, {b.key: b for b in batches}, read_batch)
            right = [r for k in records if k.startswith("right/") for r in records[k]]
            damaged = [r for k in records if k.startswith("damaged/") for r in records[k]]
            self._keep_examples(split, [*damaged, *right])
            summary["splits"][split.value] = split_summary(
                right, damaged, config.seed, components=split is not Split.HELD_OUT
            )
        return summary, render_study(summary)

    def _keep_examples(self, split: Split, rows: Sequence[Row]) -> None:
        """Writes wrong readings to a file of their own, falsely valid ones first."""
        wrong = sorted((r for r in rows if r.get("text")), key=lambda r: not is_falsely_valid(r))
        lines = [json.dumps(r, ensure_ascii=False) + "\n" for r in wrong]
        write_atomic(self.out / f"examples-{split.value}.jsonl", "".join(lines))


EXPERIMENT = AnswerReadingStudy.experiment(AnswerReadingConfig)
