"""What views tell, and the choice of the next one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest

from surefoot.agents.belief import SceneBelief
from surefoot.agents.guarantees import AgentCalibration, KindScores
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.sensing.entropy import ByEntropy, BySetSize
from surefoot.agents.sensing.observation import (
    LEVELS,
    KindTable,
    ViewModel,
    entropy,
    fit_views,
    group_of,
    load_views,
    symbol_of,
)
from surefoot.agents.sensing.registry import make_strategy
from surefoot.agents.sensing.scenery import VIEWS, StillScene
from surefoot.agents.sensing.strategies import SWEEP, AtRandom, LookState, Sweep
from surefoot.core.errors import InputError
from tests.agents.sensing_support import MODEL, stills

CAR = FactQuestion("car_from_left", "Is a car coming?", ("yes", "no"), "car_from_left")
BLANK = AgentCalibration("crossing", MODEL, "", "", "", {}, ())


@pytest.fixture(scope="module")
def crossing() -> ViewModel:
    return fit_views("crossing", stills("crossing", "train", 400), MODEL)


def scene(
    belief: SceneBelief,
    matters: Mapping[str, float],
    *,
    moving: bool = False,
    env: str = "crossing",
) -> LookState:
    views = VIEWS[env]
    costs = tuple(0.5 if v in ("front", "left") else 1.0 for v in views)
    return LookState(env, views, costs, belief, matters, 0.1, moving)


def seen(*answers: tuple[str, tuple[float, ...]], question: FactQuestion = CAR) -> SceneBelief:
    belief = SceneBelief(BLANK)
    for view, answer in answers:
        belief.add(view, [question], [np.array(answer)])
    return belief


def test_the_table_knows_where_a_car_from_the_left_shows(crossing: ViewModel) -> None:
    left, front = (crossing.likelihood(CAR, v) for v in ("left", "front"))
    for table in (left, front):
        assert table.shape == (2, 2, len(LEVELS) + 1)
        assert np.allclose(table.sum(axis=(1, 2)), 1)
    assert left[0, 0].sum() > 0.9  # truth yes, said yes
    assert left[1, 1].sum() > 0.9
    assert abs(front[0, 0].sum() - front[1, 0].sum()) < 0.15


def test_tables_of_places_serve_any_number_of_options() -> None:
    views = fit_views("tabletop", stills("tabletop", "train", 30), MODEL)
    options = ("on the table", "in the red bin", "in the blue bin", "on the white pad")
    question = FactQuestion("place:b", "Where?", options, "place")
    sharp, blunt = (views.likelihood(question, v) for v in ("back", "front"))
    assert np.allclose(sharp.sum(axis=(1, 2)), 1)
    right = [np.mean([t[k, k].sum() for k in range(4)]) for t in (sharp, blunt)]
    assert right[0] > right[1] + 0.2
    assert np.allclose(sharp[0, 1], sharp[0, 2])  # both bins are as likely, wrongly


def test_groups_and_symbols() -> None:
    assert group_of("in the second brown box") == "in a box"
    assert group_of("on the blue cylinder") == "on a block"
    assert group_of("on the table") == "on the table"
    assert symbol_of([0.1, 0.3, 0.6]) == (2, 1)
    assert symbol_of([0.99, 0.01]) == (0, len(LEVELS))


def test_expected_entropy_is_the_mean_over_all_answers(crossing: ViewModel) -> None:
    belief = np.array([0.3, 0.7])
    table = crossing.likelihood(CAR, "left")
    total = 0.0
    for said, level in product(range(2), range(len(LEVELS) + 1)):
        joint = belief * table[:, said, level]
        total += joint.sum() * entropy(joint / joint.sum())
    assert crossing.expected_entropy(CAR, belief, "left", {}) == pytest.approx(total, abs=1e-9)
    assert total < entropy(belief)


def test_a_view_that_repeats_another_tells_nothing() -> None:
    table = np.zeros((2, 3, 5))
    table[:, 0, 4], table[:, 1, 4], table[:, 2, 4] = 0.8, 0.1, 0.1
    told = dict.fromkeys(VIEWS["crossing"], table)
    belief = np.array([0.6, 0.4])
    for share in (1.0, 0.5, 0.0):
        kind = KindTable(("yes", "no"), told, (1.0, share, share, share))
        views = ViewModel("crossing", MODEL, {CAR.kind: kind})
        after = views.expected_entropy(CAR, belief, "left", {"front": (np.array([0.9, 0.1]), 1.0)})
        gain = entropy(belief) - after
        assert gain == pytest.approx(0, abs=1e-9) if share == 1 else gain > 0.05
        old = views.expected_entropy(CAR, belief, "left", {"front": (np.array([0.9, 0.1]), 0.0)})
        assert old <= after + 1e-9  # what is old hinders no new look


def test_repeats_are_learned_by_angle() -> None:
    """All views from one side are made to answer alike, and sides on their own."""
    rng = Random(3)
    options = ("open", "closed")
    found = []
    for seed in range(250):
        truth = rng.choice(options)
        sides: dict[str, tuple[float, ...]] = {}
        for side in ("front", "back", "left", "right", "top"):
            said = truth if rng.random() < 0.7 else options[1 - options.index(truth)]
            sides[side] = tuple(0.6 if o == said else 0.4 for o in options)
        question = FactQuestion("lid:box", "Is it open?", options, "lid")
        answers = {v: (sides[v.partition("-")[0]],) for v in VIEWS["tabletop"]}
        found.append(StillScene("tabletop", "tidy", seed, (question,), {"lid:box": truth}, answers))
    same, near, middle, far = fit_views("tabletop", found, MODEL).kinds["lid"].repeats
    assert same == 1.0
    assert near > 0.3
    assert far < 0.15
    assert near > middle


def test_the_next_view_is_the_one_that_shows_what_matters(crossing: ViewModel) -> None:
    strategy, rng = ByEntropy(crossing), Random(0)
    other = FactQuestion("car_from_right", "?", ("yes", "no"), "car_from_right")
    belief = seen(("front", (0.5, 0.5)))
    belief.add("front", [other], [np.array([0.5, 0.5])])
    assert strategy.choose(scene(belief, {CAR.fact: 0.1}), rng) == "left"
    assert strategy.choose(scene(belief, {other.fact: 0.1}), rng) == "right"
    both = {CAR.fact: 0.5, other.fact: 0.5}  # as good, but the left is nearer
    assert strategy.choose(scene(belief, both), rng) == "left"


def test_no_view_is_taken_that_would_tell_nothing(crossing: ViewModel) -> None:
    strategy, rng = ByEntropy(crossing), Random(0)
    sure = seen(("front", (1 - 1e-6, 1e-6)))
    assert strategy.choose(scene(sure, {CAR.fact: 1.0}), rng) is None
    looked = seen(("front", (0.5, 0.5)), ("left", (0.5, 0.5)))
    assert strategy.choose(scene(looked, {CAR.fact: 1.0}), rng) is None
    looked.pass_time(3)  # nothing fades without a calibration that says so
    assert strategy.choose(scene(looked, {CAR.fact: 1.0}, moving=True), rng) is None


def test_in_a_world_that_moves_a_view_is_taken_again_when_it_is_old(crossing: ViewModel) -> None:
    fading = AgentCalibration(
        "crossing", MODEL, "", "", "", {CAR.kind: KindScores((), fade=0.5)}, ()
    )
    belief = SceneBelief(fading)
    belief.add("left", [CAR], [np.array([0.9, 0.1])])
    strategy, rng = ByEntropy(crossing), Random(0)
    assert strategy.choose(scene(belief, {CAR.fact: 1.0}, moving=True), rng) is None
    belief.pass_time(4)
    assert strategy.choose(scene(belief, {CAR.fact: 1.0}, moving=True), rng) == "left"


def test_the_size_of_sets_does_not_tell_views_apart_early(crossing: ViewModel) -> None:
    """With full sets no view is expected to empty one, so that any is drawn."""
    strategy = BySetSize(crossing)
    belief = seen(("front", (0.5, 0.5)))
    drawn = {strategy.choose(scene(belief, {CAR.fact: 1.0}), Random(i)) for i in range(20)}
    assert drawn == {"left", "right"}
    scores = KindScores(tuple(np.linspace(0, 0.3, 50).tolist()))
    decided = AgentCalibration("crossing", MODEL, "", "", "", {CAR.kind: scores}, (0.9,) * 50)
    belief = SceneBelief(decided)
    belief.add("front", [CAR], [np.array([0.6, 0.4])])
    chosen = {strategy.choose(scene(belief, {CAR.fact: 1.0}), Random(i)) for i in range(5)}
    assert chosen == {"left"}


def test_a_sweep_goes_round_and_ends(crossing: ViewModel) -> None:
    assert sorted(SWEEP) == sorted(VIEWS["tabletop"])
    belief, rng = SceneBelief(BLANK), Random(0)
    taken = []
    while (view := Sweep().choose(scene(belief, {}, env="tabletop"), rng)) is not None:
        belief.add(view, [], [])
        taken.append(view)
    assert taken == list(SWEEP)
    assert AtRandom().choose(scene(belief, {}, env="tabletop"), rng) is None
    assert Sweep().choose(scene(belief, {}, moving=True), rng) is not None


def test_models_of_views_are_kept_and_refused(crossing: ViewModel, tmp_path: Path) -> None:
    path = tmp_path / "views.json"
    crossing.save(path)
    again = load_views(path, "crossing")
    for view in VIEWS["crossing"]:
        assert np.allclose(again.likelihood(CAR, view), crossing.likelihood(CAR, view), atol=1e-3)
    with pytest.raises(InputError, match="environment 'tabletop'"):
        load_views(path, "tabletop")
    path.write_text("{}")
    with pytest.raises(InputError, match="not a model of views"):
        load_views(path, "crossing")
    with pytest.raises(InputError, match="surefoot train views"):
        load_views(tmp_path / "none.json", "crossing")
    with pytest.raises(InputError, match="known: none, sweep, random, set-size, entropy"):
        make_strategy("best", "crossing")
    with pytest.raises(InputError, match="no scenes"):
        fit_views("crossing", [], MODEL)


def test_the_shipped_tables_know_their_environment() -> None:
    strategy = make_strategy("entropy", "crossing")
    assert strategy.choose(scene(seen(("front", (0.5, 0.5))), {CAR.fact: 1.0}), Random(0)) == "left"
    lid = FactQuestion("lid:box", "Is it open?", ("open", "closed"), "lid")
    table = scene(seen(("front", (0.5, 0.5)), question=lid), {lid.fact: 1.0}, env="tabletop")
    assert make_strategy("entropy", "tabletop").choose(table, Random(0)) in VIEWS["tabletop"][1:]
