"""Axes and sizes of a bench, against counts made by hand."""

from __future__ import annotations

import pytest

from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_planner
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.profile import axes_rows, extrapolation_rows, size_rows
from surefoot.pddl.benchmark.run import BenchRun, bench_run
from surefoot.pddl.grading.axes import Axis
from surefoot.pddl.reference import lookup
from surefoot.results.statistics import newcombe, wilson


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> BenchRun:
    config = BenchConfig(
        planners=("random",),
        domains=("blocksworld", "barman"),
        difficulty=(0, 2),
        seeds=(0, 1, 2, 3),
        styles=("pddl",),
        renamings=("none", "random_word"),
        renaming_seeds=(5,),
    )
    planners = {"random": make_planner("random", ModelOptions())}
    return bench_run(config, tmp_path_factory.mktemp("runs") / "b", planners, lookup)


def test_axes_are_means_over_domains_and_keep_renamed_tasks_apart(done: BenchRun) -> None:
    (row,) = axes_rows(done.episodes)
    assert row["contestant"] == "random"
    for axis, renamed in ((Axis.PLAN, "none"), (Axis.GENERALIZATION, "random_word")):
        shares = []
        for domain in ("blocksworld", "barman"):
            own = [
                e for e in done.episodes if (e.case.domain, e.case.renaming) == (domain, renamed)
            ]
            assert len(own) == 8
            shares.append(sum(e.solved for e in own) / 8)
        assert row[axis] == pytest.approx(sum(shares) / 2)
    assert row[Axis.STEPS] == 1.0  # random walks take applicable actions only
    assert row[Axis.OPTIMALITY] <= row[Axis.PLAN]


def test_sizes_count_every_episode_once(done: BenchRun) -> None:
    rows = size_rows(done.episodes)
    assert {(r["domain"], r["size"], r["step"]) for r in rows} == {
        ("blocksworld", 3, 0),
        ("blocksworld", 5, 2),
        ("barman", 1, 0),
        ("barman", 3, 2),
    }
    assert all(r["n"] == 4 for r in rows)
    assert done.summary["sizes"] == rows
    (drop,) = extrapolation_rows(rows)
    small, large = (sum(r["valid"] for r in rows if r["step"] == s) for s in (0, 2))
    assert drop["small"] == [small, 8]
    assert drop["large"] == [large, 8]
    assert drop["drop"] == pytest.approx((small - large) / 8)
    page = done.report.read_text()
    assert "Larger sizes" in page
    assert "Five axes" in page


def test_one_size_alone_extrapolates_to_nothing() -> None:
    row = {"contestant": "a", "domain": "d", "size": 1, "step": 0, "valid": 1, "n": 2}
    assert extrapolation_rows([row]) == []


def test_newcombe_covers_as_often_as_it_says() -> None:
    from random import Random

    rng = Random(1)
    covered = 0
    for _ in range(2000):
        a, b = (sum(rng.random() < p for _ in range(40)) for p in (0.7, 0.4))
        found = newcombe(a, 40, b, 40)
        covered += found.low <= 0.3 <= found.high
    assert 0.93 < covered / 2000 < 0.97
    assert newcombe(0, 5, 0, 5).low == pytest.approx(-wilson(0, 5).high)
