"""Questions answered by what really runs here: blind guesses and the shipped local model."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefoot.core.chat import Message, OptionRequest, ReplyStatus
from surefoot.models.backends.guessing import RandomPlanner
from surefoot.models.options import ModelOptions
from surefoot.models.planning import TextPlanner
from surefoot.models.registry import make_planner
from surefoot.pddl.benchmark.config import BenchConfig
from surefoot.pddl.benchmark.run import bench_run
from surefoot.pddl.planner import Guesser, OptionPlanner
from surefoot.pddl.reference import lookup


def test_guesses_come_from_the_seed_and_from_the_options() -> None:
    requests = [OptionRequest((), ("yes", "no"), seed=s) for s in range(200)]
    planner = make_planner("random", ModelOptions())
    assert isinstance(planner, Guesser)
    said = [reply.text for _, reply in planner.guess(requests)]
    assert said == [reply.text for _, reply in RandomPlanner().guess(requests)]
    assert 70 < said.count("yes") < 130
    several = [OptionRequest((), tuple("abcdefgh"), True, s) for s in range(100)]
    sizes = [len(reply.text.split()) for _, reply in planner.guess(several)]
    assert 3.4 < sum(sizes) / len(sizes) < 4.6
    assert not isinstance(make_planner("greedy", ModelOptions()), Guesser)


def test_the_local_model_scores_options_and_the_cache_keeps_them(tmp_path: Path) -> None:
    options = ModelOptions(cache=tmp_path / "answers.sqlite")
    planner = make_planner("local", options)
    assert isinstance(planner, TextPlanner)
    assert isinstance(planner, OptionPlanner)
    assert planner.scores_options
    request = OptionRequest(
        (Message("user", "Is b1 clear? Answer with yes or no."),), ("yes", "no")
    )
    ((_, first),) = planner.score([request])
    assert first.status is ReplyStatus.ANSWERED
    assert sum(first.probabilities) == pytest.approx(1)
    assert first.method == "likelihood"
    assert not first.usage.cached
    ((_, again),) = make_planner("local", options).score([request])  # type: ignore[attr-defined]
    assert again.usage.cached
    assert again.probabilities == first.probabilities
    other = OptionRequest(request.messages, ("no", "yes"))
    ((_, turned),) = planner.score([other])
    assert turned.probabilities == pytest.approx(first.probabilities[::-1])


def test_a_model_that_cannot_score_says_so() -> None:
    class Plain:
        name = "plain"

    planner = TextPlanner(Plain(), 10, 0.0)  # type: ignore[arg-type]
    assert not planner.scores_options


def test_random_and_local_on_the_same_questions(tmp_path: Path) -> None:
    """The local planner has never seen a question: its written answers are plans."""
    names = ("random", "local")
    bench = BenchConfig.model_validate(
        {
            "planners": names,
            "domains": ["blocksworld"],
            "difficulty": [0],
            "seeds": [0],
            "jobs": ["questions"],
            "question_kinds": ["applicability", "execution"],
            "question_forms": ["boolean", "choice"],
            "styles": ["compact"],
            "answers": ["text", "scored"],
        }
    )
    planners = {n: make_planner(n, ModelOptions(max_tokens=24)) for n in names}
    done = bench_run(bench, tmp_path / "run", planners, lookup)
    assert not done.unanswered
    by_name = {
        c["contestant"]: c
        for c in done.summary["questions"]["cells"]
        if not c["kind"] and not c["form"]
    }
    assert set(by_name) == {"random", "local text", "local scored"}
    assert {c["n"] for c in by_name.values()} == {4}
    written = [e for e in done.quizzes if e.case.answer == "text"]
    assert all(e.given["outcome"] in ("unparsed", "cut") for e in written)
    scored = [e for e in done.quizzes if e.case.answer == "scored"]
    assert all(len(e.given["probabilities"]) in (2, 4) for e in scored)
    assert len(done.summary["questions"]["comparisons"]) == 3
