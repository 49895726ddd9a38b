"""The report's parts on records made by hand: marked lines, bounds, odd text, size."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from surefoot.pddl.grading.published import published_cell
from surefoot.pddl.grading.records import AnswerOutcome, AnswerRecord, PaperLabel, StepRecord
from surefoot.pddl.grading.report_answers import answer_html, cost_line

from .test_grading_report import Balance, page

STEPS = (
    StepRecord("(pickup b1)", "stated", 2, 2),
    StepRecord("(stack b1 b2)", "forced", 3, 4, "step 2 (stack b1 b2): not satisfied: (clear b2)"),
    StepRecord("(pickup b3)", "completed", 6, 6, "step 3 (pickup b3): not satisfied: (handempty)"),
)
TEXT = "Plan:\n1. take b1\n2. put it\non b2\n\n3. take b3\nDone."


def record(**changes: Any) -> AnswerRecord:
    base = AnswerRecord(
        task="blocks/p01",
        domain="blocks",
        model="m",
        kind=AnswerOutcome.PRECONDITION,
        paper=PaperLabel.IR,
        detail=STEPS[1].error,
        sub_label="order",
        heuristic=False,
        form="plan",
        steps=STEPS,
        first_error=2,
        literals=("(clear b2)",),
        goal_fraction=0.5,
        executable_prefix=1,
        cost=None,
        lower=2.0,
        upper=4.0,
        bounds_method="search",
        confidence=0.9,
        candidates=(("main", 2, 6, 3),),
        answer=TEXT,
        answer_sha256="",
        task_sha256="",
    )
    return replace(base, **changes)


def check(html: str) -> Balance:
    found = Balance()
    found.feed(html)
    assert (found.wrong, found.open, found.loads, found.scripts) == ([], [], [], 1)
    return found


def test_lines_and_steps_are_marked() -> None:
    html = answer_html(record(), "a7")
    assert 'id="a7"' in html
    assert (
        '<ol class="text"><li>Plan:</li><li class="s">1. take b1</li>'
        '<li class="e">2. put it</li>'
        '<li class="e">on b2<p>✗ step 2: not satisfied: (clear b2)</p></li>'
        '<li></li><li class="s">3. take b3</li><li>Done.</li></ol>'
    ) in html
    assert '<li>(pickup b1) <small>2</small></li><li class="e">(stack b1 b2) ' in html
    assert '<li class="w">(pickup b3) <small>6, completed</small><p>not satisfied:' in html
    for text in ("precondition not met at step 2 of 3", "first 1 of 3 steps", "50 % of its"):
        assert text in html
    assert "optimal cost in [2, 4] (search)" in html


def test_unmet_literals_are_shown_once() -> None:
    assert "unmet goals" not in answer_html(record(), "a1")
    many = tuple(f"(on b{i} b{i + 1})" for i in range(20))
    html = answer_html(record(kind=AnswerOutcome.GOAL_UNMET, first_error=None, literals=many), "a1")
    assert "<dt>unmet goals</dt>" in html
    assert "(on b11 b12) and 8 more" in html


def test_bounds_beside_the_cost() -> None:
    assert cost_line(record(cost=4.0)) == "4; optimal cost in [2, 4] (search)"
    assert cost_line(record(cost=4.5, lower=4.0)) == "4.5; optimal cost 4 (search)"
    assert cost_line(record(cost=1.0, lower=None, upper=None)) == "1; optimal cost unknown"
    assert cost_line(record(lower=None)) == "optimal cost in [0, 4] (search)"
    assert cost_line(record(upper=None)) == "optimal cost in [2, ∞] (search)"


def test_odd_text_everywhere(tmp_path: Path) -> None:
    evil = "\u202e</td><script>alert('x')</script>"
    step = StepRecord(evil, evil, 1, 1, evil)
    bad = record(
        answer=f"a\x00b\x1bc \ud800{evil}",
        model=evil,
        task=f"{evil}/p",
        domain=evil,
        detail=evil,
        literals=("(x)", evil),
        steps=(step,),
        first_error=1,
        form=evil,
        bounds_method=evil,
        sub_label=evil,
    )
    html = page([bad], tmp_path / "r.html")
    check(html)
    assert not re.search("[\x00-\x08\x1b]", html)
    assert "\u202e" not in answer_html(bad, "a1")
    assert "<script>alert" not in html


def test_what_was_not_graded_is_said(tmp_path: Path) -> None:
    empty = record(
        kind=AnswerOutcome.NOT_RUN, paper=PaperLabel.NONE, steps=(), first_error=None, answer=""
    )
    broken = replace(
        empty, kind=AnswerOutcome.HARNESS_ERROR, task="blocks/p02", detail="KeyError: x"
    )
    html = " ".join(page([empty, broken], tmp_path / "r.html").split())
    assert "0 answers graded" in html
    assert "In no rate: 1 not run, " in html
    assert "1 could not be graded" in html
    assert "The answer is empty." in html


def test_published_stands_beside_measured(tmp_path: Path) -> None:
    known = published_cell("grippers", "o1-mini")
    assert known is not None
    assert known.success + sum(known.labels.values()) == 100
    assert published_cell("grippers", "other") is None
    assert published_cell("other", "gpt4") is None
    ours = record(domain="grippers", task="grippers/p01", model="o1-mini")
    html = page([ours], tmp_path / "r.html")
    assert "(80 %)" in html
    assert '100 <span class="soft">(0)</span>' in html  # IR: all of ours, none published
    assert "published 80" in html
    assert "read off the bars" in html
    assert "read off the bars" not in page([record()], tmp_path / "r.html")


def test_every_answer_is_there_and_linked(tmp_path: Path) -> None:
    line = "1. Move <b> onto c & look {}."
    many = [
        record(task=f"blocks/p{i}", model=m, answer=line.format(f"{m}{i}"))
        for i in range(60)
        for m in ("a", "b", "c")
    ]
    html = page(many, tmp_path / "r.html")
    found = check(html)
    answers = [i for i in found.ids if re.fullmatch(r"a\d+", i)]
    assert len(answers) == 180
    assert set(answers) <= set(found.links)
    assert all(escape(r.answer) in html for r in many)


def test_180_long_answers_are_quick_and_small(tmp_path: Path) -> None:
    text = "\n".join(f"{i}. Move block b{i} onto block b{i + 1}, then look." for i in range(100))
    steps = tuple(StepRecord(f"(stack b{i} b{i + 1})", "completed", i, i) for i in range(1, 81))
    many = [
        record(task=f"blocks/p{i}", model=m, answer=text, steps=steps, first_error=None)
        for i in range(60)
        for m in ("a", "b", "c")
    ]
    start = time.process_time()
    html = page(many, tmp_path / "r.html")
    assert time.process_time() - start < 3  # about 0.1 s on an idle machine
    assert len(html.encode()) < 3_000_000
