"""``surefoot validate`` as people call it, and beside unified-planning's validator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from surefoot.cli.main import run_command
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import Plan, PlanStep, parse_plan, write_plan, write_problem

from .pddl.up_oracle import Oracle

DOMAIN = """(define (domain d) (:requirements :action-costs) (:types t)
(:predicates (p ?x - t) (q ?x - t)) (:functions (total-cost) - number)
(:action a :parameters (?x - t) :precondition (p ?x)
 :effect (and (q ?x) (not (p ?x)) (increase (total-cost) 2)))
(:action b :parameters (?x - t) :precondition (and (q ?x) (not (p ?x)))
 :effect (and (p ?x) (q ?x) (increase (total-cost) 1.5))))"""
PROBLEM = """(define (problem x) (:domain d) (:objects u v - t) (:init (p u) (= (total-cost) 5))
(:goal (and (p u) (q u))) (:metric minimize (total-cost)))"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.pddl").write_text(DOMAIN)
    (tmp_path / "p.pddl").write_text(PROBLEM)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], plan: str, *options: str) -> tuple[int, str, str]:
    Path("plan").write_text(plan)
    code = run_command(["validate", "d.pddl", "p.pddl", "plan", *options])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.usefixtures("folder")
class TestOnePlan:
    def test_valid(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(capsys, "1: (b u)\n0: (a u)") == (0, "plan valid: 2 steps, cost 8.5\n", "")

    def test_a_step_that_cannot_be_taken(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "(a u)\n(b v)")
        assert code == 1
        assert out == ("plan not valid: step 2 (b v) cannot be taken\n  not satisfied: (q v)\n")

    def test_a_goal_that_is_not_reached(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "(a u)")
        assert code == 1
        assert out == (
            "plan not valid: the goal does not hold after 1 step\n  not reached: (p u)\n"
        )

    def test_an_unknown_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "(aa u)")
        assert code == 1
        assert "no action 'aa' in the domain" in out

    def test_trace(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "(a u)\n(b u)\n(a v)", "--trace")
        assert code == 1
        assert out.splitlines() == [
            "1 (a u): cost 2, in all 7",
            "  + (q u)",
            "  - (p u)",
            "2 (b u): cost 1.5, in all 8.5",
            "  + (p u)",
            "plan not valid: step 3 (a v) cannot be taken",
            "  not satisfied: (p v)",
        ]

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "(a u)\n(b u)", "--json")
        data = json.loads(out)
        assert (code, data["valid"], data["cost"], data["first_error"]) == (0, True, 8.5, None)
        assert "trace" not in data
        code, out, _ = run(capsys, "(a u)\n(a u)", "--json", "--trace")
        data = json.loads(out)
        assert (code, data["valid"], data["cost"]) == (1, False, None)
        assert data["first_error"]["step"] == 2
        assert data["first_error"]["kind"] == "precondition"
        assert data["literals"] == ["(p u)"]
        assert data["goal_fraction"] == 0.5
        assert [step["adds"] for step in data["trace"]] == [["(q u)"]]

    @pytest.mark.parametrize(
        ("plan", "words"),
        [
            ("(a u)\nthen (b u)", "error: plan:2:1: expected"),
            ("0: (a u)\n0: (b u)", "error: plan:1:1: (a u) and (b u) have the same time stamp"),
        ],
    )
    def test_a_bad_plan_file(
        self, plan: str, words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = run(capsys, plan)
        assert (code, out) == (2, "")
        assert err.startswith(words)
        assert err.count("\n") == 1

    def test_bad_tasks(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("d.pddl").write_text("(define (domain d) (:durative-action a))")
        code, _, err = run(capsys, "(a u)")
        assert code == 2
        assert err == "error: d.pddl:1:20: unsupported: durative actions (:durative-actions)\n"
        assert run_command(["validate", "absent.pddl", "p.pddl", "plan"]) == 2
        assert run_command(["validate", "d.pddl"]) == 2

    def test_warnings_are_printed_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("p.pddl").write_text(PROBLEM.replace("(:objects ", "(:objects - t "))
        code, _, err = run(capsys, "(a u) (b u)")
        assert code == 0
        assert err.startswith("warning: p.pddl:1:")
        assert err.count("warning") == 1

    def test_standard_input(self) -> None:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "surefoot", "validate", "d.pddl", "p.pddl", "-"],
            input="\ufeff(A U)\r\n(B U)\r\n".encode(),
            capture_output=True,
        )
        assert (done.returncode, done.stdout) == (0, b"plan valid: 2 steps, cost 8.5\n")


@pytest.mark.parametrize("name", ["blocksworld", "grippers", "floortile"])
def test_agrees_with_unified_planning(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = get_domain(name)
    made = spec.generate(spec.min_size, seed=1)
    (tmp_path / "d.pddl").write_text(spec.domain_text)
    (tmp_path / "p.pddl").write_text(write_problem(made.task.problem))
    oracle = Oracle(spec.domain_text, write_problem(made.task.problem))
    steps = made.witness.steps
    half = len(steps) // 2
    last: list[PlanStep] = [*steps[:-2], *steps[-1:]]
    for plan in (
        made.witness,
        Plan(steps[:half]),
        Plan(steps[half:]),
        Plan(steps[::-1]),
        Plan(tuple(last)),
        Plan((*steps, steps[-1])),
        Plan(),
    ):
        (tmp_path / "plan").write_text(write_plan(plan))
        files = [str(tmp_path / file) for file in ("d.pddl", "p.pddl", "plan")]
        code = run_command(["validate", *files, "--json", "--trace"])
        data = json.loads(capsys.readouterr().out)
        opinion = oracle.judge(plan)
        first = data["first_error"]
        assert (code == 0, data["valid"]) == (opinion.valid, opinion.valid)
        assert (first["step"] if first else None) == opinion.failing
        assert parse_plan((tmp_path / "plan").read_text()) == plan
        assert len(data["trace"]) == data["executable_prefix"]
