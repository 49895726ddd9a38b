"""The numbered actions of an episode, the same in the simulator and in its symbolic twin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surefoot.envs.cameras.viewpoints import Ring
from surefoot.envs.tabletop.motions import DIRECTIONS
from surefoot.envs.tabletop.state import Facts, push_needs
from surefoot.envs.tabletop.tasks import TabletopTask
from surefoot.pddl import GroundTask
from surefoot.pddl.language import PlanStep
from surefoot.pddl.successors import reachable_actions

MAX_ACTIONS = 256
"""Size of the action space; no task has more (the largest has 195)."""

RING = Ring((0.48, 0.0, 0.0), 0.95)
"""The viewpoints around the table; the centre in metres, world frame."""


@dataclass(frozen=True)
class Actions:
    """The actions of one instance of a task.

    First come the ground actions of the planning task, then ``(home)``, ``(look V)`` for every
    viewpoint and ``(push B D)`` for every block and direction.

    Attributes:
        instance: The instance.
        ground: Its planning task.
        steps: The actions, by number.
    """

    instance: TabletopTask
    ground: GroundTask
    steps: tuple[PlanStep, ...]

    @staticmethod
    def of(instance: TabletopTask) -> Actions:
        """Numbers the actions of an instance."""
        ground = GroundTask(instance.task)
        steps = [a.step for a in reachable_actions(ground)]
        steps = sorted((s for s in steps if len(set(s.args)) == len(s.args)), key=str)
        steps.append(PlanStep("home", ()))
        steps += [PlanStep("look", (viewpoint,)) for viewpoint in RING.names]
        blocks = [b.name for b in instance.scene.blocks]
        steps += [PlanStep("push", (block, d)) for block in blocks for d in DIRECTIONS]
        assert len(steps) <= MAX_ACTIONS
        return Actions(instance, ground, tuple(steps))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The actions as text, by number."""
        return tuple(map(str, self.steps))

    def number(self, step: PlanStep) -> int:
        """Returns the number of an action.

        Raises:
            ValueError: There is no such action.
        """
        return self.steps.index(step)

    def mask(self, facts: Facts) -> NDArray[np.int8]:
        """Returns 1 for every action whose precondition holds, ``[MAX_ACTIONS]``."""
        state = {self.ground.number(f.predicate, *f.args) for f in facts}
        mask = np.zeros(MAX_ACTIONS, np.int8)
        for i, step in enumerate(self.steps):
            mask[i] = self._applicable(step, facts, state)
        return mask

    def _applicable(self, step: PlanStep, facts: Facts, state: set[int]) -> bool:
        if step.action in ("home", "look"):
            return True
        if step.action == "push":
            return not push_needs(step.args[0], facts)
        return self.ground.ground(step).applicable(state)
