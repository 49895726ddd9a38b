"""Images of the crossing indexed by what they show, for the twin, which cannot render.

The twin knows the driver's observations and nothing of where cars are. What the camera would show
is drawn from a bank of moments of the simulated crossing, with lights or with signs as in the task,
in which the same observations held: all three views of one moment if the bank has one with all of
them, else for each view a moment that agrees in everything that the view can show, else for each
fact an image that agrees in it. The way that the vehicle is to take may differ; that someone is on
*its* way is among the observations. What a model answered about every image is kept beside it, so
that a study asks each image once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random

from surefoot.agents.perception.crossing_facts import LIGHT
from surefoot.agents.perception.images import crossing_images, heedless_images, rng_of
from surefoot.agents.perception.perceiver import Perceiver
from surefoot.agents.perception.questions import Answers
from surefoot.agents.perception.views import BEARINGS
from surefoot.agents.planning.base import CROSSING
from surefoot.core.errors import InputError
from surefoot.core.files import write_atomic
from surefoot.envs.crossing.tasks import TASKS
from surefoot.envs.perturbations.pipeline import Pipeline
from surefoot.envs.simulation.client import Simulation

SHOWN = {
    "front": (LIGHT, "stop_sign", "opposite_car", "pedestrian"),
    "left": ("car_from_left", "pedestrian"),
    "right": ("car_from_right", "pedestrian"),
}
"""Facts that a view can show."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BankedView:
    """One view of one moment.

    Attributes:
        task: The task of the scene that it is from.
        seed: Its seed.
        moment: Number of the moment.
        view: The view.
        truth: True answers; without light and sign if the vehicle was on the crossing.
        answers: What the model said, the probabilities of each fact's options.
    """

    task: str
    seed: int
    moment: int
    view: str
    truth: Mapping[str, str] = field(hash=False)
    answers: Mapping[str, tuple[float, ...]] = field(hash=False)


class ViewBank:
    """Moments by what they show.

    Args:
        snaps: Images with answers.
        model: Identity of the model that answered.
        shift: What was wrong with the images, as text.
    """

    def __init__(self, snaps: Iterable[BankedView], model: str, shift: str) -> None:
        self.snaps = tuple(snaps)
        self.model, self.shift = model, shift
        self._whole: dict[Key, list[dict[str, BankedView]]] = defaultdict(list)
        self._views: dict[Key, list[BankedView]] = defaultdict(list)
        self._facts: dict[Key, list[BankedView]] = defaultdict(list)
        moments: dict[tuple[str, int, int], dict[str, BankedView]] = defaultdict(dict)
        for snap in self.snaps:
            moments[snap.task, snap.seed, snap.moment][snap.view] = snap
            self._views[_view_key(snap.view, snap.task, snap.truth)].append(snap)
            for fact, option in snap.truth.items():
                self._facts[snap.view, _place(snap.truth), fact, option].append(snap)
        for views in moments.values():
            if len(views) == len(BEARINGS):
                first = views["front"]
                self._whole[_key(first.task, first.truth)].append(views)

    def draw(self, task: str, truth: Answers, rng: Random) -> dict[str, BankedView]:
        """Returns an image of every view that shows what is true.

        Args:
            task: The task.
            truth: The twin's answers to what is asked now.
            rng: Chooses among those that fit.

        Raises:
            InputError: The bank has no image of that; it must be made larger.
        """
        whole = self._whole.get(_key(task, truth))
        if whole:
            return rng.choice(whole)
        found: dict[str, BankedView] = {}
        for view in BEARINGS:
            fitting = self._views.get(_view_key(view, task, truth))
            found[view] = (
                rng.choice(fitting) if fitting else self._put_together(view, task, truth, rng)
            )
        return found

    def _put_together(self, view: str, task: str, truth: Answers, rng: Random) -> BankedView:
        """Takes what was said of each fact from an image in which that fact is as it should be."""
        answers: dict[str, tuple[float, ...]] = {}
        for fact, option in truth.items():
            fitting = self._facts.get((view, _place(truth), fact, option))
            if not fitting:
                raise InputError(
                    f"the bank has no picture of the view '{view}' {_place(truth)} with {fact}: "
                    f"{option}; fill it from more seeds"
                )
            answers[fact] = rng.choice(fitting).answers[fact]
        return BankedView(task, -1, -1, view, dict(truth), answers)

    def save(self, path: Path) -> None:
        """Writes the bank in one go, one line per image."""
        head = {"model": self.model, "shift": self.shift}
        lines = [json.dumps(head)]
        lines += [
            json.dumps(
                [
                    s.task,
                    s.seed,
                    s.moment,
                    s.view,
                    dict(s.truth),
                    {f: [round(p, 5) for p in a] for f, a in s.answers.items()},
                ]
            )
            for s in self.snaps
        ]
        write_atomic(path, "\n".join(lines) + "\n")

    @classmethod
    def load(cls, path: Path) -> ViewBank:
        """Reads a bank.

        Raises:
            InputError: It cannot be read.
        """
        try:
            head, *rows = path.read_text(encoding="utf-8").splitlines()
            header = json.loads(head)
            snaps = [
                BankedView(
                    task, seed, moment, view, truth, {f: tuple(a) for f, a in answers.items()}
                )
                for task, seed, moment, view, truth, answers in map(json.loads, rows)
            ]
            return cls(snaps, header["model"], header["shift"])
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"not a bank of pictures: {error}", file=str(path)) from None


def fill(
    simulation: Simulation,
    seeds: Iterable[int],
    perceiver: Perceiver,
    damage: Callable[[int, int], Pipeline],
    moments: int = 8,
) -> Iterator[BankedView]:
    """Looks at many moments of simulated crossings and asks a model about each image.

    Each scene is passed twice, once by a driver who heeds the rules or stays, once by one who
    drives on whatever comes: else the bank would lack what only the second one sees.

    Args:
        simulation: Physics to use.
        seeds: Seeds of scenes.
        perceiver: The model.
        damage: From seed and moment to what goes wrong with its images.
        moments: Moments of a scene in each passage, at most.
    """
    for seed in seeds:
        task = rng_of(CROSSING, seed).choice(TASKS)  # as both draw it first
        passages = (
            crossing_images(simulation, seed, moments, thin=0.5),
            heedless_images(simulation, seed, moments),
        )
        for moment, images in enumerate(chain.from_iterable(passages)):
            for image in images:
                questions = [a.question for a in image.asked]
                rgb = image.developed(damage(seed, moment))
                answers = perceiver.ask(rgb, questions)
                yield BankedView(
                    task,
                    seed,
                    moment,
                    image.view,
                    {a.question.fact: a.truth for a in image.asked},
                    {q.fact: tuple(a.tolist()) for q, a in zip(questions, answers, strict=True)},
                )


def _kind(task: str) -> str:
    return task.rpartition("-")[2]


def _key(task: str, truth: Answers) -> Key:
    return (_kind(task), *(f"{f}={truth[f]}" for f in sorted(truth)))


def _view_key(view: str, task: str, truth: Answers) -> Key:
    shown = (f"{f}={truth[f]}" for f in SHOWN[view] if f in truth)
    return (view, _kind(task) if view == "front" else "", _place(truth), *shown)


def _place(truth: Answers) -> str:
    return "at the line" if LIGHT in truth else "on the crossing"
