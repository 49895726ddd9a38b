"""Optimality is judged by what any contestant of the bench found or proved."""

from __future__ import annotations

from pathlib import Path

from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_planner
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.optima import with_common_bounds
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.grading.records import AnswerOutcome, PaperLabel
from surefoot.pddl.reference import Bounds


def test_a_proof_of_one_counts_for_all_under_any_name(tmp_path: Path) -> None:
    names = ("random", "greedy", "fd:lmcut")
    config = BenchConfig(
        planners=names,
        domains=("blocksworld",),
        difficulty=(0,),
        seeds=(3, 4, 5, 6),
        styles=("pddl",),
        renamings=("none", "random_string"),
        renaming_seeds=(1,),
    )
    planners = {n: make_planner(n, ModelOptions()) for n in names}
    done = bench_run(config, tmp_path / "run", planners, lambda task: Bounds())
    optimum = {}
    for e in done.episodes:
        if e.case.planner == "fd:lmcut":
            assert e.graded.kind is AnswerOutcome.VALID
            assert optimum.setdefault(e.case.task, e.graded.cost) == e.graded.cost
    kinds = set()
    for e in done.episodes:
        best = optimum[e.case.task]
        assert (e.graded.lower, e.graded.upper) == (best, best)
        if e.solved:
            assert e.graded.cost is not None
            assert e.graded.kind is (
                AnswerOutcome.VALID if e.graded.cost == best else AnswerOutcome.SUBOPTIMAL
            )
            kinds.add(e.graded.kind)
            if e.graded.kind is AnswerOutcome.SUBOPTIMAL:
                assert e.graded.paper is PaperLabel.LO
                assert e.graded.detail
    assert kinds == {AnswerOutcome.VALID, AnswerOutcome.SUBOPTIMAL}


def test_without_a_proof_the_best_plan_is_only_the_best_known(tmp_path: Path) -> None:
    config = BenchConfig(
        planners=("random",),
        domains=("blocksworld",),
        difficulty=(0,),
        seeds=(3, 4),
        styles=("pddl",),
        renamings=("none", "random_string"),
        renaming_seeds=(1, 2),
    )
    planners = {"random": make_planner("random", ModelOptions())}
    done = bench_run(config, tmp_path / "run", planners, lambda task: Bounds())
    assert all(e.graded.lower is None for e in done.episodes)
    assert {c["optimal"] for c in done.summary["cells"]} == {0}
    assert with_common_bounds(done.episodes) == done.episodes
