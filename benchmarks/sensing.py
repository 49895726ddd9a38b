"""What looking is worth to an eye whose only weakness is that things stand in the way.

    python benchmarks/sensing.py --out runs/sense-eye [--policy 60 --sets 100 --test 150]

No model is asked. Every scene of the table is rendered from every view, and of each block and lid
the pixels that are really to be seen are counted. The eye's evidence on a fact grows with them:
its answer is the posterior of a Gaussian channel whose strength is SHARP times the root of the
share of FULL pixels. Half of its noise is common to all views of a fact, so that looking again
helps less than independent views would. Answers of a single view are calibrated, and an unseen
thing gets equal probabilities. The strategies of ``surefoot sense`` are then compared on these
scenes; what they know of views is learned from scenes of the split ``train``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

import numpy as np

from surefoot.agents.perception.scenes import build, draw_state, draw_task, facts_of
from surefoot.agents.perception.tabletop_facts import tabletop_questions, tabletop_truth
from surefoot.agents.sensing.observation import fit_views
from surefoot.agents.sensing.scenery import VIEWS, StillScene, save_stills
from surefoot.agents.sensing.study import run_study
from surefoot.agents.sensing.study_config import StudyConfig, resolve_study
from surefoot.cli.sense import _print_table
from surefoot.core.seeds import seeds_of
from surefoot.envs.cameras.camera import Lens, render
from surefoot.envs.simulation.client import Simulation
from surefoot.envs.tabletop.actions import RING
from surefoot.results.parallel import usable_cpus

MODEL = "eye by visible pixels"
FULL = 60
"""Pixels of a thing, in a picture of 160 by 160, from which on it is seen as well as can be."""
SHARP = 2.2
"""Strength of the evidence on a thing in full view, in standard deviations of the noise."""


def eye(simulation: Simulation, seed: int) -> StillScene:
    """Renders a scene from every view and answers by what is visible."""
    rng = Random(f"perception:tabletop:{seed}")
    kind = draw_task(Random(f"perception:tabletop:{seed}"), seed).kind
    scene, held = draw_state(rng, seed)
    world = build(simulation, scene, held, rng)
    truth = tabletop_truth(scene, facts_of(scene, held))
    questions = tuple(tabletop_questions(scene))
    noise = np.random.default_rng([seed, 1])
    common = [noise.normal(size=len(q.options)) for q in questions]
    answers = {}
    for view in VIEWS["tabletop"]:
        frame = render(world.simulation.api, RING.pose(view), Lens(160, 160))
        seen = dict(zip(*np.unique(frame.segmentation, return_counts=True), strict=True))
        given = []
        for question, shared in zip(questions, common, strict=True):
            _, _, name = question.fact.partition(":")
            body = world.bodies[scene.lids.get(name, name)]
            sure = SHARP * min(1.0, int(seen.get(body, 0)) / FULL) ** 0.5
            own = noise.normal(size=len(question.options))
            right = np.array([float(o == truth[question.fact]) for o in question.options])
            logits = sure * np.sqrt(0.5) * (shared + own) + sure**2 * right
            odds = np.exp(logits - logits.max())
            given.append(tuple((odds / odds.sum()).tolist()))
        answers[view] = tuple(given)
    return StillScene("tabletop", kind, seed, questions, truth, answers)


def main() -> None:
    """Makes the scenes that are missing, and runs the study."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=int, default=200)
    parser.add_argument("--policy", type=int, default=60)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--test", type=int, default=150)
    parser.add_argument("--workers", type=int, default=usable_cpus())
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    views, stills = given.out / "views.json", given.out / "stills.jsonl"
    seeds = seeds_of("calibration", given.policy + given.sets) + seeds_of("test", given.test)
    if not stills.exists():
        simulation = Simulation()
        known = [eye(simulation, s) for s in seeds_of("train", given.train)]
        fit_views("tabletop", known, MODEL).save(views)
        save_stills(stills, [eye(simulation, s) for s in seeds], model=MODEL)
        simulation.close()
    config = resolve_study(
        StudyConfig(
            env="tabletop",
            stills=str(stills),
            views=str(views),
            policy=given.policy,
            seeds=tuple(seeds),
        )
    )
    done = run_study(config, given.out / "study", workers=given.workers)
    _print_table(done.summary)


if __name__ == "__main__":
    main()
