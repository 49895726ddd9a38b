"""A planner whose plans are spoiled at a known rate, to see whether it is noticed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from surefoot.agents.planning.base import CROSSING, AgentPlanner, PlanningContext, ProposedPlan
from surefoot.agents.planning.judge import judge
from surefoot.agents.planning.place import DRIVES, way_of
from surefoot.agents.planning.reading import plan_text, read_steps
from surefoot.core.chat import ReplyStatus
from surefoot.core.errors import InputError
from surefoot.pddl.compact import compact_plan
from surefoot.pddl.language import Plan

_GUARD = re.compile(
    r"( and )?(not )?\b(green_light|pedestrian|opposite_car|car_from_left|"
    r"car_from_right)\b( and )?"
)


class DamagedPlanner:
    """Spoils sound plans of another planner.

    A guard is left out or a forbidden step put in, whichever is drawn first of those that break a
    rule for sure. Plans that are not good as they are stay as they are.

    Args:
        rate: Chance, in [0, 1], that a good plan is spoiled.
        inner: The planner.
    """

    def __init__(self, rate: float, inner: AgentPlanner) -> None:
        if not 0 <= rate <= 1:
            raise InputError(f"the rate of damage must lie in [0, 1], not {rate}")
        self.name = f"damaged={rate:g}:{inner.name}"
        self._rate = rate
        self._inner = inner

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Asks the other planner; a spoiled plan is rated anew if that planner can rate.

        Raises:
            InputError: The context cannot be used.
        """
        rng = Random(f"damage:{seed}:{self._rate}")
        made = []
        for candidate in self._inner.propose(context, k, seed):
            hit = rng.random() < self._rate
            if hit and candidate.status is ReplyStatus.ANSWERED:
                text = spoil(context, candidate.text, rng)
                rated = getattr(self._inner, "confidences", None)
                sure = rated(context, [text])[0] if rated is not None else candidate.confidence
                candidate = replace(candidate, text=text, confidence=sure)
            made.append(replace(candidate, source=self.name))
        return made


def spoil(context: PlanningContext, text: str, rng: Random) -> str:
    """Returns a plan that breaks a rule, made of a good one; others come back as they are.

    Raises:
        InputError: The context cannot be used.
    """
    if not judge(context, text).good:
        return text
    changes = list(_changes(context, text))
    rng.shuffle(changes)
    for changed in changes:
        found = judge(context, changed)
        if found.readable and found.broken:
            return changed
    return text


def _changes(context: PlanningContext, text: str) -> Iterator[str]:
    if context.env == CROSSING:
        plan = plan_text(text)
        for match in _GUARD.finditer(plan):
            joint = " and " if match[1] and match[4] else ""
            left = plan[: match.start()] + joint + plan[match.end() :]
            yield left.replace("()", "(True)") if "wait_until()" in left else left
        yield from (f"{action}()\n{plan}" for action in (way_of(context.task), *DRIVES.values()))
        return
    steps = read_steps(text).steps
    for i in range(len(steps)):
        yield compact_plan(Plan((*steps[:i], *steps[i + 1 :])))
        yield compact_plan(Plan((*steps[: i + 1], steps[i], *steps[i + 1 :])))
