"""Restoring the picture at hand against looking again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from surefoot.agents.agent import Tools
from surefoot.agents.assembly import make_perceiver, make_sensing, make_tools
from surefoot.agents.belief import SceneBelief
from surefoot.agents.calibrating.fitting import fit_policy, path_of
from surefoot.agents.calibrating.stops import LookingStop, stop_of
from surefoot.agents.environments.physical_table import physical_table
from surefoot.agents.guarantees import AgentCalibration
from surefoot.agents.operator import make_operator
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.restorers import (
    ImagePriorRestorer,
    MedianFilter,
    NonLocalMeans,
    make_restorer,
)
from surefoot.agents.planning.registry import make as make_planner
from surefoot.agents.sensing.mending import RestoringConfig, learn_restoring
from surefoot.agents.sensing.observation import (
    LEVELS,
    KindTable,
    ViewModel,
    builtin_views,
    entropy,
)
from surefoot.agents.sensing.restoring import (
    LookOrRestore,
    RestoredPair,
    RestoringModel,
    fit_restoring,
    load_restoring,
)
from surefoot.agents.sensing.scenery import VIEWS
from surefoot.agents.sensing.strategies import RESTORED, LookState
from surefoot.agents.settings import AgentSettings
from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.envs.tabletop.env import TabletopEnv
from surefoot.results.run_folder import read_run
from surefoot.sparsity.lottery.restoring.fitting import FitSettings
from surefoot.sparsity.lottery.restoring.networks import NetworkSettings
from tests.agents.sensing_support import eye
from tests.agents.support import Knowing, agent_in

torch.set_num_threads(1)

CAR = FactQuestion("car", "Is a car coming?", ("yes", "no"), "car")
NOISE = [{"name": "noise", "severity": 0.8}]
BLANK = AgentCalibration("crossing", "m", "", "", "", {}, ())


def pairs(count: int, *, raw: float, restored: float, seed: int = 0) -> list[RestoredPair]:
    """Draws answers of eyes that are so sure by the raw and by the restored picture."""
    rng = Random(seed)
    found = []
    for _ in range(count):
        truth = rng.choice(CAR.options)
        found.append(
            RestoredPair(CAR, truth, eye(CAR, truth, raw, rng), eye(CAR, truth, restored, rng))
        )
    return found


def learned(seconds: float = 1.0, *, restored: float = 3.0) -> RestoringModel:
    return fit_restoring("crossing", "m", "median", seconds, pairs(400, raw=0.2, restored=restored))


def looks(right: float) -> ViewModel:
    """Makes views that answer rightly with a probability, whatever was seen."""
    table = np.zeros((2, 3, len(LEVELS) + 1))
    table[:, 0, 4] = right
    table[0, 2, 4] = table[1, 1, 4] = 1 - right
    kind = KindTable(("yes", "no"), dict.fromkeys(VIEWS["crossing"], table), (1.0, 0, 0, 0))
    return ViewModel("crossing", "m", {"car": kind})


def scene(matters: Mapping[str, float] | None = None, *, restored: bool = False) -> LookState:
    belief = SceneBelief(BLANK)
    belief.add("front", [CAR], [np.array([0.55, 0.45])])
    views = VIEWS["crossing"]
    return LookState(
        "crossing",
        views,
        tuple(1.0 for _ in views),
        belief,
        matters or {"car": 1.0},
        0.1,
        restored=restored,
    )


def test_gain_is_the_mean_loss_of_entropy_over_all_answers() -> None:
    model, belief, raw = learned(), np.array([0.4, 0.6]), np.array([0.45, 0.55])
    joint = model.joint(CAR, belief, raw)
    assert joint.sum() == pytest.approx(1)
    after = 0.0
    for column in joint.T:
        if column.sum() > 0:
            after += column.sum() * entropy(column / column.sum())
    assert model.gain(CAR, belief, raw) == pytest.approx(entropy(belief) - after)
    assert model.gain(CAR, belief, raw) > 0.4


def test_what_only_repeats_the_raw_picture_tells_nothing() -> None:
    copies = [
        RestoredPair(p.question, p.truth, p.raw, p.raw) for p in pairs(300, raw=1.5, restored=1)
    ]
    model = fit_restoring("crossing", "m", "none", 1.0, copies)
    assert model.repeats["car"] == pytest.approx(0.99)
    belief = np.array([0.4, 0.6])
    assert model.gain(CAR, belief, np.array(copies[0].raw)) < 0.02
    assert learned().repeats["car"] < 0.3
    unknown = FactQuestion("x", "?", ("a", "b", "c"), "never asked")
    assert model.gain(unknown, np.ones(3) / 3, np.ones(3) / 3) == pytest.approx(0, abs=1e-6)


def test_it_restores_where_that_tells_more_a_second_and_looks_elsewhere() -> None:
    rng = Random(0)
    fast, slow, vain = learned(0.1), learned(60.0), learned(0.1, restored=0.0)
    for restoring, right, wanted in (
        (fast, 0.6, {RESTORED}),
        (slow, 0.95, {"left", "right"}),
        (vain, 0.95, {"left", "right"}),
        (fast, 0.5, {RESTORED}),
        (vain, 0.5, {None}),
    ):
        assert LookOrRestore(looks(right), restoring).choose(scene(), rng) in wanted
    assert LookOrRestore(looks(0.95), fast).choose(scene(restored=True), rng) in ("left", "right")
    offers = LookOrRestore(looks(0.8), fast).offers(scene())
    assert [o.rate for o in offers] == sorted((o.rate for o in offers), reverse=True)
    assert len(offers) == len(VIEWS["crossing"]) + 1
    blank = LookState("crossing", ("front",), (1.0,), SceneBelief(BLANK), {}, 0.1)
    assert [o.what for o in LookOrRestore(looks(0.8), fast).offers(blank)] == ["front"]


def test_what_restoring_tells_is_written_and_read(tmp_path: Path) -> None:
    model, path = learned(2.5), tmp_path / "restoring.json"
    model.save(path)
    again = load_restoring(path, "crossing")
    assert (again.restorer, again.seconds, again.repeats) == ("median", 2.5, model.repeats)
    belief, raw = np.array([0.4, 0.6]), np.array([0.45, 0.55])
    assert again.gain(CAR, belief, raw) == pytest.approx(model.gain(CAR, belief, raw))
    with pytest.raises(InputError, match="of the environment 'tabletop'"):
        load_restoring(path, "tabletop")
    path.write_text("{}")
    with pytest.raises(InputError, match="not a restoring model"):
        load_restoring(path, "crossing")
    with pytest.raises(InputError, match="cannot read"):
        load_restoring(tmp_path / "none.json", "crossing")
    with pytest.raises(InputError, match="no answers"):
        fit_restoring("crossing", "m", "median", 1.0, [])
    with pytest.raises(InputError, match="'maybe' is no option"):
        fit_restoring(
            "crossing", "m", "x", 1.0, [RestoredPair(CAR, "maybe", (0.5, 0.5), (0.5, 0.5))]
        )


def noisy() -> tuple[np.ndarray, np.ndarray]:
    """Returns a picture of two halves, and the same with noise."""
    clean = np.full((32, 32, 3), 60, np.uint8)
    clean[:, 16:] = (200, 120, 90)
    noise = np.random.default_rng(0).normal(0, 18, clean.shape)
    return clean, (clean + noise).clip(0, 255).astype(np.uint8)


def error(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.square(first.astype(float) - second.astype(float)).mean())


def test_restorers_take_noise_out_and_leave_clean_pictures() -> None:
    clean, bad = noisy()
    ways = [
        MedianFilter(),
        NonLocalMeans(),
        ImagePriorRestorer(
            NetworkSettings(width=8, depth=2), FitSettings(steps=150, smoothing=0.9)
        ),
    ]
    for way in ways:
        found = way(bad)
        assert found.dtype == np.uint8
        assert found.shape == bad.shape
        assert error(found, clean) < 0.6 * error(bad, clean), way.name
    for way in ways[1:]:
        assert way(clean) is clean
    assert [make_restorer(n).name for n in ("median", "non-local means", "dense prior")] == [
        "median",
        "non-local means",
        "dense prior",
    ]
    with pytest.raises(InputError, match="no restorer 'magic'"):
        make_restorer("magic")


def test_the_tables_say_what_was_counted() -> None:
    model = learned(restored=6.0)
    told = model.tables.likelihood(CAR, RESTORED)
    right = [sum(told[k, k, level] for level in range(len(LEVELS) + 1)) for k in (0, 1)]
    assert min(right) > 0.85
    assert np.allclose(told.sum(axis=(1, 2)), 1)
    for true, said in product(range(2), range(2)):
        assert (told[true, said].argmax() == len(LEVELS)) or true != said


class Chooses:
    """Restores once, then stays."""

    name = "chooses"

    def __init__(self) -> None:
        self.scenes: list[LookState] = []

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """See the class."""
        self.scenes.append(scene)
        return None if scene.restored else RESTORED


class Greys:
    """Makes every picture black, so that one sees which was asked about."""

    name = "greys"

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """See the class."""
        return np.zeros_like(rgb)


def test_an_agent_asks_again_about_the_picture_that_it_restored() -> None:
    env = TabletopEnv("tidy", "easy", 64)
    try:
        env.reset(seed=8)
        agent_env = physical_table(env, env.reset(seed=8)[1])
        eye = Listening(0.45)
        agent = agent_in(agent_env, eye, "fd", Chooses(), looks=3)
        agent.tools = replace(agent.tools, restorer=Greys(), restoring_s=2.5)
        agent.begin(agent_env)
        agent.act()
        assert eye.black == [False, True]
        first = agent.decisions[0]
        assert first.thoughts[0].view == RESTORED
        assert [view for view, _ in first.pictures] == ["front", "front, restored"]
        assert agent.counts.looks == 1
        assert agent.counts.look_seconds == 2.5
        # What was said of the restored picture is believed instead, as if it were the only one.
        assert agent.belief.views == ["front"]
        alone = SceneBelief(agent.tools.calibration)
        alone.add("front", list(agent.belief.questions.values()), eye.said)
        for fact in agent.belief.questions:
            assert agent.belief.belief(fact) == pytest.approx(alone.belief(fact))
            assert agent.belief.seen(fact).keys() == {"front"}
        scenes = agent.tools.strategy.scenes  # type: ignore[attr-defined]
        assert [s.restored for s in scenes][:2] == [False, True]
    finally:
        env.close()


def test_what_is_calibrated_is_what_the_agent_believed() -> None:
    env = TabletopEnv("tidy", "easy", 64)
    try:
        agent_env = physical_table(env, env.reset(seed=8)[1])
        eye = Listening(0.45)
        eye.env = agent_env
        tools = Tools(eye, BLANK, make_planner("fd"), Chooses(), make_operator("none"), Greys())
        stop = stop_of("x", AgentSettings(sensing="restore", looks=3), tools, agent_env)
    finally:
        env.close()
    assert stop is not None
    assert [view for view, _, _ in stop.looks] == ["front", "front, restored"]
    assert stop.looks[0][1] != stop.looks[1][1]
    # The looks that were kept lead to the belief at stop: that of the restored picture alone.
    again = LookingStop.from_json("x", stop.to_json())
    for beliefs, (_, said, _) in zip(path_of(again, BLANK, moving=False), again.looks, strict=True):
        for question, belief in zip(again.questions, beliefs, strict=True):
            assert belief == pytest.approx(said[question.fact], abs=1e-5)
    assert np.concatenate(stop.belief) == pytest.approx(
        np.concatenate(path_of(again, BLANK, moving=False)[-1]), abs=1e-5
    )
    policy = fit_policy("tabletop", "knowing", [again], 0.5, moving=False)
    assert {k.dependence for k in policy.kinds.values()} == {0.0}  # one answer is left of each fact


class Listening(Knowing):
    """Keeps whether the pictures that it was asked about were black."""

    def __init__(self, mean: float) -> None:
        super().__init__(mean)
        self.black: list[bool] = []
        self.said: list[np.ndarray] = []

    def ask(self, image: Any, questions: Any) -> Any:
        """See the class."""
        self.black.append(not image.any())
        self.said = super().ask(image, questions)
        return self.said


@pytest.mark.parametrize(
    ("env", "settings", "why"),
    [
        ("crossing", {"sensing": "restore"}, "traffic moves on"),
        ("tabletop", {"sensing": "restore"}, "of another perception model; make it with"),
        ("tabletop", {"restoring": "x.json"}, "goes with the sensing 'restore'"),
        ("tabletop", {"sensing": "restore", "restoring": "none.json"}, "cannot read"),
    ],
)
def test_agents_that_cannot_restore(env: str, settings: dict[str, str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        make_sensing(env, AgentSettings(**settings), "another")


def test_what_comes_with_surefoot_fits_together() -> None:
    settings = AgentSettings(sensing="restore")
    identity = make_perceiver(settings.perception).identity
    told = load_restoring("builtin", "tabletop")
    assert (told.restorer, told.tables.env, told.tables.model) == ("median", "tabletop", identity)
    assert told.tables.provenance["perturb"] == NOISE
    tools = make_tools("tabletop", settings)
    assert isinstance(tools.restorer, MedianFilter)
    assert isinstance(tools.strategy, LookOrRestore)
    assert tools.restoring_s == told.seconds < 0.1
    known = tools.calibration
    assert (known.env, known.model, known.planner) == ("tabletop", identity, "fd")
    assert known.sensing == settings.looking == "restore, 4 more looks, until the sets settle"
    assert known.provenance["perturb"] == NOISE
    assert known.threshold(settings.alpha) < 1  # enough episodes for sets that say something
    # The kinds of fact are the same, and those of the table.
    assert known.kinds.keys() == told.repeats.keys() == builtin_views("tabletop").kinds.keys()
    by_views = make_tools("tabletop", AgentSettings()).calibration
    assert by_views.sensing == "entropy, 4 more looks, until the sets settle"
    with pytest.raises(InputError, match="not 'restore, 3 more looks, until the sets settle'"):
        make_tools("tabletop", AgentSettings(sensing="restore", looks=3))
    with pytest.raises(InputError, match="traffic moves on"):
        make_tools("crossing", settings)


def test_an_episode_with_noise_needs_no_files(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [
        "run",
        "--env",
        "tabletop",
        "--policy",
        "agent",
        "--set",
        "sensing=restore",
        "--perturb",
        "noise=0.8",
        "--task",
        "tidy",
        "--seeds",
        "test:1",
        "--max-steps",
        "1",
        "--video",
        "none",
        "--workers",
        "1",
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.exception
    (record,) = read_run(out).records.values()
    told = record["extra"]["agent"]
    assert told["restores"] >= 1
    assert told["looks"] >= told["restores"]
    assert f"{told['restores']:.1f} of them at restored images" in done.stdout
    costs = json.loads((out / "summary.json").read_text())["total"]["agent"]
    assert costs["restores_per_episode"] == costs["restores"] == told["restores"]
    assert "of them restored images" in (out / "report.html").read_text()
    steps = json.loads((out / told["steps"]).read_text())
    thoughts = [t for m in steps["moments"] for t in m["thoughts"]]
    assert RESTORED in [t["view"] for t in thoughts]


def test_it_is_learned_from_pictures_and_used_by_an_agent(tmp_path: Path) -> None:
    config = RestoringConfig(scenes=2, views=2)
    out = tmp_path / "median.json"
    told: list[int] = []
    found = learn_restoring(config, out, progress=lambda done, total: told.append(done))
    assert told == [0, 1, 2]
    assert found.restorer == "median"
    again: list[int] = []
    learn_restoring(config, out, progress=lambda done, total: again.append(done))
    assert again == [2]
    perceiver = make_perceiver("local-perception")
    settings = AgentSettings(sensing="restore", restoring=str(out))
    assert found.tables.provenance["scenes"] == 2
    assert load_restoring(out, "tabletop").tables.provenance == found.tables.provenance
    looking = settings.looking
    assert re.fullmatch(
        "restore by median.json [0-9a-f]{8}, 4 more looks, until the sets settle", looking
    )
    sensing = make_sensing("tabletop", settings, perceiver.identity)
    assert sensing.strategy.name == "restore"
    assert sensing.restorer is not None
    assert sensing.restoring_s == pytest.approx(found.seconds)
    with pytest.raises(InputError, match="of another perception model"):
        make_sensing("tabletop", settings, "another")
    out.write_text(out.read_text() + "\n")
    assert settings.looking != looking  # a calibration is for the content, not for the name
    with pytest.raises(InputError, match="no restorer 'magic'"):
        learn_restoring(RestoringConfig(restorer="magic"), out)
    with pytest.raises(InputError, match="no environment 'moon'"):
        learn_restoring(RestoringConfig(env="moon"), out)
    with pytest.raises(InputError, match=r"must be a \.json file"):
        learn_restoring(config, tmp_path / "x")
