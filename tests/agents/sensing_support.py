"""Scenes with the answers of an imperfect eye instead of a model's, at no cost."""

from __future__ import annotations

from random import Random

import numpy as np

from surefoot.agents.environments.bank import SHOWN
from surefoot.agents.perception.crossing_facts import LIGHT, crossing_questions
from surefoot.agents.perception.questions import FactQuestion
from surefoot.agents.perception.scenes import draw_state, facts_of
from surefoot.agents.perception.tabletop_facts import tabletop_questions, tabletop_truth
from surefoot.agents.sensing.scenery import VIEWS, StillScene
from surefoot.calibration.arrays import Floats
from surefoot.core.seeds import seeds_of
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.tasks import TASKS

MODEL = "synthetic"


def eye(question: FactQuestion, truth: str, sure: float, rng: Random) -> tuple[float, ...]:
    """Draws evidence whose posterior, with all options as likely, is the answer: calibrated."""
    noise = np.array([rng.gauss(0, 1) for _ in question.options])
    logits = sure * noise + sure**2 * np.array([float(o == truth) for o in question.options])
    answer: Floats = np.exp(logits - logits.max())
    return tuple((answer / answer.sum()).tolist())


def crossing_still(seed: int, sure: float = 2.5) -> StillScene:
    """At a crossing each view shows what it can show, and nothing of the rest."""
    rng = Random(f"synthetic:crossing:{seed}")
    task = rng.choice(TASKS)
    questions = tuple(crossing_questions("front", Turn(task.partition("-at-")[0])))
    lights = task.endswith(LIGHT)
    truth = {}
    for q in questions:
        truth[q.fact] = rng.choice(q.options)
    truth[LIGHT] = rng.choice(questions[0].options[:3]) if lights else "no light"
    truth["stop_sign"] = "no" if lights else "yes"
    answers = {
        view: tuple(
            eye(q, truth[q.fact], sure if q.fact in SHOWN[view] else 0.05, rng) for q in questions
        )
        for view in VIEWS["crossing"]
    }
    return StillScene("crossing", task, seed, questions, truth, answers)


def tabletop_still(seed: int, sure: float = 2.0) -> StillScene:
    """On a table each fact is seen well from one half of the ring and badly from the other."""
    rng = Random(f"perception:tabletop:{seed}")
    scene, held = draw_state(rng, seed)
    truth = tabletop_truth(scene, facts_of(scene, held))
    questions = tuple(tabletop_questions(scene))
    kind = draw_kind(seed)
    noise = Random(f"synthetic:tabletop:{seed}")
    answers = {
        view: tuple(
            eye(q, truth[q.fact], sure * (2.0 if "back" in view else 0.4), noise) for q in questions
        )
        for view in VIEWS["tabletop"]
    }
    return StillScene("tabletop", kind, seed, questions, truth, answers)


def draw_kind(seed: int) -> str:
    from surefoot.agents.perception.scenes import draw_task

    return draw_task(Random(f"perception:tabletop:{seed}"), seed).kind


def stills(env: str, split: str, n: int, start: int = 0) -> list[StillScene]:
    make = crossing_still if env == "crossing" else tabletop_still
    return [make(seed) for seed in seeds_of(split, n, start)]
