"""The agent's calibration: what is fitted, what is promised, what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.stats import betabinom

from surefoot.agents.agent import Tools
from surefoot.agents.calibrating import run as running
from surefoot.agents.calibrating.fitting import blank, calibrated, fit_policy, scene_score
from surefoot.agents.calibrating.run import (
    CalibrationConfig,
    CalibrationJob,
    calibrate_agent,
    run_job,
)
from surefoot.agents.calibrating.stops import LookingStop, stop_of
from surefoot.agents.environments.making import agent_env
from surefoot.agents.guarantees import AgentCalibration, load_calibration
from surefoot.agents.operator import NoOperator
from surefoot.agents.perception.perceiver import RecallingPerceiver
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.planning.planners.cached import CachedPlanner
from surefoot.agents.planning.planners.guide import GuidePlanner
from surefoot.agents.sensing.observation import fit_views
from surefoot.agents.sensing.registry import make_strategy
from surefoot.agents.sensing.still import still_env
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.quantiles import rank
from surefoot.calibration.reports.records import read_predictions
from surefoot.cli.entry import run as surefoot
from surefoot.core.errors import InputError
from tests.agents.sensing_support import MODEL, eye, stills

ALPHA = 0.1
SETTINGS = AgentSettings(sensing="entropy", looks=2, alpha=ALPHA, verify=False, samples=1)


def stops_of(known: AgentCalibration, seeds: slice, sure: float = 1.6) -> list[LookingStop]:
    """Lets the agent look at synthetic crossings, and returns what it believed in the end."""
    views = fit_views("crossing", stills("crossing", "train", 120), MODEL)
    perceiver, planner = RecallingPerceiver(MODEL), CachedPlanner(GuidePlanner())
    tools = Tools(
        perceiver, known, planner, make_strategy("entropy", "crossing", views), NoOperator()
    )
    found = []
    for still in stills("crossing", "calibration", seeds.stop)[seeds]:
        worse = replace(still, answers=_blurred(still.seed, still, sure))
        stop = stop_of(still.key, SETTINGS, tools, still_env(worse, perceiver))
        assert stop is not None
        found.append(stop)
    return found


def _blurred(seed: int, still: Any, sure: float) -> dict[str, tuple[tuple[float, ...], ...]]:
    rng = Random(f"blurred:{seed}")
    return {
        view: tuple(
            eye(q, still.truth[q.fact], sure if max(a) > 0.5 else 0.3, rng)
            for q, a in zip(still.questions, given, strict=True)
        )
        for view, given in still.answers.items()
    }


@pytest.fixture(scope="module")
def policy() -> AgentCalibration:
    first = stops_of(blank("crossing", MODEL), slice(0, 60))
    assert np.mean([len(s.looks) for s in first]) > 2  # it looks while there is something to see
    return fit_policy("crossing", MODEL, first, ALPHA, moving=False)


@pytest.fixture(scope="module")
def second(policy: AgentCalibration) -> list[LookingStop]:
    return stops_of(policy, slice(60, 260))


def test_sets_at_stop_cover_as_promised(
    policy: AgentCalibration, second: list[LookingStop]
) -> None:
    """Over re-splits, coverage of new scenes has the mean and the spread of its law."""
    assert len({len(s.looks) for s in second}) > 1  # it stops sooner or later
    scores = np.array([scene_score(policy, s) for s in second])
    scores += np.random.default_rng(0).uniform(0, 1e-9, len(scores))  # the law has no ties
    rng, n = np.random.default_rng(1), len(scores) // 2
    shares = []
    for _ in range(300):
        mixed = rng.permutation(scores)
        sets = replace(policy, scenes=tuple(mixed[:n].tolist()))
        shares.append(float((mixed[n:] <= sets.threshold(ALPHA)).mean()))
    law = betabinom(n, rank(n, ALPHA), n + 1 - rank(n, ALPHA))
    assert np.mean(shares) == pytest.approx(law.mean() / n, abs=0.01)
    assert np.std(shares) == pytest.approx(law.std() / n, rel=0.25)


def test_the_joint_set_holds_all_facts_of_new_scenes(
    policy: AgentCalibration, second: list[LookingStop]
) -> None:
    sets = calibrated(policy, second[:100])
    held = 0
    for stop in second[100:]:
        held += all(
            sets.members(q.kind, np.array(b), ALPHA)[q.options.index(stop.truth[q.fact])]
            for q, b in zip(stop.questions, stop.belief, strict=True)
        )
    assert held >= 82  # 0.9 less three standard deviations
    assert sets.scenes != policy.scenes


def test_records_of_stops_keep_everything(second: list[LookingStop]) -> None:
    stop = second[0]
    again = LookingStop.from_json(stop.key, json.loads(json.dumps(stop.to_json())))
    assert again.questions == stop.questions
    assert again.belief == stop.belief
    assert [v for v, _, _ in again.looks] == [v for v, _, _ in stop.looks]
    assert set(stop.truth) == {q.fact for q in stop.questions}


CAR = FactQuestion("car", "Is there a car?", ("yes", "no"), "car")


def watched(seed: int, repeats: int, copied: bool, changes: tuple[float, int]) -> LookingStop:
    rng = Random(seed)
    truth = "yes" if rng.random() < 0.5 else "no"
    said = [eye(CAR, truth, 1.0, rng) for _ in range(repeats)]
    looks = tuple(
        (f"v{i}", {"car": said[0] if copied else a}, {"car": truth}) for i, a in enumerate(said)
    )
    return LookingStop(str(seed), (CAR,), {"car": truth}, (said[-1],), looks, {"car": changes})


@pytest.mark.parametrize("copied", [False, True])
def test_how_far_views_err_alike_is_found(copied: bool) -> None:
    stops = [watched(i, 4, copied, (10.0, 1)) for i in range(300)]
    found = fit_policy("crossing", MODEL, stops, ALPHA, moving=False).kind("car")
    assert found.dependence > 0.8 if copied else found.dependence < 0.15
    assert found.prior == pytest.approx((0.5, 0.5), abs=0.08)


def test_facts_fade_as_fast_as_they_change() -> None:
    """Drawn anew with probability f, a fact with even options changes with f / 2."""
    stops = [watched(i, 1, False, (10.0, 1 if i % 2 else 0)) for i in range(200)]
    found = fit_policy("crossing", MODEL, stops, ALPHA, moving=True).kind("car")
    assert found.fade == pytest.approx(0.05 / 0.5, abs=0.01)


def test_too_few_scenes_promise_nothing_and_decide_nothing(second: list[LookingStop]) -> None:
    policy = fit_policy("crossing", MODEL, second[:8], ALPHA, moving=False)
    sets = calibrated(policy, second[8:16])
    assert sets.threshold(ALPHA) == float("inf")
    assert sets.members("light", np.array([1.0, 0, 0, 0]), ALPHA).all()


def test_calibrations_of_something_else_are_refused(
    policy: AgentCalibration, second: list[LookingStop], tmp_path: Path
) -> None:
    path = tmp_path / "agent.json"
    made = calibrated(policy, second, planner="guide")
    made.save(path)
    again = load_calibration(path, env="crossing", model=MODEL)
    assert again == made
    assert again.threshold(ALPHA) == made.threshold(ALPHA)
    with pytest.raises(InputError, match=r"for model 'synthetic', not 'other'.*calibrate agent"):
        load_calibration(path, env="crossing", model="other")
    with pytest.raises(InputError, match="for environment 'crossing', not 'tabletop'"):
        load_calibration(path, env="tabletop", model=MODEL)
    path.write_text(path.read_text()[:100])
    with pytest.raises(InputError, match="not JSON"):
        load_calibration(path, env="crossing", model=MODEL)


class _Seeing:
    """Knows the truth of the episode that was begun last, and errs."""

    identity = "seeing"

    def __init__(self) -> None:
        self.env: Any = None
        self.asked = 0

    def ask(self, image: object, questions: Sequence[FactQuestion]) -> list[Any]:
        self.asked += 1
        truth, rng = self.env.truth(), Random(self.asked)
        return [np.array(eye(q, truth[q.fact], 2.0, rng)) for q in questions]


def test_episodes_are_run_resumed_and_made_into_an_artefact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In real physics, with an eye whose errors are known."""
    seeing = _Seeing()

    def make_env(*given: Any) -> Any:
        seeing.env = agent_env(*given)
        return seeing.env

    def tools(env: str, agent: str, path: Path | None) -> Tools:
        known = (
            blank(env, seeing.identity)
            if path is None
            else load_calibration(path, env=env, model=seeing.identity)
        )
        return Tools(seeing, known, GuidePlanner(), make_strategy("random", env), NoOperator())

    done: list[str] = []

    def episodes(jobs: Sequence[CalibrationJob]) -> Iterator[Any]:
        for item in jobs:
            if len(done) == 3:
                done.append("stopped")
                raise KeyboardInterrupt
            done.append(item.key)
            yield item, run_job(item, tools, make_env)

    monkeypatch.setattr(running, "make_perceiver", lambda *_: seeing)
    config = CalibrationConfig(
        env="crossing",
        seeds=(6, 7, 16, 17),
        decisions=2,
        agent=AgentSettings(sensing="random", looks=1, planner="guide"),
    )
    out = tmp_path / "made" / "crossing.json"
    with pytest.raises(KeyboardInterrupt):
        calibrate_agent(config, out, episodes=episodes)
    assert not out.exists()
    found = calibrate_agent(config, out, episodes=episodes)
    assert len(done) == 5  # four episodes, one stop
    again = load_calibration(out, env="crossing", model="seeing", planner="guide")
    assert again == found.calibration
    assert again.sensing == "random, 1 more looks, until the sets settle"
    assert (again.provenance["episodes"], found.lost) == ([2, 2], 0)
    records = read_predictions(found.folder)
    assert len({r.scene for r in records.facts}) == 2
    assert {r.origin.model for r in records.facts} == {"seeing"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--seeds", "test:10"], "split 'test'"),
        (["--seeds", "6"], "at least 4"),
        (["--env", "moon"], "unknown environment 'moon'"),
        (["--out", "made"], "must be a .json file"),
        (["--perturb", "rain"], "unknown perturbation 'rain'"),
        (["--alpha", "2"], "alpha"),
        (["--sensing", "best"], "sensing"),
        (["--sensing", "restore"], "is for the tabletop; traffic moves on"),
    ],
)
def test_bad_input_is_one_line(
    options: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"--env": "crossing", "--out": "made.json", "--seeds": "calibration:8"}
    given |= dict(zip(options[::2], options[1::2], strict=True))
    words = [w for pair in given.items() for w in pair]
    monkeypatch.setattr("sys.argv", ["surefoot", "calibrate", "agent", *words])
    with pytest.raises(SystemExit) as ended:
        surefoot()
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert told in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []
