"""The report: complete, self-contained, and safe with untrusted text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from surefoot.pddl.grading.answers import find_answers, find_tasks
from surefoot.pddl.grading.grader import TaskLoader, grade
from surefoot.pddl.grading.published import published_cell
from surefoot.pddl.grading.records import AnswerRecord
from surefoot.pddl.grading.report import write_report
from surefoot.pddl.grading.summary import make_cells, model_totals
from surefoot.pddl.reference import Bounds
from surefoot.results.statistics import compare_paired

from .test_grading import GOOD, SHORT, folder

EVIL = "<script>alert(1)</script>\n1. pickup(b4)\n2. stack(b4, b9) </pre><img src=x onerror=y>"
VOID = {"meta", "br", "hr", "img", "input", "link", "path", "rect", "line", "circle", "col"}


class Balance(HTMLParser):
    """Collects tags that are not closed, and everything that would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            if name in ("src", "srcset", "action", "data") or name.startswith("on"):
                self.loads.append(f"{tag} {name}={value}")
            if name == "href" and value and not value.startswith("#"):
                self.loads.append(value)
            if name == "href" and value and value.startswith("#"):
                self.links.append(value[1:])
            if name == "id" and value:
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture
def records(tmp_path: Path) -> list[AnswerRecord]:
    root = folder(tmp_path / "set", {"gpt4": SHORT, "o1-mini": GOOD, "<b>bold": EVIL, "none": ""})
    loader = TaskLoader(lambda _: Bounds(2, 2, "test"))
    return [grade(a, loader.load(a.task)) for a in find_answers(root, find_tasks(root))]


def page(records: list[AnswerRecord], path: Path) -> str:
    cells = make_cells(records)
    solved = {r.model: {r.task: r.cost is not None} for r in records if r.kind != "not_run"}
    published = {(c.domain, c.model): p for c in cells if (p := published_cell(c.domain, c.model))}
    write_report(
        path,
        records,
        cells,
        model_totals(records),
        compare_paired(solved),
        published,
        {"date": "2026-11-24"},
    )
    return path.read_text(encoding="utf-8")


def test_page_is_sound_and_loads_nothing(records: list[AnswerRecord], tmp_path: Path) -> None:
    html = page(records, tmp_path / "r.html")
    check = Balance()
    check.feed(html)
    assert check.wrong == []
    assert check.open == []
    assert check.loads == []
    assert "@import" not in html
    assert not re.search(r"url\(\s*['\"]?https?:", html)
    assert len(check.ids) == len(set(check.ids))
    assert set(check.links) <= set(check.ids) | {""}


def test_untrusted_text_stays_text(records: list[AnswerRecord], tmp_path: Path) -> None:
    html = page(records, tmp_path / "r.html")
    assert "<script>alert(1)" not in html
    assert "<b>bold" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_every_answer_with_its_verdict(records: list[AnswerRecord], tmp_path: Path) -> None:
    html = page(records, tmp_path / "r.html")
    for record in records:
        for step in record.steps:
            assert step.action in html
    assert re.search(r"no object.{0,20}b9", html)
    assert "arXiv 2409.19924" in html
    assert "2026-11-24" in html
