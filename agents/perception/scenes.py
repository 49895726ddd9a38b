"""Tabletop states as episodes pass through them, drawn directly instead of acted out.

The things are those of a task; where its blocks are, which boxes are open, where the hand is
and what it holds is drawn. That costs 40 ms a scene, a hundredth of acting it out.
"""

from __future__ import annotations

from dataclasses import replace
from math import pi
from random import Random

from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.kinematics import inverse
from surefoot.envs.tabletop.robot import ARM, FINGERS, HOME, OPEN, HandPose
from surefoot.envs.tabletop.scene import (
    FAR,
    NEAR,
    SIDE,
    TabletopScene,
    draw_scene,
    is_container,
    is_spot,
)
from surefoot.envs.tabletop.state import Facts, derive_facts
from surefoot.envs.tabletop.tasks import DIFFICULTIES, TASKS, TabletopTask, make_tabletop
from surefoot.envs.tabletop.things import TABLE
from surefoot.envs.tabletop.world import TabletopWorld

AS_GIVEN = 0.2
"""Fraction of scenes in which the blocks are where the task has them at the start."""

IN_HAND = 0.2
"""Fraction of the other scenes in which the hand holds a block."""

AT_HOME = 0.5
"""Fraction of scenes in which the hand is at home; else it is over the table."""

ROOM = 3
"""Most blocks in a container, and in a pile."""

_HOVER = (0.14, 0.30)
"""Least and greatest height in metres of the hand over the table."""


def draw_task(rng: Random, seed: int) -> TabletopTask:
    """Draws the task that the things of a scene are from; :func:`draw_state` begins with it."""
    return make_tabletop(rng.choice(list(TASKS)), rng.choice(DIFFICULTIES), seed)


def draw_state(rng: Random, seed: int) -> tuple[TabletopScene, str | None]:
    """Draws a scene with a state.

    Args:
        rng: Draws the state.
        seed: Seed of the task that the things are from.

    Returns:
        The scene, and the block that the hand holds; it stands on the table in the scene.
    """
    scene = draw_task(rng, seed).scene
    if rng.random() < AS_GIVEN:
        return scene, None
    shut = [box for box in scene.lids if rng.random() < 0.5]
    inside = _contain(rng, scene)
    scene = draw_scene(rng, list(scene.things.values()), inside, scene.lids, shut)
    free = [b.name for b in scene.blocks if b.name not in inside.values()]
    if not free or rng.random() > IN_HAND:
        return scene, None
    held = rng.choice(free)
    if held in inside:  # it was taken from there
        spots = dict(scene.spots) | {held: scene.root(held)}
        left = {b: place for b, place in inside.items() if b != held}
        scene = replace(scene, inside=left, spots=spots)
    return scene, held


def _contain(rng: Random, scene: TabletopScene) -> dict[str, str]:
    """Draws what each block that does not stand on the table is on or in."""
    inside: dict[str, str] = {}
    piles: dict[str, int] = {}
    blocks = [b.name for b in scene.blocks]
    rng.shuffle(blocks)
    for block in blocks:
        used = list(inside.values())
        containers = [
            t.name for t in scene.things.values() if is_container(t) and used.count(t.name) < ROOM
        ]
        spots = [t.name for t in scene.things.values() if is_spot(t) and t.name not in used]
        piled = [b for b, n in piles.items() if n < ROOM and b not in used]
        choices = [(0.3, [TABLE]), (0.25, containers), (0.25, spots), (0.2, piled)]
        choices = [(w, places) for w, places in choices if places]
        (places,) = rng.choices([p for _, p in choices], [w for w, _ in choices])
        place = rng.choice(places)
        if place != TABLE:
            inside[block] = place
        if place not in containers:
            piles[block] = piles.get(place, 0) + 1
    return inside


def build(
    simulation: Simulation, scene: TabletopScene, held: str | None, rng: Random
) -> TabletopWorld:
    """Builds a drawn scene, with the hand where it is at that moment; physics then rests.

    Args:
        simulation: The world's physics; it is emptied.
        scene: What to build.
        held: The block that the hand holds.
        rng: Draws where the hand is.
    """
    world = TabletopWorld(simulation, scene)
    api = simulation.api
    pose, angles = HandPose(HOME), inverse(HOME, 0.0)
    while rng.random() > AT_HOME:
        spot = rng.uniform(NEAR, FAR), rng.uniform(-SIDE, SIDE), rng.uniform(*_HOVER)
        tried = HandPose.at(spot, rng.uniform(-pi / 2, pi / 2))
        found = inverse(tried.position, tried.yaw)
        if found is not None:
            pose, angles = tried, found
            break
    assert angles is not None
    for joint, angle in zip(ARM, angles, strict=True):
        api.resetJointState(world.robot.body, joint, float(angle))
    opening = scene.things[held].edge / 2 if held else rng.choice((OPEN, OPEN, 0.02))
    for joint in FINGERS:
        api.resetJointState(world.robot.body, joint, opening)
    if held is not None:
        x, y, z = pose.position
        turn = api.getQuaternionFromEuler((0, 0, pose.yaw))
        api.resetBasePositionAndOrientation(world.bodies[held], (x, y, z), turn)
    return world


def facts_of(scene: TabletopScene, held: str | None) -> Facts:
    """Returns the facts of a drawn scene."""
    places = {b.name: scene.place_of(b.name) for b in scene.blocks if b.name != held}
    shut = {scene.lids[box]: box for box in scene.shut}
    aside = set(scene.lids.values()) - set(shut)
    return derive_facts(scene, places, held, shut, aside, scene.shut)
