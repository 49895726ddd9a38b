"""The 2 x 2 injection: are the two uncertainties distinguished?

Images are damaged or not, plans are damaged or not. In each cell u_p should predict misperception
and u_d bad plans; how well either predicts the other is cross-talk, an AUROC of .5 for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from surefoot.agents.belief import SceneBelief
from surefoot.agents.environments.bank import BankedView
from surefoot.agents.environments.driving import driving_context
from surefoot.agents.guarantees import AgentCalibration
from surefoot.agents.perception.crossing_facts import crossing_questions
from surefoot.agents.planning.judge import judge
from surefoot.agents.planning.registry import make as make_planner
from surefoot.calibration.metrics.probability import auroc
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.tasks import instruction_of

SPOILED = 0.5
"""Probability that a good plan is corrupted in the cells with damaged plans."""


def cell_cases(
    snaps: Sequence[BankedView],
    calibration: AgentCalibration,
    planner: str,
    n: int,
    *,
    spoiled: bool,
    seed: int,
) -> list[dict[str, Any]]:
    """Returns scores and truths of ``n`` cases: one look ahead, one plan.

    Args:
        snaps: Images with answers, all damaged or none.
        calibration: Gives u_p and u_d.
        planner: The planner.
        n: Cases.
        spoiled: Whether plans are damaged.
        seed: Seed of the choice.
    """
    fronts = [s for s in snaps if s.view == "front" and "light" in s.truth]
    chosen: Sequence[BankedView] = Random(f"injection:{seed}").sample(fronts, min(n, len(fronts)))
    proposing = make_planner(f"damaged={SPOILED}:{planner}" if spoiled else planner)
    cases = []
    for number, snap in enumerate(chosen):
        belief = SceneBelief(calibration)
        questions = crossing_questions("front", Turn(snap.task.partition("-at-")[0]))
        questions = [
            q for q in questions if q.fact in ("light", "stop_sign", "pedestrian", "opposite_car")
        ]
        belief.add("front", questions, [np.array(snap.answers[q.fact]) for q in questions])
        likeliest = belief.likeliest()
        context = driving_context(snap.task, instruction_of(snap.task), likeliest, {}, ())
        offer = proposing.propose(context, 1, seed * 100_000 + number)[0]
        plans = calibration.plans
        cases.append(
            {
                "u_p": min(belief.u_p(f) for f in likeliest),
                "u_d": float(plans.u_d([offer.confidence])[0]) if plans else offer.confidence,
                "misperceived": any(snap.truth[f] != o for f, o in likeliest.items()),
                "bad_plan": not judge(context, offer.text).good,
            }
        )
    return cases


def cross_talk(cells: dict[str, list[dict[str, Any]]], seed: int = 0) -> dict[str, Any]:
    """Returns how well each score predicts each failure, over all cells, and the rates by cell."""
    cases = [c for found in cells.values() for c in found]
    table: dict[str, Any] = {"cells": {}, "auroc": {}}
    for name, found in cells.items():
        table["cells"][name] = {
            "n": len(found),
            **{
                key: round(float(np.mean([c[key] for c in found])), 4)
                for key in ("u_p", "u_d", "misperceived", "bad_plan")
                if found
            },
        }
    for score in ("u_p", "u_d"):
        for failure in ("misperceived", "bad_plan"):
            values = np.array([c[score] for c in cases])
            failed = np.array([c[failure] for c in cases], np.bool_)
            table["auroc"][f"{score} {failure}"] = (
                auroc(values, ~failed, seed=seed).to_json()
                if failed.any() and not failed.all()
                else None
            )
    return table
