"""Searches and scripts as planners of the agent: they plan for the likeliest world of a table."""

from __future__ import annotations

from dataclasses import replace

from surefoot.agents.planning.base import TABLETOP, PlanningContext, ProposedPlan
from surefoot.agents.planning.table import places_of, scene_of, task_of
from surefoot.core.chat import ReplyStatus
from surefoot.pddl.compact import compact_plan
from surefoot.pddl.planner import Planner, PlanRequest


class TableSearch:
    """Searches for a plan; boxes that are shut are asked to be shut again at the end.

    Args:
        spec: Its name.
        planner: What solves the tasks, such as Fast Downward.
    """

    def __init__(self, spec: str, planner: Planner) -> None:
        self.name = spec
        self._planner = planner

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Gives the same plan ``k`` times; at a crossing it gives up.

        Raises:
            InputError: The context describes no state.
        """
        if context.env != TABLETOP:
            return [ProposedPlan("", 0.0, self.name, ReplyStatus.GAVE_UP)] * k
        request = PlanRequest(task_of(shutting(context)), seed=seed)
        ((_, reply),) = self._planner.solve([request])
        if reply.plan is None:
            return [ProposedPlan("", 0.0, self.name, reply.status, reply.usage)] * k
        text = compact_plan(reply.plan)
        return [ProposedPlan(text, 1.0, self.name, reply.status, reply.usage)] * k


def shutting(context: PlanningContext) -> PlanningContext:
    """Returns a context whose goal also asks that boxes which are shut be shut at the end.

    Raises:
        InputError: The context describes no state.
    """
    lids = scene_of(context.objects).lids
    _, shut = places_of(context)
    more = (f"(covers {lids[box]} {box})" for box in sorted(shut) if box in lids)
    added = tuple(atom for atom in more if atom not in context.goal)
    return replace(context, goal=(*context.goal, *added))
