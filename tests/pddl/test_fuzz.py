"""10,000 damaged inputs: each is read or refused in one line, none hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.grading.answers import find_answers, find_tasks
from surefoot.pddl.grading.grader import TaskLoader, grade
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import (
    parse_domain,
    parse_plan,
    parse_problem,
    write_plan,
    write_problem,
)
from surefoot.pddl.language.sexpr import SourceText
from surefoot.pddl.reference import Bounds
from surefoot.pddl.validator import validate

ROOT = Path(__file__).parents[2]

PER_DOMAIN = 334
"""Times three kinds of file times ten domains: 10,020."""

LONGEST = 5.0
"""Seconds of processor time that no single input may take."""

JUNK = [
    "(",
    ")",
    "((((",
    "))))",
    "(and",
    "(not",
    "-",
    "- either",
    "?x",
    ":",
    ";",
    "\x00",
    "\u2028",
    "(forall (?x)",
    "(when",
    "(= a b)",
    "nan",
    "1e999",
    "-1",
    "é",
    "\r",
    "\t",
    '"',
]


def damage(text: str, rng: Random) -> str:
    """Cuts, doubles, moves and replaces pieces of a text."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.choice((1, 1, 5, 40, 400)))
        kind = rng.randrange(6)
        if kind == 0:
            text = text[:at] + text[to:]
        elif kind == 1:
            text = text[:to] + text[at:]
        elif kind == 2:
            text = text[:at] + rng.choice(JUNK) + text[at:]
        elif kind == 3:
            text = text[:at] + chr(rng.randrange(1, 0x2FF)) + text[at + 1 :]
        elif kind == 4:
            words = text.split(" ")
            i, j = rng.randrange(len(words)), rng.randrange(len(words))
            words[i], words[j] = words[j], words[i]
            text = " ".join(words)
        else:
            text = text[:at] + rng.choice(JUNK) * rng.choice((3, 300)) + text[at:]
    return text


@pytest.mark.parametrize("name", list_domains())
def test_ten_thousand_damaged_files(name: str, tmp_path: Path) -> None:
    spec = get_domain(name)
    instance = spec.generate(spec.min_size, seed=2)
    rng = Random(name)
    domain = spec.domain
    ground = GroundTask(instance.task)
    problem_text = write_problem(instance.task.problem)
    plan_text = write_plan(instance.witness)
    jobs: list[tuple[str, Callable[[SourceText], object]]] = [
        (spec.domain_text, parse_domain),
        (problem_text, lambda source: parse_problem(source, domain)),
        (plan_text, lambda source: validate(ground, parse_plan(source))),
    ]
    refused = read = 0
    for text, work in jobs:
        for _ in range(PER_DOMAIN):
            source = SourceText(damage(text, rng), "f.pddl")
            start = time.process_time()
            try:
                work(source)
                read += 1
            except InputError as error:
                refused += 1
                line = str(error)
                assert line.startswith("f.pddl:")
                assert "\n" not in line
                assert len(line) < 500
            assert time.process_time() - start < LONGEST
    assert read > 0
    assert refused > PER_DOMAIN


@pytest.mark.parametrize("name", ["barman", "blocksworld", "grippers", "kitchen"])
def test_damaged_answers_are_always_graded(name: str, tmp_path: Path) -> None:
    spec = get_domain(name)
    instance = spec.generate(spec.min_size, seed=2)
    place = tmp_path / name
    place.mkdir()
    (place / "domain.pddl").write_text(spec.domain_text)
    (place / "p01.pddl").write_text(write_problem(instance.task.problem))
    rng = Random(name)
    shipped = sorted((ROOT / "surefoot" / "cli" / "demo" / name).glob("*")) or [place / "p01.pddl"]
    for number in range(150):
        text = damage(rng.choice(shipped).read_text(), rng)
        (place / f"p01.pddl.m{number:03}").write_text(text.replace("\x00", ""), encoding="utf-8")
    tasks = find_tasks(tmp_path)
    loader = TaskLoader(lambda _: Bounds())
    for answer in find_answers(tmp_path, tasks):
        start = time.process_time()
        record = grade(answer, loader.load(answer.task))
        assert record.kind != "harness_error", (answer.text, record.detail)
        assert time.process_time() - start < LONGEST
