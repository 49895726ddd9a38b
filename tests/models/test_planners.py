"""Planners without a language model, on real tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import InputError
from surefoot.models.backends.classical import SearchPlanner, find_search
from surefoot.models.backends.recorded import RecordedPlanner
from surefoot.models.backends.scripted import MAX_STEPS, ScriptedPlanner
from surefoot.pddl import validate
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.planner import Planner, PlanRequest
from tests.waiting import HANGING_S


def requests(domain: str = "blocksworld", n: int = 4, size: int = 3) -> list[PlanRequest]:
    spec = get_domain(domain)
    tasks = [spec.generate(max(size, spec.min_size), seed).task for seed in range(n)]
    return [PlanRequest(t, seed=i, key=f"{domain}/{i}") for i, t in enumerate(tasks)]


@pytest.mark.parametrize("spec", ["fd:lmcut", "fd:ff", "symk", "fd:astar(blind())"])
def test_searches_solve_and_keep_indices(spec: str) -> None:
    planner = SearchPlanner(spec, HANGING_S)
    assert isinstance(planner, Planner)
    asked = requests()
    replies = dict(planner.solve(asked))
    assert sorted(replies) == [0, 1, 2, 3]
    for i, reply in replies.items():
        assert reply.status is ReplyStatus.ANSWERED
        assert reply.plan is not None
        assert validate(asked[i].task, reply.plan).valid
        assert reply.usage.seconds > 0


def test_a_search_that_runs_out_of_time_gave_up() -> None:
    hard = [PlanRequest(get_domain("barman").generate(get_domain("barman").max_size, 0).task)]
    ((_, reply),) = SearchPlanner("fd:astar(blind())", 1).solve(hard)
    assert reply.status is ReplyStatus.GAVE_UP
    assert reply.plan is None
    assert reply.message


def test_a_search_string_that_is_wrong_is_the_harness() -> None:
    ((_, reply),) = SearchPlanner("fd:astar(nonsense())", HANGING_S).solve(requests(n=1))
    assert reply.status is ReplyStatus.SERVER_ERROR


def test_unknown_searches_are_refused() -> None:
    with pytest.raises(InputError, match="unknown search 'fd:lm'"):
        find_search("fd:lm")


@pytest.mark.parametrize("name", ["random", "greedy"])
@pytest.mark.parametrize("domain", list_domains())
def test_baselines_take_applicable_steps(name: str, domain: str) -> None:
    asked = requests(domain, 2, 1)
    for i, reply in ScriptedPlanner(name).solve(asked):
        verdict = validate(asked[i].task, reply.plan)
        assert verdict.first_error is None
        assert len(reply.plan) <= MAX_STEPS


def test_baselines_repeat_with_their_seed_and_greedy_is_better() -> None:
    asked = requests(n=12)
    plans = [[r.plan for _, r in ScriptedPlanner("random").solve(asked)] for _ in range(2)]
    assert plans[0] == plans[1]
    moved = [PlanRequest(r.task, seed=r.seed + 99) for r in asked]
    assert [r.plan for _, r in ScriptedPlanner("random").solve(moved)] != plans[0]
    greedy = [r.plan for _, r in ScriptedPlanner("greedy").solve(asked)]
    solved = [validate(r.task, p).valid for r, p in zip(asked, greedy, strict=True)]
    assert sum(solved) >= 6
    shorter = sum(len(g) < len(p) for g, p in zip(greedy, plans[0], strict=True))
    assert shorter >= 8


def test_recorded_answers_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "blocksworld"
    folder.mkdir()
    (folder / "0.pddl.me").write_text("(pickup b1)")
    (folder / "1.pddl.me").write_text("")
    (folder / "0.pddl.prompt").write_text("not an answer")
    replies = dict(RecordedPlanner(f"recorded:{tmp_path}").solve(requests(n=3)))
    assert replies[0].text == "(pickup b1)"
    assert replies[1].status is replies[2].status is ReplyStatus.SERVER_ERROR
    (folder / "0.pddl.you").write_text("other")
    with pytest.raises(InputError, match="several models"):
        RecordedPlanner(f"recorded:{tmp_path}")
    chosen = RecordedPlanner(f"recorded:{tmp_path}#you")
    assert next(chosen.solve(requests(n=1)))[1].text == "other"
    with pytest.raises(InputError, match="no answers of 'him'"):
        RecordedPlanner(f"recorded:{tmp_path}#him")


def test_recorded_lines(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"task": "blocksworld/0", "model": "m", "answer": "text"}) + "\n")
    assert next(RecordedPlanner(f"recorded:{path}").solve(requests(n=1)))[1].text == "text"
    path.write_text("{}\n")
    with pytest.raises(InputError, match="task, model and answer"):
        RecordedPlanner(f"recorded:{path}")
    with pytest.raises(InputError, match="no such folder or file"):
        RecordedPlanner(f"recorded:{tmp_path}/none")
