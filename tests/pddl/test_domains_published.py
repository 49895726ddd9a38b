"""Published problems parse against our domain files, and plans mean the same in both."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import (
    Action,
    Conjunction,
    Domain,
    Increase,
    Plan,
    PlanStep,
    Task,
    load_task,
    parse_domain,
    parse_problem,
)
from surefoot.pddl.validator import validate

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("SUREFOOT_O1_DATA", "../shared/data/o1-planning")).resolve()
NAMES = ("barman", "blocksworld", "floortile", "grippers", "tyreworld")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="no published problems; set SUREFOOT_O1_DATA"
)


def problems(name: str) -> list[Path]:
    return sorted((DATA / name).glob("p??.pddl"))


def published(name: str) -> Domain:
    return parse_domain((DATA / name / "domain.pddl").read_text())


def meaning(action: Action) -> tuple[object, ...]:
    """An action with its variables numbered, conditions and effects as sets."""
    numbers = {p.name: f"?{i}" for i, p in enumerate(action.parameters)}

    def renamed(parts: Iterable[object]) -> frozenset[str]:
        texts = []
        for part in parts:
            text = f"cost {part.amount}" if isinstance(part, Increase) else repr(part)
            for name, number in numbers.items():
                text = text.replace(f"'{name}'", f"'{number}'")
            texts.append(text)
        return frozenset(texts)

    condition = action.precondition
    parts = condition.children if isinstance(condition, Conjunction) else (condition,)
    types = tuple(p.types for p in action.parameters)
    return types, renamed(parts), renamed(action.effects)


@pytest.mark.parametrize("name", NAMES)
def test_signatures_and_meaning_agree(name: str) -> None:
    ours, theirs = get_domain(name).domain, published(name)
    for kind in ("predicates", "functions"):
        assert {n: len(p.parameters) for n, p in getattr(ours, kind).items()} == {
            n: len(p.parameters) for n, p in getattr(theirs, kind).items()
        }
    assert {n: meaning(a) for n, a in ours.actions.items()} == {
        n: meaning(a) for n, a in theirs.actions.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_published_problems_parse_and_are_told(name: str) -> None:
    spec = get_domain(name)
    paths = problems(name)
    assert len(paths) == 20
    for path in paths:
        problem = parse_problem(path.read_text(), spec.domain)
        told = spec.describe_problem(problem)
        as_published = load_task(DATA / name / "domain.pddl", path).problem
        assert (problem.init, problem.goal) == (as_published.init, as_published.goal)
        assert told.split("\n\n", 1)[1] == spec.describe_problem(as_published).split("\n\n", 1)[1]
        head = set(told.replace(",", " ").replace(".", " ").split())
        assert {o.name for o in as_published.objects} <= head


@pytest.mark.parametrize("name", ["barman", "blocksworld", "floortile", "grippers"])
def test_our_witness_is_valid_in_the_published_domain(name: str) -> None:
    spec = get_domain(name)
    instance = spec.generate(spec.min_size + 2, 0)
    assert validate(Task(published(name), instance.task.problem), instance.witness).valid


def test_tyreworld_closed_form_on_published_problems() -> None:
    spec = get_domain("tyreworld")
    for path in problems("tyreworld"):
        task = load_task(DATA / "tyreworld" / "domain.pddl", path)
        hubs = [o.name for o in task.problem.objects if o.types == ("hub",)]
        cost = 11 * len(hubs) + 8
        assert spec.optimal_cost(task.problem) == cost
        assert spec.optimal_cost(parse_problem(path.read_text(), spec.domain)) == cost
        plan = standard_plan(len(hubs))
        assert len(plan) == cost
        assert validate(task, plan).valid


def standard_plan(hubs: int) -> Plan:
    lines = ["open boot", "fetch wrench boot", "fetch jack boot", "fetch pump boot"]
    for i in range(1, hubs + 1):
        hub, nut = f"the-hub{i}", f"nuts{i}"
        lines += [
            f"loosen {nut} {hub}",
            f"jack-up {hub}",
            f"undo {nut} {hub}",
            f"remove-wheel w{i} {hub}",
            f"fetch r{i} boot",
            f"put-on-wheel r{i} {hub}",
            f"do-up {nut} {hub}",
            f"jack-down {hub}",
            f"tighten {nut} {hub}",
            f"inflate r{i}",
            f"put-away w{i} boot",
        ]
    lines += [f"put-away {tool} boot" for tool in ("wrench", "jack", "pump")]
    steps = [line.split() for line in (*lines, "close boot")]
    return Plan(tuple(PlanStep(head, tuple(args)) for head, *args in steps))
