"""Baselines without a model: random applicable actions, and hill climbing on the goal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from time import perf_counter

from surefoot.core.chat import ReplyStatus, Usage
from surefoot.models.options import ModelOptions
from surefoot.pddl.conditions import holds
from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language import Plan, PlanStep
from surefoot.pddl.planner import PlanReply, PlanRequest
from surefoot.pddl.successors import StateView

MAX_STEPS = 200
"""Steps after which a baseline stops; its plan then fails at the goal."""

Choice = Callable[
    [GroundTask, set[int], list[GroundAction], set[frozenset[int]], Random], GroundAction | None
]


class ScriptedPlanner:
    """A baseline that walks through the states.

    Args:
        name: ``random`` or ``greedy``.
    """

    reads_text = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._choice: Choice = _random if name == "random" else _greedy

    def solve(self, requests: Sequence[PlanRequest]) -> Iterator[tuple[int, PlanReply]]:
        """Walks until the goal holds, no action is left, or the step limit is reached."""
        for i, request in enumerate(requests):
            start = perf_counter()
            steps = self._walk(request)
            usage = Usage(seconds=perf_counter() - start, cost=0.0)
            yield i, PlanReply(ReplyStatus.ANSWERED, "", Plan(tuple(steps)), usage)

    def _walk(self, request: PlanRequest) -> list[PlanStep]:
        ground = GroundTask(request.task)
        rng = Random(request.seed)
        state = set(ground.initial)
        seen = {frozenset(state)}
        steps: list[PlanStep] = []
        while len(steps) < MAX_STEPS and not holds(ground.goal, state):
            actions = list(StateView(ground, state).actions())
            action = self._choice(ground, state, actions, seen, rng)
            if action is None:
                break
            action.apply(state)
            seen.add(frozenset(state))
            steps.append(action.step)
        return steps


def _random(
    ground: GroundTask,
    state: set[int],
    actions: list[GroundAction],
    seen: set[frozenset[int]],
    rng: Random,
) -> GroundAction | None:
    return rng.choice(actions) if actions else None


def _greedy(
    ground: GroundTask,
    state: set[int],
    actions: list[GroundAction],
    seen: set[frozenset[int]],
    rng: Random,
) -> GroundAction | None:
    """Takes the action after which most goals hold, among those that lead somewhere new."""
    rng.shuffle(actions)
    best: GroundAction | None = None
    score = -1.0
    for action in actions:
        after = set(state)
        action.apply(after)
        if frozenset(after) in seen:
            continue
        reached = ground.goal_fraction(after)
        if reached > score:
            best, score = action, reached
    return best


def make(argument: str, options: ModelOptions) -> ScriptedPlanner:
    """Makes the baseline of a name; it has no settings."""
    return ScriptedPlanner(argument)
