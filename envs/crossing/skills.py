"""Skills of the vehicle; each result is judged from what the vehicle did."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.labels import observe
from surefoot.envs.crossing.world import CrossingWorld
from surefoot.envs.skills import SkillResult, SkillStatus

WAIT_STEPS = 10
"""Decision steps after which ``wait`` ends even if nothing has changed."""


class CrossingAction(IntEnum):
    """The actions, by the numbers of the action space."""

    STOP = 0
    """Brake, and stand for the rest of a decision step."""
    STRAIGHT = 1
    """Drive on for a decision step; at the line: straight over the crossing."""
    LEFT = 2
    """As ``STRAIGHT``, turning left."""
    RIGHT = 3
    """As ``STRAIGHT``, turning right."""
    WAIT = 4
    """Stand until an observation changes, for 10 decision steps at most."""


ACTION_NAMES = tuple(a.name.lower() for a in CrossingAction)
"""Names of the actions in the order of their numbers."""

_TURNS = {
    CrossingAction.STRAIGHT: Turn.STRAIGHT,
    CrossingAction.LEFT: Turn.LEFT,
    CrossingAction.RIGHT: Turn.RIGHT,
}


def perform(world: CrossingWorld, action: CrossingAction) -> SkillResult:
    """Performs an action and logs its result.

    A turn once begun (the front is over the line) is finished whatever is requested; requesting
    another one is a failure, though the vehicle drives on. Past the crossing only
    ``STRAIGHT`` is right.
    """
    began = world.time
    if action in (CrossingAction.STOP, CrossingAction.WAIT):
        _stand(world, action)
        good, reason = world.standing(), "the vehicle still rolls"
    else:
        good, reason = _drive(world, _TURNS[action])
    seconds = world.time - began
    name = f"({action.name.lower()})"
    if world.collided:
        reason = f"collision with {world.log.collisions[0]}"
        result = SkillResult(name, SkillStatus.FAILED, reason, seconds)
    elif good:
        result = SkillResult(name, SkillStatus.DONE, "", seconds)
    else:
        result = SkillResult(name, SkillStatus.FAILED, reason, seconds)
    world.log.results.append(result)
    return result


def _stand(world: CrossingWorld, action: CrossingAction) -> None:
    before = observe(world.situation())
    for _ in range(WAIT_STEPS if action is CrossingAction.WAIT else 1):
        if not world.step(False) or not np.array_equal(before, observe(world.situation())):
            return
        if world.past() and world.standing():
            return


def _drive(world: CrossingWorld, turn: Turn) -> tuple[bool, str]:
    over, past, place = world.over_line(), world.past(), world.place()
    world.step(True, turn)
    if world.place() - place < 0.05:
        return False, "the vehicle did not move"
    if past:
        return turn is Turn.STRAIGHT, "there is no crossing here to turn at"
    if over and turn is not world.turn:
        return False, f"the way {world.turn} was already begun"
    return True, ""
