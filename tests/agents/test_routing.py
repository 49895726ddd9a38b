"""Routing on hand-made beliefs, sets and verdicts: no model, no camera, no simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from surefoot.agents.belief import FactSet
from surefoot.agents.environments.base import PlanVerification
from surefoot.agents.gates import GateInput, make_gate
from surefoot.agents.planning.step import no_plan
from surefoot.agents.routing import (
    Assessment,
    Outcome,
    fact_to_ask,
    looking_ends,
    perception_score,
    plan_is_bad,
    rely,
    route,
    weigh,
    worlds_within,
)
from surefoot.calibration.decisions.router import Decision, Route
from surefoot.core.chat import ReplyStatus

WORLDS = [{"light": light, "car": car} for light in ("green", "red") for car in ("no", "yes")]
GO, STOP = Outcome(True, "go", True), Outcome(True, "stop", True)


def decided(gate: str, approved: bool = False, **given: Any) -> Route:
    at = GateInput(**{"u_p": 1.0, "u_d": 1.0, **given})
    return route(make_gate(gate), at, approved=approved).route


def assessed(
    members: Mapping[str, Sequence[str]] | None = None, good: Sequence[bool] = ()
) -> Assessment:
    facts = FactSet({f: tuple(o) for f, o in (members or {}).items()}, 0.1)
    found = Assessment(facts, {})
    if good:
        found.verification = PlanVerification(np.array(good), ("rule",))
    return found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"matters": ("light",), "looks_left": 1}, Route.LOOK),
        ({"matters": ("light",), "can_ask": True}, Route.ASK),
        ({"matters": ("light",), "verified": True, "repairs_left": 1}, Route.REPAIR),
        ({"matters": ("light",), "can_ask": True, "verified": True, "repairs_left": 1}, Route.ASK),
        ({"matters": ("light",), "repairs_left": 1}, Route.ABSTAIN),
        ({"u_p": 0.0}, Route.ACT),
        ({"u_d": 0.4, "repairs_left": 1}, Route.REPAIR),
        ({"u_d": 0.4, "can_ask": True}, Route.ASK),
        ({"u_d": 0.4}, Route.ABSTAIN),
    ],
)
def test_sets_act_where_the_outcome_depends_on_no_undecided_fact(
    given: dict[str, Any], expected: Route
) -> None:
    assert decided("sets", **given) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"u_p": 0.8, "looks_left": 1}, Route.LOOK),
        ({"u_p": 0.8, "looks_left": 1, "t_p": 0.8}, Route.ACT),
        ({"u_p": 0.8, "repairs_left": 1}, Route.ABSTAIN),
        ({"u_d": 0.6, "repairs_left": 1}, Route.REPAIR),
        ({"u_d": 0.6, "can_ask": True}, Route.ASK),
        ({"matters": ("light",), "looks_left": 1}, Route.ACT),
    ],
)
def test_scores_must_reach_their_thresholds(given: dict[str, Any], expected: Route) -> None:
    assert decided("scores", **given) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"u_p": 0.6, "looks_left": 1}, Route.LOOK),
        ({"u_d": 0.6, "looks_left": 1, "repairs_left": 1}, Route.LOOK),
        ({"u_d": 0.6, "can_ask": True}, Route.ASK),
        ({"u_d": None, "u_p": 0.7}, Route.ACT),
    ],
)
def test_one_uncertainty_cannot_tell_what_to_mend(given: dict[str, Any], expected: Route) -> None:
    assert decided("aggregate", **given) is expected


@pytest.mark.parametrize("gate", ["none", "oracle", "always-ask"])
def test_gates_without_doubts_act_unless_the_plan_is_bad_everywhere(gate: str) -> None:
    assert decided(gate, u_p=0.0, u_d=0.1, looks_left=1) is Route.ACT
    assert decided(gate, u_p=0.0, u_d=None, looks_left=1) is Route.ACT
    assert decided(gate, u_p=0.0, u_d=0.0, looks_left=1, repairs_left=1) is Route.REPAIR
    assert decided(gate, u_p=0.0, u_d=0.0, looks_left=1) is Route.ABSTAIN


@pytest.mark.parametrize("gate", ["sets", "scores", "aggregate", "none"])
def test_an_approved_plan_is_carried_out(gate: str) -> None:
    assert decided(gate, approved=True, u_p=0.0, u_d=0.0, matters=("light",)) is Route.ACT


@pytest.mark.parametrize(
    ("chosen", "looks_left", "ends"),
    [
        (Route.LOOK, 1, False),
        (Route.REPAIR, 1, False),
        (Route.LOOK, 0, True),
        (Route.ACT, 1, True),
        (Route.ASK, 1, True),
        (Route.ABSTAIN, 1, True),
    ],
)
def test_looking_ends_with_the_looks_or_with_the_need(
    chosen: Route, looks_left: int, ends: bool
) -> None:
    assert looking_ends(Decision(chosen, ""), looks_left) is ends


def test_the_action_is_that_of_the_likeliest_world_and_what_it_depends_on_matters() -> None:
    found = assessed()
    weigh(found, WORLDS, [GO, GO, STOP, STOP], [0.1, 0.1, 0.4, 0.4], None)
    assert (found.action, found.good, set(found.matters)) == ("stop", 4, {"light"})
    weigh(found, WORLDS, [GO, GO, GO, Outcome(False, "go", True)], [1, 0, 0, 0], None)
    assert (found.action, found.good) == ("go", 3)
    assert set(found.matters) == {"light", "car"}


def test_a_forbidden_action_becomes_the_safe_one_where_nothing_is_in_doubt() -> None:
    forbidden = Outcome(True, "go", False)
    found = assessed()
    weigh(found, WORLDS, [forbidden] * 4, [0.25] * 4, "wait")
    assert (found.action, found.good, found.matters) == ("wait", 4, {})
    weigh(found, WORLDS, [forbidden] * 4, [0.25] * 4, None)
    assert (found.action, found.good) == ("go", 0)
    weigh(found, WORLDS, [forbidden, GO, GO, GO], [1, 0, 0, 0], "wait")
    assert (found.action, found.good) == ("go", 3)


def test_a_decision_relies_on_the_certain_facts_first() -> None:
    outcomes = [GO, STOP, STOP, STOP]
    both = {"light": "red", "car": "yes"}
    assert rely(WORLDS, outcomes, both, {"light": 0.9, "car": 0.6}, "stop") == (("light",), True)
    assert rely(WORLDS, outcomes, both, {"light": 0.6, "car": 0.9}, "stop") == (("car",), True)
    green = {"light": "green", "car": "no"}
    relied, waits = rely(WORLDS, outcomes, green, {"light": 0.9, "car": 0.6}, "stop")
    assert (set(relied), waits) == ({"light", "car"}, False)
    assert rely(WORLDS, outcomes, both, {"light": 1.0, "car": 1.0}, None)[1] is False


def test_worlds_are_narrowed_by_the_facts_relied_on_only() -> None:
    facts = FactSet({"light": ("red",), "car": ("no",)}, 0.1)
    assert worlds_within(WORLDS, facts, ("light",)) == WORLDS[2:]
    assert worlds_within(WORLDS, facts, ()) == WORLDS
    assert worlds_within(WORLDS, FactSet({"light": ("off",)}, 0.1), ("light",)) == WORLDS


def test_the_perception_score_is_the_least_of_the_facts_that_matter() -> None:
    scores = {"light": 0.9, "car": 0.3, "sign": 0.5}
    found = assessed(dict.fromkeys(scores, ("yes",)))
    assert perception_score(found, scores.__getitem__) == 0.3
    found.matters = {"light": 0.2, "sign": 0.7}
    assert perception_score(found, scores.__getitem__) == 0.5
    assert perception_score(assessed(), scores.__getitem__) == 1.0


def test_the_operator_is_asked_for_the_unsure_fact_that_matters_most() -> None:
    scores = {"light": 1.0, "car": 0.3, "sign": 0.5}
    found = assessed(dict.fromkeys(scores, ("yes",)))
    assert fact_to_ask(found, scores.__getitem__) == "car"
    found.matters = {"light": 0.9, "car": 0.1, "sign": 0.7}
    assert fact_to_ask(found, scores.__getitem__) == "sign"
    found.matters = {"light": 0.9}
    assert fact_to_ask(found, scores.__getitem__) is None
    verified = assessed(dict.fromkeys(scores, ("yes",)), good=[False])
    assert fact_to_ask(verified, scores.__getitem__) is None


def test_a_plan_is_bad_only_where_no_undecided_fact_is_to_blame() -> None:
    assert plan_is_bad(assessed(good=[True, False]))
    assert not plan_is_bad(assessed(good=[True, True]))
    assert not plan_is_bad(assessed())
    unsure = assessed(good=[True, False])
    unsure.matters = {"light": 1.0}
    assert not plan_is_bad(unsure)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([ReplyStatus.SERVER_ERROR, ReplyStatus.SERVER_ERROR], "model_error"),
        ([], "model_error"),
        ([ReplyStatus.REFUSED], "refused"),
        ([ReplyStatus.REFUSED, ReplyStatus.SERVER_ERROR], "unparsable"),
        ([ReplyStatus.ANSWERED], "unparsable"),
    ],
)
def test_what_a_missing_plan_is_counted_as(statuses: list[ReplyStatus], outcome: str) -> None:
    assert no_plan(statuses, "").outcome == outcome
