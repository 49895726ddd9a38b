"""A bench that asks several times for each task."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from surefoot.core.chat import ReplyStatus, Usage
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.leaderboard import make_leaderboard
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.language import Plan, write_plan
from surefoot.pddl.planner import PlanReply, PlanRequest
from surefoot.pddl.reference import FD_FF, lookup


class Lucky:
    """Answers right or with half a plan, as the request's seed has it."""

    name = "lucky"
    reads_text = True

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, request in enumerate(requests):
            self.seeds.append(request.seed)
            steps = FD_FF.solve(request.task).plan.steps
            kept = steps if request.seed % 2 else steps[: len(steps) // 2]
            yield i, PlanReply(ReplyStatus.ANSWERED, write_plan(Plan(kept)), None, Usage(1, 1, 0.1))


class Search:
    """Fast Downward's greedy search."""

    name = "search"
    reads_text = False

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, request in enumerate(requests):
            plan = FD_FF.solve(request.task).plan
            yield i, PlanReply(ReplyStatus.ANSWERED, "", plan, Usage(0, 0, 0.1))


def config(**fields: object) -> BenchConfig:
    base = {"planners": ["lucky", "search"], "domains": ["blocksworld"], "difficulty": [0, 1]}
    return BenchConfig.model_validate({**base, "seeds": [0, 1], **fields})


def test_samples_have_seeds_of_their_own(tmp_path: Path) -> None:
    lucky = Lucky()
    planners = {"lucky": lucky, "search": Search()}
    done = bench_run(config(samples=6), tmp_path / "run", planners, lookup)
    assert len(done.episodes) == 4 * 6 + 4
    assert len(set(lucky.seeds)) == 24
    (row,) = done.summary["samples"]
    assert (row["model"], row["tasks"], row["fewest"], row["most"]) == ("lucky", 4, 6, 6)
    assert [p["k"] for p in row["passes"]] == [1, 2, 5]
    total = next(c for c in done.summary["totals"] if c["model"] == "lucky")
    assert row["passes"][0]["rate"] == pytest.approx(total["valid"] / total["n"])
    assert 0 < total["valid"] < total["n"] == 24
    (pair,) = done.summary["comparisons"]
    assert (pair["n"], pair["by_rate"], pair["pairs_needed"]) == (4, True, None)
    sizes = [r for r in done.summary["sizes"] if r["contestant"] == "lucky"]
    assert [len(r["by_task"]) for r in sizes] == [2, 2]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "pass@5" in page
    again = Lucky()
    planners["lucky"] = again
    resumed = bench_run(config(samples=6), tmp_path / "run", planners, lookup)
    assert again.seeds == []
    assert resumed.summary == json.loads((tmp_path / "run" / "summary.json").read_text())
    board = make_leaderboard([tmp_path / "run"])
    assert board.comparisons[0]["mcnemar_p"] == pair["mcnemar_p"]
    assert {c.model: c.interval for c in board.totals}["lucky"] is not None


def test_one_sample_is_planned_as_before(tmp_path: Path) -> None:
    planners = {"lucky": Lucky(), "search": Search()}
    done = bench_run(config(), tmp_path / "run", planners, lookup)
    assert "samples" not in done.summary
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert "samples" not in manifest["config"]
    assert not any("sample" in key for key in manifest["keys"])
