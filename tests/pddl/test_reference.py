"""Reference planners: limits that hold, honest outcomes, bounds and their store."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surefoot.core.errors import InputError
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import Task, parse_task, write_domain, write_problem
from surefoot.pddl.reference import (
    FD_FF,
    FD_LMCUT,
    SYMK,
    Bounds,
    BoundsStore,
    Limits,
    PlannerStatus,
    ReferencePlanner,
    content_key,
    lookup,
    shipped_suite,
)
from surefoot.pddl.reference.bounds import shipped
from surefoot.pddl.reference.compute import main, reference_bounds, without_planner
from surefoot.pddl.reference.process import ProcessEnding, run_limited
from surefoot.pddl.validator import validate
from tests.waiting import HANGING_S, alive, until

needs_planners = pytest.mark.skipif(
    not (FD_LMCUT.installed and SYMK.installed), reason="planners are not installed"
)

PATIENT = Limits(HANGING_S)

LONGER = (1.0, 8.0, 64.0, 512.0)
"""Limits of seconds for programs that end at none: a busy machine needs one of the later."""

UNSOLVABLE = parse_task(
    "(define (domain d) (:predicates (p) (q)) (:action a :precondition (p) :effect (q)))",
    "(define (problem x) (:domain d) (:init) (:goal (q)))",
)


def small(name: str = "blocksworld", above: int = 0) -> Task:
    spec = get_domain(name)
    return spec.generate(spec.min_size + above, seed=0).task


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")
def test_a_stubborn_family_is_gone_after_the_limit(tmp_path: Path) -> None:
    code = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
open("pids", "a").write(f"{os.getpid()}\\n")
if child == 0:
    os.fork()
    open("pids", "a").write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.01)
"""
    pids = tmp_path / "pids"
    for seconds in LONGER:
        pids.write_text("")
        done = run_limited([sys.executable, "-c", code], tmp_path, Limits(seconds))
        assert done.ending is ProcessEnding.TIMEOUT
        family = {int(line) for line in pids.read_text().split()}
        until(lambda family=family: not any(map(alive, family)))  # type: ignore[misc]
        if len(family) >= 3:
            break
    assert len(family) >= 3


def test_what_a_program_leaves_behind_is_killed(tmp_path: Path) -> None:
    code = "import os, signal\nchild = os.fork()\nif child == 0:\n    signal.pause()\nprint(child)"
    done = run_limited([sys.executable, "-c", code], tmp_path, PATIENT)
    assert (done.ending, done.code) == (ProcessEnding.EXIT, 0)
    until(lambda: not alive(int(done.output)))


def test_processor_time_is_limited_too(tmp_path: Path) -> None:
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    done = run_limited([sys.executable, "-c", code], tmp_path, Limits(2.0))
    assert done.ending is ProcessEnding.TIMEOUT


def test_memory_is_limited(tmp_path: Path) -> None:
    code = "x = bytearray(2**30)"
    done = run_limited([sys.executable, "-c", code], tmp_path, Limits(HANGING_S, memory_mb=300))
    assert done.code == 1
    assert "MemoryError" in done.output


@needs_planners
@pytest.mark.parametrize("planner", [FD_LMCUT, SYMK, FD_FF], ids=lambda p: p.name)
def test_planners_solve(planner: ReferencePlanner) -> None:
    task = small()
    result = planner.solve(task, PATIENT)
    assert result.plan is not None
    verdict = validate(task, result.plan)
    assert verdict.valid
    assert verdict.cost == result.cost
    if planner.optimal:
        assert result.status is PlannerStatus.OPTIMAL
        assert result.cost == result.lower == 6
    else:
        assert result.status is PlannerStatus.SATISFICED


@needs_planners
def test_unsolvable_is_said_only_when_proven() -> None:
    assert FD_LMCUT.solve(UNSOLVABLE, PATIENT).status is PlannerStatus.UNSOLVABLE_PROVEN
    with pytest.raises(InputError, match="has no plan"):
        reference_bounds(UNSOLVABLE, PATIENT, PATIENT)


@needs_planners
def test_a_timeout_is_a_timeout_and_keeps_its_proven_bound() -> None:
    for seconds in (5.0, *LONGER):
        result = FD_LMCUT.solve(small("termes", 3), Limits(seconds))
        if result.lower is not None:
            break
    assert result.status is PlannerStatus.TIMEOUT
    assert result.plan is None
    assert result.lower is not None
    assert result.lower <= 38  # the shipped optimum of termes-4-0


@needs_planners
def test_too_little_memory_is_not_unsolvable() -> None:
    result = SYMK.solve(small(), Limits(HANGING_S, memory_mb=200))
    assert result.status in (PlannerStatus.MEMOUT, PlannerStatus.CRASHED)
    assert result.lower is None or result.lower <= 6


def test_a_missing_planner_is_missing() -> None:
    absent = replace(FD_LMCUT, package="no_such_package", distribution="no-such-package")
    result = absent.solve(small())
    assert result.status is PlannerStatus.MISSING
    assert "pip install 'surefoot[planners]'" in result.message


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed", "signal 11"),
        ("import sys; print('what?'); sys.exit(31)", "crashed", "what?"),
        ("print('Solution found!')", "crashed", "wrote none"),
        ("open('plan', 'w').write('(pickup b1)'); print('Solution found')", "crashed", "not valid"),
        ("open('plan', 'w').write('(pick'); print('Solution found')", "crashed", "unreadable"),
        ("import sys; sys.exit(12)", "unsolved", "without a proof"),
        ("import sys; sys.exit(22)", "memout", "memory"),
        ("import sys; sys.exit(23)", "timeout", "stopped"),
        ("import sys; sys.exit(11)", "unsolvable_proven", ""),
    ],
)
def test_how_planners_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: str, words: str
) -> None:
    package = tmp_path / "fake_planner"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "driver.py").write_text(script)
    monkeypatch.syspath_prepend(str(tmp_path))
    fake = replace(FD_LMCUT, package="fake_planner", driver="driver.py")
    result = fake.solve(small(), PATIENT)
    assert result.status == status
    assert words in result.message
    assert result.plan is None


def test_bounds_tell_the_gap() -> None:
    assert Bounds(10, 10).gap(12) == (0.2, 0.2)
    assert Bounds(8, 10).gap(12) == (0.2, 0.5)
    assert Bounds(0, 0).gap(0) == (0, 0)
    assert Bounds(0, 0).gap(3) == (3, 3)
    assert Bounds(8, None).gap(8) == (0, 0)
    assert Bounds(None, 9).gap(9) is None
    joined = Bounds(8, 9, "a", "x").joined(Bounds(9, None, "b", "y"))
    assert joined == Bounds(9, 9, "a + b", "x; y")
    assert Bounds(9, 9, "a", "x").joined(Bounds(8, 12, "b", "y")) == Bounds(9, 9, "a", "x")


def test_the_store_survives(tmp_path: Path) -> None:
    store = BoundsStore(tmp_path / "b.json")
    store.put("k2", "b", Bounds(1, 2, "m", "p"))
    store.put("k1", "a", Bounds(None, 3))
    again = BoundsStore(tmp_path / "b.json")
    assert (again.get("k2"), again.get("k1"), again.get("x")) == (
        Bounds(1, 2, "m", "p"),
        Bounds(None, 3),
        None,
    )
    assert len((tmp_path / "b.json").read_text().splitlines()) == 4
    (tmp_path / "b.json").write_text("[]")
    with pytest.raises(InputError, match="not a store"):
        BoundsStore(tmp_path / "b.json")


def test_the_key_is_the_content() -> None:
    task = small("grippers", 1)
    domain, problem = write_domain(task.domain), write_problem(task.problem)
    same = parse_task("; a comment\n" + domain.upper(), problem.replace("\n", "\n\n  "))
    renamed = replace(task.problem, name="other", objects=task.problem.objects[::-1])
    assert content_key(task) == content_key(same) == content_key(Task(task.domain, renamed))
    fewer = replace(task.problem, init=frozenset(list(task.problem.init)[1:]))
    assert content_key(task) != content_key(Task(task.domain, fewer))


def test_shipped_bounds_fit_the_suite() -> None:
    suite = shipped_suite()
    assert len(suite) == 80
    proven = 0
    for instance in suite:
        bounds = lookup(instance.task)
        verdict = validate(instance.task, instance.witness)
        assert bounds.lower is not None, instance.task.name
        assert bounds.upper is not None
        assert bounds.lower <= bounds.upper
        assert bounds.lower <= verdict.cost
        assert bounds.provenance
        proven += bounds.optimal
    assert proven >= 70


def test_nothing_private_is_shipped() -> None:
    text = json.dumps([[name, b.provenance] for name, b in shipped().values()])
    assert "/" + "tmp" not in text
    assert os.path.expanduser("~") + "/" not in text


@needs_planners
@pytest.mark.parametrize("name", ["blocksworld", "grippers", "tabletop", "tyreworld"])
def test_shipped_optima_are_found_again(name: str) -> None:
    task = small(name)
    known = lookup(task)
    assert known.optimal
    assert FD_LMCUT.solve(task, PATIENT).cost == known.upper


def test_without_a_planner() -> None:
    task = small()
    done = replace(task.problem, goal=next(iter(task.problem.init)))
    assert without_planner(Task(task.domain, done)) == Bounds(
        0, 0, "goal true", "the initial state satisfies the goal"
    )
    closed = without_planner(small("tyreworld"))
    assert closed is not None
    assert (closed.upper, closed.method) == (19, "closed form")
    assert without_planner(task) is None


@needs_planners
def test_filling_a_store_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "blocksworld"
    folder.mkdir()
    for number, above in (("p01", 0), ("p02", 1)):
        task = small("blocksworld", above)
        (folder / "domain.pddl").write_text(write_domain(task.domain))
        (folder / f"{number}.pddl").write_text(write_problem(task.problem))
    out = tmp_path / "bounds.json"
    arguments = [str(folder), "--out", str(out), "--symk-seconds", str(HANGING_S)]
    assert main(arguments) == 0
    assert len(BoundsStore(out)) == 2
    assert capsys.readouterr().err.count("symk") == 2
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
    (folder / "p03.pddl").write_text("(")
    assert main(arguments) == 2
    assert "p03.pddl:1:" in capsys.readouterr().err
