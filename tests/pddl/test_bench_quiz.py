"""Questions on the bench: asked in words, as JSON and by probabilities, and counted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from surefoot.core.chat import OptionRequest, OptionScores, ReplyStatus
from surefoot.core.errors import HarnessError, InputError
from surefoot.pddl.benchmark.config import BenchConfig, read_config
from surefoot.pddl.benchmark.leaderboard import make_leaderboard, render_leaderboard
from surefoot.pddl.benchmark.quiz_cases import make_quiz_cases
from surefoot.pddl.benchmark.quiz_summary import QuizEpisode, calibration
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.benchmark.selftest import check_questions
from surefoot.pddl.benchmark.tasks import BenchTasks, TaskPlace
from surefoot.pddl.domains import list_domains
from surefoot.pddl.planner import PlanReply, PlanRequest
from surefoot.pddl.questions import QuestionForm, QuestionKind
from surefoot.pddl.reference import lookup


def config(**fields: object) -> BenchConfig:
    base = {
        "planners": ["pupil"],
        "domains": ["blocksworld", "storage"],
        "difficulty": [0],
        "seeds": [0],
        "jobs": ["questions"],
        "styles": ["template"],
    }
    return BenchConfig.model_validate({**base, **fields})


class Pupil:
    """Says what it is told to; knows nothing itself."""

    name = "pupil"
    reads_text = True
    scores_options = True

    def __init__(self, said: str = "yes", share: float = 0.7) -> None:
        self.said = said
        self.share = share
        self.asked: list[PlanRequest] = []

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, request in reversed(list(enumerate(requests))):
            self.asked.append(request)
            yield i, PlanReply(ReplyStatus.ANSWERED, self.said)

    def score(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, OptionScores]]:
        for i, request in enumerate(requests):
            rest = (1 - self.share) / (len(request.options) - 1)
            shares = (self.share, *[rest] * (len(request.options) - 1))
            yield i, OptionScores(request.options, shares, "made up")


class Blind(Pupil):
    """Guesses, as ``random`` does."""

    name = "blind"
    reads_text = False

    def guess(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, PlanReply]]:
        for i, request in enumerate(requests):
            yield i, PlanReply(ReplyStatus.ANSWERED, request.options[-1])


def run(tmp_path: Path, bench: BenchConfig, *planners: Pupil):
    return bench_run(bench, tmp_path / "run", {p.name: p for p in planners}, lookup)


def test_who_always_says_yes_is_right_where_the_answer_is_yes(tmp_path: Path) -> None:
    bench = config(questions_per_task=2, question_forms=["boolean", "choice"])
    pupil = Pupil()
    done = run(tmp_path, bench, pupil)
    assert done.episodes == ()
    assert len(pupil.asked) == len(done.quizzes) > 40
    for e in done.quizzes:
        if e.asked["form"] == "boolean":
            assert e.right is (e.asked["answers"] == ["yes"])
        else:
            assert e.given["outcome"] == "unparsed"
    cells = {(c["kind"], c["form"]): c for c in done.summary["questions"]["cells"]}
    yes = sum(e.asked["answers"] == ["yes"] for e in done.quizzes)
    assert cells["", "boolean"]["right"] == yes
    assert cells["", "choice"]["right"] == 0
    assert cells["", "choice"]["outcomes"]["unparsed"] == cells["", "choice"]["n"]
    assert cells["", "boolean"]["chance"] == 0.5
    assert cells["", "choice"]["chance"] == 0.25
    assert {k for k, _ in cells} == {"", *map(str, QuestionKind)}
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What became of the answers to questions" in page
    assert "Valid plans" not in page
    assert not (tmp_path / "run" / "answers.html").exists()
    answers = (tmp_path / "run" / "questions.html").read_text()
    assert answers.count('<details class="answer">') == len(done.quizzes)


def test_the_page_shows_hostile_answers_harmlessly(tmp_path: Path) -> None:
    bench = config(domains=["blocksworld"], question_kinds=["applicability"])
    run(tmp_path, bench, Pupil("<script>alert(1)</script> no\u202e"))
    page = (tmp_path / "run" / "questions.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page


@pytest.mark.parametrize("answer", ["text", "json"])
def test_right_answers_are_right_in_every_form(tmp_path: Path, answer: str) -> None:
    bench = config(answers=[answer])
    tasks = BenchTasks(bench)

    class Master(Pupil):
        """Knows all answers by heart."""

        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, request in enumerate(requests):
                task, key = request.key.split(" ")
                domain, _, rest = task.partition("/")
                size, seed = map(int, rest.split("-"))
                found = tasks.questions(TaskPlace(task, domain, size, seed))
                q = next(q for q in found if q.key == key)
                said = list(q.answers) if q.every else q.answers[0]
                text = "\n".join(said) if isinstance(said, list) else said
                if answer == "json":
                    assert request.schema is not None
                    text = f"Here: {json.dumps({'answer': said})}"
                yield i, PlanReply(ReplyStatus.ANSWERED, text)

    done = run(tmp_path, bench, Master())
    assert {e.asked["form"] for e in done.quizzes} == set(map(str, QuestionForm))
    assert all(e.right for e in done.quizzes)


@pytest.mark.parametrize("shot", ["zero", "one", "cot"])
@pytest.mark.parametrize("style", ["complete", "pddl", "compact"])
def test_every_question_tells_task_state_and_form(tmp_path: Path, shot: str, style: str) -> None:
    pupil = Pupil()
    bench = config(domains=["blocksworld"], shots=[shot], styles=[style])
    run(tmp_path, bench, pupil)
    for request in pupil.asked:
        text = request.messages[0].text
        assert not re.search("(?m)^plan:", text)
        for name in request.task.objects:
            assert name in text
        if style != "compact":
            assert ("Here is a question with its answer" in text) is (shot == "one")
            assert ("Answer:" in text) is (shot == "cot")
        assert re.search("Answer with|Write (numbers|\\(name)", text)


def test_probabilities_are_recorded_and_measured(tmp_path: Path) -> None:
    bench = config(answers=["scored"], questions_per_task=2)
    done = run(tmp_path, bench, Pupil(share=0.7))
    assert {e.asked["form"] for e in done.quizzes} == {"boolean", "choice"}
    for e in done.quizzes:
        first = "yes" if e.asked["form"] == "boolean" else "A"
        assert e.given["parsed"] == [first]
        assert math.isclose(sum(e.given["probabilities"].values()), 1)
        assert e.right is (e.asked["answers"] == [first])
    (boolean,) = (s for s in done.summary["questions"]["scored"] if s["form"] == "boolean")
    booleans = [e for e in done.quizzes if e.asked["form"] == "boolean"]
    share = sum(e.right for e in booleans) / len(booleans)
    assert boolean["n"] == len(booleans)
    assert boolean["brier"] == pytest.approx(share * 0.18 + (1 - share) * 0.98)
    assert boolean["brier_uniform"] == 0.5
    assert boolean["ece"] == pytest.approx(abs(0.7 - share))
    assert "Brier score" in (tmp_path / "run" / "report.html").read_text()


def test_calibration_by_hand() -> None:
    def episode(shares: dict[str, float], right: str) -> QuizEpisode:
        best = max(shares, key=lambda o: shares[o])
        outcome = "right" if best == right else "wrong"
        return QuizEpisode(
            None, {"answers": [right]}, {"outcome": outcome, "probabilities": shares}, 0.0
        )

    found = calibration(
        [
            episode({"yes": 1.0, "no": 0.0}, "yes"),
            episode({"yes": 0.95, "no": 0.05}, "no"),
            episode({"yes": 0.6, "no": 0.4}, "yes"),
        ]
    )
    assert found["brier"] == pytest.approx((0 + 2 * 0.95**2 + 2 * 0.4**2) / 3)
    assert found["ece"] == pytest.approx((abs(1.95 - 1) + abs(0.6 - 1)) / 3)


def test_chance_is_beside_and_guesses_are_compared_in_pairs(tmp_path: Path) -> None:
    bench = config(planners=["pupil", "blind"], questions_per_task=3)
    done = run(tmp_path, bench, Pupil("no idea (of it)"), Blind())
    (pair,) = done.summary["questions"]["comparisons"]
    assert {pair["first"], pair["second"]} == {"pupil", "blind"}
    assert pair["n"] == len(done.quizzes) / 2
    assert any(e.right for e in done.quizzes if e.case.planner == "blind")


def test_searches_are_refused_in_one_line(tmp_path: Path) -> None:
    from surefoot.models.options import ModelOptions
    from surefoot.models.registry import make_planner

    for name in ("fd:lmcut", "greedy"):
        bench = config(planners=[name])
        with pytest.raises(InputError, match=f"^{name} answers no questions; leave it out"):
            bench_run(bench, tmp_path / "x", {name: make_planner(name, ModelOptions())}, lookup)
    assert not (tmp_path / "x").exists()


def test_planners_without_probabilities_are_refused() -> None:
    class Mute:
        name = "mute"
        reads_text = True

        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            pytest.fail("it is refused before it is asked")

    with pytest.raises(InputError, match="mute does not tell how likely"):
        make_quiz_cases(BenchTasks(config(planners=["mute"], answers=["scored"])), {"mute": Mute()})


def test_server_trouble_leaves_questions_open_and_they_are_asked_again(tmp_path: Path) -> None:
    class Shaky(Pupil):
        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, _ in enumerate(requests):
                failed = PlanReply(ReplyStatus.SERVER_ERROR, message="status 503")
                yield i, failed if i % 2 else PlanReply(ReplyStatus.ANSWERED, "no")

    bench = config(domains=["blocksworld"])
    done = run(tmp_path, bench, Shaky())
    first = len(done.quizzes)
    assert set(done.unanswered.values()) == {"status 503"}
    assert first + len(done.unanswered) == done.summary["planned"]
    while done.unanswered:
        done = run(tmp_path, bench, Shaky())
    assert len(done.quizzes) == done.summary["planned"] == done.summary["finished"] > first


@pytest.mark.parametrize(("status", "outcome"), [("cut", "cut"), ("refused", "refused")])
def test_answers_that_break_off_or_decline_are_wrong(
    tmp_path: Path, status: str, outcome: str
) -> None:
    class Short(Pupil):
        def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
            for i, _ in enumerate(requests):
                yield i, PlanReply(ReplyStatus(status), "yes")

    bench = config(domains=["blocksworld"], question_forms=["boolean"])
    done = run(tmp_path, bench, Short())
    assert {e.given["outcome"] for e in done.quizzes} == {outcome}


def test_plans_and_questions_in_one_run_and_on_one_leaderboard(tmp_path: Path) -> None:
    both = config(jobs=["plan", "questions"], domains=["blocksworld"])
    bench_run(both, tmp_path / "a", {"pupil": Pupil()}, lookup)
    page = (tmp_path / "a" / "report.html").read_text()
    assert "Valid plans" in page
    assert 'id="questions"' in page
    other = config(planners=["blind"], domains=["blocksworld"])
    bench_run(other, tmp_path / "b", {"blind": Blind()}, lookup)
    board = make_leaderboard([tmp_path / "a", tmp_path / "b"])
    assert [c.model for c in board.totals] == ["pupil"]
    assert {c.contestant for c in board.quiz} == {"pupil", "blind"}
    assert board.quiz_comparisons[0]["n"] == 26
    assert "on the same questions" in render_leaderboard(board, {})
    moved = config(planners=["blind"], domains=["blocksworld"], seed=1)
    bench_run(moved, tmp_path / "c", {"blind": Blind()}, lookup)
    with pytest.raises(InputError, match="is another question in"):
        make_leaderboard([tmp_path / "a", tmp_path / "c"])


def test_a_broken_marker_stops_the_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from surefoot.pddl.benchmark import selftest
    from surefoot.pddl.questions import MarkedAnswer

    monkeypatch.setattr(selftest, "mark_text", lambda q, text, as_json: MarkedAnswer(True, ("x",)))
    with pytest.raises(HarnessError, match="a wrong answer is marked right"):
        run(tmp_path, config(), Pupil())
    monkeypatch.setattr(selftest, "mark_text", lambda q, text, as_json: MarkedAnswer(False, None))
    with pytest.raises(HarnessError, match="a right answer is marked wrong"):
        run(tmp_path, config(), Pupil())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("domain", list_domains())
def test_every_domain_has_questions_of_every_kind_or_counts_what_is_missing(domain: str) -> None:
    check_questions(domain)
    bench = config(domains=[domain], question_states=300, questions_per_task=2)
    tasks = BenchTasks(bench)
    cases = make_quiz_cases(tasks, {"pupil": Pupil()})
    kinds = {c.question.rpartition("-")[0].rpartition("-")[0] for c in cases}
    gaps = {r["kind"]: 0 for r in tasks.missing_questions()}
    for row in tasks.missing_questions():
        gaps[row["kind"]] += row["missing"]
    assert kinds == set(map(str, QuestionKind))
    assert len(cases) + sum(gaps.values()) == 2 * len(QuestionKind) * len(QuestionForm)


def test_questions_under_other_names_have_the_same_answers(tmp_path: Path) -> None:
    bench = config(
        planners=["blind"],
        renamings=["none", "random_word"],
        renaming_seeds=[2],
        question_forms=["boolean", "choice"],
    )
    done = run(tmp_path, bench, Blind())
    own = {(e.case.task, e.case.question): e for e in done.quizzes if e.case.renaming == "none"}
    others = [e for e in done.quizzes if e.case.renaming != "none"]
    assert len(own) == len(others)
    for e in others:
        twin = own[e.case.task, e.case.question]
        assert e.asked["answers"] == twin.asked["answers"]
    assert any(e.asked["text"] != own[e.case.task, e.case.question].asked["text"] for e in others)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answers: [scored]", "'scored' answers need 'questions'"),
        ("answers: [scored]\njobs: [plan, questions]", "'scored' answers need 'questions'"),
        ("answers: [scored]\njobs: [questions]\nquestion_forms: [generative]", "form boolean or"),
        ("jobs: [replan, replan]", "'jobs' has an entry twice"),
        ("jobs: [juggle]", "jobs.0: "),
        ("question_kinds: [taste]", "question_kinds.0: "),
        ("questions_per_task: 0", "questions_per_task: "),
    ],
)
def test_bad_fields_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(f"planners: [greedy]\ndomains: [barman]\n{text}\n")
    with pytest.raises(InputError) as caught:
        read_config(path, {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


class Evasive(Pupil):
    """Names none of the answers."""

    def score(self, requests: Sequence[OptionRequest]) -> Iterator[tuple[int, OptionScores]]:
        for i, request in enumerate(requests):
            listed = request.unlisted
            assert listed is not None
            assert "A)" not in listed.messages[-1].text
            assert len(listed.texts) == len(request.options)
            yield (
                i,
                OptionScores(
                    request.options, (), "logprobs", status=ReplyStatus.UNSCORED, mass=0.1
                ),
            )


def test_what_cannot_be_scored_is_wrong_and_said(tmp_path: Path) -> None:
    bench = config(answers=["scored"], question_forms=["boolean", "choice"])
    done = run(tmp_path, bench, Evasive())
    assert {e.given["outcome"] for e in done.quizzes} == {"unscored"}
    assert {e.given["mass"] for e in done.quizzes} == {0.1}
    assert not any("probabilities" in e.given or e.right for e in done.quizzes)
    cells = {(c["kind"], c["form"]): c for c in done.summary["questions"]["cells"]}
    assert cells["", ""]["outcomes"]["unscored"] == cells["", ""]["n"] == len(done.quizzes)
    assert "no probabilities made out" in (tmp_path / "run" / "report.html").read_text()
