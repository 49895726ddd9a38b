"""Several samples of a model for one task: how they are named, counted and compared."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from surefoot.cli.main import run_command
from surefoot.core.errors import InputError
from surefoot.pddl.first_use import grade
from surefoot.pddl.grading.answers import find_answers, find_tasks
from surefoot.pddl.grading.samples import sample_rows
from surefoot.results.statistics import wilson

from .test_grading import PROBLEM, SHORT, folder

pytestmark = pytest.mark.quick

BAD = "stack(b4, b1)"
PATTERNS = {"p01": "VVVVV", "p02": "VFFFF", "p03": "FFFFF", "p04": "VVFF"}
"""Valid and failing samples by task."""


def tasks(root: Path) -> Path:
    folder(root, {})
    for name in PATTERNS:
        (root / "blocksworld" / f"{name}.pddl").write_text(PROBLEM)
    return root


def text(letter: str) -> str:
    return SHORT if letter == "V" else BAD


def lines(path: Path, model: str = "m", *, other: bool = False) -> Path:
    rows = [
        {"task": task, "model": model, "answer": text(letter), "sample": number}
        for task, letters in PATTERNS.items()
        for number, letter in enumerate(letters)
    ]
    if other:
        rows += [{"task": task, "model": "one", "answer": SHORT} for task in PATTERNS]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_samples_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tasks(tmp_path / "set")
    source = lines(tmp_path / "answers.jsonl", other=True)
    run = grade(source, root, tmp_path / "run")
    assert len(run.records) == 23
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    (row,) = summary["samples"]
    assert (row["model"], row["tasks"], row["fewest"], row["most"]) == ("m", 4, 4, 5)
    assert (row["always"], row["sometimes"], row["never"]) == (1, 2, 1)
    passes = {p["k"]: p for p in row["passes"]}
    assert list(passes) == [1, 2, 5]
    assert passes[1]["rate"] == pytest.approx((1 + 1 / 5 + 0 + 1 / 2) / 4)
    assert passes[2]["rate"] == pytest.approx((1 + 2 / 5 + 0 + 5 / 6) / 4)
    assert (passes[5]["rate"], passes[5]["tasks"], passes[5]["left_out"]) == (
        pytest.approx(2 / 3),
        3,
        1,
    )
    low, high = passes[1]["interval95"]
    assert 0 <= low < passes[1]["rate"] < high <= 1
    total = next(c for c in summary["totals"] if c["model"] == "m")
    plain = wilson(total["valid"], total["n"])
    low, high = total["wilson95"]
    assert (total["valid"], total["n"]) == (8, 19)
    assert low < plain.low
    assert high > plain.high
    (pair,) = summary["comparisons"]
    assert (pair["n"], pair["only_first"], pair["only_second"]) == (4, 0, 3)
    assert pair["mcnemar_p"] == 0.25  # the signs of three tasks, all the same
    page = (tmp_path / "run" / "report.html").read_text()
    assert "pass@5" in page
    assert "sample 4" in page
    again = ["grade", str(source), "--tasks", str(root), "--out", str(tmp_path / "run")]
    assert run_command(again) == 0
    assert "m: 4 tasks, 4-5 samples each: pass@1 42 %" in capsys.readouterr().out


def test_estimator_is_the_mean_over_all_choices(tmp_path: Path) -> None:
    root = tasks(tmp_path / "set")
    run = grade(lines(tmp_path / "a.jsonl"), root, tmp_path / "run")
    (row,) = sample_rows(run.records)
    for p in row.passes:
        means = [
            sum("V" in choice for choice in chosen) / len(chosen)
            for letters in PATTERNS.values()
            if (chosen := list(combinations(letters, p.k)))
        ]
        assert p.rate == pytest.approx(sum(means) / len(means))


def test_samples_in_folders(tmp_path: Path) -> None:
    root = tasks(tmp_path / "set")
    place = root / "blocksworld"
    for number, letter in enumerate("VFV"):
        (place / f"p01.pddl.gpt-4.1.sample-{number}").write_text(text(letter))
    (place / "p01.pddl.gpt-4").write_text(SHORT)
    (place / "p01.pddl.gpt-4.sample-10").write_text("")
    found = find_answers(root, find_tasks(root))
    assert sorted((a.model, a.sample) for a in found) == [
        ("gpt-4", 0),
        ("gpt-4", 10),
        ("gpt-4.1", 0),
        ("gpt-4.1", 1),
        ("gpt-4.1", 2),
    ]
    (row,) = sample_rows(grade(root, root, tmp_path / "run", models=["gpt-4.1"]).records)
    assert (row.fewest, row.most) == (3, 3)
    assert [(p.k, p.interval) for p in row.passes] == [(1, None), (2, None)]
    (place / "p01.pddl.gpt-4.sample-0").write_text(SHORT)
    with pytest.raises(InputError, match="a second sample 0 of 'gpt-4' for 'blocksworld/p01'"):
        find_answers(root, find_tasks(root))


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ("1", "a second answer of 'm' to 'blocksworld/p01' with sample 1"),
        ("-1", "'sample' must be 0, 1, 2"),
        ("true", "'sample' must be"),
        ('"0"', "'sample' must be"),
        ("1.0", "'sample' must be"),
    ],
)
def test_bad_samples(tmp_path: Path, sample: str, words: str) -> None:
    root = tasks(tmp_path / "set")
    path = tmp_path / "answers.jsonl"
    row = '{"task": "p01", "model": "m", "answer": "", "sample": SAMPLE}\n'
    path.write_text(row.replace("SAMPLE", "1") + row.replace("SAMPLE", sample))
    with pytest.raises(InputError) as caught:
        find_answers(path, find_tasks(root))
    assert words in str(caught.value)


def test_samples_that_all_agree_are_not_certain(tmp_path: Path) -> None:
    root = tasks(tmp_path / "set")
    path = tmp_path / "answers.jsonl"
    rows = [
        {"task": task, "model": "m", "answer": SHORT, "sample": number}
        for task in PATTERNS
        for number in range(10)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = grade(path, root, tmp_path / "run")
    (row,) = sample_rows(run.records)
    assert [p.k for p in row.passes] == [1, 2, 5, 10]
    assert {p.interval for p in row.passes} == {wilson(4, 4)}
    assert run.totals[0].interval == wilson(4, 4)
    assert row.within_sd == 0
