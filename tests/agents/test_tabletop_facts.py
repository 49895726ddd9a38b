"""Questions about the table: their truth is the simulator's, and answers give the state back."""

from __future__ import annotations

from random import Random

import pytest

from surefoot.agents.perception.scenes import build, draw_state, facts_of
from surefoot.agents.perception.tabletop_facts import (
    CLOSED,
    HELD,
    OPEN,
    canonical,
    canonical_facts,
    describe,
    state_of,
    tabletop_questions,
    tabletop_truth,
    twins,
)
from surefoot.core.errors import InputError
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.state import read_facts, start_facts
from surefoot.envs.tabletop.tasks import DIFFICULTIES, TASKS, make_tabletop
from surefoot.envs.tabletop.world import TabletopWorld
from surefoot.pddl.language import Atom


@pytest.mark.parametrize("kind", list(TASKS))
def test_answers_give_the_state_back(kind: str) -> None:
    for difficulty in DIFFICULTIES:
        for seed in range(40):
            scene = make_tabletop(kind, difficulty, seed).scene
            facts = start_facts(scene)
            truth = tabletop_truth(scene, facts)
            asked = tabletop_questions(scene)
            assert {q.fact for q in asked} == set(truth)
            for question in asked:
                assert truth[question.fact] in question.options
                assert len(set(question.options)) == len(question.options) >= 2
            assert len({q.text for q in asked}) == len(asked)
            reading = state_of(scene, truth)
            assert reading.consistent
            assert reading.facts == canonical_facts(scene, facts)
            if not twins(scene):
                assert reading.facts == facts


def test_drawn_states_are_what_physics_says() -> None:
    simulation = Simulation()
    holding = 0
    try:
        for seed in range(25):
            rng = Random(seed)
            scene, held = draw_state(rng, seed)
            world = build(simulation, scene, held, rng)
            facts = facts_of(scene, held)
            if held is None:
                assert read_facts(world) == facts
            else:
                holding += 1
                x, y, z = world.position(held)
                assert world.robot.tool() == pytest.approx((x, y, z), abs=1e-3)
            reading = state_of(scene, tabletop_truth(scene, facts))
            assert reading.consistent
            assert reading.facts == canonical_facts(scene, facts)
    finally:
        simulation.close()
    assert holding >= 2


def twin_scene() -> tuple[TabletopWorld, Simulation]:
    simulation = Simulation()
    for seed in range(100):
        scene = make_tabletop("tidy", "medium", seed).scene
        if twins(scene):
            return TabletopWorld(simulation, scene), simulation
    raise AssertionError("no scene with twins")


def test_twins_are_named_by_where_they_are() -> None:
    world, simulation = twin_scene()
    simulation.close()
    scene = world.scene
    one, two = twins(scene)[0]
    assert describe(scene, one).startswith("first ")
    assert describe(scene, two).startswith("second ")
    a_bin = next(t.name for t in scene.things.values() if t.kind.value == "bin")
    facts = start_facts(scene)
    put = (facts - {Atom("on", (one, "the-table")), Atom("clear", (one,))}) | {
        Atom("in", (one, a_bin))
    }
    renaming = canonical(scene, put)
    assert renaming[one] == two
    assert renaming[two] == one
    truth = tabletop_truth(scene, put)
    assert truth[f"place:{one}"] == "on the table"
    assert truth[f"place:{two}"] == f"in the {a_bin.replace('-', ' ')}"
    other = (facts - {Atom("on", (two, "the-table")), Atom("clear", (two,))}) | {
        Atom("in", (two, a_bin))
    }
    assert tabletop_truth(scene, other) == truth


def test_impossible_answers_are_told() -> None:
    scene = make_tabletop("tower", "medium", 1).scene
    a, b, c = (x.name for x in scene.blocks)
    words = {n: f"on the {describe(scene, n)}" for n in (a, b, c)}
    base = {f"place:{n}": "on the table" for n in (a, b, c)}
    assert state_of(scene, base).consistent
    wrong = {
        "holds": base | {f"place:{a}": HELD, f"place:{b}": HELD},
        "2 blocks on": base | {f"place:{a}": "on the white pad", f"place:{b}": "on the white pad"},
        "in the hand": base | {f"place:{a}": HELD, f"place:{b}": words[a]},
        "on itself": base | {f"place:{a}": words[b], f"place:{b}": words[a]},
    }
    for reason, answers in wrong.items():
        problems = state_of(scene, answers).problems
        assert any(reason in p for p in problems), (reason, problems)
    sort = make_tabletop("sort", "medium", 1).scene
    first, second = (x.name for x in sort.blocks[:2])
    answers = {f"place:{x.name}": "on the table" for x in sort.blocks}
    answers |= {f"place:{first}": "in the gray bin"}
    answers |= {f"place:{second}": f"on the {describe(sort, first)}"}
    assert any("gray-bin" in p for p in state_of(sort, answers).problems)


def test_answers_are_checked() -> None:
    scene = make_tabletop("retrieve", "easy", 1).scene
    truth = tabletop_truth(scene, start_facts(scene))
    assert {truth[f] for f in truth if f.startswith("lid:")} == {CLOSED}
    with pytest.raises(InputError, match="no answer to 'lid:"):
        state_of(scene, {f: v for f, v in truth.items() if not f.startswith("lid:")})
    with pytest.raises(InputError, match="'ajar' is no answer"):
        state_of(scene, truth | {next(f for f in truth if f.startswith("lid:")): "ajar"})
    opened = state_of(scene, truth | {f: OPEN for f in truth if f.startswith("lid:")})
    assert any(f.predicate == "aside" for f in opened.facts)
