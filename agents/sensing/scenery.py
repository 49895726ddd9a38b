"""Static scenes, rendered from every view and asked about, for studies of looking.

A model is asked about each image once. What it answered is kept, so that all ways of looking
meet the very same images, and meet them at the cost of a look-up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surefoot.agents.perception.images import (
    SIZE,
    LabelledImage,
    rng_of,
    street_images,
    tabletop_images,
)
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.scenes import draw_task
from surefoot.agents.perception.views import BEARINGS
from surefoot.agents.planning.base import CROSSING, TABLETOP
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.envs.cameras.viewpoints import MotionLimits, angle_between, motion
from surefoot.envs.crossing.skills import CrossingAction, perform
from surefoot.envs.crossing.tasks import TASKS, draw_scene
from surefoot.envs.crossing.world import CrossingWorld
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.actions import RING

VIEWS = {
    CROSSING: tuple(BEARINGS),
    TABLETOP: ("front", *(v for v in RING.names if v != "front")),
}
"""All views of an environment; the first is where the camera rests."""

_TRAFFIC = (0.4, 0.7, 1.0)
_STEPS = (2, 24)
"""Decision steps that the vehicle has stood when it looks around."""

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StillScene:
    """A scene with what a model answered about its image from each view.

    Attributes:
        env: ``crossing`` or ``tabletop``.
        task: The task.
        seed: Seed of the scene; it fixes everything but the answers.
        questions: What was asked, as seen from the first view.
        truth: The true answers.
        answers: By view, for every question the probabilities of its options.
    """

    env: str
    task: str
    seed: int
    questions: tuple[FactQuestion, ...]
    truth: Mapping[str, str] = field(hash=False)
    answers: Mapping[str, tuple[tuple[float, ...], ...]] = field(hash=False)

    @property
    def key(self) -> str:
        """Names it."""
        return f"{self.task}-{self.seed}"

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON data; probabilities have five digits."""
        return {
            "stage": self.env,
            "task": self.task,
            "seed": self.seed,
            "asked": [[q.fact, q.text, list(q.options), q.kind] for q in self.questions],
            "truth": dict(self.truth),
            "answers": {
                view: [[round(p, 5) for p in a] for a in given]
                for view, given in self.answers.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StillScene:
        """Reads what :meth:`to_json` wrote."""
        questions = tuple(FactQuestion(f, t, tuple(o), k) for f, t, o, k in data["asked"])
        answers = {v: tuple(map(tuple, given)) for v, given in data["answers"].items()}
        return cls(data["stage"], data["task"], data["seed"], questions, data["truth"], answers)


@dataclass(frozen=True, eq=False)
class UnaskedScene:
    """A scene before a model has been asked about it.

    Attributes:
        env: The environment.
        task: The task.
        seed: The seed.
        truth: The true answers.
        images: By view the image and its questions.
    """

    env: str
    task: str
    seed: int
    truth: Mapping[str, str]
    images: Mapping[str, tuple[Rgb, tuple[FactQuestion, ...]]]

    def asked(self, perceiver: Perceiver) -> StillScene:
        """Asks a model about every image.

        Raises:
            HarnessError: The model could not be asked.
        """
        given = {
            view: tuple(
                tuple(np.asarray(a, np.float64).tolist())
                for a in perceiver.ask(rgb, list(questions))
            )
            for view, (rgb, questions) in self.images.items()
        }
        first = next(iter(self.images.values()))[1]
        return StillScene(self.env, self.task, self.seed, first, self.truth, given)


def render_scene(
    simulation: Simulation,
    env: str,
    seed: int,
    shift: Pipeline | None = None,
    *,
    views: int = 0,
    size: int = SIZE,
) -> UnaskedScene:
    """Draws a scene and takes its image from every view.

    Args:
        simulation: Physics to use; it is emptied.
        env: ``crossing``: the vehicle stands at its line, at some moment of the traffic.
            ``tabletop``: a state that episodes pass through, with the task's goal.
        seed: Seed of everything.
        shift: What goes wrong with every image.
        views: How many views of the table, drawn; all if 0.
        size: Width and height in pixels.

    Raises:
        InputError: There is no such environment.
    """
    if env not in VIEWS:
        raise InputError(f"unknown environment '{env}'; there are {', '.join(VIEWS)}")
    shift = shift or Pipeline()
    if env == CROSSING:
        return _crossing(simulation, seed, shift, size)
    return _tabletop(simulation, seed, shift, views or len(VIEWS[TABLETOP]), size)


def _tabletop(
    simulation: Simulation, seed: int, shift: Pipeline, views: int, size: int
) -> UnaskedScene:
    chosen = Random(f"sensing:views:{seed}").sample(VIEWS[TABLETOP], views)
    ordered = [view for view in VIEWS[TABLETOP] if view in chosen]
    images = tabletop_images(simulation, seed, ordered, size=size)
    return _unasked(images, draw_task(rng_of(TABLETOP, seed), seed).kind, shift)


def _crossing(simulation: Simulation, seed: int, shift: Pipeline, size: int) -> UnaskedScene:
    rng = Random(f"sensing:crossing:{seed}")
    task = rng.choice(TASKS)
    world = CrossingWorld(simulation, draw_scene(task, rng.choice(_TRAFFIC), seed), seed, size=size)
    for _ in range(rng.randint(*_STEPS)):
        perform(world, CrossingAction.STOP)
    return _unasked(street_images(world, seed), task, shift)


def _unasked(images: Sequence[LabelledImage], task: str, shift: Pipeline) -> UnaskedScene:
    first = images[0]
    truth = {a.question.fact: a.truth for a in first.asked}
    by_view = {i.view: (i.developed(shift), tuple(a.question for a in i.asked)) for i in images}
    return UnaskedScene(first.env, task, first.seed, truth, by_view)


@cache
def apart(env: str, first: str, second: str) -> float:
    """Returns the angle between two views in degrees.

    Raises:
        InputError: There is no such view.
    """
    if env == CROSSING:
        for view in (first, second):
            if view not in BEARINGS:
                raise InputError(f"no view '{view}'; there are {', '.join(BEARINGS)}")
        return abs(BEARINGS[first] - BEARINGS[second])
    a, b = RING.pose(first), RING.pose(second)
    lines = [np.subtract(pose.eye, pose.target) for pose in (a, b)]
    return float(np.degrees(angle_between(lines[0], lines[1])))


@cache
def seconds_between(first: str, second: str) -> float:
    """Returns the seconds that the camera over the table takes from one viewpoint to another."""
    goal = motion(RING.pose(first), RING.pose(second), RING.centre, MotionLimits())
    return goal.seconds


def save_stills(path: Path, stills: Iterable[StillScene], **head: Any) -> None:
    """Writes scenes in one go, one per line, under a header line."""
    lines = [json.dumps(head), *(json.dumps(s.to_json()) for s in stills)]
    write_atomic(path, "\n".join(lines) + "\n")


def load_stills(path: Path) -> tuple[dict[str, Any], list[StillScene]]:
    """Reads what :func:`save_stills` wrote: the first line, and the scenes.

    Raises:
        InputError: It cannot be read.
    """
    try:
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        return json.loads(head), [StillScene.from_json(json.loads(row)) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"not a file of scenes: {error}", file=str(path)) from None


def digest(stills: Sequence[StillScene]) -> str:
    """Returns a hash of scenes and answers."""
    found = hashlib.sha256()
    for still in stills:
        found.update(json.dumps(still.to_json(), sort_keys=True).encode())
    return found.hexdigest()
