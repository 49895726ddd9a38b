"""Facts are read from physics: whatever is moved by hand is seen at its new place."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi
from random import Random

import pytest

from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.scene import TabletopScene, draw_scene
from surefoot.envs.tabletop.state import attributes, hidden_in, read_facts, start_facts
from surefoot.envs.tabletop.things import FLOOR, TABLE, Thing, ThingKind
from surefoot.envs.tabletop.world import TabletopWorld

THINGS = (
    Thing("red-block", ThingKind.BLOCK, "red", "cube"),
    Thing("blue-block", ThingKind.BLOCK, "blue", "cube"),
    Thing("green-cylinder", ThingKind.BLOCK, "green", "cylinder"),
    Thing("pad1", ThingKind.PAD, "cyan"),
    Thing("plate1", ThingKind.PLATE, "white"),
    Thing("bowl1", ThingKind.BOWL, "white"),
    Thing("bin1", ThingKind.BIN, "gray"),
    Thing("box1", ThingKind.BOX, "brown"),
    Thing("lid1", ThingKind.LID, "brown"),
)


@pytest.fixture
def world() -> Iterator[TabletopWorld]:
    scene = draw_scene(Random(3), THINGS, {"blue-block": "box1"}, {"box1": "lid1"}, ["box1"])
    with Simulation() as simulation:
        yield TabletopWorld(simulation, scene)


def texts(world: TabletopWorld) -> set[str]:
    return set(map(str, read_facts(world)))


def put(world: TabletopWorld, name: str, x: float, y: float, z: float, yaw: float = 0.0) -> None:
    api = world.simulation.api
    turn = api.getQuaternionFromEuler((0, 0, yaw))
    api.resetBasePositionAndOrientation(world.bodies[name], (x, y, z), turn)
    world.simulation.step(60)


def places(facts: set[str], block: str) -> set[str]:
    return {f for f in facts if f.startswith((f"(on {block} ", f"(in {block} "))}


def test_a_new_scene_is_as_it_was_drawn(world: TabletopWorld) -> None:
    assert read_facts(world) == start_facts(world.scene)
    assert texts(world) == {
        "(hand-empty)",
        "(on red-block the-table)",
        "(clear red-block)",
        "(in blue-block box1)",
        "(on green-cylinder the-table)",
        "(clear green-cylinder)",
        "(vacant the-table)",
        "(vacant pad1)",
        "(vacant plate1)",
        "(open bowl1)",
        "(open bin1)",
        "(covers lid1 box1)",
        "(fits lid1 box1)",
    }


@pytest.mark.parametrize(
    ("place", "height"), [("pad1", 0.004), ("plate1", 0.005), ("bowl1", FLOOR), ("bin1", FLOOR)]
)
def test_a_moved_block_is_seen_where_it_is(world: TabletopWorld, place: str, height: float) -> None:
    spot = world.scene.spots[place]
    put(world, "red-block", spot.x, spot.y, height + 0.021, 0.4)
    facts = texts(world)
    verb = "in" if place in ("bowl1", "bin1") else "on"
    assert places(facts, "red-block") == {f"({verb} red-block {place})"}
    assert ("(clear red-block)" in facts) is (verb == "on")
    assert f"(vacant {place})" not in facts


def test_one_block_on_another(world: TabletopWorld) -> None:
    x, y, _ = world.position("red-block")
    put(world, "green-cylinder", x, y, 0.061)
    facts = texts(world)
    assert places(facts, "green-cylinder") == {"(on green-cylinder red-block)"}
    assert "(clear red-block)" not in facts
    assert "(clear green-cylinder)" in facts


def test_a_block_beside_a_pad_is_on_the_table_and_one_with_its_middle_on_it_is_not(
    world: TabletopWorld,
) -> None:
    spot = world.scene.spots["pad1"]
    put(world, "red-block", spot.x + 0.072, spot.y, 0.0205)
    assert places(texts(world), "red-block") == {"(on red-block the-table)"}
    put(world, "red-block", spot.x + 0.04, spot.y, 0.0245)
    assert places(texts(world), "red-block") == {"(on red-block pad1)"}


def test_a_block_in_the_air_or_under_the_table_is_nowhere(world: TabletopWorld) -> None:
    api = world.simulation.api
    for z in (0.3, -0.3):
        spot = world.scene.spots["bin1"]
        place = (spot.x, spot.y, z)
        api.resetBasePositionAndOrientation(world.bodies["red-block"], place, (0, 0, 0, 1))
        api.performCollisionDetection()
        facts = texts(world)
        assert places(facts, "red-block") == set()
        assert "(clear red-block)" not in facts
        assert "(hand-empty)" in facts


def test_lids_cover_lie_aside_or_neither(world: TabletopWorld) -> None:
    spot, park = world.scene.spots["box1"], world.scene.parking["lid1"]
    assert hidden_in(read_facts(world)) == {"blue-block": "box1"}
    put(world, "lid1", park.x, park.y, 0.006)
    facts = texts(world)
    assert {"(aside lid1)", "(open box1)", "(in blue-block box1)"} <= facts
    assert "(covers lid1 box1)" not in facts
    assert hidden_in(read_facts(world)) == {}
    put(world, "lid1", spot.x + 0.06, spot.y, 0.066)  # slid half off
    facts = texts(world)
    assert not {"(aside lid1)", "(open box1)", "(covers lid1 box1)"} & facts
    put(world, "lid1", spot.x, spot.y, 0.06, pi)
    assert "(covers lid1 box1)" in texts(world)


def test_holding_needs_both_fingers(world: TabletopWorld) -> None:
    x, y, z = world.robot.tool()
    api, robot = world.simulation.api, world.robot
    api.resetBasePositionAndOrientation(world.bodies["red-block"], (x, y, z), (0, 0, 0, 1))
    robot.close()
    assert "(holding red-block)" in texts(world)
    assert "(hand-empty)" not in texts(world)
    assert places(texts(world), "red-block") == set()
    robot.open()
    robot.wait(40)
    assert "(hand-empty)" in texts(world)


def test_attributes(world: TabletopWorld) -> None:
    told = attributes(world.scene)
    assert told["green-cylinder"] == {
        "kind": "block",
        "color": "green",
        "shape": "cylinder",
        "size": "medium",
    }
    assert told["bin1"]["shape"] == "bin"


def test_scenes_keep_their_distances() -> None:
    for seed in range(40):
        scene: TabletopScene = draw_scene(Random(seed), THINGS, {}, {"box1": "lid1"}, ["box1"])
        spots = [(t, scene.spots[t.name]) for t in THINGS if t.kind is not ThingKind.LID]
        spots.append((scene.things["lid1"], scene.parking["lid1"]))
        for i, (a, p) in enumerate(spots):
            for b, q in spots[i + 1 :]:
                apart = max(
                    abs(p.x - q.x) - a.extent[0] - b.extent[0],
                    abs(p.y - q.y) - a.extent[1] - b.extent[1],
                )
                assert apart >= (0.045 if ThingKind.BLOCK in (a.kind, b.kind) else 0.02)
            assert p.x**2 + p.y**2 < 0.74**2
    assert scene.place_of("red-block") == TABLE
