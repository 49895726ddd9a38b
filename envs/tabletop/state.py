"""The exact symbolic state: every fact of the tabletop domain, read from physics."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import cos, dist, sin

from surefoot.envs.tabletop.scene import Spot, TabletopScene, is_container, is_spot
from surefoot.envs.tabletop.things import (
    BOWL,
    HEIGHTS,
    INSIDE,
    LIP,
    TABLE,
    Thing,
    ThingKind,
)
from surefoot.envs.tabletop.world import TabletopWorld
from surefoot.pddl import GroundTask
from surefoot.pddl.conditions import holds
from surefoot.pddl.language import Atom, PlanStep

Facts = frozenset[Atom]

NEAR_ABOVE = 0.006
"""Largest distance in metres of a block's underside from its support: the height of a release."""

COVER = 0.012
"""How far in metres a lid may be from the middle of the box that it covers."""


def start_facts(scene: TabletopScene) -> Facts:
    """Returns the intended initial facts of a scene, without physics."""
    places = {b.name: scene.place_of(b.name) for b in scene.blocks}
    shut = {scene.lids[box]: box for box in scene.shut}
    aside = {lid for lid in scene.lids.values() if lid not in shut}
    return derive_facts(scene, places, None, shut, aside, set(scene.shut))


def read_facts(world: TabletopWorld) -> Facts:
    """Reads every fact of the tabletop domain from contacts and poses.

    A block is held if both fingers push against it; it is on the object on which its underside
    rests and over which its centre is; it is in a container if its centre is within the walls and
    below the rim. A block that is nowhere (fallen off the table, leaning on an edge) has no place
    fact.
    """
    scene = world.scene
    held = world.held()
    places: dict[str, str] = {}
    for block in scene.blocks:
        if block.name != held:
            place = _place(world, block, held)
            if place is not None:
                places[block.name] = place
    shut: dict[str, str] = {}
    aside: set[str] = set()
    blocked: set[str] = set()
    for lid in scene.of(ThingKind.LID):
        if lid.name == held:
            continue
        x, y, z = world.position(lid.name)
        for box in scene.of(ThingKind.BOX):
            spot = scene.spots[box.name]
            on_it = abs(z - HEIGHTS["box"]) < 0.004
            if scene.lids.get(box.name) == lid.name and on_it and _close(x, y, spot, COVER):
                shut[lid.name] = box.name
            if abs(x - spot.x) < 2 * INSIDE[0] and abs(y - spot.y) < 2 * INSIDE[1] and z > LIP * 2:
                blocked.add(box.name)
        if lid.name not in shut and abs(z - LIP) < 0.004:  # flat on the table
            aside.add(lid.name)
    return derive_facts(scene, places, held, shut, aside, blocked)


def derive_facts(
    scene: TabletopScene,
    places: Mapping[str, str],
    held: str | None,
    shut: Mapping[str, str],
    aside: Collection[str],
    blocked: Collection[str],
) -> Facts:
    """Derives all facts from where everything is.

    Args:
        scene: The scene.
        places: Support or container of each block.
        held: The held block or lid.
        shut: The box that each covering lid covers.
        aside: Lids that lie on the table.
        blocked: Boxes with something over their opening.
    """
    facts: list[Atom] = [] if held is not None else [Atom("hand-empty")]
    if held is not None and scene.things[held].kind is ThingKind.BLOCK:
        facts.append(Atom("holding", (held,)))
    containers = {t.name for t in scene.things.values() if is_container(t)}
    carrying = set(places.values())
    for block, place in places.items():
        inside = place in containers
        facts.append(Atom("in" if inside else "on", (block, place)))
        if not inside and block not in carrying:
            facts.append(Atom("clear", (block,)))
    facts.append(Atom("vacant", (TABLE,)))
    for thing in scene.things.values():
        if is_spot(thing) and thing.name not in carrying:
            facts.append(Atom("vacant", (thing.name,)))
        if thing.name in containers and thing.name not in blocked:
            facts.append(Atom("open", (thing.name,)))
    facts += [Atom("covers", (lid, box)) for lid, box in shut.items()]
    facts += [Atom("aside", (lid,)) for lid in aside]
    facts += [Atom("fits", (lid, box)) for box, lid in scene.lids.items()]
    return frozenset(facts)


def _close(x: float, y: float, spot: Spot, limit: float) -> bool:
    return dist((x, y), (spot.x, spot.y)) < limit


def _place(world: TabletopWorld, block: Thing, held: str | None) -> str | None:
    x, y, z = world.position(block.name)
    scene = world.scene
    for thing in scene.things.values():
        if is_container(thing) and _within(thing, scene, x, y) and 0 < z < thing.height:
            return thing.name
    low = world.box(block.name)[0][2]
    carriers = [name for name, _ in _carriers(world, block, held) if _rests(world, block, name)]
    best: tuple[float, str] | None = None
    for name in carriers:
        top = world.box(name)[1][2] if name != TABLE else 0.0
        over = name == TABLE or _over(world, name, x, y)
        if over and (best is None or top > best[0]) and low > top - 0.03:
            best = (top, name)
    return best[1] if best else None


def _carriers(world: TabletopWorld, block: Thing, held: str | None) -> Iterator[tuple[str, int]]:
    for name, body in world.bodies.items():
        thing = world.scene.things.get(name)
        fits = name == TABLE or (
            thing is not None and (is_spot(thing) or thing.kind is ThingKind.BLOCK)
        )
        if name not in (block.name, held) and fits:
            yield name, body


def _rests(world: TabletopWorld, block: Thing, name: str) -> bool:
    """Returns whether an object pushes a block upwards."""
    api = world.simulation.api
    contacts = api.getContactPoints(world.bodies[block.name], world.bodies[name])
    return any(c[7][2] > 0.5 and c[8] < NEAR_ABOVE for c in contacts)


def _over(world: TabletopWorld, name: str, x: float, y: float) -> bool:
    """Returns whether a point lies over an object."""
    thing = world.thing(name)
    at_x, at_y, _ = world.position(name)
    yaw = world.yaw(name)
    dx, dy = x - at_x, y - at_y
    along, across = dx * cos(yaw) + dy * sin(yaw), dy * cos(yaw) - dx * sin(yaw)
    length, width = thing.extent
    if thing.kind is ThingKind.PLATE or thing.shape == "cylinder":
        return dx * dx + dy * dy < length * length
    return abs(along) < length and abs(across) < width


def _within(container: Thing, scene: TabletopScene, x: float, y: float) -> bool:
    spot = scene.spots[container.name]
    dx, dy = x - spot.x, y - spot.y
    if container.kind is ThingKind.BOWL:
        return dx * dx + dy * dy < BOWL * BOWL
    return abs(dx) < INSIDE[0] and abs(dy) < INSIDE[1]


def attributes(scene: TabletopScene) -> dict[str, dict[str, str]]:
    """Returns colour, shape, size and kind of every object by name."""
    return {
        t.name: {
            "kind": t.kind.value,
            "color": t.color,
            "shape": t.shape or t.kind.value,
            "size": t.size,
        }
        for t in scene.things.values()
    }


def hidden_in(facts: Facts) -> dict[str, str]:
    """Returns the shut container that each hidden block lies in."""
    opened = {f.args[0] for f in facts if f.predicate == "open"}
    return {f.args[0]: f.args[1] for f in facts if f.predicate == "in" and f.args[1] not in opened}


def successor(ground: GroundTask, facts: Facts, step: PlanStep) -> Facts:
    """Returns the facts that the domain predicts after an action, applicable or not."""
    state = {ground.number(f.predicate, *f.args) for f in facts}
    ground.ground(step).apply(state)
    return ground.facts(state)


def goal_holds(ground: GroundTask, facts: Facts) -> bool:
    """Returns whether a task's goal holds."""
    return holds(ground.goal, {ground.number(f.predicate, *f.args) for f in facts})


def goal_fraction(ground: GroundTask, facts: Facts) -> float:
    """Returns the fraction of the goal's conditions that hold, from 0 to 1."""
    return ground.goal_fraction({ground.number(f.predicate, *f.args) for f in facts})


def push_needs(block: str, facts: Facts) -> list[str]:
    """Returns the unmet preconditions of pushing a block."""
    needs = (Atom("hand-empty"), Atom("on", (block, TABLE)), Atom("clear", (block,)))
    return [str(fact) for fact in needs if fact not in facts]
