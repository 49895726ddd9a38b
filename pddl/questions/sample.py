"""A part of a state space too large to visit: what is certain all the same.

Nothing is guessed. That something is possible is shown by walking there; that it is
impossible, by the delete relaxation, in which more is possible than in the task. What lies
between is not asked.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Set
from functools import cached_property
from random import Random

from surefoot.pddl.conditions import holds
from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language import Plan, PlanStep
from surefoot.pddl.questions.space import State
from surefoot.pddl.successors import positive_atoms, reachable_actions

_STATES = 48
"""States beside those of the plan that are looked at."""

_WALK = 150
"""Steps of the walk that shows what can still happen."""

_SEARCH = 1500
"""States that a search for the best next action may expand."""


class SampledSpace:
    """States along a plan and near it.

    Args:
        ground: The task.
        plan: A valid plan.
        seed: Seed of the states beside it.
    """

    def __init__(self, ground: GroundTask, plan: Plan, seed: int) -> None:
        self.ground = ground
        self._outs: dict[State, list[tuple[GroundAction, State]]] = {}
        self._ahead: dict[int, tuple[frozenset[int], frozenset[PlanStep]]] = {}
        rng = Random(f"sample {seed} {ground.task.name}")
        self._path = [frozenset(ground.initial)]
        for step in plan.steps:
            self._path.append(after(ground.ground(step), self._path[-1]))
        found = dict.fromkeys(self._path)
        for _ in range(4 * _STATES):
            if len(found) >= len(self._path) + _STATES:
                break
            state = rng.choice(self._path)
            for _ in range(rng.randrange(1, 5)):
                out = self._out(state)
                if not out:
                    break
                state = rng.choice(out)[1]
            found.setdefault(state)
        self.states: tuple[State, ...] = tuple(found)

    def out(self, state: int) -> list[tuple[GroundAction, State]]:
        """Returns the applicable actions of a state with the state after each."""
        return self._out(self.states[state])

    def _out(self, state: State) -> list[tuple[GroundAction, State]]:
        if state not in self._outs:
            self._outs[state] = self._next(state)
        return self._outs[state]

    def _next(self, state: State) -> list[tuple[GroundAction, State]]:
        # all that can be applied is in the relaxation: quicker than a join for each state
        return [(a, after(a, state)) for a in self._relaxed if a.applicable(state)]

    @cached_property
    def _relaxed(self) -> list[GroundAction]:
        return reachable_actions(self.ground)

    def _closure(self, state: Set[int], without: int = -1) -> tuple[set[int], set[PlanStep]]:
        """Facts and actions of the delete relaxation; one fact may be kept from coming true."""
        facts = set(state)
        steps: set[PlanStep] = set()
        waiting = self._relaxed
        while True:
            ready = [a for a in waiting if a.needs <= facts]
            if not ready:
                return facts, steps
            waiting = [a for a in waiting if not a.needs <= facts]
            for a in ready:
                steps.add(a.step)
                facts |= {*a.adds, *(f for e in a.conditional for f in e.adds)} - {without}

    def _walked(self, state: int) -> tuple[frozenset[int], frozenset[PlanStep]]:
        if state not in self._ahead:
            rng = Random(state)
            here = self.states[state]
            facts, steps = set(here), {a.step for a, _ in self._out(here)}
            for _ in range(_WALK):
                out = self._next(here)
                if not out:
                    break
                steps |= {a.step for a, _ in out}
                facts |= {f for _, s in out for f in s}
                new = [s for _, s in out if not s <= facts] or [s for _, s in out]
                here = rng.choice(new)
            self._ahead[state] = frozenset(facts), frozenset(steps)
        return self._ahead[state]

    def facts_ahead(self, state: int) -> tuple[frozenset[int], frozenset[int]]:
        """Returns the facts seen on a walk, and those that the relaxation does not rule out."""
        return self._walked(state)[0], frozenset(self._closure(self.states[state])[0])

    def steps_ahead(self, state: int) -> tuple[frozenset[PlanStep], frozenset[PlanStep]]:
        """Returns the actions seen on a walk, and those that the relaxation does not rule out."""
        return self._walked(state)[1], frozenset(self._closure(self.states[state])[1])

    def landmarks(self, asked: Iterable[int]) -> tuple[frozenset[int], frozenset[int]]:
        """Splits facts: without one the relaxed goal is out of reach; the plan never has one."""
        facts = frozenset(asked)
        seen = {f for s in self._path for f in s}
        goal = {
            self.ground.number(a.predicate, *a.args)
            for a in positive_atoms(self.ground.task.problem.goal)
        }
        sure = frozenset(
            f for f in facts & seen if not goal <= self._closure(self.ground.initial, f)[0]
        )
        return sure, facts - seen

    @cached_property
    def _best(self) -> dict[int, frozenset[PlanStep]]:
        """Best first actions of the last states of the plan, as far back as a search gets."""
        found: dict[int, frozenset[PlanStep]] = {}
        for state in reversed(self._path[:-1]):
            if holds(self.ground.goal, state):
                continue
            steps = self._search(state)
            if steps is None:
                break
            found[self.states.index(state)] = steps
            if len(found) == 6:
                break
        return found

    @property
    def open_states(self) -> list[int]:
        """States whose best next actions are known."""
        return sorted(self._best)

    def best_steps(self, state: int) -> frozenset[PlanStep]:
        """Returns the actions with which an optimal plan from a state can begin."""
        return self._best[state]

    def _search(self, start: State) -> frozenset[PlanStep] | None:
        """First actions of all cheapest ways to the goal (Dijkstra); ``None`` past the limit."""
        first: dict[State, set[PlanStep]] = {start: set()}
        costs = {start: 0.0}
        queue: list[tuple[float, int, State]] = [(0.0, 0, start)]
        best, order, closed = float("inf"), 0, set()
        reached: set[PlanStep] = set()
        while queue and queue[0][0] <= best:
            cost, _, state = heapq.heappop(queue)
            if state in closed:
                continue
            closed.add(state)
            if holds(self.ground.goal, state):
                best = cost
                reached |= first[state]
                continue
            if len(closed) > _SEARCH:
                return None
            for action, following in self._out(state):
                if action.cost <= 0:
                    return None  # a free action could still widen what was closed
                new = cost + action.cost
                if new > costs.get(following, float("inf")):
                    continue
                if new < costs.get(following, float("inf")):
                    costs[following], first[following] = new, set()
                    order += 1
                    heapq.heappush(queue, (new, order, following))
                first[following] |= {action.step} if state == start else first[state]
        return frozenset(reached) if best < float("inf") else None


def after(action: GroundAction, state: Set[int]) -> State:
    """Returns the state after an action."""
    changed = set(state)
    action.apply(changed)
    return frozenset(changed)
