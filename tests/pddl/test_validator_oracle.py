"""The validator against unified-planning on more than 10,000 damaged plans."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.ground import GroundTask
from surefoot.pddl.language import Plan, PlanStep, Task, load_task
from surefoot.pddl.validator import validate
from surefoot.pddl.verdict import Verdict

from .mutations import applicable, mutate
from .up_oracle import Oracle

PLANS_PER_TASK = 510
SIZES = (0, 1)
ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("SUREFOOT_O1_DATA", "../shared/data/o1-planning")).resolve()
READABLE = ("barman", "blocksworld", "floortile", "grippers")
"""Published domains that the oracle can read; it refuses tyreworld's undeclared wrench."""


def disagreements(
    ground: GroundTask, oracle: Oracle, plans: Iterator[Plan]
) -> tuple[list[str], set[str]]:
    """Compares validity and the failing step; returns differences and the outcomes met."""
    wrong: list[str] = []
    outcomes: set[str] = set()
    for plan in plans:
        ours: Verdict = validate(ground, plan)
        theirs = oracle.judge(plan)
        outcomes.add(str(ours.status))
        first = ours.first_error.step if ours.first_error else None
        if ours.valid != theirs.valid or theirs.failing != first:
            wrong.append(f"{ours.status} at {first}, oracle {theirs}: {list(map(str, plan.steps))}")
    return wrong, outcomes


@pytest.mark.parametrize("extra", SIZES)
@pytest.mark.parametrize("name", list_domains())
def test_agrees_on_damaged_plans(name: str, extra: int) -> None:
    spec = get_domain(name)
    instance = spec.generate(spec.min_size + (extra if name != "tyreworld" else 0), seed=extra)
    ground = GroundTask(instance.task)
    rng = Random(f"{name}:{extra}")
    plans = (mutate(ground, instance.witness, rng) for _ in range(PLANS_PER_TASK))
    wrong, outcomes = disagreements(ground, Oracle.of(instance.task), plans)
    assert wrong == []
    assert outcomes >= {"valid", "inapplicable", "goal_unmet"}


@pytest.mark.skipif(not DATA.is_dir(), reason="no published problems; set SUREFOOT_O1_DATA")
@pytest.mark.parametrize("name", READABLE)
def test_agrees_on_published_tasks(name: str) -> None:
    folder = DATA / name
    problem = "p02" if name in ("blocksworld", "grippers") else "p01"
    task: Task = load_task(folder / "domain.pddl", folder / f"{problem}.pddl")
    oracle = Oracle((folder / "domain.pddl").read_text(), (folder / f"{problem}.pddl").read_text())
    ground = GroundTask(task)
    rng = Random(name)
    walk = random_walk(ground, 12, rng)
    wrong, outcomes = disagreements(ground, oracle, (mutate(ground, walk, rng) for _ in range(120)))
    assert wrong == []
    assert "inapplicable" in outcomes


def random_walk(ground: GroundTask, length: int, rng: Random) -> Plan:
    """An executable plan of random steps."""
    steps: list[PlanStep] = []
    for _ in range(length):
        steps += applicable(ground, steps, rng)
    return Plan(tuple(steps))
