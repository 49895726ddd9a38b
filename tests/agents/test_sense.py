"""The study of looking: its parts in one process, on scenes that cost nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surefoot.agents.agent import Tools
from surefoot.agents.guarantees import AgentCalibration, KindScores, load_calibration
from surefoot.agents.operator import NoOperator
from surefoot.agents.perception.perceiver import RecallingPerceiver
from surefoot.agents.planning.base import CROSSING, TABLETOP
from surefoot.agents.planning.planners.cached import CachedPlanner
from surefoot.agents.planning.registry import make as make_planner
from surefoot.agents.sensing import learning, study
from surefoot.agents.sensing.learning import ViewsConfig, learn_views
from surefoot.agents.sensing.observation import fit_views, load_views
from surefoot.agents.sensing.registry import make_strategy
from surefoot.agents.sensing.report import bootstrap, resplit
from surefoot.agents.sensing.scenery import (
    VIEWS,
    StillScene,
    apart,
    load_stills,
    render_scene,
    save_stills,
    seconds_between,
)
from surefoot.agents.sensing.still import still_env
from surefoot.agents.sensing.study import run_study, tried
from surefoot.agents.sensing.study_config import (
    LookingMethod,
    StudyConfig,
    resolve_study,
    scene_seeds,
    ways_of,
)
from surefoot.agents.settings import AgentSettings
from surefoot.calibration.quantiles import rank
from surefoot.cli.entry import run as surefoot
from surefoot.core.errors import InputError
from surefoot.core.seeds import read_seeds
from surefoot.envs.episodes.pool import LostResult
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from tests.agents.sensing_support import MODEL, crossing_still, stills, tabletop_still


class _Drawn:
    """Stands for pictures that a model is asked about."""

    def __init__(self, still: StillScene) -> None:
        self._still = still

    def asked(self, perceiver: object) -> StillScene:
        return self._still


class _Model:
    identity = MODEL


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Does all work in this process; scene 19 is lost. Returns the keys of what was done."""
    done: list[str] = []

    def apart_(work: Callable[[Any], Any], items: Sequence[Any], **_: Any) -> Iterator[Any]:
        for item in items:
            done.append(getattr(item, "key", str(item.seed)))
            lost = done[-1] == "picture/19"
            yield item, LostResult(True, "not done after 9 s") if lost else work(item)

    def rendered(simulation: object, env: str, seed: int, *_: Any, **__: Any) -> _Drawn:
        return _Drawn((crossing_still if env == CROSSING else tabletop_still)(seed))

    for module in (study, learning):
        monkeypatch.setattr(module, "run_apart", apart_)
        monkeypatch.setattr(module, "render_scene", rendered)
        monkeypatch.setattr(module, "make_perceiver", lambda spec: _Model())
        monkeypatch.setattr(module, "simulated_camera", lambda spec: (None, _Model()))
    monkeypatch.setattr(study, "identity_of", lambda *_: MODEL)
    return done


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("views") / "crossing.json"
    fit_views(CROSSING, stills(CROSSING, "train", 200), MODEL).save(path)
    return path


def test_a_study_from_pictures_to_the_report(cheap: list[str], views: Path, tmp_path: Path) -> None:
    config = resolve_study(
        StudyConfig(
            env=CROSSING,
            views=str(views),
            strategies=("sweep", "entropy"),
            policy=12,
            seeds=tuple(read_seeds("calibration:24,test:12")),
            alpha=0.2,
        )
    )
    assert config.budgets == (0, 1, 2)
    found = run_study(config, tmp_path / "run")
    summary = found.summary
    assert [(c["strategy"], c["budget"]) for c in summary["ways"]] == [
        ("none", 0),
        ("sweep", 1),
        ("sweep", 2),
        ("entropy", 1),
        ("entropy", 2),
    ]
    assert (summary["scenes"], summary["lost"]) == (12, 1)
    for cell in summary["ways"]:
        assert cell["looks"][0] <= cell["budget"]
        assert cell["covered"][1] == 11
        assert cell["right"][1] == 12  # a lost scene is one without a right act
        assert cell["right"][0] + cell["wrong"][0] <= 11
        known = load_calibration(
            tmp_path / "run" / "calibrations" / f"{cell['strategy']}-{cell['budget']}.json",
            env=CROSSING,
            model=MODEL,
        )
        n = len(known.scenes)  # the promise of acting is calibrated on scenes in which it acts
        assert n + len(known.waits) == 12
        if rank(n, 0.2) > n:
            assert cell["resplits"] == {}  # too few to promise anything
        else:
            law = rank(n, 0.2) / (n + 1)  # 1 - alpha or more
            assert cell["resplits"].get("law_mean", law) == pytest.approx(law, abs=1e-3)
    none, best = summary["ways"][0], summary["ways"][-1]
    assert best["bits"][0] < none["bits"][0]
    assert best["right"][0] >= none["right"][0]
    assert {p["second"] for p in summary["pairs"]} == {"sweep-1", "sweep-2"}
    known = load_calibration(
        tmp_path / "run" / "calibrations" / "entropy-2.json", env=CROSSING, model=MODEL
    )
    assert known.sensing == "entropy, 2 more looks, until the sets settle"
    html = found.report.read_text()
    assert "entropy-2 against sweep-2" in html
    assert html.count("<svg") >= 9

    cheap.clear()
    again = run_study(config, tmp_path / "run")
    assert cheap == []
    assert again.summary == json.loads((tmp_path / "run" / "summary.json").read_text()) == summary
    with pytest.raises(InputError, match="another run"):
        run_study(config.model_copy(update={"seeds": config.seeds[:-3]}), tmp_path / "run")


def test_looking_decides_what_happens_at_the_table() -> None:
    """The front shows little there, so that acting right takes another look."""
    views = fit_views(TABLETOP, stills(TABLETOP, "train", 30), MODEL)
    scores = KindScores(tuple(np.linspace(0, 0.4, 200).tolist()))
    known = AgentCalibration(
        TABLETOP,
        MODEL,
        "tiny",
        "",
        "",
        dict.fromkeys(("place", "place-of-twin", "lid"), scores),
        tuple(np.linspace(0, 0.95, 100).tolist()),
    )
    perceiver, planner = RecallingPerceiver(MODEL), CachedPlanner(make_planner("fd"))
    found: dict[int, list[dict[str, Any]]] = {0: [], 3: []}
    for seed in (18, 19, 28, 39):
        env = still_env(tabletop_still(seed, 3.0), perceiver)
        for looks, records in found.items():
            strategy = make_strategy("entropy", TABLETOP, views)
            tools = Tools(perceiver, known, planner, strategy, NoOperator())
            settings = AgentSettings(sensing="entropy", looks=looks, samples=1)
            records.append(tried(settings, tools, env.anew()))
    none, looked = found.values()
    assert [len(r["views"]) for r in none] == [1] * 4
    assert sum(r["right"] for r in none) <= 1
    assert sum(r["right"] for r in looked) >= 3
    assert sum(r["bits"] for r in looked) < sum(r["bits"] for r in none) / 3
    assert all(any("back" in v for v in r["views"]) for r in looked)


def test_views_are_learned_and_kept(cheap: list[str], tmp_path: Path) -> None:
    out = tmp_path / "crossing.json"
    found = learn_views(ViewsConfig(env=CROSSING, scenes=20, start=0), out)
    assert load_views(out, CROSSING).provenance["scenes"] == 20
    assert all(seed.endswith(tuple("012345")) for seed in cheap)  # the split train only
    cheap.clear()
    assert learn_views(ViewsConfig(env=CROSSING, scenes=20, start=0), out).kinds.keys() == (
        found.kinds.keys()
    )
    assert cheap == []
    with pytest.raises(InputError, match=r"\.json file"):
        learn_views(ViewsConfig(env=CROSSING), tmp_path / "x")


def test_pictures_are_real_the_same_by_seed_and_perturbed() -> None:
    simulation = Simulation()
    try:
        first = render_scene(simulation, TABLETOP, 8, views=3)
        again = render_scene(simulation, TABLETOP, 8, views=3)
        foggy = render_scene(simulation, TABLETOP, 8, Pipeline.parse(["fog=0.9"]), views=3)
        crossing = render_scene(simulation, CROSSING, 8)
    finally:
        simulation.close()
    assert len(first.images) == 3
    assert first.truth == again.truth == tabletop_still(8).truth
    for view, (rgb, questions) in first.images.items():
        assert rgb.shape == (160, 160, 3)
        assert np.array_equal(rgb, again.images[view][0])
        assert rgb.std() > 1.2 * foggy.images[view][0].std()
        assert {q.fact for q in questions} == first.truth.keys()
    assert list(crossing.images) == list(VIEWS[CROSSING])
    texts = [questions[0].text for _, questions in crossing.images.values()]
    assert len(set(texts)) == 3  # a question names its view


def test_a_still_scene_costs_what_the_camera_would(tmp_path: Path) -> None:
    still = tabletop_still(9)
    perceiver = RecallingPerceiver(MODEL)
    env = still_env(still, perceiver)
    assert env.views()[0] == "front"
    assert env.cost("back") == seconds_between("front", "back") > env.cost("front-high") > 0
    env.look("back")
    assert env.seconds() == pytest.approx(seconds_between("front", "back"))
    assert env.views()[0] == "back"
    (answer,) = perceiver.ask(np.zeros((1, 1, 3), np.uint8), still.questions[:1])
    assert answer.tolist() == pytest.approx(still.answers["back"][0])
    env.anew()
    assert (env.views()[0], env.seconds()) == ("front", 0)
    assert apart(TABLETOP, "front", "back") == pytest.approx(90)
    assert apart(CROSSING, "left", "right") == 120
    save_stills(tmp_path / "stills.jsonl", [still], model=MODEL)
    head, (kept,) = load_stills(tmp_path / "stills.jsonl")
    assert head == {"model": MODEL}
    assert (kept.questions, kept.truth, kept.key) == (still.questions, still.truth, still.key)


def test_ways_and_bad_configurations(views: Path) -> None:
    base = {"env": CROSSING, "views": str(views)}
    config = resolve_study(StudyConfig(**base, strategies=("random",), budgets=(2, 0)))
    assert ways_of(config) == [LookingMethod("none", 0), LookingMethod("random", 2)]
    for changed, told in (
        ({"env": "moon"}, "no environment"),
        ({"strategies": ("none",)}, "no strategy 'none'"),
        ({"budgets": (3,)}, "from 0 to 2"),
        ({"views": "nowhere.json"}, "cannot read the view model"),
        ({"seeds": (5,)}, "0 of the split calibration and 0 of the split test"),
        ({"seeds": tuple(range(310))}, "62 of the split calibration and 62 of the split test; 60"),
    ):
        with pytest.raises(InputError, match=told):
            resolve_study(StudyConfig(**(base | changed)))


def test_seeds_are_given_to_their_splits(views: Path, tmp_path: Path) -> None:
    base = {"env": CROSSING, "views": str(views)}
    found = scene_seeds(resolve_study(StudyConfig(**base)))
    assert list(map(len, found)) == [60, 100, 150]
    assert (found.policy[:2], found.sets[0], found.test[:2]) == ((6, 7), 306, (8, 9))
    ranged = StudyConfig(**base, policy=4, seeds=tuple(read_seeds("1000:1040,1006")))
    assert scene_seeds(resolve_study(ranged)) == (
        (1006, 1007, 1016, 1017),
        (1026, 1027, 1036, 1037),
        (1008, 1009, 1018, 1019, 1028, 1029, 1038, 1039),
    )
    path = tmp_path / "stills.jsonl"
    known = [crossing_still(seed) for seed in read_seeds("calibration:9,test:3")]
    save_stills(path, known, model=MODEL)
    given = StudyConfig(**base, stills=str(path), policy=4)
    assert list(map(len, scene_seeds(resolve_study(given)))) == [4, 5, 3]
    others = given.model_copy(update={"seeds": tuple(read_seeds("calibration:10,test:3"))})
    with pytest.raises(InputError, match="no scene of seed 47"):
        run_study(resolve_study(others), tmp_path / "run")


def test_the_bootstrap_covers_a_mean() -> None:
    rng = np.random.default_rng(0)
    held = [
        low <= 0 <= high
        for low, high in (bootstrap(rng.normal(size=60), seed=i) for i in range(200))
    ]
    assert 0.88 <= np.mean(held) <= 0.99


def test_coverage_over_resplits_follows_its_law() -> None:
    rng = np.random.default_rng(0)
    found = resplit(rng.uniform(size=250), 100, 0.1)
    for name in ("mean", "low", "high"):
        assert found[name] == pytest.approx(found[f"law_{name}"], abs=0.025)
    shifted = np.concatenate([rng.uniform(0, 0.7, 100), rng.uniform(0.3, 1, 150)])
    rest = np.sort(shifted[100:])  # not exchangeable: calibrated on the easier scenes
    at = np.sort(shifted[:100])[rank(100, 0.1) - 1]
    assert (rest <= at).mean() < found["law_low"]
    assert resplit(np.ones(8), 4, 0.1) == {}
    tied = resplit(np.concatenate([rng.uniform(size=100), np.ones(100)]), 100, 0.1)
    assert (tied["mean"], tied["ties"]) == (1.0, 0.5)


def test_the_command_refuses_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for words, told in (
        (["--env", "crossing", "--budgets", "1,x"], "--budgets are whole numbers"),
        (["--env", "crossing", "--seeds", "0:x"], "seeds are such as"),
        (["--env", "crossing", "--seeds", "5"], "0 of the split calibration"),
        (["--env", "moon"], "unknown environment 'moon'"),
    ):
        monkeypatch.setattr("sys.argv", ["surefoot", "sense", "--out", "run", *words])
        with pytest.raises(SystemExit) as ended:
            surefoot()
        assert ended.value.code == 2
        assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
