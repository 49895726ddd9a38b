"""Looks at simulated scenes, with questions and their true answers, drawn by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.crossing_facts import crossing_questions, crossing_truth
from surefoot.agents.perception.marks import crossing_bodies, patches, tabletop_bodies
from surefoot.agents.perception.questions import LabelledQuestion, with_truth
from surefoot.agents.perception.scenes import build, draw_state, facts_of
from surefoot.agents.perception.tabletop_facts import tabletop_questions, tabletop_truth
from surefoot.agents.perception.views import BEARINGS, expose
from surefoot.envs.cameras.camera import Frame, Lens, render
from surefoot.envs.crossing.expert import drive
from surefoot.envs.crossing.labels import coming
from surefoot.envs.crossing.skills import CrossingAction, perform
from surefoot.envs.crossing.tasks import TASKS, draw_scene
from surefoot.envs.crossing.world import CrossingWorld
from surefoot.envs.perturbations.base import RandomSource
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.actions import RING

SIZE = 160
"""Width and height of an image in pixels."""

_TRAFFIC = (0.4, 0.7, 1.0, 1.0)
_DELAY = 24
_LONGEST = 6
"""Decision steps of a scene for each moment that is wanted, at most."""


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """What a camera saw, with the questions about it, before anything goes wrong with it.

    Attributes:
        env: ``tabletop`` or ``crossing``.
        view: Name of the viewpoint.
        seed: Seed of the scene.
        moment: Number of the moment in the scene; images of the same seed and moment show the
            same state.
        step: Number of the image in the scene.
        number: Number of the first frame in the scene, for what is drawn by frame.
        frames: One frame, or two exposures of one image.
        asked: Questions with the truth.
        bodies: What the bodies in the (last) frame are, by id, for :func:`~.marks.patches`.
    """

    env: str
    view: str
    seed: int
    moment: int
    step: int
    number: int
    frames: tuple[Frame, ...]
    asked: tuple[LabelledQuestion, ...]
    bodies: Mapping[int, Sequence[str]]

    def marks(self) -> NDArray[np.bool_]:
        """Returns what each patch of the (last) frame shows, see :func:`~.marks.patches`."""
        return patches(self.frames[-1], self.bodies)

    def developed(self, damage: Pipeline | None = None) -> NDArray[np.uint8]:
        """Returns the image, uint8 ``[height, width, 3]``.

        Args:
            damage: What goes wrong with each frame.
        """
        shift = damage or Pipeline()
        found = [
            shift.frame(frame, RandomSource(self.seed, self.view, self.number + i)).rgb
            for i, frame in enumerate(self.frames)
        ]
        return found[0] if len(found) == 1 else expose(found[0], found[1])


def rng_of(env: str, seed: int) -> Random:
    """Returns the source of all that is drawn for the images of a scene."""
    return Random(f"perception:{env}:{seed}")


def tabletop_images(
    simulation: Simulation,
    seed: int,
    views: Sequence[str] | int,
    rng: Random | None = None,
    size: int = SIZE,
) -> list[LabelledImage]:
    """Draws a state of the table and looks at it.

    Args:
        simulation: The world's physics; it is emptied.
        seed: Seed of the things.
        views: Names of viewpoints, or how many to draw.
        rng: Draws the state; :func:`rng_of` the seed by default.
        size: Width and height in pixels.
    """
    rng = rng or rng_of("tabletop", seed)
    scene, held = draw_state(rng, seed)
    world = build(simulation, scene, held, rng)
    facts = facts_of(scene, held)
    asked = with_truth(tabletop_questions(scene), tabletop_truth(scene, facts))
    bodies = tabletop_bodies(world, facts)
    chosen = rng.sample(RING.names, views) if isinstance(views, int) else views
    api, lens = world.simulation.api, Lens(size, size)
    return [
        LabelledImage(
            "tabletop", v, seed, 0, i, i, (render(api, RING.pose(v), lens),), asked, bodies
        )
        for i, v in enumerate(chosen)
    ]


def crossing_images(
    simulation: Simulation,
    seed: int,
    moments: int = 6,
    rng: Random | None = None,
    size: int = SIZE,
    thin: float = 0.6,
    apart: float = 0.0,
) -> Iterator[list[LabelledImage]]:
    """Lets traffic pass and looks from the vehicle now and then, each time in all three views.

    At most moments the vehicle stands before its line; in some scenes it then drives as the
    expert does.

    Args:
        simulation: The world's physics; it is emptied.
        seed: Seed of street and traffic.
        moments: How many moments; fewer if the episode ends before.
        rng: Draws task, traffic and moments; :func:`rng_of` the seed by default.
        size: Width and height in pixels.
        thin: Fraction of the decision steps without a coming car that are passed over; cars come
            in few. With ``apart`` the same, cars are seen as often as they come.
        apart: The same of the steps with a coming car.
    """
    rng = rng or rng_of("crossing", seed)
    task, traffic = rng.choice(TASKS), rng.choice(_TRAFFIC)
    world = CrossingWorld(simulation, draw_scene(task, traffic, seed), seed, size=size)
    stays = rng.random() < 0.75
    moment = 0
    for _ in range(_LONGEST * moments):
        if world.outcome() is not None or world.past() or moment == moments:
            return
        if rng.random() < (apart if coming(world.situation()) else thin):
            perform(world, CrossingAction.STOP if stays else drive(world))
            continue
        images = street_images(
            world, seed, moment, move=not stays and drive(world) != CrossingAction.STOP
        )
        if not images:
            return
        yield images
        moment += 1


def heedless_images(
    simulation: Simulation, seed: int, moments: int = 6, size: int = SIZE
) -> Iterator[list[LabelledImage]]:
    """Looks from a vehicle that drives onto the crossing whatever comes or shows.

    It sees what :func:`crossing_images` never does, such as someone walking on the crossing or a
    car on its way. Street and traffic are those of the same seed there.

    Args:
        simulation: The world's physics; it is emptied.
        seed: Seed of street, traffic and of when the vehicle drives off.
        moments: How many moments, each on the crossing; fewer if it touches something before.
        size: Width and height of an image in pixels.
    """
    rng = rng_of("crossing", seed)
    task, traffic = rng.choice(TASKS), rng.choice(_TRAFFIC)
    world = CrossingWorld(simulation, draw_scene(task, traffic, seed), seed, size=size)
    for _ in range(rng.randrange(_DELAY)):
        world.step(False)
    while not world.over_line() and world.step(True):
        pass
    for moment in range(moments):
        images = street_images(world, seed, moment, move=True)
        if not images:
            return
        yield images


def street_images(
    world: CrossingWorld, seed: int, moment: int = 0, *, move: bool = False
) -> list[LabelledImage]:
    """Takes one decision step and looks meanwhile, in all three views.

    Args:
        world: The street.
        seed: Its seed.
        moment: Number of the moment in the scene.
        move: Whether the vehicle drives in that step.

    Returns:
        The images; none if the vehicle is over the crossing then, or has touched something.
    """
    before: dict[str, Frame] = {}
    world.step(move, halfway=lambda: before.update(_frames(world)))
    if world.outcome() is not None or world.past():
        return []
    truth, over = crossing_truth(world.situation()), world.over_line()
    now, bodies = _frames(world), crossing_bodies(world)
    return [
        LabelledImage(
            "crossing",
            view,
            seed,
            moment,
            3 * moment + i,
            2 * moment,
            (before[view], now[view]),
            with_truth(crossing_questions(view, world.turn, over_line=over), truth),
            bodies,
        )
        for i, view in enumerate(BEARINGS)
    ]


def _frames(world: CrossingWorld) -> dict[str, Frame]:
    return {view: world.look(view) for view in BEARINGS}
