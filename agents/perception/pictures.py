"""Pictures of simulated scenes with questions and their true answers, drawn by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray
from surefoot.agents.perception.crossing_facts import crossing_questions, crossing_truth
from surefoot.agents.perception.questions import Asked, with_truth
from surefoot.agents.perception.scenes import build, draw_state, facts_of
from surefoot.agents.perception.tabletop_facts import tabletop_questions, tabletop_truth
from surefoot.agents.perception.views import BEARINGS, expose
from surefoot.envs.cameras.camera import CameraPose, Frame, Lens, render
from surefoot.envs.crossing.expert import drive
from surefoot.envs.crossing.labels import coming
from surefoot.envs.crossing.skills import Action, perform
from surefoot.envs.crossing.tasks import TASKS, draw_scene
from surefoot.envs.crossing.world import World
from surefoot.envs.perturbations.base import Draws
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.actions import RING

SIZE = 160
"""Width and height of a picture in pixels."""

Damage = Callable[[Random], Pipeline]
"""Draws what goes wrong with a picture."""

_TRAFFIC = (0.4, 0.7, 1.0, 1.0)
_LONGEST = 6
"""Decision steps of a scene for each moment that is wanted, at most."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with its questions.

    Attributes:
        rgb: Colours, uint8 ``[height, width, 3]``.
        env: ``tabletop`` or ``crossing``.
        view: Name of the viewpoint.
        seed: Seed of the scene.
        moment: Number of the moment in the scene; pictures of the same seed and moment show the
            same state.
        damage: What went wrong with it, as text.
        asked: Questions with the truth.
    """

    rgb: NDArray[np.uint8]
    env: str
    view: str
    seed: int
    moment: int
    damage: str
    asked: tuple[Asked, ...]


def clean(rng: Random) -> Pipeline:
    """Draws no damage."""
    return Pipeline()


def tabletop_pictures(
    simulation: Simulation,
    seed: int,
    views: Sequence[str] | int,
    damage: Damage = clean,
    size: int = SIZE,
) -> list[Picture]:
    """Draws a state of the table and takes pictures of it.

    Args:
        simulation: The world's physics; it is emptied.
        seed: Seed of things, state and damage.
        views: Names of viewpoints, or how many to draw.
        damage: Draws what goes wrong with each picture.
        size: Width and height in pixels.
    """
    rng = Random(f"perception:tabletop:{seed}")
    scene, held = draw_state(rng, seed)
    world = build(simulation, scene, held, rng)
    asked = with_truth(tabletop_questions(scene), tabletop_truth(scene, facts_of(scene, held)))
    chosen = rng.sample(RING.names, views) if isinstance(views, int) else views
    taken = []
    for number, view in enumerate(chosen):
        shift = damage(rng)
        pose = _astray(RING.pose(view), shift.faults().camera_position_error, rng)
        frame = render(world.simulation.api, pose, Lens(size, size))
        rgb = shift.frame(frame, Draws(seed, view, number)).rgb
        taken.append(Picture(rgb, "tabletop", view, seed, 0, _told(shift), asked))
    return taken


def crossing_pictures(
    simulation: Simulation,
    seed: int,
    moments: int = 6,
    damage: Damage = clean,
    size: int = SIZE,
    task: str = "",
    traffic: float | None = None,
    thin: float = 0.6,
) -> Iterator[Picture]:
    """Lets traffic pass and takes pictures from the vehicle, in all three views.

    At most moments the vehicle stands before its line; in some scenes it then drives as the
    expert does.

    Args:
        simulation: The world's physics; it is emptied.
        seed: Seed of street, traffic and damage.
        moments: How many moments; fewer if the episode ends before.
        damage: Draws what goes wrong with the pictures of a moment.
        size: Width and height in pixels.
        task: A task of the crossing; drawn if there is none.
        traffic: How much traffic from 0 to 1; drawn if there is none.
        thin: Share of the decision steps without a coming car that are passed over; cars come
            in few.
    """
    rng = Random(f"perception:crossing:{seed}")
    chosen, level = rng.choice(TASKS), rng.choice(_TRAFFIC)
    scene = draw_scene(task or chosen, level if traffic is None else traffic, seed)
    world = World(simulation, scene, seed, size=size)
    stays = rng.random() < 0.75
    moment = 0
    for _ in range(_LONGEST * moments):
        if world.outcome() is not None or world.past() or moment == moments:
            return
        if rng.random() < (thin if not coming(world.situation()) else 0.0):
            perform(world, Action.STOP if stays else drive(world))
            continue
        before: dict[str, Frame] = {}
        action = Action.STOP if stays else drive(world)
        world.step(
            action is not Action.STOP,
            halfway=lambda before=before: before.update(_frames(world)),  # type: ignore[misc]
        )
        if world.outcome() is not None or world.past():
            return
        situation, over = world.situation(), world.over_line()
        truth = crossing_truth(situation)
        now, shift = _frames(world), damage(rng)
        for view in BEARINGS:
            first, second = (
                shift.frame(frames[view], Draws(seed, view, 2 * moment + i)).rgb
                for i, frames in enumerate((before, now))
            )
            asked = with_truth(crossing_questions(view, world.turn, over_line=over), truth)
            rgb = expose(first, second)
            yield Picture(rgb, "crossing", view, seed, moment, _told(shift), asked)
        moment += 1


def _frames(world: World) -> dict[str, Frame]:
    return {view: world.look(view) for view in BEARINGS}


def _astray(pose: CameraPose, sigma: float, rng: Random) -> CameraPose:
    """Moves a camera by an error in metres that it does not know of."""
    if not sigma:
        return pose
    ex, ey, ez = (rng.gauss(0.0, sigma) for _ in range(3))
    x, y, z = pose.eye
    a, b, c = pose.target
    return replace(pose, eye=(x + ex, y + ey, z + ez), target=(a + ex, b + ey, c + ez))


def _told(shift: Pipeline) -> str:
    return " ".join(f"{part.name}={part.severity:.2f}" for part in shift.parts)
