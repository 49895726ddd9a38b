"""PlanBench's changed tasks: well-formed, solvable, and what they claim to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from surefoot.core.chat import ReplyStatus
from surefoot.pddl import GroundTask, Plan, parse_plan, validate
from surefoot.pddl.benchmark.cases import make_cases
from surefoot.pddl.benchmark.config import BenchConfig, BenchJob, Style
from surefoot.pddl.benchmark.dialogue import Dialogue
from surefoot.pddl.benchmark.prompts import describe
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.benchmark.tasks import BenchTasks
from surefoot.pddl.benchmark.variants import Variant, make_variant
from surefoot.pddl.conditions import holds
from surefoot.pddl.domains import get_domain, list_domains
from surefoot.pddl.language import Conjunction, parse_problem, write_plan, write_problem
from surefoot.pddl.planner import PlanReply
from surefoot.pddl.reference import FD_FF, Bounds, PlannerStatus, lookup

CHANGED = tuple(j for j in BenchJob if j not in (BenchJob.PLAN, BenchJob.QUESTIONS))


def variant(domain: str, job: BenchJob, seed: int = 0) -> Variant:
    spec = get_domain(domain)
    made = spec.generate(spec.min_size + 1, seed)
    found = make_variant(job, made.task, made.witness, seed)
    assert found is not None
    return found


def goal_parts(task) -> list:
    return list(task.problem.goal.children)


@pytest.mark.parametrize("domain", list_domains())
@pytest.mark.parametrize("job", CHANGED)
def test_both_tasks_are_whole_and_solved_by_their_plans(domain: str, job: BenchJob) -> None:
    for seed in range(3):
        v = variant(domain, job, seed)
        assert v == variant(domain, job, seed)
        assert validate(v.earlier, v.plan).valid
        assert validate(v.task, v.witness).valid
        assert parse_problem(write_problem(v.task.problem), v.task.domain) == v.task.problem
        ground = GroundTask(v.task)
        if job in (BenchJob.REUSE, BenchJob.REPLAN):
            assert not holds(ground.goal, ground.initial)
        for style in (Style.COMPLETE, Style.PDDL, Style.TEMPLATE, Style.COMPACT):
            assert describe(v.task, style, domain) != ""


@pytest.mark.parametrize("domain", list_domains())
def test_shocks_call_for_another_plan_and_a_search_finds_one(domain: str) -> None:
    v = variant(domain, BenchJob.REPLAN)
    rest = Plan(v.plan.steps[v.done :])
    assert not validate(v.task, rest).valid
    assert v.task.problem.goal == v.earlier.problem.goal
    assert v.lost or v.gained
    state = set(GroundTask(v.earlier).initial)
    ground = GroundTask(v.earlier)
    for step in v.plan.steps[: v.done]:
        ground.ground(step).apply(state)
    before = ground.facts(state)
    assert v.task.problem.init == (before - set(v.lost)) | set(v.gained)
    assert set(v.lost) <= before
    assert not set(v.gained) & before
    assert FD_FF.solve(v.task).status is PlannerStatus.SATISFICED


@pytest.mark.parametrize("domain", list_domains())
def test_goals_are_what_the_job_says(domain: str) -> None:
    v = variant(domain, BenchJob.REUSE)
    assert v.witness.steps == v.plan.steps[: len(v.witness)]
    assert v.task.problem.init == v.earlier.problem.init
    assert v.task.problem.goal != v.earlier.problem.goal

    v = variant(domain, BenchJob.REFORMULATE_SHUFFLED)
    assert goal_parts(v.task) != goal_parts(v.earlier)
    assert set(goal_parts(v.task)) == set(goal_parts(v.earlier))

    v = variant(domain, BenchJob.REFORMULATE_FULL)
    assert set(goal_parts(v.task)) > set(goal_parts(v.earlier))

    v = variant(domain, BenchJob.REFORMULATE_PARTIAL)
    partial, full = set(goal_parts(v.task)), set(goal_parts(v.earlier))
    assert partial < full
    assert isinstance(v.earlier.problem.goal, Conjunction)


def test_a_plan_without_steps_has_no_variants_of_some_kinds() -> None:
    made = get_domain("grippers").generate(1, 0)
    assert make_variant(BenchJob.REFORMULATE_SHUFFLED, made.task, made.witness, 0) is None
    assert make_variant(BenchJob.REPLAN, made.task, Plan(), 0) is None
    assert make_variant(BenchJob.REUSE, made.task, Plan(), 0) is None


def bench(**fields: object) -> BenchConfig:
    base = {
        "planners": ["p"],
        "domains": ["blocksworld"],
        "difficulty": [1],
        "seeds": [0],
        "styles": ["template"],
    }
    return BenchConfig.model_validate({**base, **fields})


def test_prompts_show_the_earlier_plan_under_the_names_of_the_case() -> None:
    config = bench(jobs=list(CHANGED), renamings=["none", "random_string"], renaming_seeds=[3])
    tasks = BenchTasks(config)
    cases = make_cases(tasks, {"p": True})
    assert len(cases) == 2 * len(CHANGED)
    assert len({c.key for c in cases}) == len(cases)
    for case in cases:
        dialogue = Dialogue(case, tasks, lambda task: Bounds())
        (turn,) = dialogue.messages
        v = tasks.variant(BenchJob(case.job), case.place)
        assert v is not None
        shown = parse_plan(turn.text.split("Plan:\n")[1].split("\n\n")[0])
        assert len(shown) == len(v.plan)
        assert (shown == v.plan) is (case.renaming == "none")
        assert ("unexpected" in turn.text) is (case.job == BenchJob.REPLAN)
        if case.renaming != "none":
            assert "stack" not in turn.text
            assert "b1" not in turn.text.replace("\n", " ").split()


class Rote:
    """Repeats the plan that it was shown, then what a search finds."""

    name = "rote"
    reads_text = True

    def solve(self, requests):
        for i, request in enumerate(requests):
            text = request.messages[0].text.split("Plan:\n")[1].split("\n\n")[0]
            if len(request.messages) > 1:
                text = write_plan(FD_FF.solve(request.task).plan)
            yield i, PlanReply(ReplyStatus.ANSWERED, text)


def test_repeating_the_plan_solves_what_it_should_and_repair_the_rest(tmp_path: Path) -> None:
    config = bench(
        planners=["rote"],
        jobs=list(CHANGED),
        domains=["blocksworld", "tabletop"],
        renamings=["none", "deceptive"],
        renaming_seeds=[0],
        modes=["direct", "repair-first"],
    )
    done = bench_run(config, tmp_path / "run", {"rote": Rote()}, lookup)
    assert len(done.episodes) == 2 * 2 * 2 * len(CHANGED)
    for e in done.episodes:
        same = e.case.job.startswith("reformulate")
        if e.case.mode == "direct" and (same or e.case.job == BenchJob.REPLAN):
            assert e.solved is same, e.case.key
        if e.case.mode == "repair-first":
            assert e.solved
            assert e.graded.upper is not None
    names = {c["model"] for c in done.summary["totals"]}
    assert "rote repair-first replan deceptive" in names
    assert done.summary["unchanged"] == {}
    for row in done.summary["comparisons"]:
        jobs = [next(j for j in CHANGED if f" {j}" in row[w]) for w in ("first", "second")]
        assert jobs[0] == jobs[1]


def test_tasks_that_cannot_be_changed_are_counted(tmp_path: Path) -> None:
    config = bench(
        domains=["grippers"], difficulty=[0], seeds=[0, 1], jobs=["plan", "reformulate-shuffled"]
    )
    tasks = BenchTasks(config)
    assert tasks.missing_variants() == {"reformulate-shuffled grippers": 2}
    assert [c.job for c in make_cases(tasks, {"p": False})] == ["plan", "plan"]


def test_given_tasks_get_their_plan_from_a_search(tmp_path: Path) -> None:
    from surefoot.pddl.language import write_domain

    made = get_domain("blocksworld").generate(4, 1).task
    folder = tmp_path / "tasks" / "blocks"
    folder.mkdir(parents=True)
    (folder / "domain.pddl").write_text(write_domain(made.domain))
    (folder / "p01.pddl").write_text(write_problem(made.problem))
    config = bench(domains=[], tasks=tmp_path / "tasks", jobs=["reuse"])
    tasks = BenchTasks(config)
    (case,) = make_cases(tasks, {"p": True})
    v = tasks.variant(BenchJob.REUSE, case.place)
    assert v is not None
    assert validate(v.task, v.witness).valid


def test_manifests_of_plain_benches_are_as_they_were() -> None:
    config = bench()
    assert not {k for k in config.to_json() if k.startswith("question") or k == "jobs"}
    assert bench(jobs=["replan"]).to_json()["jobs"] == ["replan"]
    (case,) = make_cases(BenchTasks(config), {"p": False})
    assert case.key == "p blocksworld/4-0 direct"


def test_records_from_before_there_were_jobs_are_read(tmp_path: Path) -> None:
    from surefoot.pddl.benchmark.summary import Episode

    done = bench_run(
        bench(planners=["rote"], jobs=["reuse"]), tmp_path / "run", {"rote": Rote()}, lookup
    )
    line = json.loads((tmp_path / "run" / "episodes.jsonl").read_text())
    assert Episode.from_json(line) == done.episodes[0]
    for name in ("job", "question"):
        del line["case"][name]
    old = Episode.from_json(line)
    assert (old.case.job, old.case.question) == ("plan", "")


@pytest.mark.parametrize("domain", ["blocksworld", "delivery"])
def test_draws_do_not_depend_on_the_process(domain: str) -> None:
    """Texts hash differently in every process; a bench that goes on needs the same draws."""
    code = f"""
from surefoot.pddl.benchmark.config import BenchJob
from surefoot.pddl.benchmark.variants import make_variant
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import write_plan, write_problem
from surefoot.pddl.questions import make_questions
made = get_domain({domain!r}).generate(3, 0)
for job in (BenchJob.REUSE, BenchJob.REPLAN):
    v = make_variant(job, made.task, made.witness, 0)
    print(write_problem(v.task.problem), write_plan(v.witness))
print(make_questions(made.task, made.witness, n=1, cap=200))
"""
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
