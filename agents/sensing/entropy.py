"""The next best view: the one expected to be most informative about what matters, per second."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from surefoot.agents.sensing.observation import ViewModel, entropy
from surefoot.agents.sensing.strategies import LookState

LEAST = 0.04
"""Bits below which a view is not expected to be informative; tables learned from a few hundred
scenes promise about half of that at random."""

READING = 1.0
"""Seconds that a look counts for beside the motion: to expose, to ask the model, to judge the plan
again. Without them the nearest view is nearly always the best bargain, however little it shows."""

_Measure = Callable[[LookState, str, str], float]


class ByEntropy:
    """The view with the greatest expected loss of entropy per second.

    Facts count by how much the verdict depends on them (their weight in
    :attr:`LookState.matters`), so that what is unknown but does not matter is not looked for. In a
    static world, a view that was taken already adds nothing new.

    Args:
        views: How informative views are.
    """

    name = "entropy"

    def __init__(self, views: ViewModel) -> None:
        self._views = views

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """Returns the view, ``None`` if none is expected to give more than :data:`LEAST` bits."""
        found = [self.gains(scene, v) for v in scene.views]
        rates = [g / (c + READING) for (g, _), c in zip(found, scene.costs, strict=True)]
        best = int(np.argmax(rates))
        return scene.views[best] if found[best][1] > LEAST else None

    def gains(self, scene: LookState, view: str) -> tuple[float, float]:
        """Returns the bits that a view is expected to give: of all facts, and the most of one.

        Facts are weighed as the class says; the most of a single one is not.
        """
        gains_by_fact = [self._gain(scene, view, fact) for fact in scene.matters]
        return sum(_weighed(scene, view, self._gain)), max(gains_by_fact, default=0.0)

    def _gain(self, scene: LookState, view: str, fact: str) -> float:
        question, belief = scene.belief.questions[fact], scene.belief.belief(fact)
        after = self._views.expected_entropy(question, belief, view, scene.belief.seen(fact))
        return entropy(belief) - after


class BySetSize:
    """The view with the greatest expected loss of options in the facts' sets, per second.

    The baseline of :class:`ByEntropy`. Early, when no single view can empty a set, all views look
    alike to it; then any one is drawn.

    Args:
        views: How informative views are.
    """

    name = "set-size"

    def __init__(self, views: ViewModel) -> None:
        self._views = views

    def choose(self, scene: LookState, rng: Random) -> str | None:
        """Returns the view; ``None`` once all were taken."""
        fresh = scene.unseen
        if not fresh:
            return None
        costs = dict(zip(scene.views, scene.costs, strict=True))
        rates = [
            round(sum(_weighed(scene, v, self._gain)) / (costs[v] + READING), 9) for v in fresh
        ]
        best = max(rates)
        return rng.choice([v for v, r in zip(fresh, rates, strict=True) if r == best])

    def _gain(self, scene: LookState, view: str, fact: str) -> float:
        calibration = scene.belief.calibration
        question, belief = scene.belief.questions[fact], scene.belief.belief(fact)
        joint = self._views.joint(question, belief, view, scene.belief.seen(fact))
        chances = joint.sum(axis=0)
        now = calibration.members(question.kind, belief, scene.alpha, looking=True).sum()
        later = 0.0
        for chance, column in zip(chances, joint.T, strict=True):
            if chance > 1e-6:
                inside = calibration.members(
                    question.kind, column / chance, scene.alpha, looking=True
                )
                later += chance * inside.sum()
        return float(now - later)


def _weighed(scene: LookState, view: str, measure: _Measure) -> list[float]:
    total = sum(scene.matters.values())
    return [
        (bits / total if total > 0 else 1 / len(scene.matters)) * measure(scene, view, fact)
        for fact, bits in scene.matters.items()
    ]
