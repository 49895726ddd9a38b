"""A planner that is asked once, for studies in which many ways of acting meet the same scene."""

from __future__ import annotations

from dataclasses import replace

from surefoot.agents.planning.base import AgentPlanner, PlanningContext, ProposedPlan
from surefoot.agents.planning.planners.guide import GuidePlanner
from surefoot.agents.planning.planners.search import TableSearch

MOST = 2000
"""Proposals that are kept; when there are more, all are forgotten."""


class CachedPlanner:
    """Asks a planner once for every context and seed.

    Args:
        planner: The planner.
        seeded: Whether the seed counts; else every context is answered as for seed 0.
    """

    def __init__(self, planner: AgentPlanner, *, seeded: bool = False) -> None:
        self.name = planner.name
        self._planner, self._seeded = planner, seeded
        self._plain = isinstance(planner, GuidePlanner | TableSearch)
        self._cache: dict[tuple[object, ...], list[ProposedPlan]] = {}

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Returns what it proposed the first time."""
        draw = seed if self._seeded else 0
        # Contexts are equal by all that they hold, but their hash leaves out the world.
        asked = replace(context, undecided={}) if self._plain else context
        key = asked, tuple(sorted(context.world.items())), k, draw
        if key not in self._cache:
            if len(self._cache) >= MOST:
                self._cache.clear()
            self._cache[key] = self._planner.propose(context, k, draw)
        return self._cache[key]
