"""What is where in an image, patch by patch, from the simulator; the vision tower learns it too.

Answers alone teach a small model slowly: in its first 16,000 images it had learned to tell the
two environments apart and little else. So, while it learns to answer, a linear layer on its
vision tower learns what each patch of the image shows (that layer is not part of the model),
and two attention heads learn to look at what is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.tabletop_facts import HELD, places_of
from surefoot.envs.cameras.camera import Frame
from surefoot.envs.crossing.geometry import Approach, exit_arm, seen_from
from surefoot.envs.crossing.labels import comes, in_the_way
from surefoot.envs.crossing.signals import Lamp
from surefoot.envs.crossing.world import CrossingWorld as Crossing
from surefoot.envs.tabletop.scene import TabletopScene, is_container, is_spot
from surefoot.envs.tabletop.state import Facts
from surefoot.envs.tabletop.things import COLORS, TABLE, ThingKind
from surefoot.envs.tabletop.world import TabletopWorld as Table

PATCH = 16
"""Pixels of a patch's side."""

LEAST = 4
"""Pixels of a patch that a thing must fill to count."""

_GROUPS = ("block", "container", "flat", "lid")
_PLACES = ("table", "container", "flat", "block", "hand")

NAMES = (
    *(f"{color} {group}" for color in COLORS for group in _GROUPS),
    "robot",
    "cube",
    "cylinder",
    "open box",
    "closed box",
    *(f"block: {place}" for place in _PLACES),
    *(f"block: {color}" for color in COLORS),
    *(f"our light: {lamp}" for lamp in Lamp),
    "our stop sign",
    "car",
    *(f"car comes: {arm}" for arm in Approach),
    "person",
    "person in the way",
)
"""What can be marked. ``block: blue`` is a block that is on or in something blue."""

_NUMBER = {name: i for i, name in enumerate(NAMES)}


def patches(frame: Frame, names_of: Mapping[int, Sequence[str]]) -> NDArray[np.bool_]:
    """Returns which of :data:`NAMES` each patch shows, ``[rows, columns, names]``.

    Args:
        frame: The frame; width and height in pixels are cut to multiples of 16.
        names_of: What each body is.
    """
    rows, columns = (side // PATCH for side in frame.segmentation.shape)
    marks = np.zeros((rows, columns, len(NAMES)), bool)
    cut = frame.segmentation[: rows * PATCH, : columns * PATCH]
    for body in np.unique(cut).tolist():
        if body in names_of:
            count = (cut == body).reshape(rows, PATCH, columns, PATCH).sum(axis=(1, 3))
            for name in names_of[body]:
                marks[:, :, _NUMBER[name]] |= count >= LEAST
    return marks


def marks_of(question: FactQuestion) -> list[int]:
    """Returns the numbers of the marks at which to look for a question's answer, if they show."""
    what, _, name = question.fact.partition(":")
    color = next((c for c in COLORS if c in name.split("-")), "")
    wanted = {
        "place": [f"{color} block"],
        "lid": [f"{color} container", f"{color} lid"],
        "light": [f"our light: {lamp}" for lamp in Lamp],
        "stop_sign": ["our stop sign"],
        "pedestrian": ["person in the way"],
        "opposite_car": [f"car comes: {Approach.OPPOSITE}"],
        "car_from_left": [f"car comes: {Approach.LEFT}"],
        "car_from_right": [f"car comes: {Approach.RIGHT}"],
    }
    return [_NUMBER[mark] for mark in wanted[what]]


def tabletop_bodies(world: Table, facts: Facts) -> dict[int, list[str]]:
    """Returns what every body on the table is, and of a block where it is."""
    scene, places = world.scene, places_of(facts)
    shut = {f.args[1] for f in facts if f.predicate == "covers"}
    names_of: dict[int, list[str]] = {world.robot.body: ["robot"]}
    for name, thing in scene.things.items():
        names = [f"{thing.color} {_group(scene, name)}"]
        if thing.kind is ThingKind.BLOCK:
            place = places.get(name, TABLE)
            names += [thing.shape, f"block: {_place(scene, place)}"]
            if place in scene.things:
                names.append(f"block: {scene.things[place].color}")
        elif thing.kind is ThingKind.BOX:
            names.append("closed box" if name in shut else "open box")
        names_of[world.bodies[name]] = names
    return names_of


def crossing_bodies(world: Crossing) -> dict[int, list[str]]:
    """Returns what every body of the street is that counts for the vehicle."""
    bodies, situation = world.bodies, world.situation()
    crossing, arm = world.crossing, world.scene.arm
    names_of: dict[int, list[str]] = {}
    lamp = world.lamp_now()
    if lamp is not None:
        names_of[bodies.street.heads[crossing.number, arm]] = [f"our light: {lamp}"]
    signs = [
        (c.number, a) for c in world.scene.street.crossings for a in range(4) if c.stop_sign(a)
    ]
    for place, body in zip(signs, bodies.street.furniture, strict=False):
        if place == (crossing.number, arm):
            names_of[body] = ["our stop sign"]
    for car, view in zip(world.cars.cars, situation.cars, strict=True):
        names = ["car"]
        if view.arm is not None and comes(view, crossing):
            names.append(f"car comes: {seen_from(arm, view.arm)}")
        names_of[bodies.cars[car.slot]] = names
    arms = [exit_arm(arm, world.turn)] + ([] if situation.past_entry else [arm])
    for walker, person in zip(world.people.walkers, situation.people, strict=True):
        near = in_the_way(person, crossing, arms)
        names_of[bodies.people[walker.slot]] = ["person", *(["person in the way"] if near else [])]
    return names_of


def _group(scene: TabletopScene, name: str) -> str:
    thing = scene.things[name]
    if is_container(thing):
        return "container"
    return "flat" if is_spot(thing) else thing.kind.value


def _place(scene: TabletopScene, place: str) -> str:
    if place == HELD:
        return "hand"
    return _group(scene, place) if place in scene.things else "table"
