"""The study of answer reading counts what was written and read, and can be resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from surefoot.core.errors import InputError
from surefoot.core.progress import silent
from surefoot.experiments import EXPERIMENTS, read_study
from surefoot.experiments.answer_reading.config import AnswerReadingConfig
from surefoot.experiments.answer_reading.measure import measure
from surefoot.experiments.answer_reading.report import render_study
from surefoot.experiments.answer_reading.summary import COMPONENTS, is_exact, rate_of, table_of
from surefoot.pddl.writing import DAMAGES, Split, styles

ROWS: list[dict[str, Any]] = [
    {"style": style, "extras": extras, "exact": exact}
    for style, extras, exact in (
        ("a", ["x"], True),
        ("a", ["x"], True),
        ("b", ["x", "y"], False),
        ("c", [], True),
    )
]


def test_answers_do_not_depend_on_how_they_are_batched() -> None:
    for split in Split:
        whole = measure(split, 12, 3)
        assert whole == [*measure(split, 5, 3), *measure(split, 7, 3, first=5)]
        assert {r.damage for r in measure(split, 6, damaged=False)} == {""}
        assert {r.damage for r in measure(split, 6, damaged=True)} <= DAMAGES.keys()
        assert all(r.valid is (not r.damage) for r in whole)


def test_rates_take_answers_of_one_style_together() -> None:
    found = rate_of(ROWS, is_exact, 0)
    assert found is not None
    assert (found["count"], found["n"], found["styles"], found["rate"]) == (3, 4, 3, 0.75)
    low, high = found["interval"]
    assert 0 <= low < 0.75 < high <= 1
    always = rate_of(ROWS[:2], is_exact, 0)
    assert always is not None
    assert always["interval"][0] < 0.3  # two answers of one style are one trial
    assert rate_of([], is_exact, 0) is None
    assert [(r["name"], r["n"]) for r in table_of(ROWS, "extras", is_exact, 0)] == [
        ("y", 1),
        ("x", 3),
        ("none", 1),
    ]


def test_the_study_runs_and_is_resumed(tmp_path: Path) -> None:
    experiment = EXPERIMENTS.get("answer-reading")
    study = AnswerReadingConfig(right=8, damaged=12, batch=5, workers=1)
    page = experiment.run(study, tmp_path, silent)
    first = json.loads((tmp_path / "summary.json").read_bytes())
    assert set(first["splits"]) == {"development", "validation", "held-out"}
    assert all(found["falsely_valid"]["n"] == 12 for found in first["splits"].values())
    text = page.read_text(encoding="utf-8")
    tables = {split: set(found["exact_by"]) for split, found in first["splits"].items()}
    assert tables["held-out"] == {"domain"}
    assert tables["validation"] == tables["development"] == {"domain", *COMPONENTS}
    shown = json.dumps(first["splits"]["held-out"]) + text
    for style in styles(Split.HELD_OUT):
        assert style.name not in shown
        assert not any(f'"{name}"' in shown for name in style.name.split("/"))
    for split in Split:
        lines = (tmp_path / f"examples-{split.value}.jsonl").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in lines.splitlines()]
        assert all(r["text"] and r["text"] not in text for r in rows)
    calls: list[tuple[int, int]] = []
    experiment.run(study, tmp_path, lambda done, total, part="": calls.append((done, total)))
    assert all(done == total for done, total in calls)
    assert json.loads((tmp_path / "summary.json").read_bytes()) == first
    assert render_study(first) == text


def test_the_shipped_study_is_whole_and_an_unknown_reader_is_told(tmp_path: Path) -> None:
    study: Any = read_study(EXPERIMENTS.get("answer-reading"), None, {})
    assert study.damaged >= 20_000
    with pytest.raises(InputError, match="nobody"):
        EXPERIMENTS.get("answer-reading").run(
            AnswerReadingConfig(reader="nobody"), tmp_path / "out", silent
        )
