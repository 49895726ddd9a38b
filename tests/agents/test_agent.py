"""The loop: where the verdict depends on what was seen it looks, where it does not it repairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from surefoot.agents.agent import Agent
from surefoot.agents.environments.crossing import CrossingAgentEnv
from surefoot.agents.environments.physical_table import physical_table
from surefoot.agents.environments.table import TableAgentEnv
from surefoot.agents.episode import play
from surefoot.agents.guarantees import load_calibration
from surefoot.agents.planning.planners.guide import reference_program
from surefoot.agents.relevance import relevance
from surefoot.calibration.decisions.router import Route
from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import HarnessError, InputError
from surefoot.envs.crossing.env import CrossingEnv
from surefoot.envs.perturbations.faults import Faults
from surefoot.envs.tabletop.env import TabletopEnv
from tests.agents.support import Knowing, Offering, agent_in, calibration

TASK = "straight-at-light"

RED = "wait_until(not green_light)\ngo_straight()"
"""A program that drives through red."""


@pytest.fixture(scope="module")
def street() -> Iterator[CrossingEnv]:
    env = CrossingEnv(TASK, 0.3, views=(), size=64)
    yield env
    env.close()


@pytest.fixture(scope="module")
def table() -> Iterator[TabletopEnv]:
    env = TabletopEnv("tidy", "easy", 64)
    yield env
    env.close()


def on_street(env: CrossingEnv, seed: int = 8) -> CrossingAgentEnv:
    _, info = env.reset(seed=seed)
    return CrossingAgentEnv(env, info)


def on_table(env: TabletopEnv, seed: int = 8) -> TableAgentEnv:
    _, info = env.reset(seed=seed)
    return physical_table(env, info)


def routes(agent: Agent) -> list[Route]:
    return [t.route for m in agent.decisions for t in m.thoughts]


def test_it_drives_over_the_crossing_and_breaks_no_rule(street: CrossingEnv) -> None:
    env = on_street(street)
    agent = agent_in(env, Knowing(0.99), "guide")
    played = play(agent, env)
    assert (played.outcome, played.broken) == ("success", ())
    assert agent.counts.plans == 1
    assert all(m.rules for m in agent.decisions)


def test_where_the_action_depends_on_a_fact_it_looks_for_that_fact(street: CrossingEnv) -> None:
    env = on_street(street)
    env.do("stop")
    while env.truth()["light"] != "green light" or "yes" in env.truth().values():
        env.do("stop")
    agent = agent_in(
        env,
        Knowing(0.99, wrong=["pedestrian"], unsure=0.5),
        Offering(["wait_until(green_light and not pedestrian)\ngo_straight()"]),
        verify=False,
    )
    agent.begin(env)
    agent.act()
    first = agent.decisions[0].thoughts[0]
    assert first.route is Route.LOOK
    assert set(first.matters) == {"pedestrian"}
    assert set(first.members["pedestrian"]) == {"yes", "no"}
    assert agent.counts.looks == 1


def test_a_plan_that_breaks_a_rule_in_every_world_goes_back_with_the_reason(
    street: CrossingEnv,
) -> None:
    env = on_street(street)
    planner = Offering([RED], [reference_program(TASK)])
    agent = agent_in(env, Knowing(0.99), planner)
    played = play(agent, env)
    assert played.outcome == "success"
    assert Route.REPAIR in routes(agent)
    assert agent.counts.repairs == 1
    ((text, told),) = planner.contexts[1].history
    assert text == RED
    assert "straight-on-green-only" in told


def test_a_plan_that_stays_bad_never_moves(street: CrossingEnv) -> None:
    env = on_street(street)
    agent = agent_in(env, Knowing(0.99), Offering([RED]), repairs=1)
    played = play(agent, env)
    assert played.outcome == "invalid_plan"
    assert agent.counts.skills == 0
    assert "straight-on-green-only" in played.reason


def test_without_verification_the_same_plan_is_carried_out_and_counted(
    street: CrossingEnv,
) -> None:
    env = on_street(street)
    agent = agent_in(
        env,
        Knowing(0.99),
        Offering(["go_straight()"]),
        gate="none",
        verify=False,
        sensing="none",
    )
    assert play(agent, env, 40).outcome in ("violated", "success", "failed")
    assert agent.decisions[0].action == "go_straight"


@pytest.mark.parametrize(
    ("offer", "outcome"),
    [
        ("hello", "unparsable"),
        (ReplyStatus.SERVER_ERROR, "model_error"),
        (ReplyStatus.REFUSED, "refused"),
    ],
)
def test_planners_that_give_no_plan(
    street: CrossingEnv, offer: str | ReplyStatus, outcome: str
) -> None:
    env = on_street(street)
    assert play(agent_in(env, Knowing(), Offering([offer])), env).outcome == outcome


def test_a_perceiver_that_cannot_be_asked_is_a_model_error(street: CrossingEnv) -> None:
    class Dead(Knowing):
        def ask(self, *_: object) -> list[object]:  # type: ignore[override]
            raise HarnessError("the server is gone")

    env = on_street(street)
    played = play(agent_in(env, Dead(), "guide"), env)
    assert (played.outcome, played.reason) == ("model_error", "the server is gone")


def test_the_ends_of_the_scale(street: CrossingEnv) -> None:
    for gate, outcome in {"always-stop": "refused", "oracle": "success"}.items():
        env = on_street(street)
        agent = agent_in(env, Knowing(0.5), "guide", gate=gate, patience=5)
        assert play(agent, env).outcome == outcome


def test_an_operator_is_asked_only_for_what_matters(table: TabletopEnv) -> None:
    env = on_table(table)
    block = next(q.fact for q in env.questions("front"))
    perceiver = Knowing(0.99, wrong=[block], unsure=0.5)
    agent = agent_in(env, perceiver, "fd", looks=0, repairs=0, operator="oracle")
    assert play(agent, env).outcome == "success"
    assert agent.tools.operator.asked == 1
    asked = [t for m in agent.decisions for t in m.thoughts if t.route is Route.ASK]
    assert set(asked[0].matters) == {block}
    alone = agent_in(
        on_table(table), Knowing(0.99, wrong=[block], unsure=0.5), "fd", looks=0, repairs=0
    )
    assert play(alone, on_table(table)).outcome == "refused"


def test_plans_of_the_table_are_carried_out_step_by_step(table: TabletopEnv) -> None:
    env = on_table(table)
    agent = agent_in(env, Knowing(0.99), "fd")
    played = play(agent, env)
    assert played.outcome == "success"
    assert agent.decisions[0].covered is True
    assert {m.covered for m in agent.decisions[1:]} == {None}


def test_a_slip_leads_to_another_look_and_another_plan() -> None:
    env = TabletopEnv("tidy", "easy", 64, faults=Faults(grasp_slip=0.6))
    try:
        for seed in (8, 9, 18):
            agent_env = on_table(env, seed)
            agent = agent_in(agent_env, Knowing(0.995), "fd", replans=8)
            play(agent, agent_env)
            slips = [m for m in agent.decisions if m.surprise]
            if slips and slips[0] is not agent.decisions[-1]:
                after = agent.decisions[slips[0].number]
                assert after.pictures
                assert agent.counts.plans > 1
                return
        pytest.fail("nothing slipped")
    finally:
        env.close()


def test_relevance_tells_what_the_outcome_depends_on() -> None:
    worlds = [{"a": a, "b": b} for a in "xy" for b in "uv"]
    assert relevance(worlds, ["go"] * 4, [1, 1, 1, 1]) == {}
    found = relevance(worlds, ["go", "go", "stop", "stop"], [1, 1, 1, 1])
    assert found == {"a": pytest.approx(1.0)}
    both = relevance(worlds, ["go", "stop", "stop", "go"], [4, 1, 1, 1])
    assert set(both) == {"a", "b"}


def test_a_calibration_for_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    made = calibration("crossing")
    made.save(path)
    assert load_calibration(path, env="crossing", model="knowing") == made
    with pytest.raises(InputError, match="is for model 'knowing', not 'other'"):
        load_calibration(path, env="crossing", model="other")
    with pytest.raises(InputError, match="is for environment 'crossing'"):
        load_calibration(path, env="tabletop", model="knowing")
    path.write_text("[]")
    with pytest.raises(InputError, match="not an agent's calibration"):
        load_calibration(path, env="crossing", model="knowing")


def test_a_decision_to_wait_relies_on_what_forbids_to_go_and_one_to_go_on_all(
    street: CrossingEnv,
) -> None:
    env = on_street(street)
    while env.truth()["light"] != "red or yellow":
        env.do("stop")
    agent = agent_in(env, Knowing(0.99), "guide")
    assert play(agent, env).outcome == "success"
    first, second = agent.decisions[:2]
    assert first.relied == ()  # the program stops at first, whatever there is
    assert second.truth["light"] == "red or yellow"
    assert second.waits
    assert second.relied == ("light",)
    went = next(m for m in agent.decisions if m.action == "go_straight")
    assert not went.waits
    assert set(went.relied or ()) == {"light", "pedestrian", "car_from_left", "car_from_right"}
    options = went.thoughts[-1].members
    assert len(options["opposite_car"]) == 2  # nothing is promised of it
    assert {len(options[f]) for f in went.relied or ()} == {1}


def test_what_is_promised_of_acting_is_calibrated_on_decisions_to_act() -> None:
    known = replace(calibration("crossing"), scenes=(0.1,) * 19, waits=(0.9,) * 19)
    assert known.threshold(0.1) == 0.1
    assert known.threshold(0.1, waiting=True) == 0.9
    assert replace(known, waits=()).threshold(0.1, waiting=True) == float("inf")


def test_a_first_plan_that_is_bad_everywhere_is_passed_over_and_named(street: CrossingEnv) -> None:
    env = on_street(street)
    agent = agent_in(env, Knowing(0.99), Offering([RED, reference_program(TASK)]))
    assert play(agent, env).outcome == "success"
    named = [t.passed_over for m in agent.decisions for t in m.thoughts if t.passed_over]
    assert named
    assert "straight-on-green-only" in named[0]
    assert agent.counts.repairs == 0
