"""The bench with planners that really plan: searches, witnesses told as text, liars."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from surefoot.core.chat import ReplyStatus, Usage
from surefoot.core.errors import HarnessError, InputError
from surefoot.pddl.benchmark.config import BenchConfig, read_config
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.benchmark.tasks import BenchTasks
from surefoot.pddl.domains import get_domain
from surefoot.pddl.language import Plan, write_plan
from surefoot.pddl.planner import Planner, PlanReply, PlanRequest
from surefoot.pddl.reference import FD_FF, PlannerStatus, lookup


class Search:
    """Fast Downward's greedy search."""

    name = "search"
    reads_text = False

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, request in enumerate(requests):
            result = FD_FF.solve(request.task)
            assert result.status is PlannerStatus.SATISFICED
            yield i, PlanReply(ReplyStatus.ANSWERED, "", result.plan, Usage(0, 0, result.seconds))


class Student:
    """Answers as text with a plan that breaks off early, and better with every hint.

    Its plan comes from a search, cut to half its length in the first answer, to three
    quarters in the second, and complete in the third. In resampling it never hears that
    anything is wrong and stays at half.
    """

    name = "student"
    reads_text = True

    def __init__(self) -> None:
        self.asked: list[PlanRequest] = []

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, request in reversed(list(enumerate(requests))):
            self.asked.append(request)
            steps = FD_FF.solve(request.task).plan.steps
            hints = sum(turn.role == "user" for turn in request.messages) - 1
            keep = len(steps) * min(4, 2 + hints) // 4
            text = "Plan:\n" + write_plan(Plan(steps[:keep]))
            yield i, PlanReply(ReplyStatus.ANSWERED, text, None, Usage(100, keep, 0.5, 0.01))


class Broken:
    """A server that fails for every second request."""

    name = "broken"
    reads_text = True

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, _ in enumerate(requests):
            if i % 2:
                yield i, PlanReply(ReplyStatus.SERVER_ERROR, message="status 500")
            else:
                yield i, PlanReply(ReplyStatus.ANSWERED, "I am sorry, I cannot help with that.")


def config(**fields: object) -> BenchConfig:
    base = {
        "planners": ["search"],
        "domains": ["blocksworld", "grippers"],
        "difficulty": [0],
        "seeds": [0, 1],
    }
    return BenchConfig.model_validate({**base, **fields})


def run(tmp_path: Path, bench: BenchConfig, *planners: Planner, **options: object):
    return bench_run(bench, tmp_path / "run", {p.name: p for p in planners}, lookup, **options)


def test_search_and_text_side_by_side(tmp_path: Path) -> None:
    bench = config(
        planners=["search", "student"], modes=["direct", "repair-first", "resample"], rounds=4
    )
    done = run(tmp_path, bench, Search(), Student())
    assert len(done.episodes) == 4 + 3 * 4
    assert done.unanswered == {}
    totals = {c["model"]: c for c in done.summary["totals"]}
    assert totals["search"]["valid"] == 4
    assert totals["student direct"]["valid"] == 0
    assert totals["student repair-first"]["valid"] == 4
    assert totals["student resample"]["valid"] == 0
    rounds = {r["contestant"]: r for r in done.summary["rounds"]}
    assert rounds["student repair-first"]["solved_by_round"] == [0, 0, 4]
    assert rounds["student resample"]["solved_by_round"] == [0, 0, 0, 0]
    effort = {e["contestant"]: e for e in done.summary["effort"]}
    assert effort["student resample"]["answers"] == 16
    assert effort["student repair-first"]["cost"] == pytest.approx(0.12)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "student repair-first" in page
    assert "too few" in page or "not told apart" in page
    assert (tmp_path / "run" / "answers.html").is_file()


def test_feedback_says_what_the_mode_allows(tmp_path: Path) -> None:
    heard = {}
    for mode in ("repair-binary", "repair-first", "repair-all"):
        student = Student()
        bench = config(planners=["student"], domains=["blocksworld"], seeds=[0], modes=[mode])
        bench_run(bench, tmp_path / mode, {"student": student}, lookup)
        heard[mode] = student.asked[1].messages[-1].text
    assert "(" not in heard["repair-binary"]
    assert "(on" in heard["repair-first"] or "(" in heard["repair-first"]
    assert "The state after" in heard["repair-all"]
    assert "The state after" not in heard["repair-first"]


def test_resampling_uses_new_seeds_and_repeats_the_same_ones(tmp_path: Path) -> None:
    seeds = []
    for name in ("a", "b"):
        student = Student()
        bench = config(planners=["student"], domains=["grippers"], seeds=[0], modes=["resample"])
        bench_run(bench, tmp_path / name, {"student": student}, lookup)
        seeds.append([r.seed for r in student.asked])
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == len(seeds[0]) == 5


def test_server_trouble_is_nobodys_failure_and_is_asked_again(tmp_path: Path) -> None:
    bench = config(planners=["broken"])
    done = run(tmp_path, bench, Broken())
    assert len(done.unanswered) == 2
    assert set(done.unanswered.values()) == {"status 500"}
    (total,) = done.summary["totals"]
    assert total["n"] == 2
    assert total["errors"] == {"refusal": 2}
    assert "2 have no answer yet" in (tmp_path / "run" / "report.html").read_text()
    while done.unanswered:
        done = run(tmp_path, bench, Broken())
    assert len(done.episodes) == 4


def test_interrupted_bench_goes_on(tmp_path: Path) -> None:
    class Stops(Search):
        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, reply in super().solve(requests):
                if i == 2:
                    raise KeyboardInterrupt
                yield i, reply

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, config(), Stops())
    lines = (tmp_path / "run" / "episodes.jsonl").read_text().splitlines()
    assert len(lines) == 2
    done = run(tmp_path, config(), Search())
    assert (tmp_path / "run" / "episodes.jsonl").read_text().splitlines()[:2] == lines
    assert len(done.episodes) == 4


def test_a_broken_planner_stops_the_bench_before_it_judges(tmp_path: Path) -> None:
    class Dead(Search):
        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, _ in enumerate(requests):
                yield i, PlanReply(ReplyStatus.SERVER_ERROR, message="no such program")

    with pytest.raises(HarnessError, match="does not work: no such program"):
        run(tmp_path, config(), Dead())
    assert not (tmp_path / "run").exists()


def test_a_broken_validator_stops_the_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from surefoot.pddl.benchmark import selftest
    from surefoot.pddl.validator import validate

    monkeypatch.setattr(selftest, "validate", lambda task, plan: validate(task, Plan()))
    with pytest.raises(HarnessError, match="refuses a valid plan"):
        run(tmp_path, config(), Search())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("gave_up", "no_plan"),
        ("unsolvable", "refusal"),
        ("refused", "refusal"),
        ("answered", "unparsed"),
        ("cut", "truncated"),
    ],
)
def test_replies_without_a_plan(tmp_path: Path, status: str, kind: str) -> None:
    class Empty:
        name = "empty"
        reads_text = True

        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, _ in enumerate(requests):
                yield i, PlanReply(ReplyStatus(status))

    bench = config(planners=["empty"], domains=["blocksworld"], seeds=[0])
    (episode,) = run(tmp_path, bench, Empty()).episodes
    assert episode.graded.kind == kind
    assert not episode.solved
    assert episode.counts


@pytest.mark.parametrize("style", ["published", "complete", "pddl"])
@pytest.mark.parametrize("shot", ["zero", "one", "cot"])
@pytest.mark.parametrize("answer", ["text", "json"])
def test_every_prompt_holds_task_and_format(
    style: str, shot: str, answer: str, tmp_path: Path
) -> None:
    student = Student()
    bench = config(
        planners=["student"],
        domains=["grippers"],
        seeds=[0],
        styles=[style],
        shots=[shot],
        answers=[answer],
    )
    run(tmp_path, bench, student)
    (request,) = student.asked
    text = request.messages[0].text
    for name in request.task.problem.objects:
        assert name.name in text
    assert ("one action a line" in text) is (answer == "text" and style != "published")
    assert ("JSON" in text) is (answer == "json") is (request.schema is not None)
    assert ("step by step" in text) is (shot == "cot")
    assert ("Here is a task with its solution" in text) is (shot == "one")


def test_plans_written_as_json_are_read(tmp_path: Path) -> None:
    class Json(Search):
        name = "json"
        reads_text = True

        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, reply in super().solve(requests):
                steps = [{"action": s.action, "args": list(s.args)} for s in reply.plan.steps]
                text = "```json\n" + json.dumps({"plan": steps}, indent=1) + "\n```"
                yield i, PlanReply(ReplyStatus.ANSWERED, text)

    bench = config(planners=["json"], domains=["all"], answers=["json"], seeds=[0])
    done = run(tmp_path, bench, Json())
    assert all(e.solved for e in done.episodes)
    assert len(done.episodes) == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("planners: [greedy]", "name at least one of 'domains' and 'tasks'"),
        ("planners: [greedy]\ndomains: [blocks]\ncolour: red", "colour: is not known"),
        ("planners: []\ndomains: [barman]", "planners: "),
        ("planners: [a, a]\ndomains: [barman]", "'planners' has an entry twice"),
        ("planners: [a]\ndomains: [barman]\nrenamings: [synonym]", "renamed tasks need the styles"),
        ("planners: [a]\ndomains: [barman]\nseeds: [x]", "seeds: seeds are such as"),
        ("- a\n- b", "expected 'name: value' lines"),
        ("planners: [a\n", "not valid YAML"),
    ],
)
def test_bad_configurations_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_config(path, {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text("planners: [greedy]\ndomains: [barman]\nseeds: [5]\n")
    assert read_config(path, {"seeds": (7, 8)}).seeds == (7, 8)


def test_sizes_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="size must be"):
        BenchTasks(config(sizes={"blocksworld": [1]}))
    with pytest.raises(InputError, match="unknown domain 'bloksworld'"):
        BenchTasks(config(domains=["bloksworld"]))


def test_published_prompt_beside_a_given_task_is_used(tmp_path: Path) -> None:
    from surefoot.pddl.language import write_domain, write_problem

    spec = get_domain("blocksworld")
    task = spec.generate(3, 4).task
    folder = tmp_path / "tasks" / "blocksworld"
    folder.mkdir(parents=True)
    (folder / "domain.pddl").write_text(write_domain(task.domain))
    (folder / "p01.pddl").write_text(write_problem(task.problem))
    (folder / "p01.pddl.prompt").write_text("Rearrange the blocks, please.\n")
    student = Student()
    bench = config(planners=["student"], domains=[], tasks=tmp_path / "tasks", styles=["published"])
    (episode,) = run(tmp_path, bench, student).episodes
    assert student.asked[0].messages[0].text == "Rearrange the blocks, please."
    assert episode.case.task == "blocksworld/p01"
    assert student.asked[0].key == "blocksworld/p01"


def test_leaderboard_joins_runs_and_refuses_other_tasks(tmp_path: Path) -> None:
    from surefoot.pddl.benchmark.leaderboard import make_leaderboard, render_leaderboard

    bench = config()
    bench_run(bench, tmp_path / "a", {"search": Search()}, lookup)
    bench_run(config(planners=["student"]), tmp_path / "b", {"student": Student()}, lookup)
    board = make_leaderboard([tmp_path / "a", tmp_path / "b"])
    assert [(c.model, c.valid, c.n) for c in board.totals] == [("search", 4, 4), ("student", 0, 4)]
    (pair,) = board.comparisons
    assert (pair["only_first"], pair["only_second"], pair["pairs_needed"]) == (4, 0, 6)
    page = render_leaderboard(board, {"runs": "a, b"})
    assert "4 tasks are too few, about 6 would do" in page
    bench_run(bench, tmp_path / "c", {"search": Search()}, lookup)
    again = make_leaderboard([tmp_path / "a", tmp_path / "c"])
    assert [c.model for c in again.totals] == ["search (a)", "search (c)"]
    lines = (tmp_path / "c" / "episodes.jsonl").read_text().splitlines()
    data = json.loads(lines[0])
    data["graded"]["task_sha256"] = "0"
    (tmp_path / "c" / "episodes.jsonl").write_text("\n".join([json.dumps(data), *lines[1:]]) + "\n")
    with pytest.raises(InputError, match="is another task in a than in c"):
        make_leaderboard([tmp_path / "a", tmp_path / "c"])
    with pytest.raises(InputError, match="not a run folder"):
        make_leaderboard([tmp_path])


def test_renamed_tasks_are_paired_with_their_originals(tmp_path: Path) -> None:
    class Reader(Search):
        """Solves what it can read: it knows blocks only by the name of ``b1``."""

        name = "reader"
        reads_text = True

        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, reply in super().solve(requests):
                known = "b1" in requests[i].task.objects
                text = write_plan(reply.plan) if known else "no idea"
                yield i, PlanReply(ReplyStatus.ANSWERED, text)

    bench = config(
        planners=["reader"],
        domains=["blocksworld"],
        seeds=[0, 1, 2],
        styles=["template", "pddl"],
        renamings=["none", "random_string"],
        renaming_seeds=[0, 1],
    )
    done = run(tmp_path, bench, Reader())
    drops = done.summary["generalization"]
    assert {d["contestant"] for d in drops} == {
        "reader template random_string",
        "reader pddl random_string",
    }
    for d in drops:
        assert (d["tasks"], d["pairs"], d["original"], d["renamed"], d["drop"]) == (3, 6, 1, 0, 1)
    renamed = [e for e in done.episodes if e.case.renaming_seed is not None]
    assert len(renamed) == 12
    assert "Other names, same tasks" in (tmp_path / "run" / "report.html").read_text()


def test_searches_do_not_mind_the_names(tmp_path: Path) -> None:
    bench = config(domains=["blocksworld"], styles=["pddl"], renamings=["none", "deceptive"])
    done = run(tmp_path, bench, Search())
    (drop,) = done.summary["generalization"]
    assert drop["drop"] == 0
    assert all(e.solved for e in done.episodes)
    lines = [json.loads(x) for x in (tmp_path / "run" / "episodes.jsonl").read_text().splitlines()]
    for line in lines:
        assert all(
            step.split()[0].strip("()") in ("pickup", "putdown", "stack", "unstack")
            for step in line["decoded"]
        )
