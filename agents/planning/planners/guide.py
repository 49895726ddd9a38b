"""The reference program of each driving task, derived from the rules and from who has to wait."""

from __future__ import annotations

from functools import cache

import numpy as np

from surefoot.agents.planning.base import CROSSING, PlanningContext, ProposedPlan
from surefoot.agents.planning.place import DRIVES, driving_rules, rules_at, way_of
from surefoot.core.chat import ReplyStatus
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.street import LIGHT
from surefoot.envs.crossing.twin import BARS
from surefoot.verification.formulas.propositional import evaluate_boolean, is_propositional
from surefoot.verification.formulas.syntax import Always

ROADS = ("car_from_left", "car_from_right", "opposite_car")
"""Cars of the roads that :data:`~surefoot.envs.crossing.twin.BARS` numbers."""


@cache
def needs(task: str) -> tuple[str, ...]:
    """Returns what must be seen before a task's way is driven, as literals of the rulebook.

    A thing must not be there if driving with only it there breaks a rule, or if it bars the way;
    people always do. Green is needed where driving without it breaks a rule, and for every way
    but to the right.

    Raises:
        InputError: There is no such task.
    """
    way = way_of(task)
    turn = next(t for t, action in DRIVES.items() if action == way)
    lights = task.endswith(LIGHT)
    barred = {"pedestrian", *(ROADS[road] for road in BARS[turn])}
    needed = []
    if lights and (turn is not Turn.RIGHT or _breaks(task, way, set())):
        needed.append("green_light")
    seen = {"green_light"} if lights else {"stop_sign"}
    needed += [
        f"not {name}"
        for name in ("pedestrian", *ROADS)
        if name in barred or _breaks(task, way, seen | {name})
    ]
    return tuple(needed)


def _breaks(task: str, action: str, seen: set[str]) -> bool:
    """Whether an action breaks a rule at once, whatever comes."""
    true = seen | {action}
    for rule in rules_at(task):
        body = rule.formula.child if isinstance(rule.formula, Always) else None
        if body is not None and is_propositional(body):
            columns = {n: np.asarray(n in true) for n in driving_rules().propositions}
            if not bool(evaluate_boolean(body, columns.__getitem__)):
                return True
    return False


def reference_program(task: str) -> str:
    """Returns a program that obeys every rule of its place and reaches the goal.

    Raises:
        InputError: There is no such task.
    """
    return f"stop()\nwait_until({' and '.join(needs(task))})\n{way_of(task)}()\n"


class GuidePlanner:
    """Gives the reference program; it knows crossings only."""

    name = "guide"

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Gives the same program ``k`` times; on the tabletop it gives up."""
        if context.env != CROSSING:
            return [ProposedPlan("", 0.0, self.name, ReplyStatus.GAVE_UP)] * k
        return [ProposedPlan(reference_program(context.task), 1.0, self.name)] * k
