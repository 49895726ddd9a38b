"""Grading: raw kinds, sub-labels, the paper's view, counting."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.domains import get_domain
from surefoot.pddl.grading.answers import Answer, find_answers, find_tasks
from surefoot.pddl.grading.grader import TaskLoader, grade
from surefoot.pddl.grading.records import AnswerOutcome, AnswerRecord, PaperLabel
from surefoot.pddl.grading.summary import make_cells
from surefoot.pddl.language import Task
from surefoot.pddl.reference import Bounds

pytestmark = pytest.mark.quick

PROBLEM = """(define (problem p) (:domain blocksworld) (:objects b1 b2 b3 b4 - object)
  (:init (arm-empty) (on b1 b2) (on b2 b3) (on-table b3) (on-table b4) (clear b1) (clear b4))
  (:goal (on b4 b1)))"""
GOOD = "unstack(b1, b2)\nputdown(b1)\npickup(b4)\nstack(b4, b1)"
SHORT = "pickup(b4)\nstack(b4, b1)"


def folder(root: Path, answers: dict[str, str | bytes]) -> Path:
    place = root / "blocksworld"
    place.mkdir(parents=True)
    (place / "domain.pddl").write_text(get_domain("blocksworld").domain_text)
    (place / "p01.pddl").write_text(PROBLEM)
    (place / "p01.pddl.prompt").write_text("Please plan.")
    for model, text in answers.items():
        data = text if isinstance(text, bytes) else text.encode()
        (place / f"p01.pddl.{model}").write_bytes(data)
    return root


def graded(root: Path, text: str, best: float | None = 2.0) -> AnswerRecord:
    tasks = find_tasks(folder(root, {"m": text}))

    def bounds(_: Task) -> Bounds:
        return Bounds(best, best, "test")

    (answer,) = find_answers(root, tasks)
    return grade(answer, TaskLoader(bounds).load(answer.task))


@pytest.mark.parametrize(
    ("text", "kind", "label", "sub"),
    [
        ("", AnswerOutcome.NOT_RUN, PaperLabel.NONE, ""),
        (SHORT, AnswerOutcome.VALID, PaperLabel.OK, ""),
        (GOOD, AnswerOutcome.SUBOPTIMAL, PaperLabel.LO, "redundant"),
        ("I'm sorry, but I cannot provide a plan.", AnswerOutcome.REFUSAL, PaperLabel.IP, ""),
        ("Blocks are nice.", AnswerOutcome.UNPARSED, PaperLabel.IP, ""),
        ("1. teleport(b4, b1)\n2. stack(b4, b1)", AnswerOutcome.UNKNOWN_ACTION, PaperLabel.IR, ""),
        ("pickup(b4)\nstack(b4, b9)", AnswerOutcome.UNKNOWN_OBJECT, PaperLabel.IR, ""),
        ("stack(b4, b1)", AnswerOutcome.PRECONDITION, PaperLabel.IR, "missing_step"),
        ("stack(b4, b1)\npickup(b4)", AnswerOutcome.PRECONDITION, PaperLabel.IR, "order"),
        (
            "unstack(b2, b3)\nstack(b2, b4)",
            AnswerOutcome.PRECONDITION,
            PaperLabel.IR,
            "missing_step",
        ),
        ("pickup(b4)", AnswerOutcome.GOAL_UNMET, PaperLabel.IP, ""),
        ("1. pickup(b4)\n\nThe goal is achieved.", AnswerOutcome.WRONG_GOAL, PaperLabel.MG, ""),
        ("1. Pick up b4.\n2. Stack b4 on", AnswerOutcome.TRUNCATED, PaperLabel.IP, ""),
        (
            "1. pickup(b4)\n2. For each block, do the necessary steps.",
            AnswerOutcome.UNEXPANDABLE,
            PaperLabel.IP,
            "",
        ),
    ],
)
def test_kinds(tmp_path: Path, text: str, kind: AnswerOutcome, label: PaperLabel, sub: str) -> None:
    record = graded(tmp_path, text)
    assert (record.kind, record.paper, record.sub_label) == (kind, label, sub)


def test_a_record_survives_json(tmp_path: Path) -> None:
    record = graded(tmp_path, "pickup(b4)\nstack(b4, b9)")
    assert AnswerRecord.from_json(record.to_json()) == record
    assert record.first_error == 2
    assert record.executable_prefix == 1


def test_valid_without_a_known_optimum_is_not_called_optimal(tmp_path: Path) -> None:
    record = graded(tmp_path, SHORT, best=None)
    (cell,) = make_cells([record])
    assert (cell.valid, cell.optimal, cell.unknown_optimality) == (1, 0, 1)


def test_a_broken_harness_never_counts_against_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("surefoot.pddl.grading.judgement.validate", broken)
    record = graded(tmp_path, SHORT)
    assert record.kind is AnswerOutcome.HARNESS_ERROR
    assert "out of order" in record.detail
    (cell,) = make_cells([record])
    assert (cell.n, cell.harness_errors, cell.interval) == (0, 1, None)


def test_cells_leave_out_what_was_not_run(tmp_path: Path) -> None:
    tasks = find_tasks(folder(tmp_path, {"a": "", "b": SHORT}))
    loader = TaskLoader(lambda _: Bounds())
    answers = find_answers(tmp_path, tasks)
    cells = make_cells(grade(a, loader.load(a.task)) for a in answers)
    assert [(c.model, c.n, c.not_run, c.valid) for c in cells] == [("a", 0, 1, 0), ("b", 1, 0, 1)]
    data = cells[1].to_json()
    assert {"model", "domain", "n", "not_run", "valid", "IR", "IP", "MG", "LO", "errors"} <= set(
        data
    )
    assert data["wilson95"][0] == pytest.approx(0.2065, abs=1e-4)


def test_json_lines(tmp_path: Path) -> None:
    tasks = find_tasks(folder(tmp_path, {}))
    lines = tmp_path / "answers.jsonl"
    lines.write_text(
        '{"task": "blocksworld/p01", "model": "m", "answer": "pickup(b4)"}\n\n'
        '{"task": "p01.pddl", "model": "k", "answer": "", "more": 1}\n'
    )
    found: list[Answer] = find_answers(lines, tasks)
    assert [(a.task.name, a.model) for a in found] == [
        ("blocksworld/p01", "m"),
        ("blocksworld/p01", "k"),
    ]
    assert [a.model for a in find_answers(lines, tasks, ["k"])] == ["k"]


def test_an_answer_with_half_a_character_is_graded(tmp_path: Path) -> None:
    root = folder(tmp_path, {})
    lines = tmp_path / "answers.jsonl"
    lines.write_text(
        '{"task": "p01", "model": "m", "answer": "\\ud800\\npickup(b4)\\nstack(b4, b1)"}'
    )
    (answer,) = find_answers(lines, find_tasks(root))
    assert answer.text[0] == "\ud800"
    loader = TaskLoader(lambda _: Bounds())
    assert grade(answer, loader.load(answer.task)).kind is AnswerOutcome.VALID


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", ":1: not a JSON object"),
        ("[1]", ":1: not a JSON object"),
        ("[" * 100_000, ":1: not a JSON object"),
        ('{"task": 3, "model": "m", "answer": ""}', "'task' must be a string"),
        ('{"task": "p09", "model": "m", "answer": ""}', "no 'p09'"),
        ('{"task": "p01", "model": "m", "answer": ""}\n' * 2, ":2: a second answer"),
        ("", "no answers found"),
    ],
)
def test_bad_json_lines(tmp_path: Path, content: str, words: str) -> None:
    tasks = find_tasks(folder(tmp_path, {}))
    lines = tmp_path / "answers.jsonl"
    lines.write_text(content)
    with pytest.raises(InputError) as caught:
        find_answers(lines, tasks)
    assert words in str(caught.value)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_tasks(tmp_path / "absent")
    with pytest.raises(InputError, match=r"no domain\.pddl"):
        find_tasks(tmp_path)
    root = folder(tmp_path / "x", {"m": SHORT})
    tasks = find_tasks(root)
    with pytest.raises(InputError, match="no answers of model 'other'"):
        find_answers(root, tasks, ["other"])
    (root / "blocksworld" / "p07.pddl.m").write_text(SHORT)
    with pytest.raises(InputError, match="no problem 'blocksworld/p07'"):
        find_answers(root, tasks)
